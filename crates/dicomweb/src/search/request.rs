//! What is searched for.

use std::hash::{BuildHasher as _, RandomState};

use dataset::json::{Item, write_item};
use instance::{Tag, Uid};
use reqwest::Url;

use crate::BaseUrl;
use crate::profile::Paths;
use crate::url::{PathTemplate, Target};

/// A search for studies, series or instances. The profile decides which of it a server understands; see
/// [`SearchCapabilities`](crate::profile::SearchCapabilities).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// What is searched for.
    pub level: Level,
    /// Only below this study.
    pub study: Option<Uid>,
    /// Only below this series; has an effect with `study` alone, since no path names a series without
    /// its study.
    pub series: Option<Uid>,
    /// Keys and what they must match, joined by AND (PS3.18 §8.3.4.1). A path of several tags leads into
    /// sequences. Values are in the form of PS3.4 §C.2.2.2: single value, wildcard or range.
    pub matching: Vec<(Vec<Tag>, MatchValue)>,
    /// Attributes that the answer should hold (PS3.18 §8.3.4.3), in addition to those it always has.
    pub include: Vec<Tag>,
    /// Whether `fuzzymatching=true` is asked for (PS3.18 §8.3.4.2).
    pub fuzzy: bool,
}

/// Level of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Level {
    /// Studies.
    Study,
    /// Series.
    Series,
    /// Instances.
    Instance,
}

/// What a key must match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MatchValue {
    /// Single value, wildcard or range, as in an identifier of C-FIND but in Unicode.
    Text(String),
    /// One of these UIDs.
    ListOfUid(Vec<Uid>),
}

/// The six resources of a search (PS3.18 §10.6.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Resource {
    /// `/studies`
    Studies,
    /// `/series`
    Series,
    /// `/instances`
    Instances,
    /// `/studies/{study}/series`
    StudySeries,
    /// `/studies/{study}/instances`
    StudyInstances,
    /// `/studies/{study}/series/{series}/instances`
    SeriesInstances,
}

/// What is listed: the results of a search, or instances at an address of their own.
#[derive(Debug, Clone)]
pub(crate) enum Listing {
    /// A search, with its parameters.
    Search(Search, String),
    /// A search of a worklist, with its parameters.
    Worklist {
        /// Where it is asked for.
        path: PathTemplate,
        /// The keys.
        parameters: String,
        /// The attribute that identifies a result, if there is one.
        unique_key: Option<Tag>,
    },
    /// Instances, by their metadata or by all of a series, which come in one piece.
    Whole(Url),
}

impl Listing {
    /// Where a page is asked for.
    pub(super) fn url(&self, base: &BaseUrl, paths: &Paths, limit: Option<u32>, offset: u64) -> Url {
        let (template, target, parameters) = match self {
            Self::Whole(url) => return url.clone(),
            Self::Worklist { path, parameters, .. } => (path, Target::default(), parameters),
            Self::Search(search, parameters) => {
                let (study, series) = (search.study.as_ref(), search.series.as_ref());
                (paths.searched(search.resource()), Target { study, series, instance: None }, parameters)
            }
        };
        let limit = limit.map(|limit| format!("limit={limit}"));
        let offset = Some(offset).filter(|offset| *offset > 0).map(|offset| format!("offset={offset}"));
        let keys = Some(parameters.clone()).filter(|parameters| !parameters.is_empty());
        let parameters: Vec<String> = [keys, limit, offset].into_iter().flatten().collect();
        base.resource_with(template, target, &parameters.join("&"))
    }

    /// Whether there may be another page.
    pub(super) const fn has_pages(&self) -> bool {
        !matches!(self, Self::Whole(_))
    }

    /// Whether a search with one result that cannot be read still gives the others, and counts it.
    pub(super) const fn tolerates_unreadable(&self) -> bool {
        matches!(self, Self::Worklist { .. })
    }

    /// A hash of what identifies a result; none where it lacks that. Without a unique key a result is what
    /// it says.
    pub(super) fn identify(&self, item: &Item, keys: &RandomState) -> Option<u64> {
        let unique_key = match self {
            Self::Search(search, _) => search.level.unique_key(),
            Self::Whole(_) => Level::Instance.unique_key(),
            Self::Worklist { unique_key: Some(unique_key), .. } => *unique_key,
            Self::Worklist { unique_key: None, .. } => {
                let mut json = Vec::new();
                // Writing to memory does not fail.
                let _ = write_item(item, &mut json);
                return Some(keys.hash_one(&json));
            }
        };
        item.uid(unique_key).map(|uid| keys.hash_one(&uid))
    }
}

/// What one search may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SearchLimits {
    /// Most results read, those that repeat included; one more ends the search with
    /// [`Error::TooManyRows`](crate::Error::TooManyRows). Default 200,000: twice the largest answer that a
    /// workstation could make use of.
    pub rows_max: u64,
    /// Results asked for with one request, where the server has no lower maximum. Default 1000: few
    /// requests even for large answers, and what a server must prepare for one stays around a megabyte.
    pub page: u32,
    /// Results that may have been read and not yet taken. Default 64: enough to keep the reading going
    /// while the next page is awaited.
    pub ahead: usize,
    /// Most bytes of JSON of one result. Default 256 KiB: a result has a few kilobytes even with all
    /// attributes.
    pub item_bytes_max: usize,
}

impl Default for SearchLimits {
    fn default() -> Self {
        Self { rows_max: 200_000, page: 1000, ahead: 64, item_bytes_max: 256 * 1024 }
    }
}

impl Search {
    /// All studies, series or instances.
    #[must_use]
    pub const fn new(level: Level) -> Self {
        Self { level, study: None, series: None, matching: Vec::new(), include: Vec::new(), fuzzy: false }
    }

    /// Where it is asked for.
    #[must_use]
    pub const fn resource(&self) -> Resource {
        Resource::of(self.level, self.study.is_some(), self.series.is_some())
    }
}

impl Level {
    /// The attribute that identifies a result of this level (PS3.18 §10.6.1.2.3).
    #[must_use]
    pub const fn unique_key(self) -> Tag {
        match self {
            Self::Study => Tag::STUDY_INSTANCE_UID,
            Self::Series => Tag::SERIES_INSTANCE_UID,
            Self::Instance => Tag::SOP_INSTANCE_UID,
        }
    }
}

impl Resource {
    /// The resource for a level, below a study or series where one is known.
    #[must_use]
    pub const fn of(level: Level, below_study: bool, below_series: bool) -> Self {
        match (level, below_study, below_series) {
            (Level::Study, ..) => Self::Studies,
            (Level::Series, false, _) => Self::Series,
            (Level::Series, true, _) => Self::StudySeries,
            (Level::Instance, false, _) => Self::Instances,
            (Level::Instance, true, false) => Self::StudyInstances,
            (Level::Instance, true, true) => Self::SeriesInstances,
        }
    }
}

impl From<String> for MatchValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for MatchValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<Uid> for MatchValue {
    fn from(uid: Uid) -> Self {
        Self::ListOfUid(vec![uid])
    }
}

impl From<Vec<Uid>> for MatchValue {
    fn from(uids: Vec<Uid>) -> Self {
        Self::ListOfUid(uids)
    }
}
