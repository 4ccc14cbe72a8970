//! Where studies go: `[origin.NAME]`.

use super::postdicom::PostDicom;
use super::rate_limit::RateLimit;
use super::{HeaderValue, Level, Parsed, RetrieveOverride, SearchOverride, Size, Span};
use instance::Uid;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A DICOMweb origin server.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Origin {
    /// Base URL of its DICOMweb service.
    /// Unit: http or https URL. Source: PS3.18 §8.2.
    #[schemars(example = &"https://dicom.example.org/dicom-web")]
    pub(crate) url: String,
    /// What the server can do: `"standard"`, `"orthanc"`, `"azure"` or `"postdicom"`.
    /// Unit: none. Source: the server's conformance statement.
    #[serde(default = "standard")]
    #[schemars(example = &"standard")]
    pub(crate) profile: String,
    /// Where the server differs from its profile.
    #[serde(default)]
    pub(crate) capabilities: Capabilities,
    /// PostDICOM's own end points.
    #[serde(default)]
    pub(crate) postdicom: PostDicom,
    /// How Dimseway proves who it is.
    #[serde(default)]
    pub(crate) auth: Auth,
    /// Further HTTP headers of every request. A value that is a secret is written as
    /// `{ value_file = "PATH" }` or `{ value_env = "NAME" }`.
    /// Unit: none. Source: the gateway in front of the server.
    #[schemars(extend("x-sample" = { "X-Site": "north", "X-Api-Key": { "value_file": "/run/secrets/api_key" } }))]
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, HeaderValue>,
    /// Certificates, where the public ones do not do.
    #[serde(default)]
    pub(crate) tls: Tls,
    /// Longest wait for a connection, TLS included.
    /// Unit: time. Source: more than any network needs that is up.
    #[serde(default = "connect_timeout")]
    pub(crate) connect_timeout: Span,
    /// Longest time in which the server takes no byte of a request although there are some.
    /// Unit: time. Source: long enough for a server that flushes to disk.
    #[serde(default = "send_timeout")]
    pub(crate) send_timeout: Span,
    /// Longest wait for the answer once the whole request is sent.
    /// Unit: time. Source: some archives index a whole batch before they answer.
    #[serde(default = "answer_timeout")]
    pub(crate) answer_timeout: Span,
    /// Longest silence in the middle of an answer.
    /// Unit: time. Source: gateways cut idle connections after 60s.
    #[serde(default = "read_timeout")]
    pub(crate) read_timeout: Span,
    /// How long a search or a retrieve waits, over all of its requests, because the server puts it off
    /// (429, 503); then it fails. Deliveries are put off in the queue instead.
    /// Unit: time. Source: a workstation waits about that long.
    #[serde(default = "unavailable_timeout")]
    pub(crate) unavailable_timeout: Span,
    /// How fast the origin is used.
    #[serde(default)]
    pub(crate) rate_limit: RateLimit,
    /// Deliveries to this origin at the same time; left out: `workers` of `[forward]`.
    /// Unit: requests. Source: the server's administrator.
    #[schemars(extend("x-sample" = 4))]
    #[serde(default)]
    pub(crate) workers: Option<u32>,
    /// What an answer with success means that does not name the instance: `"verify"` looks it up,
    /// `"status-only"` believes the status, `"hold"` leaves it to a person. Left out, the profile
    /// decides.
    /// Unit: none. Source: PS3.18 §10.5.3.
    #[schemars(extend("x-sample" = "verify"))]
    #[serde(default)]
    pub(crate) store_response: Option<StoreResponse>,
    /// What happens when the origin says that it has the instance already: `"verify"` compares the
    /// content, `"success"`, `"reject"` and `"overwrite"` do not.
    /// Unit: none. Source: PS3.18 §10.5.3.
    #[serde(default)]
    pub(crate) duplicate: Duplicate,
}

