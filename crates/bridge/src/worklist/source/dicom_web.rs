//! What the two worklists of DICOMweb have in common: days in the query, and results to the last page.

use dataset::json::Item;
use dicomweb::{Error, SearchLimits, SearchStream, error::Unreadable};
use futures::StreamExt as _;
use jiff::{ToSpan, civil::Date};

use super::{SourceError, Wanted};

/// Everything that a search gave.
pub(super) struct Found {
    pub(super) items: Vec<Item>,
    /// Results that could not be read.
    pub(super) unreadable: usize,
}

/// The first and the last day that are wanted as a query writes them, with a day to spare for time zones; an
/// end that is open is empty.
pub(super) fn days(wanted: &Wanted) -> Option<(String, String)> {
    let day = |day: Option<Date>| {
        day.map(|day| format!("{:04}{:02}{:02}", day.year(), day.month(), day.day())).unwrap_or_default()
    };
    let from = wanted.from.map(|day| day.saturating_sub(1.day()));
    let to = wanted.to.map(|day| day.saturating_add(1.day()));
    (from.is_some() || to.is_some()).then(|| (day(from), day(to)))
}

/// What a search may cost.
pub(super) fn limits(wanted: &Wanted) -> SearchLimits {
    let rows_max = u64::try_from(wanted.orders_max).unwrap_or(u64::MAX);
    SearchLimits { rows_max, ..SearchLimits::default() }
}

/// Reads a search to its end. Where there are results and none can be read, there is no worklist: an empty one
/// would take the last one from the screens.
pub(super) async fn gather(mut results: SearchStream) -> Result<Found, SourceError> {
    let mut items = Vec::new();
    while let Some(item) = results.next().await {
        items.push(item.map_err(|error| match error {
            Error::TooManyRows(max) => SourceError::TooMany(usize::try_from(max).unwrap_or(usize::MAX)),
            error => SourceError::DicomWeb(error),
        })?);
    }
    let unreadable = usize::try_from(results.report().unreadable).unwrap_or(usize::MAX);
    if items.is_empty() && unreadable > 0 {
        return Err(SourceError::DicomWeb(Error::Unreadable(Unreadable::Malformed)));
    }
    Ok(Found { items, unreadable })
}
