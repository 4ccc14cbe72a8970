//! Who may call, and what about associations is limited: `[dimse]`, `[[ae]]`, `[[peer]]`.

use super::{
    HostPort, ListenAddress, Network, OnUnmappable, OneOrMany, Parsed, PeerRetrieve, Relational, Size, Span,
    UnsupportedKeys,
};
use instance::AeTitle;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, SocketAddr};

/// The side that modalities and PACS call.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Dimse {
    /// AE title that Dimseway answers to; a shorthand for one `[[ae]]` that serves everything.
    /// With `[[ae]]` tables it is one more title. Left out, and without any `[[ae]]`, it is
    /// `"DIMSEWAY"`.
    /// Unit: 1 to 16 characters. Source: PS3.5 §6.2.
    #[schemars(example = &"DIMSEWAY")]
    pub(crate) ae_title: Option<Parsed<AeTitle>>,
    /// Addresses to listen on; one or a list. Port 0 lets the system choose. Needs a restart to change.
    /// Unit: IP address and port. Source: port 11112 is registered for DICOM (PS3.8 §9.1.1).
    #[schemars(example = &"0.0.0.0:11112")]
    pub(crate) listen: OneOrMany<ListenAddress>,
    /// What a caller gets whose AE title and address match no `[[peer]]`: `"reject"` (calling AE
    /// title not recognized) or `"accept"`. With no `[[peer]]` at all and `"reject"` nobody can call.
    /// Unit: none. Source: PS3.8 §9.3.4.
    #[schemars(example = UnknownPeers::Reject)]
    pub(crate) unknown_peers: UnknownPeers,
    /// Associations open at the same time; further ones are rejected as transient, local limit
    /// exceeded, so that the device tries again.
    /// Unit: associations. Source: PS3.8 §9.3.4; a busy department has 30 devices.
    pub(crate) max_associations: u32,
    /// Connections that have not sent an A-ASSOCIATE-RQ yet; beyond it the oldest one of the address
    /// that has the most is closed, so that silent connections never keep a modality out.
    /// Unit: connections. Source: port scanners and load balancers open many and say nothing.
    pub(crate) max_silent_connections: u32,
    /// Largest PDU that Dimseway receives, announced to the peer.
    /// Unit: bytes, 4KiB to 4MiB. Source: PS3.8 §D.1; beyond 256KiB nothing gets faster.
    pub(crate) max_pdu: Size,
    /// Operations a requestor may have open at once where it negotiates an asynchronous window.
    /// Unit: operations. Source: PS3.7 §D.3.3.3.
    pub(crate) max_operations_invoked: u16,
    /// Longest wait for an A-ASSOCIATE-RQ on a new connection, and for the close behind a rejection.
    /// Unit: time. Source: the ARTIM timer of PS3.8 §9.1.5.
    pub(crate) artim_timeout: Span,
    /// Longest silence between two messages of an association. Ultrasound devices keep one open for
    /// a whole examination.
    /// Unit: time. Source: installed devices.
    pub(crate) idle_timeout: Span,
    /// Longest silence inside a message, and longest wait for a peer to take what is sent. A data set
    /// that gains less than 4KiB in that time is given up too.
    /// Unit: time. Source: TCP retransmits for about this long on a link that is alive.
    pub(crate) message_timeout: Span,
    /// Longest wait for the destination on a route with `acknowledge = "stored"`; then the caller
    /// gets A700.
    /// Unit: time. Source: modalities give up after one to five minutes.
    pub(crate) stored_timeout: Span,
    /// Bytes that the buffers of all associations and deliveries together may hold. A quarter is
    /// reserved for deliveries and the others for associations, so that neither stalls the other;
    /// reading, or the next delivery, pauses while its part is used up.
    /// Unit: bytes, 8MiB at least. Source: 64 associations sending at once stay below 128MiB.
    pub(crate) memory_budget: Size,
    /// How long new associations are rejected as transient after SIGTERM, before the listener
    /// closes; give a load balancer time to see `/readyz` answer 503.
    /// Unit: time. Source: a load balancer looks every few seconds.
    pub(crate) drain_delay: Span,
    /// How long messages in hand may take to finish after that; then their associations are aborted.
    /// Unit: time. Source: with `drain_delay` below the 30s that Kubernetes grants.
    pub(crate) drain_timeout: Span,
}

/// What happens to callers that the configuration does not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum UnknownPeers {
    /// A-ASSOCIATE-RJ.
    Reject,
    /// Served like any other.
    Accept,
}

impl Default for Dimse {
    fn default() -> Self {
        Self {
            ae_title: None,
            listen: OneOrMany(vec![ListenAddress(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 11112)))]),
            unknown_peers: UnknownPeers::Reject,
            max_associations: 100,
            max_silent_connections: 512,
            max_pdu: Size::kib(256),
            max_operations_invoked: 32,
            artim_timeout: Span::seconds(30),
            idle_timeout: Span::minutes(30),
            message_timeout: Span::seconds(60),
            stored_timeout: Span::seconds(120),
            memory_budget: Size::mib(48),
            drain_delay: Span::seconds(5),
            drain_timeout: Span::seconds(20),
        }
    }
}

