//! STOW-RS (PS3.18 §10.5): instances to the origin, and what it says about each of them.

mod body;
mod outcome;
pub mod response_data_set;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use http::{Method, StatusCode, header};
use instance::{AeTitle, Uid, part10::FileMeta};
use reqwest::{Request, Response};
use tokio::time::Instant;

use crate::auth::{Payload, Proof};
use crate::error::{Unreadable, Wait};
use crate::pace::Waits;
use crate::profile::{StoreForm, StoreMethod, StoreResponse};
use crate::transport::TransportError;
use crate::{BoxError, Client, Error, answer};
use body::{BodyEnd, StoreBody};
use response_data_set::ResponseDataSet;

/// Bytes of a response data set that are read in any case, and those added for each instance sent. Real
/// answers have about 600 bytes per instance; 4 KiB leaves room for long warnings.
const ANSWER_BYTES_BASE: usize = 64 * 1024;
const ANSWER_BYTES_PER_INSTANCE: usize = 4 * 1024;

/// One instance to be stored. Preamble and File Meta Information are written in front of `data`.
pub struct StorePart {
    /// Becomes the File Meta Information (PS3.10 §7.1); its SOP Instance UID is the one looked for in the
    /// answer.
    pub meta: FileMeta,
    /// (0002,0016) Source Application Entity Title.
    pub source: Option<AeTitle>,
    /// Bytes of the data set. `None` makes the request chunked.
    pub length: Option<u64>,
    /// The data set. An error, or another number of bytes than `length`, resets the request.
    pub data: BoxStream<'static, Result<Bytes, BoxError>>,
}

/// What the origin said about a store request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreAnswer {
    /// The status (PS3.18 §10.5.3.1).
    pub http_status: StatusCode,
    /// Retry-After, if given.
    pub retry_after: Option<Duration>,
    /// What came with the status.
    pub body: AnswerBody,
    /// One outcome per part, in the order of the parts.
    pub instances: Vec<InstanceOutcome>,
}

/// The body of an answer to a store request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerBody {
    /// A response data set (PS3.18 §10.5.3, PS3.18 §I.1).
    ResponseDataSet,
    /// Something else, or nothing.
    Unreadable(Unreadable),
}

/// What became of one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstanceOutcome {
    /// The answer names the instance in Referenced SOP Sequence (0008,1199); or its status alone is
    /// enough for the profile.
    Stored {
        /// Warning Reason (0008,1196) (PS3.18 §I.2.1).
        warning_reason: Option<u16>,
        /// Retrieve URL (0008,1190).
        retrieve_url: Option<String>,
    },
    /// The answer names the instance in Failed SOP Sequence (0008,1198), or says without naming it that
    /// it was not stored.
    Failed {
        /// Failure Reason (0008,1197) (PS3.18 §I.2.2); `None` where the answer gives none.
        failure_reason: Option<u16>,
        /// Whether that means, for this profile, that the origin already has an instance of this UID.
        duplicate: bool,
    },
    /// The answer does not tell: look the instance up.
    Unknown,
}

impl Client {
    /// Sends instances in one request, a part for each (PS3.18 §10.5.1.4), and reads what became of each.
    ///
    /// With every length known the request has a Content-Length, else it is chunked. When the data of a
    /// part fails, the request is reset and its closing delimiter never written. An answer that comes
    /// while the body is still on its way is read, and the rest of the body is not sent.
    ///
    /// The request is not repeated here, since its data can be read but once.
    ///
    /// # Errors
    /// Where no answer tells instances apart; see [`Error::remedy`].
    pub async fn store(&self, parts: Vec<StorePart>) -> Result<StoreAnswer, Error> {
        self.send(self.profile().store_method, parts).await
    }

    /// Sends instances as [`Self::store`] does, with PUT: what is there of them is replaced.
    ///
    /// # Errors
    /// Those of [`Self::store`], and a profile whose server does not replace.
    pub async fn replace(&self, parts: Vec<StorePart>) -> Result<StoreAnswer, Error> {
        let profile = self.profile();
        if !profile.put_replaces && profile.store_method != StoreMethod::Put {
            return Err(Error::Profile("no replacing"));
        }
        self.send(StoreMethod::Put, parts).await
    }

    async fn send(&self, method: StoreMethod, parts: Vec<StorePart>) -> Result<StoreAnswer, Error> {
        let profile = self.profile();
        if parts.is_empty() {
            return Err(Error::Profile("a store request has at least one instance"));
        }
        if profile.store_form == StoreForm::SinglePart && parts.len() > 1 {
            return Err(Error::Profile("one instance per request"));
        }
        if parts.len() > profile.request_instances_max.max(1) {
            return Err(Error::Profile("fewer instances per request"));
        }
        if !profile.unknown_length_accepted && parts.iter().any(|part| part.length.is_none()) {
            return Err(Error::Profile("no body of unknown length"));
        }
        let sent: Vec<_> = parts.iter().map(|part| part.meta.sop_instance_uid.clone()).collect();
        let url = self.inner.base_url.resource(&profile.paths.store, None);
        let waits = Waits::default();
        let parts = parts.into_iter().map(|part| self.at_pace(part, &waits)).collect();
        let _admission = self.admit().await;
        let mut body = StoreBody::new(profile.store_form, profile.store_boundary.as_ref(), parts);
        let mut request = self
            .inner
            .store
            .request(method.into(), url)
            .header(header::ACCEPT, "application/dicom+json")
            .header(header::CONTENT_TYPE, &body.content_type);
        if let Some(length) = body.content_length {
            request = request.header(header::CONTENT_LENGTH, length);
        }
        let payload = Payload::Streamed { length: body.content_length };
        let (request, mut proof) = self.authorized(request, payload).await?;
        body.chunks = proof.take_chunks();
        let exchange = Box::pin(self.exchange(request, body, proof, &sent));
        let total = self.inner.timeouts.total;
        waits.within(total, exchange).await.ok_or(Error::Timeout(Wait::Total))?
    }

