//! Routes: which instance goes where, and when the sender is told.

use spool::Destination;

use super::Pattern;

/// One route. The first that matches wins, unless it says to continue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// What an instance must have to take this route.
    pub matches: Match,
    /// Where it goes; at least one.
    pub store: Vec<Destination>,
    /// When the sender gets its answer. Default: spooled.
    pub acknowledge: Acknowledge,
    /// Whether routes behind this one are tried too. Default: no.
    pub continues: bool,
}

impl Route {
    /// A route for everything to `store`.
    #[must_use]
    pub fn everything(store: Vec<Destination>) -> Self {
        Self { matches: Match::default(), store, acknowledge: Acknowledge::default(), continues: false }
    }
}

/// Conditions of a route, all of which must hold. An empty list is no condition; a list with
/// several patterns needs one of them to match.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Match {
    /// Calling AE title.
    pub calling_ae: Vec<Pattern>,
    /// Called AE title.
    pub called_ae: Vec<Pattern>,
    /// SOP Class UID of the request.
    pub sop_class: Vec<Pattern>,
    /// (0008,0060) Modality of the data set; an absent one counts as empty.
    pub modality: Vec<Pattern>,
}

/// When C-STORE is answered with success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Acknowledge {
    /// When the instance is durable in the spool.
    #[default]
    Spooled,
    /// When the destination has confirmed that very instance. With one origin that takes bodies of
    /// unknown length it passes through without touching the disk; otherwise it is spooled,
    /// delivered, and then answered.
    Stored,
}

/// What happens to an instance that no route matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unrouted {
    /// Accepted, kept and shown as held, so that a person can send it on. The default, since a
    /// modality that gets a refusal may drop the study.
    #[default]
    Hold,
    /// Refused with 0110 (PS3.7 §C.5.22).
    Reject,
}
