//! What is brought back from an origin.

use std::time::Duration;

use jiff::Timestamp;
use spool::Destination;

use super::Pattern;

/// A source of new studies, and where its instances go.
#[derive(Debug, Clone, PartialEq)]
pub struct Pull {
    /// Its name in logs and metrics, and of its cursor in the spool.
    pub name: String,
    /// The origin that is asked.
    pub origin: String,
    /// Where what is new there goes; never the origin itself. Each is delivered to as from a route.
    pub to: Vec<Destination>,
    /// How the origin is asked what is new.
    pub method: PullMethod,
    /// From one question to the next. Default: 60 s; a question costs the origin one request.
    pub interval: Duration,
    /// What is pulled the first time: what came since this moment. Default: nothing that is there already.
    pub since: Option<Timestamp>,
    /// Of these modalities. Default: all.
    pub modalities: Vec<Pattern>,
    /// Whether instances are pulled that this bridge stored there itself. Default: no; who wants them at
    /// both ends routes them to both.
    pub own: bool,
    /// Instances that are retrieved at the same time. Default: 4.
    pub concurrent: usize,
    /// Most bytes of instances that wait for one of the destinations; with more, nothing is pulled. Default:
    /// 10 GiB, so that a destination that is down does not fill the disk that modalities store to.
    pub backlog_max: u64,
}

/// How an origin is asked what is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullMethod {
    /// By its list of changes.
    ChangeFeed {
        /// How old a change must be to be looked at: those that were begun before it may come into the
        /// list after it. Default: 30 s.
        settle: Duration,
    },
    /// By searches for studies of the last days.
    Search {
        /// Days of Study Date before today that are looked at. Default: 7; a study that comes later is not
        /// noticed.
        days: u16,
    },
}

impl Pull {
    /// How old a change must be by default.
    pub const SETTLE: Duration = Duration::from_secs(30);
    /// Days of Study Date that are looked at by default.
    pub const DAYS: u16 = 7;

    /// A pull with the default settings.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        origin: impl Into<String>,
        to: Vec<Destination>,
        method: PullMethod,
    ) -> Self {
        Self {
            name: name.into(),
            origin: origin.into(),
            to,
            method,
            interval: Duration::from_secs(60),
            since: None,
            modalities: Vec::new(),
            own: false,
            concurrent: 4,
            backlog_max: 10 << 30,
        }
    }

    /// Whether instances of this modality are wanted; of one that nobody knows, yes.
    pub(crate) fn wants(&self, modality: Option<&str>) -> bool {
        let Some(modality) = modality.filter(|_| !self.modalities.is_empty()) else { return true };
        self.modalities.iter().any(|pattern| pattern.matches(modality.trim()))
    }
}
