//! Search transaction, QIDO-RS (PS3.18 §10.6).

pub(crate) mod query;
mod results;

use std::{io, sync::Arc};

use axum::{
    Extension,
    body::Body,
    extract::{RawQuery, Request, State as Shared},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures::stream;
use tokio::sync::mpsc;

use query::Query;
use results::Results;

use super::{InWork, retrieve::held, target::Resource};
use crate::{
    Error, Personality,
    index::{
        attributes::Level,
        search::{Cursor, Search},
    },
    media::{self, DICOM_JSON, Refused, accepts_json, not_acceptable},
    personality::{Rules, search::SearchResource},
    server::State,
};

/// Chunks between the searching thread and the socket.
const QUEUE: usize = 2;

/// Matches of one chunk, about 200 KiB of JSON. Other searches wait while one chunk is made.
const MATCHES_PER_CHUNK: u64 = 256;

/// Lists studies, series or instances, in all of a study or a series or in everything there is. The
/// answer is made while it is sent, so that its length costs no memory.
pub(crate) async fn search(
    Shared(state): Shared<Arc<State>>,
    resource: Resource,
    RawQuery(query): RawQuery,
    Extension(in_work): Extension<InWork>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Refused> {
    if !accepts_json(&headers) {
        return Err(not_acceptable());
    }
    let level = level(request.uri().path());
    let listed = SearchResource::new(level, resource.study.is_some(), resource.series.is_some());
    let rules = state.options.personality.rules().search;
    let parameters_max = state.options.limits.parameters_max;
    let query = Query::read(&query.unwrap_or_default(), listed, rules, parameters_max)?;
    list(state, resource, listed, query, in_work).await
}

/// Lists what a query is about.
pub(crate) async fn list(
    state: Arc<State>,
    resource: Resource,
    listed: SearchResource,
    mut query: Query,
    in_work: InWork,
) -> Result<Response, Refused> {
    let Rules { search: rules, paths, .. } = state.options.personality.rules();
    let matches_max = state.options.limits.matches_max as u64;
    let limit = query.limit.map_or(matches_max, |limit| limit.min(matches_max));
    // Who asks for no more than can be had does not need to be told of more.
    let tell_of_more = query.limit.is_none_or(|limit| limit > matches_max);
    let results = Results::new(listed, rules, &query.include, resource.base, paths);
    let search = Search {
        level: listed.level(),
        study: resource.study.as_ref().map(ToString::to_string),
        series: resource.series.as_ref().map(ToString::to_string),
        matching: std::mem::take(&mut query.matching),
        columns: results.columns().to_vec(),
        order: rules.order,
    };
    let faults = state.faults.get();
    // The last match of the page before comes once more.
    let again = u64::from(faults.repeats_matches && query.offset > 0);
    let offset = query.offset - again;
    let mut listing =
        Listing { state: Arc::clone(&state), search, results, cursor: Cursor::Begin, left: limit };
    let (listing, first, more) = state
        .storage
        .blocking(move |_| {
            let more = listing.begin(offset, tell_of_more)?;
            let first = listing.chunk()?;
            Ok((listing, first, more))
        })
        .await?;
    if more > 0 {
        query.warnings.push(format!("There are {more} additional results that can be requested"));
    }
    let mut response = match first {
        None => StatusCode::NO_CONTENT.into_response(),
        Some(first) => answer(listing, first, in_work),
    };
    let erroneous = faults.erroneous_attributes.join(",");
    if state.options.personality == Personality::Azure
        && !erroneous.is_empty()
        && let Ok(value) = HeaderValue::from_str(&erroneous)
    {
        response.headers_mut().insert(HeaderName::from_static("erroneous-dicom-attributes"), value);
    }
    for warning in query.warnings {
        // What a client wrote is not repeated, so every warning is a valid field value.
        if let Ok(value) = HeaderValue::from_str(&format!("299 dimseway-origin \"{warning}\"")) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
    Ok(response)
}

/// The last resource name of the path says what is listed.
fn level(path: &str) -> Level {
    match path.trim_end_matches('/').rsplit('/').next() {
        Some("series") => Level::Series,
        Some("instances") => Level::Instance,
        _ => Level::Study,
    }
}

/// A search on its way: what is left of it.
struct Listing {
    state: Arc<State>,
    search: Search,
    results: Results,
    cursor: Cursor,
    left: u64,
}

impl Listing {
    /// Goes to the first match wanted; how many there are behind the last one, if that is asked.
    fn begin(&mut self, offset: u64, tell_of_more: bool) -> Result<u64, Error> {
        let storage = Arc::clone(&self.state.storage);
        if offset > 0 {
            match storage.match_at(&self.search, offset)? {
                Some(cursor) => self.cursor = cursor,
                None => self.left = 0,
            }
        }
        let behind = offset.saturating_add(self.left);
        if !tell_of_more || self.left == 0 || storage.match_at(&self.search, behind)?.is_none() {
            return Ok(0);
        }
        Ok(storage.match_count(&self.search)?.saturating_sub(behind))
    }

    /// The next matches as members of an array; none behind the last one.
    fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let limit = self.left.min(MATCHES_PER_CHUNK);
        if limit == 0 {
            return Ok(None);
        }
        let mut json = Vec::with_capacity(self.results.length_hint(limit));
        let first = self.cursor_is_first();
        let results = &self.results;
        let mut separator: &[u8] = if first { b"[" } else { b",\n" };
        let (count, cursor) = self.state.storage.matches(&self.search, self.cursor, limit, &mut |found| {
            json.extend_from_slice(separator);
            separator = b",\n";
            results.write(found, &mut json)
        })?;
        self.cursor = cursor;
        self.left = if count < limit { 0 } else { self.left - count };
        if json.is_empty() {
            return Ok(None);
        }
        Ok(Some(json.into()))
    }

    /// Whether no match was given yet.
    const fn cursor_is_first(&self) -> bool {
        !matches!(self.cursor, Cursor::Behind(_))
    }
}

/// The answer that begins with these matches. Where they are all, its length is known.
fn answer(listing: Listing, first: Bytes, in_work: InWork) -> Response {
    if listing.left == 0 {
        let body = [first, Bytes::from_static(b"]\n")].concat();
        return media::typed(StatusCode::OK, DICOM_JSON, body.into());
    }
    let (chunks, receiver) = mpsc::channel(QUEUE);
    // The thread ends when the array is complete or when nobody receives it any more.
    tokio::task::spawn_blocking(move || {
        let mut listing = listing;
        let mut chunk = Some(first);
        while let Some(bytes) = chunk {
            if chunks.blocking_send(Ok(bytes)).is_err() {
                return;
            }
            chunk = match listing.chunk() {
                Ok(chunk) => chunk,
                Err(error) => {
                    tracing::warn!(%error, "search answer cut");
                    let _nobody_receives = chunks.blocking_send(Err(io::Error::other(error)));
                    return;
                }
            };
        }
        let _nobody_receives = chunks.blocking_send(Ok(Bytes::from_static(b"]\n")));
    });
    let body = stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
    media::typed(StatusCode::OK, DICOM_JSON, Body::from_stream(held(body, in_work)))
}
