//! From the keys of an identifier to searches of an origin (PS3.4 §C.2.2.2 to PS3.18 §8.3.4).
//!
//! What an origin cannot match is left out or widened, so that its answers hold at least everything
//! that matches; lists become as many searches as it needs. The answers are then matched again against
//! the keys themselves, and so the results are the same whatever an origin can do.

mod person_name;
mod value;

use dataset::matching::{Condition, Keys};
use dicomweb::{
    profile::{SearchCapabilities, Searchable},
    search::{Level, MatchValue, Resource, Search},
};
use instance::{Tag, Uid};

/// How something is searched for at one origin.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Plan {
    /// What all searches have in common.
    base: Search,
    /// What differs: one search for each combination.
    axes: Vec<Axis>,
    /// What the searches find.
    pub(crate) finds: Finds,
    /// Whether the searches are those of patients, here or above.
    by_patients: bool,
}

/// Most searches that a list of values becomes below a study or a series.
const SEARCHES_BELOW_MAX: usize = 16;

/// What searches find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finds {
    /// What was asked for.
    Wanted,
    /// Studies or series, below each of which is to be searched then: the origin has no resource for
    /// all there are, or cannot match there what it can match above.
    Above(Level),
    /// The studies of patients that must be known before: nothing of the keys is anything that the origin can
    /// be asked by, and it must be asked by something.
    Patients,
}

/// Alternatives for one part of a search.
#[derive(Debug, Clone, PartialEq)]
enum Axis {
    /// The study of the path.
    Study(Vec<Uid>),
    /// The series of the path.
    Series(Vec<Uid>),
    /// The value of a key.
    Key(Vec<Tag>, Vec<MatchValue>),
}

impl Axis {
    const fn len(&self) -> usize {
        match self {
            Self::Study(uids) | Self::Series(uids) => uids.len(),
            Self::Key(_, values) => values.len(),
        }
    }
}

impl Plan {
    /// How entities of `level` that match `keys` are searched for, so that the answers hold `include`.
    pub(crate) fn new(level: Level, keys: &Keys, include: &[Tag], capabilities: &SearchCapabilities) -> Self {
        let narrow = Self::direct(level, keys, include, capabilities);
        let above = match level {
            Level::Study => return narrow.or_by_patients(capabilities),
            Level::Series => Level::Study,
            Level::Instance if keys.get(Tag::SERIES_INSTANCE_UID).is_some_and(|key| key.uids().is_some()) => {
                Level::Series
            }
            Level::Instance if capabilities.study_instances.is_present() => Level::Study,
            Level::Instance => Level::Series,
        };
        let present = capabilities.searchable(narrow.resource()).is_present()
            && (narrow.narrows() || !capabilities.key_required);
        if narrow.is_below_a_path() && present {
            return narrow;
        }
        let above = Self { finds: Finds::Above(above), ..Self::new(above, keys, include, capabilities) };
        // All there are may be too many to read where the levels above could be narrowed.
        if present && (narrow.narrows() || !above.narrows()) { narrow } else { above }
    }

    /// The plan without a way round over the levels above.
    fn direct(level: Level, keys: &Keys, include: &[Tag], capabilities: &SearchCapabilities) -> Self {
        let mut base = Search::new(level);
        base.include = include.to_vec();
        let mut axes = Vec::new();
        let mut in_path = Vec::new();
        let uids = |tag| keys.get(tag).and_then(Condition::uids).map(<[Uid]>::to_vec);
        let studies = uids(Tag::STUDY_INSTANCE_UID).filter(|_| level != Level::Study);
        let series = uids(Tag::SERIES_INSTANCE_UID).filter(|_| level == Level::Instance);
        if let Some(studies) = studies {
            let one_study = studies.len() == 1;
            let below_series = series.filter(|_| one_study || !capabilities.instances.is_present());
            let below = Resource::of(level, true, below_series.is_some());
            // Series of several studies at once are better searched for by key than in every study.
            if capabilities.searchable(below).is_present()
                && (one_study
                    || below_series.is_some()
                    || level == Level::Series
                    || uids(Tag::SERIES_INSTANCE_UID).is_none())
            {
                in_path.push(Tag::STUDY_INSTANCE_UID);
                axes.push(Axis::Study(studies));
                if let Some(series) = below_series {
                    in_path.push(Tag::SERIES_INSTANCE_UID);
                    axes.push(Axis::Series(series));
                }
            }
        }
        let resource = Resource::of(level, in_path.contains(&Tag::STUDY_INSTANCE_UID), in_path.len() > 1);
        let searchable = capabilities.searchable(resource);
        let keys = keys.iter().filter(|(tag, _)| !in_path.contains(tag));
        for (tag, condition) in keys {
            key(&mut base, &mut axes, (tag, condition), searchable, capabilities);
        }
        // Below a study or series, reading all that there is costs less than a search for each of many.
        if !in_path.is_empty() {
            axes.retain(|axis| !matches!(axis, Axis::Key(..)) || axis.len() <= SEARCHES_BELOW_MAX);
        }
        if !capabilities.keys_together {
            keep_one_key(&mut base, &mut axes);
        }
        Self { base, axes, finds: Finds::Wanted, by_patients: false }
    }

