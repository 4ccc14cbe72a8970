//! What an origin server can do. Behaviour follows the profile, never the name of a vendor.

use instance::TransferSyntax;

use crate::url::PathTemplate;

/// The abilities and habits of one origin server. Every field can be overridden; the defaults are
/// those of [`Profile::standard`].
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Name of the profile, for logs.
    pub name: String,
    /// Where the resources are.
    pub paths: Paths,
    /// Form of a store request. Default multipart (PS3.18 §10.5.1); single part sends one instance per
    /// request as `application/dicom`.
    pub store_form: StoreForm,
    /// Whether a request body of unknown length (chunked) is accepted. Default true: HTTP/1.1 demands it
    /// of every server (RFC 9112 §7.1), some gateways refuse it with 411.
    pub unknown_length_accepted: bool,
    /// Most bytes of a store request. Default 1 GiB; `None` is no limit. A single instance above it is
    /// still sent, alone.
    pub request_bytes_max: Option<u64>,
    /// Most instances of a store request. Default 100.
    pub request_instances_max: usize,
    /// Transfer syntaxes that are accepted; `None` is all. Default all (PS3.18 §10.5 sets no limit).
    pub transfer_syntaxes: Option<Vec<TransferSyntax>>,
    /// What a successful answer means that does not name the instance. Default verify.
    pub store_response: StoreResponse,
    /// Failure Reasons (0008,1197) that say that the instance is already there. Default 0111H (PS3.7
    /// §C.4.2).
    pub duplicate_failure_reasons: Vec<u16>,
    /// HTTP status codes that say so for a request of one instance when no response data set comes with
    /// them. Default none: PS3.18 uses 409 for every refusal.
    pub duplicate_statuses: Vec<u16>,
    /// How to find out whether an instance is there. Default search.
    pub lookup: Lookup,
    /// Whether `transfer-syntax=*` may be asked for in a retrieve (PS3.18 §8.7.3.5.2). Default true.
    pub any_transfer_syntax: bool,
    /// Whether instances can be deleted. Default false: not part of PS3.18.
    pub delete: bool,
}

/// Path templates below the base URL. `{study}`, `{series}` and `{instance}` stand for UIDs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Target of store requests. Default `/studies`.
    pub store: PathTemplate,
    /// Search for one instance. Default `/studies/{study}/series/{series}/instances`.
    pub search_instances: PathTemplate,
    /// Metadata of one instance. Default `/studies/{study}/series/{series}/instances/{instance}/metadata`.
    pub instance_metadata: PathTemplate,
    /// One instance. Default `/studies/{study}/series/{series}/instances/{instance}`.
    pub instance: PathTemplate,
    /// What a probe asks. Default `/studies?limit=1`.
    pub probe: PathTemplate,
}

/// Form of a store request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreForm {
    /// `multipart/related; type="application/dicom"`, any number of instances.
    Multipart,
    /// `application/dicom`, one instance.
    SinglePart,
}

/// What a success status means when the answer does not name the instance as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreResponse {
    /// Unknown: look the instance up.
    Verify,
    /// The status alone is taken as the answer; for servers that never send a response data set.
    StatusOnly,
    /// Unknown, and the server cannot be asked: a person decides.
    Hold,
}

/// How to find out whether an instance is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// QIDO-RS (PS3.18 §10.6).
    Search,
    /// WADO-RS metadata (PS3.18 §10.4).
    Metadata,
    /// Not at all.
    None,
}
