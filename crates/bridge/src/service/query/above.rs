//! Attributes of the study and the series, for results below them.
//!
//! Origins that search below a study need not repeat its attributes in every result (PS3.18 §10.6.3.3),
//! but a query may ask for them and match by them. They are then looked up once for each study.

use std::collections::VecDeque;

use dataset::{json::Item, matching::Keys};
use instance::{Tag, Uid};

use super::{Budget, QueryError, level::Level, searched::Searched};

/// Studies and series that are remembered. Results come grouped by them as a rule, so few are enough.
const KNOWN_MAX: usize = 64;

/// Looks attributes up that results lack.
pub(crate) struct Above {
    study: Vec<Tag>,
    series: Vec<Tag>,
    known: VecDeque<(Uid, Item)>,
    /// Those that results must match.
    keys: Vec<Tag>,
}

impl Above {
    /// For results of `level` that are to hold `tags` and must match `keys`.
    pub(crate) fn new(level: Level, tags: &[Tag], keys: &Keys) -> Self {
        let of = |wanted: &[Level], below: Level| -> Vec<Tag> {
            let is_wanted = |tag: &&Tag| Level::of_attribute(**tag).is_some_and(|of| wanted.contains(&of));
            let tags = tags.iter().filter(is_wanted).filter(|tag| !is_path(**tag));
            if level >= below { tags.copied().collect() } else { Vec::new() }
        };
        Self {
            study: of(&[Level::Patient, Level::Study], Level::Series),
            series: of(&[Level::Series], Level::Image),
            known: VecDeque::new(),
            keys: keys.iter().filter(|(_, key)| !key.is_universal()).map(|(tag, _)| tag).collect(),
        }
    }

    /// Adds to a row what it lacks of the levels above.
    pub(crate) async fn complete(
        &mut self,
        row: &mut Item,
        searched: &Searched,
        budget: &Budget,
    ) -> Result<(), QueryError> {
        let lacks_study = self.lacks(row, &self.study, budget);
        if !lacks_study && !self.lacks(row, &self.series, budget) {
            return Ok(());
        }
        let Some(study) = row.uid(Tag::STUDY_INSTANCE_UID) else { return Ok(()) };
        if lacks_study {
            let tags = self.study.clone();
            self.add(row, (&study, None), &tags, searched, budget).await?;
        }
        if self.lacks(row, &self.series, budget)
            && let Some(series) = row.uid(Tag::SERIES_INSTANCE_UID)
        {
            let tags = self.series.clone();
            self.add(row, (&study, Some(&series)), &tags, searched, budget).await?;
        }
        Ok(())
    }

    /// Whether a row lacks what it may get from above: what a key needs in any case, and what is shown
    /// only as long as that leaves enough searches for the results themselves.
    fn lacks(&self, row: &Item, tags: &[Tag], budget: &Budget) -> bool {
        let mut lacking = tags.iter().filter(|tag| row.get(**tag).is_none());
        lacking.any(|tag| self.keys.contains(tag) || budget.has_requests_to_spare())
    }

    async fn add(
        &mut self,
        row: &mut Item,
        (study, series): (&Uid, Option<&Uid>),
        tags: &[Tag],
        searched: &Searched,
        budget: &Budget,
    ) -> Result<(), QueryError> {
        let uid = series.unwrap_or(study);
        if !self.known.iter().any(|(known, _)| known == uid) {
            let found = searched.entity(study, series, tags, budget).await?.unwrap_or_default();
            if self.known.len() == KNOWN_MAX {
                self.known.pop_front();
            }
            self.known.push_back((uid.clone(), found));
        }
        let known = self.known.iter().find(|(known, _)| known == uid);
        for tag in tags {
            if row.get(*tag).is_none()
                && let Some(element) = known.and_then(|(_, item)| item.get(*tag))
            {
                row.insert(*tag, element.clone());
            }
        }
        Ok(())
    }
}

fn is_path(tag: Tag) -> bool {
    tag == Tag::STUDY_INSTANCE_UID || tag == Tag::SERIES_INSTANCE_UID
}
