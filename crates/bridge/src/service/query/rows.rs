//! What an origin has that may match: the searches of a plan, one after the other.

use std::{collections::VecDeque, sync::Arc, time::Instant};

use dataset::element::VR;
use dataset::{
    json::{Element, Item},
    matching::{Condition, Keys},
};
use dicomweb::{
    profile::{SearchCapabilities, Searchable},
    search::{Level, MatchValue, Search, SearchReport, SearchStream},
};
use futures::StreamExt;
use instance::{Tag, Uid};

use super::{Budget, QueryError, patients};
use crate::{
    mapping::identifier_to_search::{Finds, Plan},
    metrics::Metrics,
    snapshot::Origin,
};

/// Searches of one plan at the same time: lists of UID become one search for each at some origins, and
/// each of them takes the way there and back. More would be refused by them.
const SEARCHES_MAX: usize = 4;

/// Entities of one level at one origin, at least all that match. The same one may come twice.
pub(crate) struct Rows {
    origin: Arc<Origin>,
    metrics: Arc<Metrics>,
    level: Level,
    keys: Keys,
    include: Vec<Tag>,
    /// Whether any row has been given.
    has_given: bool,
    /// Whether the plan finds the same entity in several searches.
    pub(crate) may_repeat: bool,
    /// Whether the patients to search by are still to be found.
    by_patients: bool,
    /// Searches at the same time.
    at_once: usize,
    /// What is wrong although every search has come to its end.
    fault: Option<QueryError>,
    /// How many searches the plan has, until that has been compared with what is left.
    planned: usize,
    searches: Box<dyn Iterator<Item = Search> + Send>,
    /// The search whose results are read, and those behind it that are under way.
    running: VecDeque<Running>,
    descent: Option<Descent>,
    /// Whether an origin said that it could not search everything by a key.
    pub(crate) incomplete_keys: bool,
}

/// A search under way.
struct Running {
    stream: SearchStream,
    study: Option<Uid>,
    series: Option<Uid>,
    began: Option<Instant>,
    is_fuzzy: bool,
}

/// The way over a level above: each of its entities is searched below.
struct Descent {
    above: Box<Rows>,
    level: Level,
    keys: Keys,
    below: Option<Box<Rows>>,
}

impl Rows {
    pub(crate) fn new(
        origin: &Arc<Origin>,
        metrics: &Arc<Metrics>,
        level: Level,
        keys: &Keys,
        include: &[Tag],
    ) -> Self {
        let plan = Plan::new(level, keys, include, &origin.client.profile().search);
        let mut rows = Self {
            origin: Arc::clone(origin),
            metrics: Arc::clone(metrics),
            level,
            keys: keys.clone(),
            include: include.to_vec(),
            has_given: false,
            may_repeat: plan.may_repeat(),
            by_patients: false,
            at_once: SEARCHES_MAX,
            fault: None,
            planned: 0,
            searches: Box::new(std::iter::empty()),
            running: VecDeque::new(),
            descent: None,
            incomplete_keys: false,
        };
        rows.plan(plan);
        rows
    }

    fn plan(&mut self, plan: Plan) {
        match plan.finds {
            Finds::Wanted => {
                self.planned = plan.len();
                self.searches = Box::new(plan.searches());
            }
            Finds::Above(level) => {
                let mut keys = self.keys.clone();
                keys.retain(|tag, _| of_level_or_above(tag, level));
                let above = Box::new(Self::new(&self.origin, &self.metrics, level, &keys, &self.include));
                self.searches = Box::new(std::iter::empty());
                self.descent = Some(Descent { above, level, keys, below: None });
            }
            Finds::Patients => self.by_patients = true,
        }
    }

    /// The next row; none behind the last. It holds the UIDs of its path.
    ///
    /// # Errors
    /// The origin cannot be searched to the end, or that would cost too much.
    pub(crate) async fn next(&mut self, budget: &Budget) -> Result<Option<Item>, QueryError> {
        loop {
            if self.descent.is_some() {
                return self.next_below(budget).await;
            }
            if std::mem::take(&mut self.by_patients) {
                self.search_by_patients(budget).await?;
            }
            self.begin(budget)?;
            let Some(running) = self.running.front_mut() else {
                return self.fault.take().map_or(Ok(None), Err);
            };
            let next = running.stream.next().await;
            if let Some(began) = running.began.take() {
                let error = next.as_ref().and_then(|next| next.as_ref().err());
                self.metrics.count_origin_request(&self.origin.name, "search", began.elapsed(), error);
            }
            if running.is_fuzzy && running.stream.report().fuzzy_not_supported {
                self.search_again_without_fuzzy_names()?;
                continue;
            }
            match next {
                Some(Ok(mut row)) => {
                    budget.row()?;
                    self.has_given = true;
                    self.incomplete_keys |= running.stream.report().erroneous_attributes;
                    complete(&mut row, Tag::STUDY_INSTANCE_UID, running.study.as_ref());
                    complete(&mut row, Tag::SERIES_INSTANCE_UID, running.series.as_ref());
                    return Ok(Some(row));
                }
                Some(Err(error)) if running.study.is_some() && is_absent(&error) => self.end_search(),
                Some(Err(dicomweb::Error::TooManyRows(_))) => return Err(budget.too_many_rows()),
                Some(Err(source)) => {
                    return Err(QueryError::Origin { origin: self.origin.name.clone(), source });
                }
                None => self.end_search(),
            }
        }
    }

