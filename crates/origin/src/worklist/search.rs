//! Answers to searches of worklists.

use std::{convert::Infallible, sync::Arc};

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use dataset::{
    element::{VR, vr_of},
    json::{Element, Item, write_item},
};
use futures::stream;
use instance::Tag;

use super::{
    attributes::TRANSACTION_UID,
    query::Query,
    rules::SearchRules,
    store::{Kind, Store},
};
use crate::media::{DICOM_JSON, Refused, typed};

/// What a search is made on.
pub(super) struct Search<'a> {
    pub(super) store: &'a Store,
    pub(super) kind: Kind,
    pub(super) rules: &'a SearchRules,
    /// Attributes that are always given, with a value or without.
    pub(super) returned: &'static [Tag],
    /// Most matches of one answer.
    pub(super) matches_max: usize,
}

impl Search<'_> {
    /// The matches, made while they are sent.
    pub(super) fn answer(&self, query: Query) -> Result<Response, Refused> {
        let limit = query.limit.map_or(self.matches_max, |limit| limit.min(self.matches_max));
        let mut matches = self.store.all(self.kind);
        matches.retain(|item| query.keys.matches(item));
        let behind = matches.len().saturating_sub(query.offset.saturating_add(limit));
        let page: Vec<_> = matches.into_iter().skip(query.offset).take(limit).collect();
        if page.is_empty() {
            return Ok(StatusCode::NO_CONTENT.into_response());
        }
        let partial = behind > 0 && self.rules.partial;
        let status = if partial { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
        // Who asks for no more than can be had does not need to be told of more.
        let warns = partial || behind > 0 && query.limit.is_none_or(|limit| limit > self.matches_max);
        let mut response = typed(status, DICOM_JSON, array(page, query, self.returned));
        if warns && self.rules.warns {
            let text = format!("There are {behind} additional results that can be requested");
            // Nothing that a client wrote is in it, so it is a valid field value.
            if let Ok(value) = HeaderValue::from_str(&format!("299 dimseway-origin \"{text}\"")) {
                response.headers_mut().append(header::WARNING, value);
            }
        }
        Ok(response)
    }
}

fn array(page: Vec<Arc<Item>>, query: Query, returned: &'static [Tag]) -> Body {
    let results = page.into_iter().enumerate().map(move |(position, item)| {
        let mut json = if position == 0 { b"[".to_vec() } else { b",\n".to_vec() };
        // Writing to memory does not fail.
        let _ = write_item(&result(&item, &query, returned), &mut json);
        Bytes::from(json)
    });
    let pieces = results.chain(std::iter::once(Bytes::from_static(b"]\n")));
    Body::from_stream(stream::iter(pieces.map(Ok::<_, Infallible>)))
}

/// What is given of a match: never the Transaction UID, which is the key to a workitem (PS3.18 §11.5.3).
fn result(item: &Item, query: &Query, returned: &[Tag]) -> Item {
    let all = item.iter().map(|(tag, _)| tag).filter(|_| query.include_all);
    let tags = returned.iter().copied().chain(query.include.iter().copied()).chain(all);
    let element = |tag: Tag| {
        let empty = || Element::empty(vr_of(tag).map_or(VR::UN, |(vr, _)| vr));
        (tag, item.get(tag).cloned().unwrap_or_else(empty))
    };
    tags.filter(|tag| *tag != TRANSACTION_UID).map(element).collect()
}
