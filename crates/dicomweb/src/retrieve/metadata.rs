//! Metadata of instances (PS3.18 §10.4.1.1.2).

use instance::Uid;

use crate::profile::RetrieveCapabilities;
use crate::search::{Listing, SearchLimits, SearchStream};
use crate::url::Target;
use crate::{Client, Error};

impl Client {
    /// The metadata of all instances of a study, of a series, or of one instance, which needs its series
    /// too: each once, streamed and limited as the results of a search are. For origins that cannot be
    /// searched for instances. Must be called within a Tokio runtime.
    ///
    /// Errors are items of the stream, as with [`Self::search`].
    #[must_use]
    pub fn metadata(
        &self,
        study: &Uid,
        series: Option<&Uid>,
        instance: Option<&Uid>,
        limits: SearchLimits,
    ) -> SearchStream {
        let paths = &self.profile().paths;
        let RetrieveCapabilities { metadata: whole, instance_metadata: single, .. } = self.profile().retrieve;
        let template = match (series, instance) {
            (None, None) if whole => Ok(&paths.study_metadata),
            (Some(_), None) if whole => Ok(&paths.series_metadata),
            (Some(_), Some(_)) if single => Ok(&paths.instance_metadata),
            (None, Some(_)) => Err(Error::Profile("no instance without its series")),
            (Some(_), Some(_)) => Err(Error::Profile("no metadata")),
            _ => Err(Error::Profile("no metadata of more than one instance")),
        };
        let target = Target { study: Some(study), series, instance };
        let listing =
            template.map(|template| Listing::Whole(self.base_url().resource_with(template, target, "")));
        SearchStream::begin(self, listing, limits)
    }
}
