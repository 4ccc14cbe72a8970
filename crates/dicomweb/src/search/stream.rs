//! The results of a search, as they are read.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use dataset::json::Item;
use futures::Stream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::pages::{Message, Pages};
use super::{Listing, Search, SearchLimits};
use crate::{Client, Error};

/// Parts of what may be read ahead, one of which is handed on at a time: 8. One is being read and one being
/// taken while the others wait.
const PARTS: usize = 8;

/// Results, each once, in the order in which the server gave them. An error is the last item; without one
/// the results are complete.
///
/// A task reads ahead, as far as the limits allow; dropping the stream ends it and resets the request
/// under way.
#[derive(Debug)]
pub struct SearchStream {
    results: mpsc::Receiver<Message>,
    /// Those that were handed on together and are not taken yet.
    at_hand: std::vec::IntoIter<Item>,
    ended: bool,
    report: Arc<Mutex<SearchReport>>,
    reading: JoinHandle<()>,
}

/// What was noticed while a search was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SearchReport {
    /// Requests that were answered with success.
    pub pages: u64,
    /// Results read, before de-duplication.
    pub rows: u64,
    /// Results that had been read before.
    pub duplicates: u64,
    /// Results without the UID of their level, which are left out; the search ends in an error then.
    pub unidentified: u64,
    /// Results that could not be given, those without their UID among them.
    pub unreadable: u64,
    /// Elements of results left out because they could not be understood.
    pub elements_dropped: u64,
    /// The server said that it does not know fuzzy matching (PS3.18 §8.3.4.2).
    pub fuzzy_not_supported: bool,
    /// The server said that it could not search everything by an attribute that was asked for, so that
    /// results may be missing.
    pub erroneous_attributes: bool,
    /// The server gave another Warning (PS3.18 §8.5).
    pub other_warning: bool,
}

impl Client {
    /// Searches, in the way of the profile, to the last page (PS3.18 §10.6). The first request is sent at
    /// once. Must be called within a Tokio runtime.
    ///
    /// A request that breaks down is sent once more, since searching changes nothing; one that is put off
    /// (429, 503) is repeated as the server wishes or with growing pauses, within
    /// [`Timeouts::unavailable`](crate::Timeouts::unavailable).
    ///
    /// Errors are items of the stream: those of a request; [`Error::TooManyRows`] beyond the limit;
    /// [`Error::Incomplete`] where the server has more results than it gives; [`Error::Unreadable`] behind
    /// all results that could be read; [`Error::Profile`] where the profile has no such search.
    #[must_use]
    pub fn search(&self, search: Search, limits: SearchLimits) -> SearchStream {
        let parameters = search.parameters(&self.profile().search);
        SearchStream::begin(self, parameters.map(|parameters| Listing::Search(search, parameters)), limits)
    }
}

impl SearchStream {
    /// Begins to read a listing, or gives the error that keeps it from being asked for.
    pub(crate) fn begin(client: &Client, listing: Result<Listing, Error>, limits: SearchLimits) -> Self {
        let together = (limits.ahead / PARTS).max(1);
        let waiting = if together > 1 { PARTS - 2 } else { limits.ahead.max(1) };
        let (sender, results) = mpsc::channel(waiting);
        let report = Arc::new(Mutex::new(SearchReport::default()));
        let (client, published) = (client.clone(), report.clone());
        let reading = tokio::spawn(async move {
            match listing {
                Ok(listing) => {
                    Pages::new(client, listing, limits, sender, together, published).read().await;
                }
                // Whoever has gone by now does not wait for the error.
                Err(error) => drop(sender.send(Message::Failed(error)).await),
            }
        });
        Self { results, at_hand: Vec::new().into_iter(), ended: false, report, reading }
    }

    /// What has been noticed so far; complete once the stream has ended.
    #[must_use]
    pub fn report(&self) -> SearchReport {
        *self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream for SearchStream {
    type Item = Result<Item, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        while !self.ended {
            if let Some(item) = self.at_hand.next() {
                return Poll::Ready(Some(Ok(item)));
            }
            let message = ready!(self.results.poll_recv(context));
            self.ended = !matches!(message, Some(Message::Results(_)));
            match message {
                Some(Message::Results(items)) => self.at_hand = items.into_iter(),
                Some(Message::Failed(error)) => return Poll::Ready(Some(Err(error))),
                Some(Message::End) => {}
                None => {
                    let error = Error::Interrupted("the reading of the answer fell over".into());
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
        Poll::Ready(None)
    }
}

impl Drop for SearchStream {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt as _;

    use super::*;

    #[tokio::test]
    async fn a_reading_that_falls_over_is_never_the_end() {
        let (sender, results) = mpsc::channel(1);
        let report = Arc::default();
        let reading = tokio::spawn(async move {
            let _ = sender.send(Message::Results(vec![Item::new()])).await;
        });
        let mut stream =
            SearchStream { results, at_hand: Vec::new().into_iter(), ended: false, report, reading };
        assert!(stream.next().await.unwrap().is_ok());
        assert!(matches!(stream.next().await, Some(Err(Error::Interrupted(_)))));
        assert!(stream.next().await.is_none());
    }
}
