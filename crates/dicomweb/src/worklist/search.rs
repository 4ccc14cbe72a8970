//! Searching a worklist.

use instance::Tag;

use crate::profile::{IncludeField, SearchCapabilities, WorklistKeys};
use crate::search::parameters::Parameters;
use crate::search::{Listing, MatchValue, SearchLimits, SearchStream};
use crate::{Client, Error};

/// A search of a worklist. The profile decides which of it a server understands; see
/// [`WorklistCapabilities`](crate::profile::WorklistCapabilities).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorklistSearch {
    /// Keys and what they must match, joined by AND (PS3.18 §8.3.4.1). A path of several tags leads into
    /// sequences. Values are in the form of PS3.4 §C.2.2.2: single value, wildcard or range. A key that the
    /// profile does not have is not sent, so that the answer holds more.
    pub matching: Vec<(Vec<Tag>, MatchValue)>,
    /// Whether everything is asked for that the server has of a result (PS3.18 §8.3.4.3), where the profile
    /// knows a way to do so. Otherwise it is what PS3.4 §K.6.1.2.2 and PS3.4 §CC.2.5.1.3 have returned.
    pub include_all: bool,
}

impl WorklistSearch {
    fn parameters(&self, keys: &WorklistKeys, capabilities: &SearchCapabilities) -> Result<String, Error> {
        if !keys.is_present() {
            return Err(Error::Profile("no such worklist"));
        }
        let mut parameters = Parameters::default();
        for (path, value) in self.matching.iter().filter(|(path, _)| keys.has(path)) {
            parameters.add_key(path, value, capabilities)?;
        }
        if self.include_all && capabilities.include_field != IncludeField::None {
            parameters.add("includefield", "all");
        }
        Ok(parameters.0)
    }
}

impl Client {
    /// Searches the scheduled procedure steps of modalities to the last page (PS3.18 §14). Results are data
    /// sets as of PS3.4 §K.6.1.2.2; two that say the same are one. Otherwise as [`Client::search`].
    #[must_use]
    pub fn scheduled_procedure_steps(&self, search: &WorklistSearch, limits: SearchLimits) -> SearchStream {
        let profile = self.profile();
        let parameters = search.parameters(&profile.worklist.scheduled_steps, &profile.search);
        let path = profile.paths.scheduled_steps.clone();
        let listing = parameters.map(|parameters| Listing::Worklist { path, parameters, unique_key: None });
        SearchStream::begin(self, listing, limits)
    }

    /// Searches workitems to the last page (PS3.18 §11.9). Results are data sets as of PS3.4 §CC.2.5.1.3, one
    /// for each SOP Instance UID. Otherwise as [`Client::search`].
    #[must_use]
    pub fn workitems(&self, search: &WorklistSearch, limits: SearchLimits) -> SearchStream {
        let profile = self.profile();
        let parameters = search.parameters(&profile.worklist.workitems, &profile.search);
        let path = profile.paths.workitems.clone();
        let unique_key = Some(Tag::SOP_INSTANCE_UID);
        let listing = parameters.map(|parameters| Listing::Worklist { path, parameters, unique_key });
        SearchStream::begin(self, listing, limits)
    }
}