    /// Begins searches as long as some may be.
    fn begin(&mut self, budget: &Budget) -> Result<(), QueryError> {
        budget.has_requests_for(std::mem::take(&mut self.planned))?;
        while self.running.len() < self.at_once {
            // Those under way are read first.
            if !budget.has_requests() && !self.running.is_empty() {
                break;
            }
            let Some(search) = self.searches.next() else { break };
            budget.request()?;
            self.running.push_back(Running {
                study: search.study.clone(),
                series: search.series.clone().or_else(|| series_of_keys(&search)),
                is_fuzzy: search.fuzzy,
                stream: self.origin.client.search(search, budget.limits()),
                began: Some(Instant::now()),
            });
        }
        Ok(())
    }

    /// Finds the patients whose studies may match, and plans a search for each.
    async fn search_by_patients(&mut self, budget: &Budget) -> Result<(), QueryError> {
        let (origin, metrics) = (&self.origin, &self.metrics);
        let found = patients::patients(origin, metrics, &self.keys, &self.include, budget).await?;
        self.planned = found.searches.len();
        self.searches = Box::new(found.searches.into_iter());
        self.at_once = self.origin.postdicom.as_ref().map_or(1, |account| account.config.patients_at_once);
        self.fault = found.incomplete.then(|| patients::incomplete(origin));
        Ok(())
    }

    /// The origin said that it matched names literally, whatever its profile says of it: then it is not
    /// asked for them in this way.
    fn search_again_without_fuzzy_names(&mut self) -> Result<(), QueryError> {
        tracing::warn!(origin = self.origin.name, "no fuzzy matching there: the profile is wrong in this");
        if self.has_given {
            let source = dicomweb::Error::Incomplete;
            return Err(QueryError::Origin { origin: self.origin.name.clone(), source });
        }
        let literal =
            SearchCapabilities { fuzzy: Searchable::Absent, ..self.origin.client.profile().search.clone() };
        let plan = Plan::new(self.level, &self.keys, &self.include, &literal);
        self.running.clear();
        self.may_repeat |= plan.may_repeat();
        self.plan(plan);
        Ok(())
    }

    fn end_search(&mut self) {
        if let Some(running) = self.running.pop_front() {
            let SearchReport { elements_dropped, erroneous_attributes, .. } = running.stream.report();
            self.incomplete_keys |= erroneous_attributes;
            if elements_dropped > 0 {
                tracing::warn!(
                    origin = self.origin.name,
                    elements = elements_dropped,
                    "parts of a search result could not be understood and were left out"
                );
            }
        }
    }

    async fn next_below(&mut self, budget: &Budget) -> Result<Option<Item>, QueryError> {
        loop {
            let Some(descent) = &mut self.descent else { return Ok(None) };
            if let Some(below) = &mut descent.below {
                if let Some(row) = Box::pin(below.next(budget)).await? {
                    return Ok(Some(row));
                }
                self.incomplete_keys |= below.incomplete_keys;
                descent.below = None;
            }
            let Some(above) = Box::pin(descent.above.next(budget)).await? else {
                self.incomplete_keys |= descent.above.incomplete_keys;
                return Ok(None);
            };
            if !descent.keys.matches_assuming(&above, |_| true) {
                continue;
            }
            let Some(study) = above.uid(Tag::STUDY_INSTANCE_UID) else { continue };
            let mut keys = self.keys.clone();
            keys.insert(Tag::STUDY_INSTANCE_UID, Condition::ListOfUid(vec![study]));
            if descent.level == Level::Series {
                let Some(series) = above.uid(Tag::SERIES_INSTANCE_UID) else { continue };
                keys.insert(Tag::SERIES_INSTANCE_UID, Condition::ListOfUid(vec![series]));
            }
            let below = Self::new(&self.origin, &self.metrics, self.level, &keys, &self.include);
            descent.below = Some(Box::new(below));
        }
    }
}

/// Below a study that the origin does not have there is nothing.
fn is_absent(error: &dicomweb::Error) -> bool {
    matches!(error, dicomweb::Error::Refused { status, .. } if matches!(status.as_u16(), 404 | 410))
}

/// The series that a search without a path has as its only one.
fn series_of_keys(search: &Search) -> Option<Uid> {
    let mut keys = search.matching.iter().filter(|(path, _)| path.as_slice() == [Tag::SERIES_INSTANCE_UID]);
    match keys.next() {
        Some((_, MatchValue::ListOfUid(uids))) if search.level == Level::Instance && uids.len() == 1 => {
            uids.first().cloned()
        }
        _ => None,
    }
}

/// The UIDs of the path need not be in the answer (PS3.18 §10.6.3.3).
fn complete(row: &mut Item, tag: Tag, uid: Option<&Uid>) {
    if let Some(uid) = uid.filter(|_| row.get(tag).is_none()) {
        row.insert(tag, Element::text(VR::UI, uid.as_str()));
    }
}

/// Whether studies or series can be searched by the attribute.
fn of_level_or_above(tag: Tag, level: Level) -> bool {
    use super::level::Level as Of;
    matches!(
        (Of::of_attribute(tag), level),
        (Some(Of::Patient | Of::Study), _) | (Some(Of::Series), Level::Series)
    )
}
