//! One workitem.

use dataset::json::Item;
use instance::Uid;

use crate::url::Target;
use crate::{Client, Error};

impl Client {
    /// A workitem as the origin has it, without its Transaction UID (PS3.18 §11.5); none where it has none, or
    /// no longer.
    ///
    /// # Errors
    /// [`Error`] of the request, or an answer that is no data set.
    pub async fn workitem(&self, uid: &Uid) -> Result<Option<Item>, Error> {
        if !self.profile().worklist.workitems.is_present() {
            return Err(Error::Profile("no such worklist"));
        }
        let target = Target { instance: Some(uid), ..Target::default() };
        let url = self.base_url().resource_with(&self.profile().paths.workitem, target, "");
        self.data_set_at(url, &self.profile().search.accept).await
    }
}
