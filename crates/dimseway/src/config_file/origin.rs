//! Where studies go: `[origin.NAME]`.

use super::auth::Auth;
use super::azure::Azure;
use super::postdicom::PostDicom;
use super::rate_limit::RateLimit;
use super::{Capabilities, HeaderValue, Span};
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
    /// What the server can do: `"standard"`, `"orthanc"`, `"dcm4chee"`, `"google"`, `"aws"`, `"azure"` or
    /// `"postdicom"`.
    /// Unit: none. Source: the server's conformance statement.
    #[serde(default = "standard")]
    #[schemars(example = &"standard")]
    pub(crate) profile: String,
    /// Where the server differs from its profile.
    #[serde(default)]
    pub(crate) capabilities: Capabilities,
    /// What only the DICOM service of Azure has.
    #[serde(default)]
    pub(crate) azure: Azure,
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
    /// The way to the server and to whoever gives its tokens: `"environment"` (`HTTPS_PROXY`, `HTTP_PROXY`,
    /// `ALL_PROXY` and `NO_PROXY`; never to the machine itself or its own link), `"none"`, or the address of a
    /// proxy, which is used for all but the metadata servers of clouds.
    /// Unit: none, or http or https URL. Source: the network's administrator.
    #[schemars(example = &"environment")]
    #[serde(default = "environment")]
    pub(crate) proxy: String,
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
    /// Longest wait for the bytes of a whole answer that is no instance: a page of a search, metadata, the response
    /// to a store. However little at a time the server gives, it is given up then. Of an instance that is pulled,
    /// 64 KiB have to come within such a time, or its end.
    /// Unit: time. Source: as long as an answer may take to begin.
    #[serde(default = "answer_timeout")]
    pub(crate) page_timeout: Span,
    /// How long a search or a retrieve waits, over all of its requests, because the server puts it off
    /// (429, 503); then it fails. A query waits no longer for its turn within `rate_limit` either, nor does a call of
    /// PostDICOM's own functions. Deliveries are put off in the queue instead.
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

fn environment() -> String {
    "environment".to_owned()
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
