//! Resources that are one data set: a workitem, a performed procedure step.

use dataset::json::{Item, ReadLimits, read_all};
use http::StatusCode;

use crate::client::ANSWER_BYTES_MAX;
use crate::error::Unreadable;
use crate::{Client, Error, answer};

impl Client {
    /// The data set at `url`; none where the origin has none, or no longer.
    ///
    /// # Errors
    /// [`Error`] of the request, or an answer that is no data set.
    pub(crate) async fn data_set_at(&self, url: reqwest::Url, accept: &str) -> Result<Option<Item>, Error> {
        let response = self.get(url, accept).await?;
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
