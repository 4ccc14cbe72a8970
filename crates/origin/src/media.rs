//! What a client accepts and what a server sends: media types and data set values of answers.

use axum::{
    body::Body,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use dicomweb::media_type::MediaType;
use serde_json::Value;

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

/// An answer that says in one line what was wrong.
pub(crate) fn refusal(status: StatusCode, why: impl Into<String>) -> Response {
    (status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], why.into() + "\n").into_response()
}

/// 406, for a client that takes nothing the origin has.
pub(crate) fn not_acceptable() -> Response {
    refusal(StatusCode::NOT_ACCEPTABLE, "no accepted media type is available")
}

/// The text of an element or attribute in XML.
pub(crate) fn xml_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
