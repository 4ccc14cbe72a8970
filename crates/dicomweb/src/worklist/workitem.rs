//! One workitem.

use dataset::json::{Item, ReadLimits, read_all};
use http::StatusCode;
use instance::Uid;

use crate::client::ANSWER_BYTES_MAX;
use crate::error::Unreadable;
use crate::url::Target;
use crate::{Client, Error, answer};

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
        let response = self.get(url, &self.profile().search.accept).await?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NO_CONTENT | StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(None),
            _ => return Err(self.refused(&response, false)),
        }
        let is_html = answer::is_html(response.headers());
        let body = self.read_answer(response, ANSWER_BYTES_MAX).await?;
        if is_html || answer::looks_like_html(&body) {
            return Err(Error::Unreadable(Unreadable::Html));
        }
        let limits = ReadLimits { item_length_max: ANSWER_BYTES_MAX };
        let items = read_all(&body, limits).map_err(|_| Error::Unreadable(Unreadable::Malformed))?;
        items.into_iter().next().map(Some).ok_or(Error::Unreadable(Unreadable::Empty))
    }
}