/// A further AE title that Dimseway answers to.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ae {
    /// The title.
    /// Unit: 1 to 16 characters. Source: PS3.5 §6.2.
    #[schemars(example = &"ARCHIVE2")]
    pub(crate) title: Parsed<AeTitle>,
    /// Name of the origin that is searched under this title, or a list, whose results are merged by
    /// UID; left out: as `[query]` says.
    /// Unit: none. Source: `[origin.NAME]` of this file.
    #[serde(default)]
    #[schemars(extend("x-sample" = ["archive"]))]
    pub(crate) query: OneOrMany<String>,
    /// Name of the worklist source whose entries are shown under this title, or a list, merged in this
    /// order; left out: all that `[worklist]` names.
    /// Unit: none. Source: `[worklist] sources` of this file.
    #[serde(default)]
    #[schemars(extend("x-sample" = ["archive"]))]
    pub(crate) worklist: OneOrMany<String>,
    /// Services offered under this title.
    /// Unit: none. Source: PS3.4.
    #[serde(default = "Allow::all")]
    #[schemars(extend("x-sample" = ["echo", "worklist", "mpps"]))]
    pub(crate) services: Vec<Allow>,
}

/// A device or PACS that may call, or is called.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Peer {
    /// Its AE title.
    /// Unit: 1 to 16 characters. Source: PS3.5 §6.2.
    #[schemars(example = &"CT1")]
    pub(crate) ae_title: Parsed<AeTitle>,
    /// Where it listens; needed for `store = ["peer:AE"]`, and to be a destination of C-MOVE.
    /// Unit: host and port. Source: the device's DICOM settings.
    #[serde(default)]
    #[schemars(example = &"10.0.0.5:104")]
    pub(crate) address: Option<Parsed<HostPort>>,
    /// Addresses that it may call from; empty: any.
    /// Unit: IP addresses and CIDR blocks. Source: the network plan.
    #[serde(default)]
    #[schemars(example = ["10.0.0.0/24"])]
    pub(crate) from: Vec<Parsed<Network>>,
    /// Services that it may use. This version serves all but `commitment`, which is understood so that a
    /// file can be written once.
    /// Unit: none. Source: PS3.4.
    #[serde(default = "Allow::all")]
    #[schemars(example = ["echo", "store", "query", "retrieve", "worklist", "mpps"])]
    pub(crate) allow: Vec<Allow>,
    /// Specific Character Set that is assumed where a request names none, and used in its answers; a
    /// list where it has several values. Left out: ASCII.
    /// Unit: defined terms. Source: PS3.3 §C.12.1.1.2; many workstations name none and send that of
    /// their country.
    #[serde(default)]
    #[schemars(extend("x-sample" = "ISO_IR 100"))]
    pub(crate) character_set: OneOrMany<String>,
    /// What answers do whose text has no place in the character set of the request: `"utf8"` or
    /// `"replace"`.
    /// Unit: none. Source: `"replace"` for a workstation that does not know UTF-8.
    #[serde(default)]
    pub(crate) on_unmappable: OnUnmappable,
    /// Whether keys of any level may be used without those of the levels above: where
    /// `"negotiated"`, or `"always"`.
    /// Unit: none. Source: PS3.4 §C.4.1.2.2; some workstations do so without negotiation.
    #[serde(default)]
    pub(crate) relational: Relational,
    /// What answers do with optional keys that are not supported: `"omit"` or `"empty"`.
    /// Unit: none. Source: PS3.4 §C.4.1.1.3.2; `"empty"` for a workstation that expects every key again.
    #[serde(default)]
    pub(crate) unsupported_keys: UnsupportedKeys,
    /// Whether answers without such a key have status FF01 instead of FF00.
    /// Unit: none. Source: PS3.4 §C.4.1.1.4; some workstations take FF01 for an error.
    #[serde(default = "yes")]
    pub(crate) warn_ff01: bool,
    /// Whether identifiers pass that lack a unique key where it is clear what they mean: a C-FIND
    /// without the UID of its own level, a C-MOVE of a study in Patient Root without Patient ID.
    /// Unit: none. Source: PS3.4 §C.4.1.3.1.1, PS3.4 §C.4.2.2.1; otherwise they get status A900.
    #[serde(default)]
    pub(crate) lenient: bool,
    /// What differs for it in C-MOVE and C-GET.
    #[serde(default)]
    pub(crate) retrieve: PeerRetrieve,
}

const fn yes() -> bool {
    true
}

/// A service that a peer may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Allow {
    /// C-ECHO.
    Echo,
    /// C-STORE.
    Store,
    /// C-FIND.
    Query,
    /// C-MOVE and C-GET.
    Retrieve,
    /// Modality worklist.
    Worklist,
    /// Modality performed procedure step.
    Mpps,
    /// Storage commitment.
    Commitment,
}

impl Allow {
    fn all() -> Vec<Self> {
        vec![
            Self::Echo,
            Self::Store,
            Self::Query,
            Self::Retrieve,
            Self::Worklist,
            Self::Mpps,
            Self::Commitment,
        ]
    }
}
