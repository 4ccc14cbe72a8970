//! Deletion of what was stored: a DELETE of a study, a series or an instance. Not part of PS3.18; common
//! all the same.

use http::{Method, StatusCode};
use instance::Uid;

use crate::error::Unreadable;
use crate::url::Target;
use crate::{Client, Error, Level, answer};

/// What is to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delete {
    /// The study, or what is in it.
    pub study: Uid,
    /// The series, or what is in it.
    pub series: Option<Uid>,
    /// The instance of the series.
    pub instance: Option<Uid>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deleted {
    /// It was there and is no more.
    Done,
    /// It was not there.
    Absent,
}

impl Delete {
    /// The level of what is to be deleted.
    #[must_use]
    pub const fn level(&self) -> Level {
        match (&self.series, &self.instance) {
            (_, Some(_)) => Level::Instance,
            (Some(_), None) => Level::Series,
            (None, None) => Level::Study,
        }
    }
}

impl Client {
    /// Deletes a study, a series or an instance for good. A request that breaks down may be made again: what
    /// it deleted is then absent.
    ///
    /// # Errors
    /// Any error of the request; [`Error::Profile`] where the profile has no deletion at this level, and for
    /// an instance without its series.
    pub async fn delete(&self, delete: &Delete) -> Result<Deleted, Error> {
        let paths = &self.profile().paths;
        let template = match delete.level() {
            Level::Study => &paths.delete_study,
            Level::Series => &paths.delete_series,
            Level::Instance if delete.series.is_some() => &paths.delete_instance,
            Level::Instance => return Err(Error::Profile("no instance without its series")),
        };
        if !self.profile().deletes(delete.level()) {
            return Err(Error::Profile("no deletion at this level"));
        }
        let target = Target {
            study: Some(&delete.study),
            series: delete.series.as_ref(),
            instance: delete.instance.as_ref(),
        };
        let url = self.base_url().resource_with(template, target, "");
        let response = self.without_body(&self.inner.search, Method::DELETE, url, "*/*").await?;
        match response.status() {
            StatusCode::NOT_FOUND | StatusCode::GONE => Ok(Deleted::Absent),
            status if status.is_success() && !answer::is_html(response.headers()) => Ok(Deleted::Done),
            status if status.is_success() => Err(Error::Unreadable(Unreadable::Html)),
            _ => Err(self.refused(&response, false)),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::extract::Request;
    use axum::http::Response as Answer;

    use super::*;
    use crate::testing::*;

    fn delete(series: Option<&str>, instance: Option<&str>) -> Delete {
        let uid = |text: &str| text.parse().unwrap();
        Delete { study: uid("1.2.1"), series: series.map(uid), instance: instance.map(uid) }
    }

    /// A server that deletes what stands at `path` and answers with `status`.
    async fn deleting(path: &'static str, status: u16, content_type: &'static str) -> Client {
        let router = Router::new().fallback(move |request: Request| async move {
            assert_eq!(format!("{} {}", request.method(), request.uri()), format!("DELETE /dicom-web{path}"));
            let answer = Answer::builder().status(status).header("content-type", content_type);
            answer.body(axum::body::Body::empty()).unwrap()
        });
        let all = vec![Level::Study, Level::Series, Level::Instance];
        client_with(serve(router).await, |profile| profile.delete = all)
    }

    #[tokio::test]
    async fn each_level_has_its_resource() {
        let rows = [
            (delete(None, None), "/studies/1.2.1"),
            (delete(Some("1.2.2"), None), "/studies/1.2.1/series/1.2.2"),
            (delete(Some("1.2.2"), Some("1.2.3")), "/studies/1.2.1/series/1.2.2/instances/1.2.3"),
        ];
        for (delete, path) in rows {
            let client = deleting(path, 204, "text/plain").await;
            assert_eq!(client.delete(&delete).await.unwrap(), Deleted::Done, "{path}");
        }
    }

    #[tokio::test]
    async fn every_answer_has_its_meaning() {
        let rows = [
            (200, "text/plain", Some(Deleted::Done)),
            (200, "text/html", None),
            (404, "text/plain", Some(Deleted::Absent)),
            (410, "text/plain", Some(Deleted::Absent)),
            (400, "text/plain", None),
            (403, "text/plain", None),
            (503, "text/plain", None),
        ];
        for (status, content_type, expected) in rows {
            let client = deleting("/studies/1.2.1", status, content_type).await;
            assert_eq!(client.delete(&delete(None, None)).await.ok(), expected, "{status} {content_type}");
        }
    }

    #[tokio::test]
    async fn what_the_profile_does_not_delete_is_not_asked_for() {
        let client = client_with("http://127.0.0.1:9/".parse().unwrap(), |profile| {
            profile.delete = vec![Level::Instance];
        });
        for delete in [delete(None, None), delete(Some("1.2.2"), None), delete(None, Some("1.2.3"))] {
            let error = client.delete(&delete).await.unwrap_err();
            assert!(matches!(error, Error::Profile(_)), "{error}");
        }
    }
}
