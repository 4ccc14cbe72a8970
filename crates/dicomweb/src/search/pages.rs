//! Page after page, each result once.

use std::collections::HashSet;
use std::hash::RandomState;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dataset::json::{BadItem, Item, ReadError, ReadLimits, Reader};
use futures::StreamExt as _;
use http::StatusCode;
use reqwest::{Response, Url};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::request::Listing;
use super::warning::Warnings;
use super::{SearchLimits, SearchReport};
use crate::client::Inner;
use crate::error::Unreadable;
use crate::patience::Patience;
use crate::{Client, Error, answer};

/// Pages in a row, all of whose results had been read before, until the server is no longer believed. 3: a
/// server that lists the newest first moves its results on while new ones arrive.
const STALE_PAGES_MAX: u32 = 3;

/// Most bytes of an answer in which no result ends, beyond the longest result. 1 MiB.
const GAP_BYTES_MAX: usize = 1024 * 1024;

/// Full pages of new results in a row, behind which the next one is asked for while one is read: 2. Most
/// searches end before that, and none of them makes a request in vain.
const FULL_PAGES_MIN: u32 = 2;

/// What the reading task sends. The end is said in so many words, so that a task that fell over is not
/// taken for one that finished.
#[derive(Debug)]
pub(super) enum Message {
    Results(Vec<Item>),
    Failed(Error),
    End,
}

/// Why reading stops before the end.
enum Stop {
    Failed(Error),
    /// Nobody takes results any more.
    Abandoned,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What is known of a page once it has been read.
struct Page {
    rows: u64,
    /// Results that had not been read before.
    fresh: u64,
    identified: u64,
    /// A hash of the UIDs in their order.
    fingerprint: u64,
    more_announced: bool,
}

pub(super) struct Pages {
    client: Client,
    listing: Listing,
    limits: SearchLimits,
    results: mpsc::Sender<Message>,
    published: Arc<Mutex<SearchReport>>,
    /// Results that are handed on together, at most, and those that are to be.
    together: usize,
    unsent: Vec<Item>,
    /// Full pages in a row.
    full_pages: u32,
    /// The row of the page that is read at which the next page is asked for, and where that is.
    next_page: Option<(u64, Url)>,
    /// The page that was asked for ahead. Dropping it ends the request.
    asked_ahead: Option<(Url, JoinSet<Result<Response, Error>>)>,
    report: SearchReport,
    patience: Patience,
    /// A keyed hash of 64 bits stands for each UID: some 20 bytes per result. That two of 100,000 results
    /// have the same one happens once in 3,000,000,000 searches, and nobody can bring it about.
    seen: HashSet<u64>,
    keys: RandomState,
    /// What could not be read, said once everything that could be read has been given.
    fault: Option<Unreadable>,
}

impl Pages {
    pub(super) fn new(
        client: Client,
        listing: Listing,
        limits: SearchLimits,
        results: mpsc::Sender<Message>,
        together: usize,
        published: Arc<Mutex<SearchReport>>,
    ) -> Self {
        let patience = Patience::new(client.inner.timeouts.unavailable);
        let report = SearchReport::default();
        let (seen, keys, fault) = (HashSet::new(), RandomState::new(), None);
        Self {
            client,
            listing,
            limits,
            results,
            published,
            together,
            unsent: Vec::with_capacity(together),
            full_pages: 0,
            next_page: None,
            asked_ahead: None,
            report,
            patience,
            seen,
            keys,
            fault,
        }
    }

    pub(super) async fn read(mut self) {
        let outcome = self.all().await;
        if self.hand_on().await.is_err() {
            return;
        }
        let message = match outcome {
            Ok(()) => self.fault.map_or(Message::End, |fault| Message::Failed(Error::Unreadable(fault))),
            Err(Stop::Failed(error)) => Message::Failed(error),
            Err(Stop::Abandoned) => return,
        };
        self.publish();
        // Whoever has gone by now does not wait for the end.
        let _ = self.results.send(message).await;
    }

