//! One request and its answer.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, header};
use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use tokio::time::timeout;

use super::{Client, fields};
use crate::answer;
use crate::conventions::{EmptyAnswer, ReasonOnSuccess};
use crate::error::{Reason, Unreadable, transport};
use crate::pace::Admission;
use crate::{Call, Error, Pace, Prepared, SideEffect};

/// Longest Retry-After that is believed. 24 h: beyond it a person looks anyway.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(24 * 60 * 60);

impl Client {
    /// Sends a call in one request and gives the body of its answer, which has a status of success, is no
    /// page for people and does not say that the call failed.
    pub(super) async fn exchange(&self, call: &Call) -> Result<Vec<u8>, Error> {
        let body = self.answered(call).await?;
        match answer::json(&body, EmptyAnswer::NothingFound) {
            Ok(Some(value)) => successful(&value).map(|()| body),
            // The vendor's clients print whatever text comes with success.
            Ok(None) | Err(_) => Ok(body),
        }
    }

    /// As [`Self::exchange`], for an answer in JSON; `None` where it is empty and that means that nothing
    /// was found.
    pub(super) async fn exchange_json(&self, call: &Call) -> Result<Option<Value>, Error> {
        let body = self.answered(call).await?;
        let value = answer::json(&body, self.conventions().empty_answer).map_err(Error::Unreadable)?;
        value.as_ref().map_or(Ok(()), successful).map(|()| value)
    }

    /// A call without side effects is sent once more where the connection broke; no other is ever repeated.
    async fn answered(&self, call: &Call) -> Result<Vec<u8>, Error> {
        let prepared = Prepared::new(call, self.conventions())?;
        match self.once(&prepared, call.side_effect()).await {
            Err(Error::Interrupted(_)) if call.side_effect() == SideEffect::None => {
                self.once(&prepared, SideEffect::None).await
            }
            answered => answered,
        }
    }

    async fn once(&self, prepared: &Prepared, side_effect: SideEffect) -> Result<Vec<u8>, Error> {
        // The call is under way until its answer has been read.
        let _admission = match &self.inner.pace {
            Some(pace) => Some(self.turn(&**pace).await?),
            None => None,
        };
        let response = self.request(prepared, side_effect)?.send().await.map_err(transport)?;
        let (status, headers) = (response.status(), response.headers().clone());
        if !status.is_success() {
            let retry_after = retry_after(&headers, SystemTime::now());
            return Err(Error::Refused { status, reason: Reason::of(&headers), retry_after });
        }
        if self.conventions().reason_on_success == ReasonOnSuccess::Failure
            && let Some(reason) = Reason::of(&headers)
        {
            return Err(Error::Failed { reason: Some(reason) });
        }
        let body = self.read(response).await?;
        if is_html(&headers, &body) { Err(Error::Unreadable(Unreadable::Html)) } else { Ok(body) }
    }

    /// A long delivery may have the only turn there is, and somebody waits for a call.
    async fn turn(&self, pace: &dyn Pace) -> Result<Admission, Error> {
        let turn_max = self.inner.turn_max;
        timeout(turn_max, pace.admit()).await.map_err(|_| Error::NoTurn(turn_max))
    }

    fn request(&self, prepared: &Prepared, side_effect: SideEffect) -> Result<RequestBuilder, Error> {
        let connections = match side_effect {
            SideEffect::None => &self.inner.reading,
            SideEffect::Searchable | SideEffect::Hidden => &self.inner.changing,
        };
        let url = self.inner.base_url.join(&prepared.path);
        let mut fields = fields(self.inner.authorization.as_ref());
        if let Some((name, json)) = &prepared.header {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|error| Error::Credentials(Box::new(error)))?;
            let mut value =
                HeaderValue::from_str(json).map_err(|error| Error::Credentials(Box::new(error)))?;
            value.set_sensitive(true);
            fields.insert(name, value);
        }
        let mut request = connections.request(prepared.method.clone(), url);
        if let Some(body) = &prepared.body {
            fields.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            request = request.body(body.clone());
        }
        Ok(request.headers(fields))
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(transport)? {
            if body.len() + chunk.len() > self.conventions().answer_bytes_max {
                return Err(Error::Unreadable(Unreadable::TooLarge));
            }
            if let Some(pace) = &self.inner.pace {
                pace.bytes(chunk.len()).await;
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// An error where the answer says that the call failed.
fn successful(value: &Value) -> Result<(), Error> {
    answer::failure(value).map_or(Ok(()), |reason| Err(Error::Failed { reason }))
}

/// Whether an answer is a page for people, by what it says or by how it begins.
fn is_html(headers: &HeaderMap, body: &[u8]) -> bool {
    let media_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let text = body.trim_ascii_start();
    let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text).trim_ascii_start();
    let begins = |start: &[u8]| text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start));
    // Frameworks call any text HTML, so what begins as JSON or as a link is believed.
    let page = media_type.to_ascii_lowercase().starts_with("text/html") && begins(b"<");
    page || begins(b"<!doctype html") || begins(b"<html")
}

/// Retry-After: seconds or a date (RFC 9110 §10.2.3), as a time from `now`.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let after = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
            SystemTime::from(date).duration_since(now).unwrap_or(Duration::ZERO)
        }
    };
    Some(after.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_for_people_are_told_from_answers_that_are_called_so() {
        let html = |media_type: &'static str, body: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
            is_html(&headers, body.as_bytes())
        };
        assert!(html("text/html; charset=utf-8", "<p>Please log in"));
        assert!(html("text/plain", "\u{feff} <!DOCTYPE html><p>"));
        assert!(html("application/json", "<HTML lang=en>"));
        assert!(!html("text/html", "{\"Success\":true}"));
        assert!(!html("text/html", "https://example.org"));
        assert!(!html("text/html", ""));
    }

    #[test]
    fn reads_retry_after_in_both_forms() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (text, expected) in [
            ("120", Some(120)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:40:37 GMT", Some(0)),
            ("99999999", Some(86_400)),
            ("soon", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, text.parse().unwrap());
            assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{text}");
        }
    }
}
