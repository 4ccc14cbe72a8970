//! One origin as a query sees it.

use std::sync::Arc;

use dataset::{
    json::Item,
    matching::{Condition, Keys},
};
use dicomweb::search::Level;
use instance::{Tag, Uid};

use super::{Budget, QueryError, rows::Rows};
use crate::{metrics::Metrics, snapshot::Origin};

/// One origin as a query sees it. Cloning is cheap.
#[derive(Clone)]
pub(crate) struct Searched {
    pub(crate) origin: Arc<Origin>,
    pub(crate) metrics: Arc<Metrics>,
}

impl Searched {
    /// What it has of `level` that may match `keys`.
    pub(crate) fn rows(&self, level: Level, keys: &Keys, include: &[Tag]) -> Rows {
        Rows::new(&self.origin, &self.metrics, level, keys, include)
    }

    /// The study or series with these UIDs.
    pub(crate) async fn entity(
        &self,
        study: &Uid,
        series: Option<&Uid>,
        include: &[Tag],
        budget: &Budget,
    ) -> Result<Option<Item>, QueryError> {
        let level = if series.is_some() { Level::Series } else { Level::Study };
        let keys = keys_of(Some(study), series);
        let mut rows = self.rows(level, &keys, include);
        while let Some(row) = rows.next(budget).await? {
            if keys.matches(&row) {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }
}

/// Keys that name a study, a series or both.
pub(crate) fn keys_of(study: Option<&Uid>, series: Option<&Uid>) -> Keys {
    let mut keys = Keys::default();
    for (tag, uid) in [(Tag::STUDY_INSTANCE_UID, study), (Tag::SERIES_INSTANCE_UID, series)] {
        if let Some(uid) = uid {
            keys.insert(tag, Condition::ListOfUid(vec![uid.clone()]));
        }
    }
    keys
}
