//! What a bridge is told to do: plain typed values, no file format.
//!
//! Every field says its meaning, its unit, its default and the reason. [`Config::check`] finds what
//! only several fields together show, and names the key as the configuration file writes it.

mod ae;
mod check;
mod forward;
mod limits;
mod mpps;
mod origin;
mod pattern;
mod postdicom;
mod pull;
mod query;
mod retrieve;
mod route;
mod worklist;

pub use dataset::identifier::OnUnmappable;

pub use self::{
    ae::{Peer, PeerAddress, ServedAe, Service, Services, UnknownPeers},
    check::ConfigError,
    forward::{BackOff, Breaker, Forward},
    limits::{Drain, Limits, Timers},
    mpps::{MissingBirthDate, Mpps, MppsRequirements, MppsSink, MppsSinkKind},
    origin::{Duplicate, Origin},
    pattern::{InvalidPattern, Pattern},
    postdicom::{Narrowing, PostDicom},
    pull::{Pull, PullMethod},
    query::{PeerQuery, Query, Relational, UnsupportedKeys, WarnFf01},
    retrieve::{PeerRetrieve, Retrieve},
    route::{Acknowledge, Match, Route, Unrouted},
    worklist::{
        Discontinued, Equipment, MissingStart, Unassigned, Worklist, WorklistFallback, WorklistSource,
        WorklistSourceKind,
    },
};

/// Everything that the bridge decides by. A running bridge gets another one by
/// [`Bridge::reload`](crate::Bridge::reload).
#[derive(Debug, Clone)]
pub struct Config {
    /// AE titles that are served. Default: `DIMSEWAY`. A call for another title is rejected with
    /// called-AE-title-not-recognized (PS3.8 §9.3.4).
    pub served: Vec<ServedAe>,
    /// DIMSE peers that are known. Default: none.
    pub peers: Vec<Peer>,
    /// What a calling AE title gets that no peer has. Default: reject, since a wrong title is the
    /// only thing that tells a stranger from a modality.
    pub unknown_peers: UnknownPeers,
    /// Limits on associations, connections and memory.
    pub limits: Limits,
    /// Timers of associations.
    pub timers: Timers,
    /// DICOMweb origin servers.
    pub origins: Vec<Origin>,
    /// Routes in order of precedence. Default: none, which sends everything to the only origin.
    pub routes: Vec<Route>,
    /// What happens to an instance that no route matches. Default: hold.
    pub unrouted: Unrouted,
    /// How deliveries are made.
    pub forward: Forward,
    /// What is brought back from origins. Default: nothing.
    pub pulls: Vec<Pull>,
    /// How C-FIND is answered, and from which origins.
    pub query: Query,
    /// How C-MOVE and C-GET are carried out.
    pub retrieve: Retrieve,
    /// What is accepted of Modality Performed Procedure Steps and where they go on to. Default: none, and then
    /// no AE title offers the SOP Class.
    pub mpps: Option<Mpps>,
    /// Where the worklist comes from, and how it is answered.
    pub worklist: Worklist,
    /// How the bridge stops.
    pub drain: Drain,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            served: vec![ServedAe::default()],
            peers: Vec::new(),
            unknown_peers: UnknownPeers::default(),
            limits: Limits::default(),
            timers: Timers::default(),
            origins: Vec::new(),
            routes: Vec::new(),
            unrouted: Unrouted::default(),
            forward: Forward::default(),
            pulls: Vec::new(),
            query: Query::default(),
            retrieve: Retrieve::default(),
            mpps: None,
            worklist: Worklist::default(),
            drain: Drain::default(),
        }
    }
}
