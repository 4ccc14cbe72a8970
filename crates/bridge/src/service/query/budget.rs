//! What one query may cost.

use dicomweb::search::SearchLimits;

use super::QueryError;
use crate::config::Query;

/// What one query may still cost.
#[derive(Debug)]
pub(crate) struct Budget {
    rows: usize,
    rows_max: usize,
    requests: usize,
    requests_max: usize,
}

impl Budget {
    pub(crate) const fn new(query: &Query) -> Self {
        Self { rows: 0, rows_max: query.rows_max, requests: 0, requests_max: query.requests_max }
    }

    /// For rows that are read to count.
    pub(crate) const fn for_counts(query: &Query) -> Self {
        Self { rows_max: query.count_rows_max, ..Self::new(query) }
    }

    /// Takes a row of an origin into account.
    pub(crate) const fn row(&mut self) -> Result<(), QueryError> {
        self.rows += 1;
        if self.rows > self.rows_max { Err(self.too_many_rows()) } else { Ok(()) }
    }

    /// The error for a search that found more rows than are left.
    pub(crate) const fn too_many_rows(&self) -> QueryError {
        QueryError::TooManyRows(self.rows_max)
    }

    /// Takes a search into account.
    pub(crate) const fn request(&mut self) -> Result<(), QueryError> {
        self.requests += 1;
        if self.requests > self.requests_max {
            Err(QueryError::TooManyRequests(self.requests_max))
        } else {
            Ok(())
        }
    }

    /// The limits of a search within what is left.
    pub(crate) fn limits(&self) -> SearchLimits {
        SearchLimits {
            rows_max: self.rows_max.saturating_sub(self.rows) as u64 + 1,
            ..SearchLimits::default()
        }
    }
}