    /// A part whose bytes pass at the pace of the origin: it is the source that is slow then, not the server.
    fn at_pace(&self, part: StorePart, waits: &Waits) -> StorePart {
        let pace = &self.inner.pace;
        let data = if pace.limits_bytes() { pace.body(self.precedence, waits, part.data) } else { part.data };
        StorePart { data, ..part }
    }

    /// Sends the request while its body is pumped into it, and reads the answer.
    async fn exchange(
        &self,
        mut request: Request,
        body: StoreBody,
        proof: Proof,
        sent: &[Uid],
    ) -> Result<StoreAnswer, Error> {
        let timeouts = &self.inner.timeouts;
        let (stream, pump) = body.into_stream(timeouts.send_idle, timeouts.connect);
        let mut pump = std::pin::pin!(pump);
        *request.body_mut() = Some(reqwest::Body::wrap_stream(stream));
        let mut sending = std::pin::pin!(self.inner.store.execute(request));
        let mut pumped = None;
        let mut answer_due = Instant::now();
        let response = loop {
            tokio::select! {
                biased;
                response = &mut sending => {
                    break response.map_err(|error| TransportError::from(error).into_error())?;
                }
                end = &mut pump, if pumped.is_none() => {
                    pumped = Some(end.into_result()?);
                    answer_due = Instant::now() + timeouts.answer;
                }
                () = tokio::time::sleep_until(answer_due), if pumped.is_some() => {
                    return Err(Error::Timeout(Wait::Answer));
                }
            }
        };
        // The pump lives on while the answer is read: to drop it would break the connection.
        if self.inner.authorization.renewed(&response, &proof).await? {
            return Err(self.refused(&response, true));
        }
        if !response.status().is_success() {
            return self.read_store_answer(response, sent).await;
        }
        // A server that reports success before it has everything still has to take the rest.
        let rest = async {
            let end = match pumped {
                Some(end) => end,
                None => pump.await.into_result()?,
            };
            match end {
                BodyEnd::Whole => Ok(()),
                BodyEnd::NotWanted => Err(Error::Interrupted("success was reported before the end".into())),
            }
        };
        let (answer, ()) = tokio::try_join!(self.read_store_answer(response, sent), rest)?;
        Ok(answer)
    }

    async fn read_store_answer(&self, response: Response, sent: &[Uid]) -> Result<StoreAnswer, Error> {
        let http_status = response.status();
        let refused = self.refused(&response, false);
        let retry_after = answer::retry_after(response.headers(), std::time::SystemTime::now());
        let may_tell_instances =
            http_status.is_success() || matches!(http_status, StatusCode::BAD_REQUEST | StatusCode::CONFLICT);
        if !may_tell_instances {
            return Err(refused);
        }
        let headers = response.headers().clone();
        let bytes_max = ANSWER_BYTES_BASE + ANSWER_BYTES_PER_INSTANCE * sent.len();
        let data_set = match self.read_answer(response, bytes_max).await {
            Ok(bytes) => ResponseDataSet::read(&headers, &bytes),
            Err(Error::Unreadable(reason)) => Err(reason),
            Err(error) if http_status.is_success() => return Err(error),
            Err(_) => return Err(refused),
        };
        let profile = self.profile();
        match data_set {
            Ok(data_set) => {
                let instances = outcome::outcomes(http_status, &data_set, sent, profile);
                Ok(StoreAnswer { http_status, retry_after, body: AnswerBody::ResponseDataSet, instances })
            }
            Err(reason) => {
                let Some(outcome) = self.outcome_of_status(http_status, reason, sent.len()) else {
                    return Err(refused);
                };
                let instances = vec![outcome; sent.len()];
                Ok(StoreAnswer { http_status, retry_after, body: AnswerBody::Unreadable(reason), instances })
            }
        }
    }

    /// What a status without a response data set says of each instance; `None` for a refusal of the whole.
    fn outcome_of_status(
        &self,
        status: StatusCode,
        body: Unreadable,
        instances: usize,
    ) -> Option<InstanceOutcome> {
        let profile = self.profile();
        if status.is_success() {
            let enough = profile.store_response == StoreResponse::StatusOnly && body != Unreadable::Html;
            return Some(if enough {
                InstanceOutcome::Stored { warning_reason: None, retrieve_url: None }
            } else {
                InstanceOutcome::Unknown
            });
        }
        let duplicate = instances == 1 && profile.duplicate_statuses.contains(&status.as_u16());
        duplicate.then_some(InstanceOutcome::Failed { failure_reason: None, duplicate })
    }
}

impl From<StoreMethod> for Method {
    fn from(method: StoreMethod) -> Self {
        match method {
            StoreMethod::Post => Self::POST,
            StoreMethod::Put => Self::PUT,
        }
    }
}

impl fmt::Debug for StorePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StorePart")
            .field("meta", &self.meta)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}
