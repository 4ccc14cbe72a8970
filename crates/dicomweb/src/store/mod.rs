//! STOW-RS (PS3.18 §10.5): instances to the origin, and what it says about each of them.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use http::StatusCode;
use instance::{AeTitle, part10::FileMeta};

use crate::{BoxError, Client, Error};

/// One instance to be stored. Preamble and File Meta Information are written in front of `data`.
pub struct StorePart {
    /// Becomes the File Meta Information; its SOP Instance UID is the one looked for in the answer.
    pub meta: FileMeta,
    /// (0002,0016) Source Application Entity Title.
    pub source: Option<AeTitle>,
    /// Bytes of the data set. `None` makes the request chunked.
    pub length: Option<u64>,
    /// The data set. An error resets the request.
    pub data: BoxStream<'static, Result<Bytes, BoxError>>,
}

impl fmt::Debug for StorePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StorePart")
            .field("meta", &self.meta)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

/// What the origin said about a store request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreAnswer {
    /// The status.
    pub http_status: StatusCode,
    /// Retry-After, if given.
    pub retry_after: Option<Duration>,
    /// Whether a response data set came with it (PS3.18 §10.5.3).
    pub response_data_set: bool,
    /// One outcome per part, in the order of the parts.
    pub instances: Vec<InstanceOutcome>,
}

/// What became of one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstanceOutcome {
    /// The answer names the instance in Referenced SOP Sequence (0008,1199).
    Stored {
        /// Warning Reason (0008,1196).
        warning_reason: Option<u16>,
        /// Retrieve URL (0008,1190).
        retrieve_url: Option<String>,
    },
    /// The answer names the instance in Failed SOP Sequence (0008,1198), or it can be meant by nothing
    /// else in the answer.
    Failed {
        /// Failure Reason (0008,1197); `None` where the answer gives none.
        failure_reason: Option<u16>,
        /// Whether that means, for this profile, that the origin already has an instance of this UID.
        duplicate: bool,
    },
    /// The answer does not tell: look the instance up.
    Unknown,
}

impl Client {
    /// Sends instances in one request and reads what became of each.
    ///
    /// With every length known the request has a Content-Length, else it is chunked. When the data of a
    /// part fails, the request is reset and its closing delimiter never written.
    ///
    /// # Errors
    /// Where no answer tells instances apart; see [`Error::remedy`].
    pub async fn store(&self, _parts: Vec<StorePart>) -> Result<StoreAnswer, Error> {
        todo!()
    }
}
