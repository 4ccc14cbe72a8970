//! The worklist for who asks with a search of PS3.18 §14 instead of a C-FIND.

use dataset::{json::Item, matching::Options};
use instance::{AeTitle, Encoding};
use tokio::task::yield_now;

use super::{answer::everything, find::AT_ONCE, request::Request};
use crate::{
    config::PeerQuery,
    service::web::{Found, Refusal},
    worklist::{Entry, StepStatus, Worklist},
};

/// Which of the results are wanted.
pub(crate) struct Page {
    pub(crate) offset: usize,
    pub(crate) limit: usize,
}

/// Looks for entries that match an identifier in Explicit VR Little Endian, as C-FIND does: local state first,
/// and one look-up where that has nothing.
///
/// # Errors
/// [`Refusal::Invalid`], [`Refusal::Unavailable`].
pub(crate) async fn search(
    worklist: &Worklist,
    calling: &AeTitle,
    identifier: &[u8],
    fuzzy: bool,
    page: Page,
) -> Result<Found, Refusal> {
    let setup = worklist.setup();
    let config = &setup.config;
    let matching = Options { combined_date_time: config.combined_date_time, fuzzy, ..Options::default() };
    let encoding = Encoding::ExplicitVrLittleEndian;
    let request = Request::read(identifier, encoding, matching, &PeerQuery::default())
        .map_err(|error| Refusal::Invalid(error.to_string()))?;
    let mut paging = Paging { worklist, calling, request: &request, page, matched: 0, items: Vec::new() };
    let index = worklist.index_within(None, config.look_up_timeout).await;
    for (number, place) in index.candidates(&request.narrowing()).into_iter().enumerate() {
        if number % AT_ONCE == AT_ONCE - 1 {
            yield_now().await;
        }
        if let Some(entry) = index.get(place) {
            paging.take(entry);
        }
    }
    if paging.matched == 0
        && !config.look_up_timeout.is_zero()
        && let Some(wanted) = request.wanted(config.orders_max).filter(|wanted| !worklist.keeps(wanted))
    {
        let has_days = wanted.from.is_some() || wanted.to.is_some();
        let (entries, failure) = worklist.look_up(None, &wanted).await;
        entries.iter().for_each(|entry| paging.take(entry));
        if let Some(error) = failure.filter(|_| has_days && paging.matched == 0) {
            return Err(Refusal::Unavailable(format!("it could not be looked up: {error}")));
        }
    }
    match index.missing.first() {
        Some(source) => {
            Err(Refusal::Unavailable(format!("there is no list of {source} that could be served")))
        }
        None => Ok(paging.found()),
    }
}

/// What matches, counted, and of it what the page shows.
struct Paging<'a> {
    worklist: &'a Worklist,
    calling: &'a AeTitle,
    request: &'a Request,
    page: Page,
    matched: usize,
    items: Vec<Item>,
}

impl Paging<'_> {
    fn take(&mut self, entry: &Entry) {
        let status = self.worklist.status(entry);
        if self.worklist.hides(status).is_some() {
            return;
        }
        let status = status.map_or(StepStatus::Scheduled, |(status, _)| status).shown();
        if !self.request.matches(entry, status) {
            return;
        }
        if self.matched >= self.page.offset && self.items.len() < self.page.limit {
            self.items.push(everything(self.calling, entry, status));
        }
        self.matched += 1;
    }

    fn found(self) -> Found {
        let shown = self.page.offset.saturating_add(self.items.len());
        Found { further: self.matched.saturating_sub(shown), items: self.items }
    }
}