/// Where a server differs from its profile; what is left out is as the profile says.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Capabilities {
    /// Form of a store request: `"multipart"` or `"single-part"`, which sends one instance each.
    /// Unit: none. Source: PS3.18 §10.5.1.
    #[schemars(extend("x-sample" = "multipart"))]
    pub(crate) store_form: Option<StoreForm>,
    /// The boundary of multipart store requests; empty: a new one for each.
    /// Unit: 1 to 70 characters of ASCII. Source: PS3.18 §8.6.1.2.1; that of PostDICOM's own clients with
    /// its profile.
    #[schemars(extend("x-sample" = "DICOM DATA BOUNDARY"))]
    pub(crate) store_boundary: Option<String>,
    /// Whether a request body of unknown length (chunked) is accepted.
    /// Unit: none. Source: RFC 9112 §7.1; some gateways answer 411.
    #[schemars(extend("x-sample" = true))]
    pub(crate) unknown_length_accepted: Option<bool>,
    /// Bytes of a store request at most; a larger instance is still sent, alone.
    /// Unit: bytes. Source: the server's or gateway's limit.
    #[schemars(extend("x-sample" = "1GiB"))]
    pub(crate) request_bytes_max: Option<Size>,
    /// Instances of a store request at most.
    /// Unit: instances. Source: the server's limit.
    #[schemars(extend("x-sample" = 100))]
    pub(crate) request_instances_max: Option<u32>,
    /// Transfer syntaxes that are accepted; left out: those of the profile.
    /// Unit: UIDs. Source: the server's conformance statement.
    #[schemars(extend("x-sample" = ["1.2.840.10008.1.2.1"]))]
    pub(crate) transfer_syntaxes: Option<Vec<Parsed<Uid>>>,
    /// Failure Reasons (0008,1197) that say that the instance is already there.
    /// Unit: numbers. Source: PS3.7 §C.5.9.
    #[schemars(extend("x-sample" = [273]))]
    pub(crate) duplicate_failure_reasons: Option<Vec<u16>>,
    /// HTTP status codes that say so for a request of one instance.
    /// Unit: numbers. Source: PS3.18 §10.5.3.
    #[schemars(extend("x-sample" = [409]))]
    pub(crate) duplicate_statuses: Option<Vec<u16>>,
    /// Whether the server says that it stored an instance whose UID it has already, and keeps the
    /// content that it has. Other content than was delivered before is then compared, not sent.
    /// Unit: none. Source: the server's documentation; PS3.18 §10.5.3 leaves it open.
    #[schemars(extend("x-sample" = false))]
    pub(crate) duplicates_unreported: Option<bool>,
    /// How to find out whether an instance is there: `"search"`, `"metadata"` or `"none"`.
    /// Unit: none. Source: PS3.18 §10.6, PS3.18 §10.4.
    #[schemars(extend("x-sample" = "search"))]
    pub(crate) lookup: Option<Lookup>,
    /// Whether `transfer-syntax=*` may be asked for in a retrieve.
    /// Unit: none. Source: PS3.18 §8.7.3.5.2.
    #[schemars(extend("x-sample" = true))]
    pub(crate) any_transfer_syntax: Option<bool>,
    /// Levels at which the server deletes what was stored: `"study"`, `"series"`, `"instance"`.
    /// Unit: none. Source: not part of PS3.18; the server's documentation.
    #[schemars(extend("x-sample" = ["study", "series", "instance"]))]
    pub(crate) delete: Option<Vec<Level>>,
    /// How it searches.
    pub(crate) search: SearchOverride,
    /// What it gives back.
    pub(crate) retrieve: RetrieveOverride,
    /// Where the resources are, below the base URL.
    pub(crate) paths: Paths,
}

/// Path templates below the base URL; `{study}`, `{series}` and `{instance}` stand for UIDs.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Paths {
    /// Target of store requests.
    /// Unit: path. Source: PS3.18 §10.5.1.
    #[schemars(extend("x-sample" = "/studies"))]
    pub(crate) store: Option<String>,
    /// Search for one instance.
    /// Unit: path. Source: PS3.18 §10.6.1.
    #[schemars(extend("x-sample" = "/studies/{study}/series/{series}/instances"))]
    pub(crate) search_instances: Option<String>,
    /// Metadata of one instance.
    /// Unit: path. Source: PS3.18 §10.4.1.
    #[schemars(extend("x-sample" = "/studies/{study}/series/{series}/instances/{instance}/metadata"))]
    pub(crate) instance_metadata: Option<String>,
    /// One instance.
    /// Unit: path. Source: PS3.18 §10.4.1.
    #[schemars(extend("x-sample" = "/studies/{study}/series/{series}/instances/{instance}"))]
    pub(crate) instance: Option<String>,
    /// Search for studies.
    /// Unit: path. Source: PS3.18 §10.6.1.
    #[schemars(extend("x-sample" = "/studies"))]
    pub(crate) studies: Option<String>,
    /// Search for series of all studies.
    /// Unit: path. Source: PS3.18 §10.6.1.
    #[schemars(extend("x-sample" = "/series"))]
    pub(crate) series: Option<String>,
    /// Search for instances of all studies.
    /// Unit: path. Source: PS3.18 §10.6.1.
    #[schemars(extend("x-sample" = "/instances"))]
    pub(crate) instances: Option<String>,
    /// Search for series of a study.
    /// Unit: path. Source: PS3.18 §10.6.1.
    #[schemars(extend("x-sample" = "/studies/{study}/series"))]
    pub(crate) study_series: Option<String>,
    /// Search for instances of a study.
    /// Unit: path. Source: PS3.18 §10.6.1.
    #[schemars(extend("x-sample" = "/studies/{study}/instances"))]
    pub(crate) study_instances: Option<String>,
    /// Search for instances of a series.
    /// Unit: path. Source: PS3.18 §10.6.1.
    #[schemars(extend("x-sample" = "/studies/{study}/series/{series}/instances"))]
    pub(crate) series_instances: Option<String>,
    /// All instances of a study.
    /// Unit: path. Source: PS3.18 §10.4.1.
    #[schemars(extend("x-sample" = "/studies/{study}"))]
    pub(crate) retrieve_study: Option<String>,
    /// All instances of a series.
    /// Unit: path. Source: PS3.18 §10.4.1.
    #[schemars(extend("x-sample" = "/studies/{study}/series/{series}"))]
    pub(crate) retrieve_series: Option<String>,
    /// Metadata of the instances of a study.
    /// Unit: path. Source: PS3.18 §10.4.1.
    #[schemars(extend("x-sample" = "/studies/{study}/metadata"))]
    pub(crate) study_metadata: Option<String>,
    /// Metadata of the instances of a series.
    /// Unit: path. Source: PS3.18 §10.4.1.
    #[schemars(extend("x-sample" = "/studies/{study}/series/{series}/metadata"))]
    pub(crate) series_metadata: Option<String>,
    /// What a probe asks.
    /// Unit: path. Source: the cheapest authenticated request of the server.
    #[schemars(extend("x-sample" = "/studies?limit=1"))]
    pub(crate) probe: Option<String>,
}

