//! Bulk data: the values that metadata gives as links (PS3.18 §10.4.1.1.5).

use std::{
    io::{self, Read},
    sync::Arc,
};

use axum::{
    Extension,
    body::Body,
    extract::{Path, State as Shared},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use dataset::element::{Event, Limits, Mode, Reader};
use dicomweb::multipart::{Boundary, Part, Writer, part_headers};
use flate2::read::DeflateDecoder;
use futures::{StreamExt as _, stream};
use instance::{Encoding, Tag};
use serde::Deserialize;
use tokio::sync::{mpsc, oneshot};

use super::{
    InWork,
    retrieve::{entries, held},
    target::Resource,
};
use crate::{
    index::Entry,
    media::{Refused, accepted, covers, not_acceptable, not_found, refused},
    server::State,
};

const OCTET_STREAM: &str = "application/octet-stream";

/// Chunks between the reading thread and the socket.
const QUEUE: usize = 2;

/// Bytes read from the file at a time.
const CHUNK: usize = 128 * 1024;

/// Levels of sequences that a path may name: as many as any data set may have.
const DEPTH_MAX: usize = 64;

/// Where a value stands: sequences with the number of the item, counted from 1, then the element.
struct Place {
    items: Vec<(Tag, usize)>,
    element: Tag,
}

#[derive(Deserialize)]
pub(crate) struct PlaceSegment {
    place: String,
}

/// How the search for a value ended.
enum Found {
    Value,
    Absent,
    /// Encapsulated pixel data, or numbers in big endian: not to be had as octets.
    NoOctets,
}

/// The bytes of one value, in little endian, as they stand in the data set.
pub(crate) async fn bulk_data(
    Shared(state): Shared<Arc<State>>,
    resource: Resource,
    Path(segment): Path<PlaceSegment>,
    Extension(in_work): Extension<InWork>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    let multipart = wants_multipart(&headers).ok_or_else(not_acceptable)?;
    let place = Place::read(&segment.place).ok_or_else(not_found)?;
    let mut entries = entries(&state, &resource.target()?, 0).await?;
    let (_, entry) = entries.pop_front().ok_or_else(not_found)?;
    let (chunks, receiver) = mpsc::channel(QUEUE);
    let (found, answer) = oneshot::channel();
    tokio::task::spawn_blocking(move || {
        let mut found = Some(found);
        if let Err(error) = send_value(&state, &entry, &place, &mut found, &chunks) {
            tracing::warn!(%error, "bulk data cut");
            let _nobody_receives = chunks.blocking_send(Err(error));
        }
    });
    match answer.await {
        Ok(Found::Value) => {}
        Ok(Found::Absent) => return Err(not_found()),
        Ok(Found::NoOctets) => return Err(not_acceptable()),
        Err(_) => return Err(refused(StatusCode::INTERNAL_SERVER_ERROR, "the origin failed")),
    }
    let data = stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
    let data = held(data, in_work);
    if !multipart {
        return Ok(([(header::CONTENT_TYPE, OCTET_STREAM)], Body::from_stream(data)).into_response());
    }
    let writer = Writer::new(Boundary::random());
    let content_type = writer.content_type(OCTET_STREAM);
    let part = Part { headers: part_headers(HeaderValue::from_static(OCTET_STREAM)), data: data.boxed() };
    let body = Body::from_stream(writer.write(stream::iter([Ok(part)])));
    Ok(([(header::CONTENT_TYPE, content_type)], body).into_response())
}

/// Whether the value is to be wrapped; none where the client takes neither form.
fn wants_multipart(headers: &HeaderMap) -> Option<bool> {
    let accepted = accepted(headers);
    if accepted.is_empty() {
        return Some(false);
    }
    accepted.iter().find_map(|one| {
        let single = covers(one, "application", "octet-stream");
        (single || one.is("multipart", "related")).then_some(!single)
    })
}

impl Place {
    /// Reads `GGGGEEEE` or `GGGGEEEE/N/GGGGEEEE`, to any depth.
    fn read(text: &str) -> Option<Self> {
        let tag = |text: &str| match text.len() {
            8 => u32::from_str_radix(text, 16).ok().map(Tag::from),
            _ => None,
        };
        let mut segments = text.split('/');
        let mut items = Vec::new();
        loop {
            let element = tag(segments.next()?)?;
            let Some(number) = segments.next() else { return Some(Self { items, element }) };
            if items.len() == DEPTH_MAX {
                return None;
            }
            items.push((element, number.parse().ok()?));
        }
    }
}

fn send_value(
    state: &State,
    entry: &Entry,
    place: &Place,
    found: &mut Option<oneshot::Sender<Found>>,
    chunks: &mpsc::Sender<io::Result<Bytes>>,
) -> io::Result<()> {
    let mut tell = |what| {
        // The client may have gone in the meantime, which the next chunk will show.
        found.take().map(|found| found.send(what));
    };
    let encoding = entry.transfer_syntax.encoding();
    if encoding == Encoding::ExplicitVrBigEndian {
        tell(Found::NoOctets);
        return Ok(());
    }
    let (_, file) = state.storage.open_data_set(entry).map_err(io::Error::other)?;
    let mut data_set: Box<dyn Read> = match encoding {
        Encoding::DeflatedExplicitVrLittleEndian => Box::new(DeflateDecoder::new(file)),
        _ => Box::new(file),
    };
    let mut reader = Reader::new(encoding.into(), Mode::EnterSequences, Limits::default());
    let mut open: Vec<(Tag, usize)> = Vec::new();
    let mut inside = false;
    let mut buffer = vec![0; CHUNK];
    loop {
        let length = data_set.read(&mut buffer)?;
        if length == 0 {
            // A value that is cut in the data set is given as far as it goes.
            tell(Found::Absent);
            return Ok(());
        }
        let mut rest = &buffer[..length];
        while let Some(event) = reader.next(&mut rest).map_err(io::Error::other)? {
            match event {
                Event::SequenceStart(header) => open.push((header.tag, 0)),
                Event::SequenceEnd => drop(open.pop()),
                Event::ItemStart => open.last_mut().into_iter().for_each(|(_, number)| *number += 1),
                Event::Element(header) if header.tag == place.element && open == place.items => {
                    inside = true;
                    tell(Found::Value);
                }
                Event::FragmentsStart(header) if header.tag == place.element && open == place.items => {
                    tell(Found::NoOctets);
                    return Ok(());
                }
                Event::Value(piece) if inside => {
                    let chunk = Bytes::copy_from_slice(piece);
                    let sent = chunks.blocking_send(Ok(chunk));
                    sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
                }
                Event::ValueEnd if inside => return Ok(()),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_place_of_a_value() {
        let nested = (vec![(Tag(0x0008, 0x1199), 2)], Tag(0x0008, 0x1150));
        let cases = [
            ("7FE00010", Some((Vec::new(), Tag::PIXEL_DATA))),
            ("00081199/2/00081150", Some(nested)),
            ("00081199/2", None),
            ("00081199/x/00081150", None),
            ("7fe0001", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let got = Place::read(text).map(|place| (place.items, place.element));
            assert_eq!(got, expected, "{text}");
        }
    }
}
