//! Retrieval and deletion of one instance (PS3.18 §10.4).

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt as _};
use http::{Method, StatusCode};
use instance::Identity;

use super::parts::Parts;
use super::{Accept, Retrieve};
use crate::error::Unreadable;
use crate::{Client, Delete, Error};

/// A Part 10 file (PS3.10 §7, PS3.18 §8.7.3.1), as it comes.
pub type FileStream = BoxStream<'static, Result<Bytes, Error>>;

impl Client {
    /// The Part 10 file of one instance as the origin holds it, in the transfer syntax it has there
    /// (`transfer-syntax=*`, where the profile knows it), as a stream; `None` where the origin says that
    /// it has none (PS3.18 §10.4.1.1.1).
    ///
    /// # Errors
    /// Any error of the request; an error while the bytes come is an item of the stream, and so is an
    /// answer that ends too early.
    pub async fn retrieve_instance(&self, identity: &Identity) -> Result<Option<FileStream>, Error> {
        let retrieve = Retrieve {
            study: identity.study_instance_uid.clone(),
            series: Some(identity.series_instance_uid.clone()),
            instance: Some(identity.sop_instance_uid.clone()),
            transfer_syntax: Accept::Any,
        };
        let (url, accept) = (retrieve.url(self)?, retrieve.accept(self.profile())?);
        let response = self.without_body(&self.inner.retrieve, Method::GET, url, &accept).await?;
        match response.status() {
            StatusCode::NOT_FOUND | StatusCode::GONE | StatusCode::NO_CONTENT => return Ok(None),
            status if !status.is_success() => return Err(self.refused(&response, false)),
            _ => {}
        }
        let mut parts = Parts::of(self, response)?;
        match parts.next_part().await? {
            Some(_) => Ok(Some(only_part(parts).boxed())),
            None => Err(Error::Unreadable(Unreadable::Empty)),
        }
    }

    /// Deletes one instance; a server that has none is fine too. As [`Self::delete`].
    ///
    /// # Errors
    /// Any error of the request, and a profile without deletion.
    pub async fn delete_instance(&self, identity: &Identity) -> Result<(), Error> {
        let delete = Delete {
            study: identity.study_instance_uid.clone(),
            series: Some(identity.series_instance_uid.clone()),
            instance: Some(identity.sop_instance_uid.clone()),
        };
        self.delete(&delete).await.map(drop)
    }
}

/// The rest of the part that has begun, then the end of the body. A second part would be another
/// instance, which nobody asked for.
fn only_part(parts: Parts) -> impl Stream<Item = Result<Bytes, Error>> + Send {
    stream::try_unfold(parts, |mut parts| async move {
        if let Some(chunk) = parts.next_chunk().await? {
            return Ok(Some((chunk, parts)));
        }
        match parts.next_part().await? {
            None => Ok(None),
            Some(_) => Err(Error::Unreadable(Unreadable::Malformed)),
        }
    })
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::extract::Request;
    use axum::http::Response as Answer;
    use futures::TryStreamExt as _;

    use super::*;
    use crate::testing::*;
    use crate::{Level, Profile};

    const MULTIPART: &str = "multipart/related; type=\"application/dicom\"; boundary=B";

    async fn client_of(status: u16, content_type: &'static str, body: &'static str) -> Client {
        let router = Router::new().fallback(move |request: Request| async move {
            assert_eq!(request.uri(), "/dicom-web/studies/1.2.1/series/1.2.2/instances/1.2.3");
            if request.method() == Method::GET {
                let accept = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";
                assert_eq!(request.headers()["accept"], accept);
            }
            let answer = Answer::builder().status(status).header("content-type", content_type);
            answer.body(axum::body::Body::from(body)).unwrap()
        });
        let mut config = config(serve(router).await);
        config.profile = Profile { delete: vec![Level::Instance], ..Profile::standard() };
        Client::new(config).unwrap()
    }

    async fn retrieve(
        status: u16,
        content_type: &'static str,
        body: &'static str,
    ) -> Result<Option<Vec<u8>>, Error> {
        let client = client_of(status, content_type, body).await;
        match client.retrieve_instance(&identity("1.2.3")).await? {
            Some(file) => Ok(Some(file.try_collect::<Vec<_>>().await?.concat())),
            None => Ok(None),
        }
    }

    #[tokio::test]
    async fn gives_the_file_or_says_that_there_is_none() {
        let file = Some(b"file".to_vec());
        let rows = [
            (200, MULTIPART, "--B\r\nContent-Type: application/dicom\r\n\r\nfile\r\n--B--", &file),
            (200, "application/dicom; transfer-syntax=1.2.840.10008.1.2.1", "file", &file),
            (404, "text/plain", "no", &None),
            (410, "text/plain", "no", &None),
            (204, "text/plain", "", &None),
        ];
        for (status, content_type, body, expected) in rows {
            assert_eq!(
                &retrieve(status, content_type, body).await.unwrap(),
                expected,
                "{status} {content_type}"
            );
        }
    }

    #[tokio::test]
    async fn anything_else_is_an_error() {
        let rows = [
            (200, MULTIPART, "--B\r\n\r\nfile", Unreadable::Cut),
            (200, MULTIPART, "--B\r\n\r\nfile\r\n--B\r\n\r\nmore\r\n--B--", Unreadable::Malformed),
            (200, MULTIPART, "--B--", Unreadable::Empty),
            (200, "multipart/related", "--B--", Unreadable::MediaType),
            (200, "application/json", "{}", Unreadable::MediaType),
            (200, "text/html", "<html>", Unreadable::Html),
        ];
        for (status, content_type, body, expected) in rows {
            let error = retrieve(status, content_type, body).await.unwrap_err();
            assert!(matches!(error, Error::Unreadable(reason) if reason == expected), "{body}: {error}");
        }
        let error = retrieve(406, "text/plain", "").await.unwrap_err();
        assert!(matches!(error, Error::Refused { .. }), "{error}");
    }

    #[tokio::test]
    async fn deletion_needs_a_server_that_knows_it() {
        for (status, fine) in [(200, true), (204, true), (404, true), (403, false), (405, false)] {
            let client = client_of(status, "text/plain", "").await;
            assert_eq!(client.delete_instance(&identity("1.2.3")).await.is_ok(), fine, "{status}");
        }
        let client = client_of(200, "text/html", "<html>").await;
        assert!(client.delete_instance(&identity("1.2.3")).await.is_err());
    }
}
