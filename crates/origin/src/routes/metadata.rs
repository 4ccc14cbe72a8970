//! Metadata of instances (PS3.18 §10.4.1.1.2): their data sets in the JSON Model, with bulk data left
//! out and given as links.

use std::{
    collections::VecDeque,
    io::{self, BufWriter, Write},
    sync::Arc,
};

use axum::{
    Extension,
    body::Body,
    extract::State as Shared,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use dataset::json::{BulkData, Options, from_data_set};
use futures::stream;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;

use super::{
    InWork,
    retrieve::{entries, held},
    target::{Resource, url},
};
use crate::{
    Error,
    azure::{Version, validation},
    index::{Entry, Target, attributes::Attribute},
    media::{self, DICOM_JSON, Refused, accepts_json, not_acceptable, not_found},
    personality::{Metadata, Paths},
    server::State,
};

/// Chunks between the converting thread and the socket.
const QUEUE: usize = 2;

/// Bytes of JSON that travel together.
const CHUNK: usize = 64 * 1024;

/// One array with an object for each instance of the study, series or instance.
pub(crate) async fn metadata(
    Shared(state): Shared<Arc<State>>,
    resource: Resource,
    Extension(in_work): Extension<InWork>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    if !accepts_json(&headers) {
        return Err(not_acceptable());
    }
    let target = resource.target()?;
    let first = entries(&state, &target, 0).await?;
    if first.is_empty() {
        return Err(not_found());
    }
    let tag = match state.options.personality.rules().metadata {
        Metadata::WithLinks => None,
        Metadata::WithoutBulkData => Some(entity_tag(&state, &target).await?),
    };
    if let Some(tag) = tag.as_ref().filter(|tag| is_known(&headers, tag)) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag.clone())]).into_response());
    }
    let (chunks, receiver) = mpsc::channel(QUEUE);
    // The thread ends when the array is complete or when nobody receives it any more.
    tokio::task::spawn_blocking(move || {
        let mut out = BufWriter::with_capacity(CHUNK, Outgoing(chunks.clone()));
        let written = write_array(&state, &target, first, &resource, &mut out);
        if let Err(error) = written.and_then(|()| out.flush()) {
            tracing::warn!(%error, "metadata cut");
            // Nothing valid can follow, so the answer ends as cut.
            let _nobody_receives = chunks.blocking_send(Err(error));
        }
    });
    let body = stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
    let mut response = media::typed(StatusCode::OK, DICOM_JSON, Body::from_stream(held(body, in_work)));
    if let Some(tag) = tag.and_then(|tag| HeaderValue::from_str(&tag).ok()) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// The entity tag of a target (RFC 9110 §8.8.3): another one whenever something is added, replaced or removed.
async fn entity_tag(state: &State, target: &Target) -> Result<String, Error> {
    let target = target.clone();
    let hashed = state.storage.blocking(move |storage| {
        let (mut hash, mut last) = (Sha256::new(), 0);
        loop {
            let page = storage.entries_blocking(&target, last)?;
            for (row, entry) in &page {
                last = *row;
                hash.update(row.to_be_bytes());
                hash.update(entry.sha256);
            }
            if page.is_empty() {
                return Ok(hash.finalize());
            }
        }
    });
    let digest = hashed.await?;
    Ok(format!("\"{}\"", digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>()))
}

/// Whether the client has what the tag stands for (RFC 9110 §13.1.2).
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").trim_matches('"').to_owned();
    let fields = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|field| field.to_str().ok());
    let mut known = fields.flat_map(|field| field.split(','));
    known.any(|one| one.trim() == "*" || bare(one) == bare(tag))
}

/// The writing end of an answer.
struct Outgoing(mpsc::Sender<io::Result<Bytes>>);

impl Write for Outgoing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let chunk = Bytes::copy_from_slice(bytes);
        self.0.blocking_send(Ok(chunk)).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_array(
    state: &State,
    target: &Target,
    mut page: VecDeque<(i64, Entry)>,
    resource: &Resource,
    out: &mut impl Write,
) -> io::Result<()> {
    out.write_all(b"[")?;
    let mut separator: &[u8] = b"";
    while !page.is_empty() {
        let mut last = 0;
        for (row, entry) in page.drain(..) {
            last = row;
            out.write_all(separator)?;
            separator = b",\n";
            write_object(state, &entry, resource, out)?;
        }
        page = state.storage.entries_blocking(target, last).map_err(io::Error::other)?.into();
    }
    out.write_all(b"]\n")
}

fn write_object(state: &State, entry: &Entry, resource: &Resource, out: &mut impl Write) -> io::Result<()> {
    if state.options.personality.rules().metadata == Metadata::WithoutBulkData {
        return without_bulk_data(state, entry, resource.version, out);
    }
    let (_, data_set) = state.storage.open_data_set(entry).map_err(io::Error::other)?;
    let identity = &entry.identity;
    let instance = url(
        &resource.base,
        Paths::Nested,
        identity.study_instance_uid.as_str(),
        Some(identity.series_instance_uid.as_str()),
        Some(identity.sop_instance_uid.as_str()),
    );
    let options = Options {
        bulk_data: BulkData::Uri(format!("{instance}/bulkdata")),
        value_length_max: state.options.limits.bulk_data_bytes_min,
        ..Options::default()
    };
    from_data_set(data_set, entry.transfer_syntax.encoding(), options, out).map_err(io::Error::other)
}

/// The data set of an instance without its bulk data, which leaves so little that it is made in memory.
pub(crate) fn without_bulk_data(
    state: &State,
    entry: &Entry,
    version: Version,
    out: &mut impl Write,
) -> io::Result<()> {
    let (_, data_set) = state.storage.open_data_set(entry).map_err(io::Error::other)?;
    let mut json = Vec::new();
    let encoding = entry.transfer_syntax.encoding();
    from_data_set(data_set, encoding, Options::default(), &mut json).map_err(io::Error::other)?;
    let mut value: Value = serde_json::from_slice(&json)?;
    drop_bulk_data(&mut value);
    if let Some(members) = value.as_object_mut().filter(|_| version.forgives()) {
        members.retain(|tag, element| !is_invalid(tag, element));
    }
    serde_json::to_writer(out, &value).map_err(io::Error::from)
}

/// Takes the attributes of bulk VRs out of a data set and its items.
fn drop_bulk_data(data_set: &mut Value) {
    let Some(members) = data_set.as_object_mut() else { return };
    let is_bulk = |element: &Value| element["vr"].as_str().is_some_and(|vr| BULK_VRS.contains(&vr));
    members.retain(|_, element| !is_bulk(element));
    for element in members.values_mut().filter(|element| element["vr"] == "SQ") {
        element["Value"].as_array_mut().into_iter().flatten().for_each(drop_bulk_data);
    }
}

/// Attributes of these VRs are not in metadata without bulk data.
const BULK_VRS: [&str; 7] = ["OB", "OD", "OF", "OL", "OV", "OW", "UN"];

/// Whether an attribute that searches use has a value that it cannot have.
fn is_invalid(tag: &str, element: &Value) -> bool {
    let attribute = Attribute::named(tag).filter(|attribute| attribute.vr != "UI");
    let text = element["Value"][0].as_str();
    attribute.zip(text).is_some_and(|(attribute, text)| validation::fault(attribute, text).is_some())
}