    fn or_by_patients(self, capabilities: &SearchCapabilities) -> Self {
        if capabilities.key_required && !self.narrows() {
            return Self { finds: Finds::Patients, by_patients: true, ..self };
        }
        self
    }

    /// The resource that is searched.
    pub(crate) fn resource(&self) -> Resource {
        let has = |wanted: fn(&Axis) -> bool| self.axes.iter().any(wanted);
        let below_study = has(|axis| matches!(axis, Axis::Study(_)));
        let below_series = has(|axis| matches!(axis, Axis::Series(_)));
        Resource::of(self.base.level, below_study, below_series)
    }

    /// How many searches there are.
    pub(crate) fn len(&self) -> usize {
        self.axes.iter().map(Axis::len).fold(1, usize::saturating_mul)
    }

    /// Whether two searches may find the same.
    pub(crate) fn may_repeat(&self) -> bool {
        let mut further = self.axes.iter().filter(|axis| axis.len() > 1);
        self.by_patients
            || further.any(
                |axis| matches!(axis, Axis::Key(path, _) if path.as_slice() != [self.base.level.unique_key()]),
            )
    }

    /// The searches, one at a time.
    pub(crate) fn searches(self) -> impl Iterator<Item = Search> + Send + 'static {
        (0..self.len()).map(move |number| self.search(number))
    }

    fn search(&self, number: usize) -> Search {
        let mut search = self.base.clone();
        let mut rest = number;
        for axis in &self.axes {
            let at = rest % axis.len();
            rest /= axis.len();
            match axis {
                Axis::Study(uids) => search.study = uids.get(at).cloned(),
                Axis::Series(uids) => search.series = uids.get(at).cloned(),
                Axis::Key(path, values) => {
                    search.matching.extend(values.get(at).map(|value| (path.clone(), value.clone())));
                }
            }
        }
        search
    }

    fn is_below_a_path(&self) -> bool {
        self.axes.iter().any(|axis| matches!(axis, Axis::Study(_)))
    }

    /// Whether the searches ask for less than all there is.
    fn narrows(&self) -> bool {
        !self.axes.is_empty() || !self.base.matching.is_empty()
    }
}

/// Keeps the unique key of the level, which finds least, or else the first one.
fn keep_one_key(base: &mut Search, axes: &mut Vec<Axis>) {
    let unique = [base.level.unique_key()];
    let is_unique = |axis: &Axis| matches!(axis, Axis::Key(path, _) if path.as_slice() == unique);
    let is_key = |axis: &Axis| matches!(axis, Axis::Key(..));
    if let Some(at) = base.matching.iter().position(|(path, _)| path.as_slice() == unique) {
        base.matching.swap(0, at);
    } else if axes.iter().any(is_unique) {
        base.matching.clear();
        axes.retain(|axis| !is_key(axis) || is_unique(axis));
    }
    base.matching.truncate(1);
    let mut left = usize::from(base.matching.is_empty());
    axes.retain(|axis| {
        let keep = !is_key(axis) || left > 0;
        left -= usize::from(is_key(axis) && keep);
        keep
    });
}

/// Adds one key to a search, as far as the resource can be searched by it.
fn key(
    base: &mut Search,
    axes: &mut Vec<Axis>,
    (tag, condition): (Tag, &Condition),
    searchable: &Searchable,
    capabilities: &SearchCapabilities,
) {
    if !searchable.has(tag) {
        return;
    }
    if let Condition::Sequence(keys) = condition {
        for (inner, condition) in keys.iter() {
            if let Some(values) = value::values(inner, condition, capabilities)
                && let [value] = values.alternatives.as_slice()
                && !values.fuzzy
            {
                base.matching.push((vec![tag, inner], value.clone()));
            }
        }
        return;
    }
    let Some(values) = value::values(tag, condition, capabilities) else { return };
    base.fuzzy |= values.fuzzy;
    match values.alternatives.as_slice() {
        [value] => base.matching.push((vec![tag], value.clone())),
        _ => axes.push(Axis::Key(vec![tag], values.alternatives)),
    }
}

#[cfg(test)]
mod tests;
