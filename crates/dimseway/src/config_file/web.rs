//! The worklist and performed procedure steps over HTTP: `[web]`.

use super::ListenAddress;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The same worklist and performed procedure steps for clients that speak DICOMweb: MWL-RS (PS3.18 §14) and
/// MPPS-RS (PS3.18 §15), on an address of their own. Off unless `listen` is written.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Web {
    /// Address to listen on, in plain HTTP: put a proxy that ends TLS in front of it where it leaves the
    /// machine. 128 connections are served at the same time. Needs a restart to change.
    /// Unit: IP address and port. Source: not served unless written out.
    #[schemars(extend("x-sample" = "127.0.0.1:8082"))]
    pub(crate) listen: Option<ListenAddress>,
    /// File with the bearer token that every request must carry. Required with `listen`.
    /// Unit: path, relative to this file. Source: make one with `openssl rand -hex 32`.
    #[schemars(extend("x-sample" = "/run/secrets/dimseway_web_token"))]
    pub(crate) token_file: Option<String>,
    /// AE title whose worklist is shown: stations are matched by the query, as with C-FIND, and orders for any
    /// station are shown under this one. Left out: the first AE title that is served.
    /// Unit: 1 to 16 characters. Source: PS3.5 §6.2.
    #[schemars(extend("x-sample" = "DIMSEWAY"))]
    pub(crate) ae_title: Option<super::Parsed<instance::AeTitle>>,
}