    async fn all(&mut self) -> Result<(), Stop> {
        let capabilities = &self.client.profile().search;
        let limit = capabilities.limit_max.unwrap_or(u32::MAX).min(self.limits.page).max(1);
        let page_length = u64::from(limit);
        let (offset_known, unannounced_cut) = (capabilities.offset, capabilities.unannounced_cut);
        let limit = Some(limit).filter(|_| capabilities.limit);
        let mut offset = 0;
        let mut last_fingerprint = None;
        let mut stale = 0;
        let mut announced = false;
        loop {
            let url = self.listing.url(self.client.base_url(), &self.client.profile().paths, limit, offset);
            self.next_page = self.is_worth_asking_ahead(page_length).then(|| {
                let behind = offset + page_length;
                let Self { listing, client, .. } = &*self;
                (page_length / 2 + 1, listing.url(client.base_url(), &client.profile().paths, limit, behind))
            });
            let page = self.page(&url).await?;
            let full = page.rows >= page_length;
            let all_new = page.rows == page_length && page.fresh == page.rows;
            self.full_pages = if all_new { self.full_pages + 1 } else { 0 };
            let cut = unannounced_cut.is_some_and(|cut| page.rows >= u64::from(cut));
            if page.rows > 0 && page.identified == 0 {
                return Err(Error::Unreadable(Unreadable::Malformed).into());
            }
            if announced && page.fresh == 0 && !page.more_announced {
                // What the page before announced is not there.
                return Err(Error::Incomplete.into());
            }
            announced = page.more_announced;
            if !self.listing.has_pages() || limit.is_none() || page.rows == 0 {
                return if page.more_announced { Err(Error::Incomplete.into()) } else { Ok(()) };
            }
            if !full && !cut && !page.more_announced {
                return Ok(());
            }
            if !offset_known {
                let incomplete = full || page.more_announced;
                return if incomplete { Err(Error::Incomplete.into()) } else { Ok(()) };
            }
            if page.fresh == 0 && last_fingerprint == Some(page.fingerprint) {
                // The server does not know `offset`. More than the limit, or less, is all there is.
                let incomplete = page.rows == page_length || page.more_announced;
                return if incomplete { Err(Error::Incomplete.into()) } else { Ok(()) };
            }
            stale = if page.fresh == 0 { stale + 1 } else { 0 };
            if stale == STALE_PAGES_MAX {
                return Err(Error::Incomplete.into());
            }
            last_fingerprint = Some(page.fingerprint);
            offset += page.rows;
        }
    }

    /// Whether the page behind one is asked for before that is read to its end: where there is likely to be
    /// one, and where what is read ahead is not as much as half a page anyway.
    fn is_worth_asking_ahead(&self, page_length: u64) -> bool {
        let capabilities = &self.client.profile().search;
        self.full_pages >= FULL_PAGES_MIN
            && page_length / 2 > self.limits.ahead as u64
            && capabilities.limit
            && capabilities.offset
            && self.listing.has_pages()
    }

    fn ask_ahead(&mut self, url: Url) {
        let (client, asked) = (self.client.clone(), url.clone());
        let mut asking = JoinSet::new();
        asking.spawn(async move {
            let Inner { search: connections, searches, .. } = &*client.inner;
            let accept = &client.profile().search.accept;
            // Where it is put off it is asked for in its turn.
            let mut patience = Patience::new(Duration::ZERO);
            client.get_patiently(connections, Some(searches), &asked, accept, &mut patience).await
        });
        self.asked_ahead = Some((url, asking));
    }

    /// The answer of the page at `url` where it was asked for ahead and is there.
    async fn answered_ahead(&mut self, url: &Url) -> Option<Response> {
        let (_, mut asking) = self.asked_ahead.take().filter(|(asked, _)| asked == url)?;
        let response = asking.join_next().await?.ok()?.ok()?;
        response.status().is_success().then_some(response)
    }

    /// One page, asked for once more where its connection breaks; what was read of it by then is not
    /// given twice.
    async fn page(&mut self, url: &Url) -> Result<Page, Stop> {
        self.patience.next_request();
        loop {
            match self.page_once(url).await {
                Err(Stop::Failed(error)) if self.patience.bears(&error) => {}
                page => return page,
            }
        }
    }

    async fn page_once(&mut self, url: &Url) -> Result<Page, Stop> {
        let ahead = self.answered_ahead(url).await;
        let Inner { search: connections, searches, .. } = &*self.client.inner;
        let capabilities = &self.client.profile().search;
        let (turns, accept) = (Some(searches), &capabilities.accept);
        let response = match ahead {
            Some(response) => response,
            None => self.client.get_patiently(connections, turns, url, accept, &mut self.patience).await?,
        };
        let status = response.status();
        if capabilities.nothing_found_statuses.contains(&status.as_u16()) {
            self.report.pages += 1;
            return Ok(Page { rows: 0, fresh: 0, identified: 0, fingerprint: 0, more_announced: false });
        }
        if !status.is_success() {
            return Err(self.client.refused(&response, false).into());
        }
        if answer::is_html(response.headers()) {
            return Err(Error::Unreadable(Unreadable::Html).into());
        }
        let more_announced = self.note_headers(&response);
        self.report.pages += 1;
        let page = Page { rows: 0, fresh: 0, identified: 0, fingerprint: 0, more_announced };
        if status == StatusCode::NO_CONTENT {
            return Ok(page);
        }
        self.body(response, page).await
    }

