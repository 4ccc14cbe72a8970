//! What an origin server can do. Behaviour follows the profile, never the name of a vendor.

mod aws;
mod azure;
mod built_in;
mod change_feed;
mod dcm4chee;
mod google;
mod orthanc;
mod paths;
mod postdicom;
mod retrieve;
mod search;
mod standard;
mod store;
mod worklist;

use std::borrow::Cow;

use crate::multipart::Boundary;
use crate::search::Level;

pub use azure::{AzureVersion, InvalidPartition};
pub use change_feed::ChangeFeed;
pub use paths::Paths;
pub use retrieve::RetrieveCapabilities;
pub use search::{IncludeField, PersonNames, SearchCapabilities, Searchable, Values};
pub use store::{Lookup, StoreForm, StoreMethod, StoreResponse, TransferSyntaxes};
pub use worklist::{WorklistCapabilities, WorklistKeys};

/// The abilities and habits of one origin server. Every field can be overridden; the defaults are
/// those of [`Profile::standard`].
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Name of the profile, for logs.
    pub name: String,
    /// Where the resources are.
    pub paths: Paths,
    /// Form of a store request. Default multipart (PS3.18 §10.5.1.4); single part sends one instance per
    /// request as `application/dicom`.
    pub store_form: StoreForm,
    /// Method of store requests. Default POST (PS3.18 §10.5.1). With PUT each request replaces what is there, on
    /// a server where it does ([`Self::put_replaces`]), and no duplicate is ever reported.
    pub store_method: StoreMethod,
    /// Whether a store request with PUT replaces instances that are there and stores those that are not.
    /// Default false: PS3.18 §10.5 has POST alone; the DICOM service of Azure calls it upsert.
    pub put_replaces: bool,
    /// The boundary of multipart store requests. Default none: a new one for each, which no data holds. With
    /// one of the profile the Content-Type names it before the type, as the client has it whose boundary it
    /// is, and an instance that holds it is refused before it is cut by it.
    pub store_boundary: Option<Boundary>,
    /// Whether a request body of unknown length (chunked) is accepted. Default true: HTTP/1.1 demands it
    /// of every server (RFC 9112 §7.1), some gateways refuse it with 411.
    pub unknown_length_accepted: bool,
    /// Most bytes of a store request. Default 1 GiB; `None` is no limit. A single instance above it is
    /// still sent, alone.
    pub request_bytes_max: Option<u64>,
    /// Most instances of a store request. Default 100.
    pub request_instances_max: usize,
    /// Transfer syntaxes of stored instances that are accepted. Default all: PS3.18 §8.7.3 keeps Implicit VR
    /// Little Endian and Explicit VR Big Endian out, yet common servers store them.
    pub transfer_syntaxes: TransferSyntaxes,
    /// What a successful answer means that does not name the instance, although PS3.18 §10.5.3 has it
    /// carry a response data set. Default verify.
    pub store_response: StoreResponse,
    /// Failure Reasons (0008,1197) that say that the instance is already there. Default 0111H (PS3.7
    /// §C.5.8), which PS3.18 §I.2.2 does not list but servers send.
    pub duplicate_failure_reasons: Vec<u16>,
    /// Words in the text of a private attribute of an item of Failed SOP Sequence (0008,1198) that say that
    /// the instance is already there, where no Failure Reason does. Default none.
    pub duplicate_remark: Option<Cow<'static, str>>,
    /// Failure Reasons that say that the instance cannot be taken yet, beside A7xxH (PS3.4 §B.2.3): it is
    /// being stored or deleted by somebody else. Default none.
    pub busy_failure_reasons: Vec<u16>,
    /// HTTP status codes that say that the instance of a request is already there, when no response data
    /// set comes with them. Default none: PS3.18 §10.5.3.1 uses 409 for every refusal.
    pub duplicate_statuses: Vec<u16>,
    /// Whether the server names an instance as stored whose SOP Instance UID it has already, and keeps
    /// the content that it has. Default false: a server that says so is believed.
    pub duplicates_unreported: bool,
    /// How to find out whether an instance is there. Default search.
    pub lookup: Lookup,
    /// Whether `transfer-syntax=*` may be asked for in a retrieve (PS3.18 §8.7.3.5.2). Default true.
    pub any_transfer_syntax: bool,
    /// How it searches.
    pub search: SearchCapabilities,
    /// What can be retrieved.
    pub retrieve: RetrieveCapabilities,
    /// What can be asked of its worklists.
    pub worklist: WorklistCapabilities,
    /// Levels at which there is a DELETE of what was stored. Default none: not part of PS3.18.
    pub delete: Vec<Level>,
    /// Whether the server lists what was stored, in order. Default absent: not part of PS3.18.
    pub change_feed: ChangeFeed,
}

impl Profile {
    /// Whether a Failure Reason (0008,1197) says that the instance is already there.
    #[must_use]
    pub fn is_duplicate(&self, failure_reason: u16) -> bool {
        self.duplicate_failure_reasons.contains(&failure_reason)
    }

    /// Whether the text of a private attribute of a failed item says that the instance is already there.
    #[must_use]
    pub fn is_remark_on_duplicate(&self, text: &str) -> bool {
        self.duplicate_remark.as_ref().is_some_and(|words| text.contains(&**words))
    }

    /// Whether a Failure Reason (0008,1197) says that the instance may be taken later: out of resources
    /// (A7xxH, PS3.4 §B.2.3), or one of the profile.
    #[must_use]
    pub fn is_busy(&self, failure_reason: u16) -> bool {
        matches!(failure_reason, 0xA700..=0xA7FF) || self.busy_failure_reasons.contains(&failure_reason)
    }

    /// Whether there is a DELETE at this level.
    #[must_use]
    pub fn deletes(&self, level: Level) -> bool {
        self.delete.contains(&level)
    }

    /// Whether another instance of the same UID can be put in the place of one that is there, in one step or
    /// by deleting that first.
    #[must_use]
    pub fn overwrites(&self) -> bool {
        self.put_replaces || self.deletes(Level::Instance)
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self::standard()
    }
}

#[cfg(test)]
mod tests;
