//! How C-MOVE and C-GET are carried out.

use std::{path::PathBuf, time::Duration};

use crate::transcode::Limits;

/// How C-MOVE and C-GET are carried out (PS3.4 §C.4.2, §C.4.3), for every peer unless it says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retrieve {
    /// How long a destination may take nothing of an answer of the origin before that answer is given
    /// up; what is missing is fetched again, one by one, when the destination takes data again.
    /// Default: 10 s. Origins close connections that stand still, and count them while they do.
    pub stall: Duration,
    /// Requests to one origin at the same time for one C-MOVE or C-GET, where instances are fetched one
    /// by one. Default: 16, which at 100 ms an answer are 160 instances a second.
    pub requests: usize,
    /// Associations to one destination at the same time, shared by all C-MOVE operations to it. Default:
    /// 1, since many devices accept a single one.
    pub associations: usize,
    /// For the response of a recipient to one instance. Default: 2 min, beyond what devices take to file
    /// the largest multi-frame images; then its association is aborted.
    pub response: Duration,
    /// Between two Pending responses. Default: 10 s; 2 min are what common requestors wait.
    pub pending_interval: Duration,
    /// Most instances of one C-MOVE or C-GET. Default: 100,000, more than any study known; their list
    /// takes about 200 bytes each. Beyond it the request is refused with A701.
    pub instances_max: usize,
    /// Whether an instance whose transfer syntax the recipient does not accept is transcoded. Default:
    /// yes; otherwise its sub-operation fails.
    pub transcode: bool,
    /// The program that is run to decode what is compressed, with `transcode` as its first argument.
    /// Default: `/proc/self/exe`, this very program. Fixed from the start on.
    pub transcode_program: PathBuf,
    /// What one transcoding may cost. Fixed from the start on.
    pub transcode_limits: Limits,
}

impl Default for Retrieve {
    fn default() -> Self {
        Self {
            stall: Duration::from_secs(10),
            requests: 16,
            associations: 1,
            response: Duration::from_secs(120),
            pending_interval: Duration::from_secs(10),
            instances_max: 100_000,
            transcode: true,
            transcode_program: PathBuf::from("/proc/self/exe"),
            transcode_limits: Limits::default(),
        }
    }
}

/// What differs for one peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PeerRetrieve {
    /// As [`Retrieve::associations`], to this peer as a destination.
    pub associations: Option<usize>,
    /// As [`Retrieve::stall`], for this peer as a recipient.
    pub stall: Option<Duration>,
    /// As [`Retrieve::transcode`], for this peer as a recipient.
    pub transcode: Option<bool>,
}

impl PeerRetrieve {
    /// Nothing differs.
    pub const NONE: Self = Self { associations: None, stall: None, transcode: None };

    /// What holds for this peer where `all` holds for every other.
    #[must_use]
    pub fn applied_to(self, all: Retrieve) -> Retrieve {
        Retrieve {
            associations: self.associations.unwrap_or(all.associations),
            stall: self.stall.unwrap_or(all.stall),
            transcode: self.transcode.unwrap_or(all.transcode),
            ..all
        }
    }
}
