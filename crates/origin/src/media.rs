//! What a client accepts and what a server sends: media types and data set values of answers.

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use dicomweb::media_type::MediaType;
use serde_json::Value;

use crate::Error;

/// The JSON Model (PS3.18 §8.7.3.2).
pub(crate) const DICOM_JSON: &str = "application/dicom+json";
/// The Native DICOM Model in XML.
pub(crate) const DICOM_XML: &str = "application/dicom+xml";

/// The members of all Accept fields; empty where anything is welcome.
pub(crate) fn accepted(headers: &HeaderMap) -> Vec<MediaType> {
    let fields = headers.get_all(header::ACCEPT).iter().filter_map(|field| field.to_str().ok());
    fields.flat_map(MediaType::parse_list).collect()
}

/// Whether one member of Accept takes `kind/subtype`, wildcards included.
pub(crate) fn covers(accepted: &MediaType, kind: &str, subtype: &str) -> bool {
    accepted.is(kind, subtype) || accepted.is(kind, "*") || accepted.is("*", "*")
}

/// Whether the client takes JSON: `application/dicom+json`, or the `application/json` of older
/// clients.
pub(crate) fn accepts_json(headers: &HeaderMap) -> bool {
    let accepted = accepted(headers);
    let json = |one: &MediaType| covers(one, "application", "dicom+json") || one.is("application", "json");
    accepted.is_empty() || accepted.iter().any(json)
}

/// An answer that is one JSON text.
pub(crate) fn json(status: StatusCode, value: &Value) -> Response {
    typed(status, DICOM_JSON, value.to_string().into())
}

/// An answer of one media type.
pub(crate) fn typed(status: StatusCode, media_type: &'static str, body: Body) -> Response {
    (status, [(header::CONTENT_TYPE, media_type)], body).into_response()
}

/// An answer that says in one line why a request was not done.
#[derive(Debug)]
pub(crate) struct Refused {
    status: StatusCode,
    why: String,
}

/// Refuses a request.
pub(crate) fn refused(status: StatusCode, why: impl Into<String>) -> Refused {
    Refused { status, why: why.into() }
}

/// 406, for a client that takes nothing the origin has.
pub(crate) fn not_acceptable() -> Refused {
    refused(StatusCode::NOT_ACCEPTABLE, "no accepted media type is available")
}

/// 404, for a resource that is not stored.
pub(crate) fn not_found() -> Refused {
    refused(StatusCode::NOT_FOUND, "no such resource")
}

/// Why a request was refused, beside the answer that says so.
#[derive(Debug, Clone)]
pub(crate) struct Why(pub(crate) String);

impl Refused {
    pub(crate) fn why(&self) -> &str {
        &self.why
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let content_type = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
        let mut response = (self.status, content_type, format!("{}\n", self.why)).into_response();
        response.extensions_mut().insert(Why(self.why));
        response
    }
}

impl From<Error> for Refused {
    /// Bland to the client, detailed in the log.
    fn from(error: Error) -> Self {
        tracing::error!(%error, "request failed");
        refused(StatusCode::INTERNAL_SERVER_ERROR, "the origin failed")
    }
}

/// The text of an element or attribute in XML.
pub(crate) fn xml_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