/// Form of a store request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum StoreForm {
    /// Any number of instances.
    Multipart,
    /// One instance.
    SinglePart,
}

/// How to find out whether an instance is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Lookup {
    /// QIDO-RS.
    Search,
    /// WADO-RS metadata.
    Metadata,
    /// Not at all.
    None,
}

/// How Dimseway proves who it is. Files are read again at each delivery, so a secret can be changed
/// without a restart.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Auth {
    /// `"none"`, `"basic"` (RFC 7617) or `"bearer"` (RFC 6750).
    /// Unit: none. Source: the server's documentation.
    pub(crate) r#type: AuthType,
    /// User name, for `basic`.
    /// Unit: none. Source: the server's administrator.
    #[schemars(extend("x-sample" = "dimseway"))]
    pub(crate) username: Option<String>,
    /// File with the password, for `basic`; a newline at its end does not count.
    /// Unit: path, relative to this file. Source: the server's administrator.
    #[schemars(extend("x-sample" = "/run/secrets/archive_password"))]
    pub(crate) password_file: Option<String>,
    /// Environment variable with the password, for `basic`.
    /// Unit: name. Source: the server's administrator.
    #[schemars(extend("x-sample" = "ARCHIVE_PASSWORD"))]
    pub(crate) password_env: Option<String>,
    /// File with the token, for `bearer`; a newline at its end does not count.
    /// Unit: path, relative to this file. Source: the server's administrator.
    #[schemars(extend("x-sample" = "/run/secrets/archive_token"))]
    pub(crate) token_file: Option<String>,
    /// Environment variable with the token, for `bearer`.
    /// Unit: name. Source: the server's administrator.
    #[schemars(extend("x-sample" = "ARCHIVE_TOKEN"))]
    pub(crate) token_env: Option<String>,
}

/// Kinds of authentication.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum AuthType {
    /// No `Authorization` header.
    #[default]
    None,
    /// User name and password.
    Basic,
    /// A token.
    Bearer,
}

/// Certificates for one origin.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Tls {
    /// Certificates of the authorities that may have signed the server's, beside the system's own.
    /// Unit: path of a PEM file, relative to this file. Source: the server's administrator.
    #[schemars(extend("x-sample" = "ca.pem"))]
    pub(crate) ca: Option<String>,
    /// Dimseway's own certificate, for mutual TLS.
    /// Unit: path of a PEM file, relative to this file. Source: the server's administrator.
    #[schemars(extend("x-sample" = "client.pem"))]
    pub(crate) certificate: Option<String>,
    /// Private key of `certificate`.
    /// Unit: path of a PEM file, relative to this file. Source: the server's administrator.
    #[schemars(extend("x-sample" = "client.key"))]
    pub(crate) key: Option<String>,
}

/// What a STOW-RS answer without a data set means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum StoreResponse {
    /// Look it up.
    Verify,
    /// A success status is enough.
    StatusOnly,
    /// A person decides.
    Hold,
}

/// What happens to an instance that the origin already has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Duplicate {
    /// Equal content is delivered, different content is held.
    #[default]
    Verify,
    /// Delivered.
    Success,
    /// Held.
    Reject,
    /// Sent again in place of what is there.
    Overwrite,
}

fn standard() -> String {
    "standard".to_owned()
}

const fn connect_timeout() -> Span {
    Span::seconds(10)
}

const fn send_timeout() -> Span {
    Span::seconds(60)
}

const fn answer_timeout() -> Span {
    Span::seconds(300)
}

const fn read_timeout() -> Span {
    Span::seconds(60)
}

const fn unavailable_timeout() -> Span {
    Span::seconds(30)
}
