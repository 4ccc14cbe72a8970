//! Modality Performed Procedure Step resources of an origin server (PS3.18 §15).
//!
//! Creating and updating change something and are sent once; [`Error::remedy`] says whether one of them may have
//! taken effect, and [`Client::performed_procedure_step`] shows whether it did.

use dataset::json::{Item, write_array, write_item};
use http::{StatusCode, header};
use instance::Uid;

use crate::auth;
use crate::error::{Unreadable, Wait};
use crate::transport::TransportError;
use crate::url::{PathTemplate, Target};
use crate::{Client, Error, answer};

/// The resource of a step.
const STEP: PathTemplate = PathTemplate::literal("/modality-performed-procedure-steps/{instance}");
/// The resource of an update as a query parameter.
const UPDATE_QUERY: PathTemplate =
    PathTemplate::literal("/modality-performed-procedure-steps/{instance}?update");
/// The resource of an update as a path.
const UPDATE_PATH: PathTemplate =
    PathTemplate::literal("/modality-performed-procedure-steps/{instance}/update");

/// Bytes of the answer to a create or an update that are read. 64 KiB; they say nothing that is needed.
const CHANGED_BYTES_MAX: usize = 64 * 1024;

const DICOM_JSON: &str = "application/dicom+json";

/// How the resource of an update is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UpdateForm {
    /// `.../{mppsUID}?update`, as the text of the standard has it.
    #[default]
    Query,
    /// `.../{mppsUID}/update`, as its examples were first written.
    Path,
}

/// How a data set stands in the body of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Payload {
    /// As an object (PS3.18 §F.2.2).
    #[default]
    Object,
    /// As an array of one object (PS3.18 §F.2.1).
    Array,
}

impl Payload {
    fn write(self, item: &Item) -> Vec<u8> {
        let mut body = Vec::new();
        let written = match self {
            Self::Object => write_item(item, &mut body),
            Self::Array => write_array([item], &mut body),
        };
        // INVARIANT: writing into a vector cannot fail.
        written.unwrap_or_default();
        body
    }
}

impl Client {
    /// Creates a step (PS3.18 §15.4): 201, or 200 of servers that do not tell the two apart.
    ///
    /// # Errors
    /// [`Error::Refused`] with 409 where there is one of this UID.
    pub async fn create_performed_procedure_step(
        &self,
        uid: &Uid,
        attributes: &Item,
        payload: Payload,
    ) -> Result<(), Error> {
        self.post_step(&STEP, uid, payload.write(attributes)).await
    }

    /// Changes attributes of a step (PS3.18 §15.5).
    ///
    /// # Errors
    /// [`Error::Refused`] with 404 where there is none of this UID, with 409 or 410 where it may not be changed
    /// any more.
    pub async fn update_performed_procedure_step(
        &self,
        uid: &Uid,
        modifications: &Item,
        form: UpdateForm,
        payload: Payload,
    ) -> Result<(), Error> {
        let resource = match form {
            UpdateForm::Query => &UPDATE_QUERY,
            UpdateForm::Path => &UPDATE_PATH,
        };
        self.post_step(resource, uid, payload.write(modifications)).await
    }

    /// A step as the origin has it (PS3.18 §15.6); none where it has none, or no longer.
    ///
    /// # Errors
    /// [`Error`] of the request, or an answer that is no data set.
    pub async fn performed_procedure_step(&self, uid: &Uid) -> Result<Option<Item>, Error> {
        self.data_set_at(self.step_url(&STEP, uid), DICOM_JSON).await
    }

    fn step_url(&self, template: &PathTemplate, uid: &Uid) -> reqwest::Url {
        let target = Target { instance: Some(uid), ..Target::default() };
        self.inner.base_url.resource_with(template, target, "")
    }

