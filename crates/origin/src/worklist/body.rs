//! The data set in the body of a request.

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, StatusCode, header},
};
use dataset::json::{Item, ReadLimits, read_all};
use dicomweb::media_type::MediaType;

use crate::media::{Refused, refused};

/// Most bytes of a data set: 4 MiB, the performed step of some ten thousand images.
const DATA_SET_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Reads exactly one data set in the JSON Model, as an object or in an array of one (PS3.18 §F.2).
pub(super) async fn data_set(headers: &HeaderMap, body: Body, array_only: bool) -> Result<Item, Refused> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|field| field.to_str().ok());
    let is_json = |one: MediaType| one.is("application", "dicom+json") || one.is("application", "json");
    if !content_type.and_then(|text| MediaType::parse(text).ok()).is_some_and(is_json) {
        return Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be application/dicom+json"));
    }
    let bytes = to_bytes(body, DATA_SET_BYTES_MAX).await;
    let bytes =
        bytes.map_err(|_| refused(StatusCode::PAYLOAD_TOO_LARGE, "the body is too long or was cut"))?;
    if array_only && !bytes.trim_ascii_start().starts_with(b"[") {
        return Err(bad("the body is no array"));
    }
    let limits = ReadLimits { item_length_max: DATA_SET_BYTES_MAX };
    let mut items = read_all(&bytes, limits).map_err(|_| bad("the body is no data set"))?.into_iter();
    match (items.next(), items.next()) {
        (Some(item), None) => Ok(item),
        _ => Err(bad("the body must have exactly one data set")),
    }
}

/// 400.
pub(super) fn bad(why: impl Into<String>) -> Refused {
    refused(StatusCode::BAD_REQUEST, why)
}

/// 409.
pub(super) fn conflict(why: &str) -> Refused {
    refused(StatusCode::CONFLICT, why)
}
