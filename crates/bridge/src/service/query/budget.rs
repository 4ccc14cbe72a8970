//! What one query may cost.

use std::sync::atomic::{AtomicUsize, Ordering};

use dicomweb::search::SearchLimits;

use super::QueryError;
use crate::config::Query;

/// What one query may still cost. Its searches share it, also those that run at the same time.
#[derive(Debug)]
pub(crate) struct Budget {
    rows: AtomicUsize,
    rows_max: usize,
    requests: AtomicUsize,
    requests_max: usize,
    /// Results asked for with one request.
    page: u32,
}

impl Budget {
    pub(crate) fn new(query: &Query) -> Self {
        Self {
            rows: AtomicUsize::new(0),
            rows_max: query.rows_max,
            requests: AtomicUsize::new(0),
            requests_max: query.requests_max,
            page: SearchLimits::default().page,
        }
    }

    /// For rows that are read to count.
    pub(crate) fn for_counts(query: &Query) -> Self {
        let mut budget = Self::new(query);
        budget.rows_max = query.count_rows_max;
        budget
    }

    /// For looking results up, each by one instance of it, of which any will do.
    pub(crate) fn for_look_ups(query: &Query) -> Self {
        let requests_max = query.requests_max.max(query.look_ups_max);
        Self { page: 1, requests_max, ..Self::new(query) }
    }

    /// Takes a row of an origin into account.
    pub(crate) fn row(&self) -> Result<(), QueryError> {
        let rows = self.rows.fetch_add(1, Ordering::Relaxed) + 1;
        if rows > self.rows_max { Err(self.too_many_rows()) } else { Ok(()) }
    }

    /// The error for a search that found more rows than are left.
    pub(crate) const fn too_many_rows(&self) -> QueryError {
        QueryError::TooManyRows(self.rows_max)
    }

    /// Takes a search into account.
    pub(crate) fn request(&self) -> Result<(), QueryError> {
        let requests = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        if requests > self.requests_max {
            Err(QueryError::TooManyRequests(self.requests_max))
        } else {
            Ok(())
        }
    }

    /// Makes sure that so many searches are left, before the first of them is made in vain.
    pub(crate) fn has_requests_for(&self, searches: usize) -> Result<(), QueryError> {
        let left = self.requests_max.saturating_sub(self.requests.load(Ordering::Relaxed));
        if searches > left { Err(QueryError::TooManyRequests(self.requests_max)) } else { Ok(()) }
    }

    /// What was read and asked for so far: rows and searches.
    pub(crate) fn used(&self) -> (usize, usize) {
        (self.rows.load(Ordering::Relaxed), self.requests.load(Ordering::Relaxed))
    }

    /// Whether a search more may be begun.
    pub(crate) fn has_requests(&self) -> bool {
        self.requests.load(Ordering::Relaxed) < self.requests_max
    }

    /// Whether more than half of the searches is left.
    pub(crate) fn has_requests_to_spare(&self) -> bool {
        self.requests.load(Ordering::Relaxed) < self.requests_max / 2
    }

    /// The limits of a search within what is left.
    pub(crate) fn limits(&self) -> SearchLimits {
        let left = self.rows_max.saturating_sub(self.rows.load(Ordering::Relaxed));
        SearchLimits { rows_max: left as u64 + 1, page: self.page, ..SearchLimits::default() }
    }
}