    /// Sends the request, once more with fresh credentials after a 401, which says that nothing was done.
    async fn post_step(&self, template: &PathTemplate, uid: &Uid, body: Vec<u8>) -> Result<(), Error> {
        let url = self.step_url(template, uid);
        let body = bytes::Bytes::from(body);
        let mut refreshed = false;
        loop {
            let _admission = self.admit().await;
            let request = self.inner.store.post(url.clone()).body(body.clone());
            let request = request.header(header::CONTENT_TYPE, DICOM_JSON).header(header::ACCEPT, DICOM_JSON);
            let (request, proof) = self.authorized(request, auth::Payload::Whole(&body)).await?;
            let sending = self.inner.store.execute(request);
            let response = tokio::time::timeout(self.inner.timeouts.answer, sending)
                .await
                .map_err(|_| Error::Timeout(Wait::Answer))?
                .map_err(|error| TransportError::from(error).into_error())?;
            let status = response.status();
            // Told in any case, so that it is known which credentials were taken.
            if self.inner.authorization.renewed(&response, &proof).await? && !refreshed {
                refreshed = true;
                continue;
            }
            if !matches!(status, StatusCode::OK | StatusCode::CREATED | StatusCode::NO_CONTENT) {
                return Err(self.refused(&response, false));
            }
            if answer::is_html(response.headers()) {
                return Err(Error::Unreadable(Unreadable::Html));
            }
            // The status has said it; what cannot be read of the rest changes nothing.
            let _ = self.read_answer(response, CHANGED_BYTES_MAX).await;
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::extract::Request;
    use axum::http::Response as Answer;
    use dataset::element::VR;
    use dataset::json::Element;
    use instance::Tag;

    use super::*;
    use crate::error::Remedy;
    use crate::testing::*;

    const STATUS: Tag = Tag(0x0040, 0x0252);

    type Log = Arc<Mutex<Vec<(String, String)>>>;

    /// A server that answers everything alike and writes down what it was asked.
    async fn answering(status: u16, content_type: &'static str, body: &'static str) -> (Client, Log) {
        let log = Log::default();
        let keep = log.clone();
        let router = Router::new().fallback(move |request: Request| async move {
            let (parts, sent) = request.into_parts();
            let sent = axum::body::to_bytes(sent, usize::MAX).await.unwrap();
            let line = format!("{} {}", parts.method, parts.uri);
            keep.lock().unwrap().push((line, String::from_utf8(sent.to_vec()).unwrap()));
            let answer = Answer::builder().status(status).header("content-type", content_type);
            answer.body(axum::body::Body::from(body)).unwrap()
        });
        (client(serve(router).await), log)
    }

    fn in_progress() -> Item {
        Item::from_iter([(STATUS, Element::text(VR::CS, "IN PROGRESS"))])
    }

    #[tokio::test]
    async fn the_resources_are_those_of_the_standard() {
        let uid: Uid = "1.2.3".parse().unwrap();
        let (client, log) = answering(201, DICOM_JSON, "").await;
        client.create_performed_procedure_step(&uid, &in_progress(), Payload::Object).await.unwrap();
        for (form, payload) in [(UpdateForm::Query, Payload::Object), (UpdateForm::Path, Payload::Array)] {
            client.update_performed_procedure_step(&uid, &in_progress(), form, payload).await.unwrap();
        }
        let object = r#"{"00400252":{"vr":"CS","Value":["IN PROGRESS"]}}"#.to_owned();
        let base = "POST /dicom-web/modality-performed-procedure-steps/1.2.3";
        assert_eq!(
            *log.lock().unwrap(),
            [
                (base.to_owned(), object.clone()),
                (format!("{base}?update"), object.clone()),
                (format!("{base}/update"), format!("[{object}]")),
            ]
        );
    }

    #[tokio::test]
    async fn every_answer_has_its_meaning() {
        let uid: Uid = "1.2.3".parse().unwrap();
        let cases = [
            (200, None),
            (201, None),
            (202, Some(Remedy::Unknown)),
            (400, Some(Remedy::Reject)),
            (401, Some(Remedy::FixCredentials)),
            (409, Some(Remedy::Reject)),
            (503, Some(Remedy::Retry { after: None })),
        ];
        for (status, remedy) in cases {
            let (client, _) = answering(status, DICOM_JSON, "").await;
            let created = client.create_performed_procedure_step(&uid, &in_progress(), Payload::Object).await;
            assert_eq!(created.err().map(|error| error.remedy()), remedy, "{status}");
        }
        let (client, _) = answering(200, "text/html", "<html>log in</html>").await;
        let created = client.create_performed_procedure_step(&uid, &in_progress(), Payload::Object).await;
        assert_eq!(created.unwrap_err().remedy(), Remedy::Unknown, "a page for people is no success");
    }

    #[tokio::test]
    async fn a_step_is_read_in_either_form() {
        let uid: Uid = "1.2.3".parse().unwrap();
        for body in [
            r#"{"00400252":{"vr":"CS","Value":["IN PROGRESS"]}}"#,
            r#"[{"00400252":{"vr":"CS","Value":["IN PROGRESS"]}}]"#,
        ] {
            let (client, log) = answering(200, DICOM_JSON, body).await;
            assert_eq!(client.performed_procedure_step(&uid).await.unwrap(), Some(in_progress()));
            assert_eq!(log.lock().unwrap()[0].0, "GET /dicom-web/modality-performed-procedure-steps/1.2.3");
        }
        for status in [404, 410, 204] {
            let (client, _) = answering(status, DICOM_JSON, "").await;
            assert_eq!(client.performed_procedure_step(&uid).await.unwrap(), None, "{status}");
        }
        let (client, _) = answering(200, "text/html", "<html>").await;
        assert!(client.performed_procedure_step(&uid).await.is_err());
    }
}