    async fn body(&mut self, response: Response, mut page: Page) -> Result<Page, Stop> {
        let mut reader = Reader::new(ReadLimits { item_length_max: self.limits.item_bytes_max });
        let mut body = pin!(self.client.page(response));
        let mut gap = 0;
        let mut empty = true;
        while let Some(chunk) = body.next().await.transpose()? {
            if empty && answer::looks_like_html(&chunk) {
                return Err(Error::Unreadable(Unreadable::Html).into());
            }
            empty &= chunk.trim_ascii().is_empty();
            let mut rest = &chunk[..];
            gap += rest.len();
            while let Some(row) = reader.next(&mut rest).map_err(unreadable)? {
                gap = rest.len();
                self.row(row, &mut page).await?;
            }
            if gap > self.limits.item_bytes_max.saturating_add(GAP_BYTES_MAX) {
                return Err(Error::Unreadable(Unreadable::TooLarge).into());
            }
            self.publish();
            // Nothing waits in here while more bytes are awaited.
            self.hand_on().await?;
        }
        if empty {
            return Err(Error::Unreadable(Unreadable::Empty).into());
        }
        reader.finish().map_err(unreadable)?;
        self.report.elements_dropped += reader.elements_dropped();
        Ok(page)
    }

    async fn row(&mut self, row: Result<Item, BadItem>, page: &mut Page) -> Result<(), Stop> {
        page.rows += 1;
        self.report.rows += 1;
        if let Some((_, url)) = self.next_page.take_if(|(row, _)| *row <= page.rows) {
            self.ask_ahead(url);
        }
        if self.report.rows > self.limits.rows_max {
            return Err(Error::TooManyRows(self.limits.rows_max).into());
        }
        let item = match row {
            Ok(item) => item,
            Err(bad) => {
                page.identified += 1;
                let fault = if matches!(bad, BadItem::TooLong(_)) {
                    Unreadable::TooLarge
                } else {
                    Unreadable::Malformed
                };
                self.note_fault(fault);
                return Ok(());
            }
        };
        let Some(hash) = self.listing.identify(&item, &self.keys) else {
            self.report.unidentified += 1;
            self.note_fault(Unreadable::Malformed);
            return Ok(());
        };
        page.identified += 1;
        page.fingerprint = page.fingerprint.rotate_left(1) ^ hash;
        if !self.seen.insert(hash) {
            self.report.duplicates += 1;
            return Ok(());
        }
        page.fresh += 1;
        self.unsent.push(item);
        if self.unsent.len() >= self.together { self.hand_on().await } else { Ok(()) }
    }

    /// Hands on what was read, and what was noticed with it.
    async fn hand_on(&mut self) -> Result<(), Stop> {
        if self.unsent.is_empty() {
            return Ok(());
        }
        self.publish();
        let results = std::mem::replace(&mut self.unsent, Vec::with_capacity(self.together));
        self.results.send(Message::Results(results)).await.map_err(|_| Stop::Abandoned)
    }

    /// Notes a result that cannot be given. It fails the search in the end, but not a worklist.
    fn note_fault(&mut self, fault: Unreadable) {
        self.report.unreadable += 1;
        if !self.listing.tolerates_unreadable() {
            self.fault.get_or_insert(fault);
        }
    }

    /// Whether status and header fields announce more results.
    fn note_headers(&mut self, response: &Response) -> bool {
        let warnings = Warnings::of(response.headers());
        self.report.fuzzy_not_supported |= warnings.fuzzy_not_supported;
        self.report.other_warning |= warnings.other;
        if let Some(name) = &self.client.profile().search.erroneous_attributes {
            self.report.erroneous_attributes |= response.headers().contains_key(&**name);
        }
        // A worklist has 206 for part of its results (PS3.18 §11.9.3).
        warnings.additional_results || response.status() == StatusCode::PARTIAL_CONTENT
    }

    fn publish(&self) {
        *self.published.lock().unwrap_or_else(PoisonError::into_inner) = self.report;
    }
}

fn unreadable(error: ReadError) -> Error {
    Error::Unreadable(match error {
        ReadError::Truncated => Unreadable::Cut,
        _ => Unreadable::Malformed,
    })
}
