//! What a fuzzer does with the answers that this room reads, and a plain test with the corpus.

use std::{convert::Infallible, time::SystemTime};

use bytes::Bytes;
use futures::{FutureExt as _, stream};
use http::{HeaderMap, HeaderValue, header::CONTENT_TYPE, header::RETRY_AFTER};

use crate::{
    answer, change_feed,
    media_type::MediaType,
    multipart::{Boundary, Reader, ReaderLimits},
    store::response_data_set::ResponseDataSet,
};

/// A target: its name, and what it does with bytes from outside.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("multipart", multipart),
    ("store_response", store_response),
    ("change_feed", change_feed),
    ("header_fields", header_fields),
];

/// Parts: how many header fields each has, and its bytes; and what ended the reading.
type Parts = (Vec<(usize, Vec<u8>)>, Option<String>);

fn parts(body: &[u8], piece: usize) -> Parts {
    let Ok(boundary) = Boundary::new("B") else { return Parts::default() };
    let pieces = body.chunks(piece.max(1)).map(|piece| Ok::<_, Infallible>(Bytes::copy_from_slice(piece)));
    let limits = ReaderLimits { parts_max: 1000, ..ReaderLimits::default() };
    let mut reader = Reader::new(stream::iter(pieces), &boundary, limits);
    let read = async {
        let mut parts = Vec::new();
        loop {
            match reader.next_part().await {
                Ok(None) => return (parts, None),
                Ok(Some(headers)) => parts.push((headers.len(), Vec::new())),
                Err(error) => return (parts, Some(error.to_string())),
            }
            loop {
                match (reader.next_chunk().await, parts.last_mut()) {
                    (Ok(Some(chunk)), Some((_, bytes))) => bytes.extend_from_slice(&chunk),
                    (Err(error), _) => return (parts, Some(error.to_string())),
                    _ => break,
                }
            }
        }
    };
    read.now_or_never().unwrap_or_default()
}

/// The body of a multipart/related answer with the boundary `B` (RFC 2046 §5.1); the first byte says how it
/// is cut.
///
/// # Panics
/// Where the pieces change the parts, or more comes out than went in.
pub fn multipart(bytes: &[u8]) {
    let Some((piece, body)) = bytes.split_first() else { return };
    let whole = parts(body, body.len());
    assert_eq!(whole, parts(body, usize::from(*piece)));
    assert!(whole.0.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() <= body.len());
}

/// The answer of a store transaction (PS3.18 §I.1), in JSON or XML.
///
/// # Panics
/// Where more instances come out than the answer can name.
pub fn store_response(bytes: &[u8]) {
    for media_type in ["application/dicom+json", "application/dicom+xml"] {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        if let Ok(answer) = ResponseDataSet::read(&headers, bytes) {
            let items = answer.referenced.len() + answer.failed.len() + answer.other_failures.len();
            assert!(items <= bytes.len());
        }
    }
}

/// A part of a list of changes.
///
/// # Panics
/// Where more changes come out than the list has entries.
pub fn change_feed(bytes: &[u8]) {
    if let Ok(page) = change_feed::read(bytes) {
        assert!(page.changes.len() as u64 <= u64::from(page.entries));
    }
}

/// Header fields of an answer: Content-Type, Accept and Retry-After.
///
/// # Panics
/// Never; the target looks for those of others.
pub fn header_fields(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else { return };
    if let Ok(text) = value.to_str() {
        let _ = MediaType::parse_list(text);
        if let Ok(media_type) = MediaType::parse(text) {
            let _ = Boundary::new(media_type.parameter("boundary").unwrap_or_default());
        }
    }
    let mut headers = HeaderMap::new();
    headers.insert(RETRY_AFTER, value.clone());
    headers.insert(CONTENT_TYPE, value);
    let _ = answer::retry_after(&headers, SystemTime::UNIX_EPOCH);
    let _ = answer::media_type(&headers);
    let _ = answer::is_html(&headers);
}

#[cfg(test)]
#[path = "../../../tests/fuzz/replay.rs"]
mod replay;
