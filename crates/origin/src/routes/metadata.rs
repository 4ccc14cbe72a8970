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
    http::{HeaderMap, StatusCode},
    response::Response,
};
use bytes::Bytes;
use dataset::json::{BulkData, Options, from_data_set};
use futures::stream;
use tokio::sync::mpsc;

use super::{
    InWork,
    retrieve::{entries, held},
    target::{Resource, url},
};
use crate::{
    index::{Entry, Target},
    media::{self, DICOM_JSON, Refused, accepts_json, not_acceptable, not_found},
    personality::Paths,
    server::State,
};

/// Chunks between the converting thread and the socket.
const QUEUE: usize = 2;

/// Bytes of JSON that travel together.
const CHUNK: usize = 64 * 1024;

/// One array with an object for each instance of the study, series or instance.
pub(super) async fn metadata(
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
    let (chunks, receiver) = mpsc::channel(QUEUE);
    // The thread ends when the array is complete or when nobody receives it any more.
    tokio::task::spawn_blocking(move || {
        let mut out = BufWriter::with_capacity(CHUNK, Outgoing(chunks.clone()));
        let written = write_array(&state, &target, first, &resource.base, &mut out);
        if let Err(error) = written.and_then(|()| out.flush()) {
            tracing::warn!(%error, "metadata cut");
            // Nothing valid can follow, so the answer ends as cut.
            let _nobody_receives = chunks.blocking_send(Err(error));
        }
    });
    let body = stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
    Ok(media::typed(StatusCode::OK, DICOM_JSON, Body::from_stream(held(body, in_work))))
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
    base: &str,
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
            write_object(state, &entry, base, out)?;
        }
        page = state.storage.entries_blocking(target, last).map_err(io::Error::other)?.into();
    }
    out.write_all(b"]\n")
}

fn write_object(state: &State, entry: &Entry, base: &str, out: &mut impl Write) -> io::Result<()> {
    let (_, data_set) = state.storage.open_data_set(entry).map_err(io::Error::other)?;
    let identity = &entry.identity;
    let instance = url(
        base,
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
