//! GetDICOMInstance: one instance as a single part (Developer Guide, "Getting a DICOM instance").

use std::{io::Read as _, sync::Arc};

use axum::{
    Extension,
    body::Body,
    extract::State as Shared,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use dataset::{element::Limits, rewrite::Rewriting};
use instance::{
    Encoding, TransferSyntax,
    part10::{self, FileMeta},
    transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN,
};
use tokio::sync::mpsc;

use crate::{
    Error,
    index::Entry,
    media::{Refused, accepted, covers, not_acceptable, not_found},
    routes::{InWork, retrieve::entries, target::Resource},
    server::State,
    storage::Storage,
};

/// Bytes read from a file at a time.
const PIECE: usize = 128 * 1024;

/// Bytes that one byte of a deflated data set may become, on average: 1,000, the most that deflate reaches.
const INFLATE_RATIO_MAX: u64 = 1_000;

/// Gives an instance in the transfer syntax that the request names, or in Explicit VR Little Endian.
pub(super) async fn retrieve(
    Shared(state): Shared<Arc<State>>,
    resource: Resource,
    Extension(in_work): Extension<InWork>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let target = resource.target()?;
    let wanted = wanted(&headers).ok_or_else(not_acceptable)?;
    let (_, entry) = entries(&state, &target, 0).await?.pop_front().ok_or_else(not_found)?;
    let stored = entry.transfer_syntax.clone();
    let given = match wanted.as_str() {
        "*" => stored,
        uid if uid == stored.uid().as_str() => stored,
        uid if uid == EXPLICIT_VR_LITTLE_ENDIAN && is_native(&stored) => {
            TransferSyntax::new(uid.parse().map_err(|_| not_acceptable())?)
        }
        _ => return Err(not_acceptable()),
    };
    let content_type = format!("application/dicom; transfer-syntax={}", given.uid());
    let content_type = HeaderValue::from_str(&content_type).map_err(|_| not_acceptable())?;
    let (pieces, receiver) = mpsc::channel(2);
    let storage = Arc::clone(&state.storage);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = write(&storage, &entry, given, &pieces) {
            tracing::error!(%error, "an instance cannot be given");
            let _gone = pieces.blocking_send(Err(error));
        }
    });
    let body = futures::stream::unfold((receiver, in_work), |(mut receiver, in_work)| async move {
        Some((receiver.recv().await?, (receiver, in_work)))
    });
    Ok(([(header::CONTENT_TYPE, content_type)], Body::from_stream(body)).into_response())
}

/// The transfer syntax that Accept asks for: the first one of a member that takes a DICOM file.
fn wanted(headers: &HeaderMap) -> Option<String> {
    let accepted = accepted(headers);
    if accepted.is_empty() {
        return Some(EXPLICIT_VR_LITTLE_ENDIAN.to_owned());
    }
    let member = accepted.iter().find(|one| covers(one, "application", "dicom"))?;
    Some(member.parameter("transfer-syntax").unwrap_or(EXPLICIT_VR_LITTLE_ENDIAN).to_owned())
}

/// Whether the pixels are not compressed, so that only the data elements have to be written anew.
fn is_native(syntax: &TransferSyntax) -> bool {
    matches!(
        syntax.encoding(),
        Encoding::ImplicitVrLittleEndian
            | Encoding::ExplicitVrBigEndian
            | Encoding::DeflatedExplicitVrLittleEndian
    )
}

type Pieces = mpsc::Sender<Result<Bytes, Error>>;

/// Writes the file anew: File Meta Information of this server, and the data set.
fn write(storage: &Storage, entry: &Entry, given: TransferSyntax, pieces: &Pieces) -> Result<(), Error> {
    let (meta, mut file) = storage.open_data_set(entry)?;
    let mut rewriting = (meta.transfer_syntax != given).then(|| {
        let (from, to) = (meta.transfer_syntax.encoding(), Encoding::ExplicitVrLittleEndian);
        Rewriting::new(from, to, Limits::default(), INFLATE_RATIO_MAX)
    });
    let head = part10::write(&FileMeta { transfer_syntax: given, ..meta }, None);
    if pieces.blocking_send(Ok(head.into())).is_err() {
        return Ok(());
    }
    let mut buffer = vec![0; PIECE];
    loop {
        let length = file.read(&mut buffer).map_err(Error::folder(&"instances"))?;
        let mut piece = Vec::new();
        match &mut rewriting {
            Some(rewriting) if length == 0 => rewriting.finish().map_err(unreadable)?,
            Some(rewriting) => rewriting.push(&buffer[..length], &mut piece).map_err(unreadable)?,
            None => piece.extend_from_slice(&buffer[..length]),
        }
        if length == 0 {
            return Ok(());
        }
        if !piece.is_empty() && pieces.blocking_send(Ok(piece.into())).is_err() {
            return Ok(());
        }
    }
}

fn unreadable(error: dataset::rewrite::RewriteError) -> Error {
    Error::folder("instances")(std::io::Error::other(error))
}
