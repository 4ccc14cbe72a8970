//! Whether an origin server would answer, and what the attempt tells about it.

use std::time::{Duration, Instant, SystemTime};

use http::header;
use reqwest::{Response, tls::TlsInfo};

use crate::client::ANSWER_BYTES_MAX;
use crate::error::Unreadable;
use crate::{Client, ClientConfig, Error, answer};

/// What one small request tells about an origin server.
#[derive(Debug)]
pub struct Examination {
    /// Whether it was answered as it should be.
    pub outcome: Result<(), Error>,
    /// From the request to the beginning of its answer.
    pub took: Duration,
    /// How far the server's clock is ahead of ours, in seconds, by the Date header field (RFC 9110 §6.6.1).
    /// None where there was no answer, or one without a date or out of a cache.
    pub clock_ahead: Option<i64>,
    /// The certificate that the server, or a proxy in its place, showed; in DER. None without TLS, and where
    /// the connection was not made.
    pub certificate: Option<Vec<u8>>,
}

impl Client {
    /// Makes a client that can tell of the server's certificate in [`Self::examine`]; otherwise as
    /// [`Self::new`].
    ///
    /// # Errors
    /// As of [`Self::new`].
    pub fn examining(config: ClientConfig) -> Result<Self, Error> {
        Self::adapted(config, |builder| builder.tls_info(true))
    }

    /// A small authenticated request that tells whether the origin would answer.
    ///
    /// # Errors
    /// Whatever a request of that kind would meet.
    pub async fn probe(&self) -> Result<(), Error> {
        let response = self.ask().await?;
        self.judge(response).await
    }

    /// As [`Self::probe`], with what can be learned on the way.
    pub async fn examine(&self) -> Examination {
        let started = Instant::now();
        let asked = self.ask().await;
        let took = started.elapsed();
        match asked {
            Err(error) => Examination { outcome: Err(error), took, clock_ahead: None, certificate: None },
            Ok(response) => {
                // The server wrote its date somewhere between the two, and without fractions of a second.
                let answered = SystemTime::now() - took / 2;
                let clock_ahead = clock_ahead(&response, answered);
                let certificate = response.extensions().get::<TlsInfo>();
                let certificate = certificate.and_then(TlsInfo::peer_certificate).map(<[u8]>::to_vec);
                Examination { outcome: self.judge(response).await, took, clock_ahead, certificate }
            }
        }
    }

    async fn ask(&self) -> Result<Response, Error> {
        let url = self.base_url().resource(&self.profile().paths.probe, None);
        self.get(url, &self.profile().search.accept).await
    }

    async fn judge(&self, response: Response) -> Result<(), Error> {
        let nothing_found = &self.profile().search.nothing_found_statuses;
        if nothing_found.contains(&response.status().as_u16()) {
            return Ok(());
        }
        if !response.status().is_success() {
            return Err(self.refused(&response, false));
        }
        if answer::is_html(response.headers()) {
            return Err(Error::Unreadable(Unreadable::Html));
        }
        self.read_answer(response, ANSWER_BYTES_MAX).await.map(drop)
    }
}

/// How far the clock of who answered is ahead of ours, in seconds; `now` is the time at which the answer was written.
pub(crate) fn clock_ahead(response: &Response, now: SystemTime) -> Option<i64> {
    // What comes out of a cache has the date at which it went in.
    if response.headers().contains_key(header::AGE) {
        return None;
    }
    let date = answer::date(response.headers())?;
    let seconds = |span: Duration| i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
    Some(match date.duration_since(now) {
        Ok(ahead) => seconds(ahead),
        Err(behind) => -seconds(behind.duration()),
    })
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::Response as Answer;

    use super::*;
    use crate::error::Remedy;
    use crate::testing::*;

    async fn answering(status: u16, headers: &'static [(&'static str, &'static str)]) -> Client {
        let router = Router::new().fallback(move || async move {
            let answer = Answer::builder().status(status);
            let answer = headers.iter().fold(answer, |answer, (name, value)| answer.header(*name, *value));
            answer.body(Body::empty()).unwrap()
        });
        Client::examining(config(serve(router).await)).unwrap()
    }

    #[tokio::test]
    async fn tells_how_far_the_clocks_are_apart() {
        const LONG_AGO: (&str, &str) = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
        const UNTOLD: [&[(&str, &str)]; 2] = [&[("date", "today")], &[LONG_AGO, ("age", "60")]];
        let today = answering(204, &[]).await.examine().await;
        assert!(today.outcome.is_ok() && today.certificate.is_none());
        // The test server writes its own date.
        assert!(today.clock_ahead.is_some_and(|ahead| ahead.abs() <= 2), "{today:?}");
        let behind = answering(204, &[LONG_AGO]).await.examine().await.clock_ahead;
        assert!(behind.is_some_and(|ahead| ahead < -900_000_000), "{behind:?}");
        for headers in UNTOLD {
            assert_eq!(answering(204, headers).await.examine().await.clock_ahead, None, "{headers:?}");
        }
    }

    #[tokio::test]
    async fn a_refusal_tells_as_much() {
        let examination = answering(401, &[]).await.examine().await;
        assert_eq!(examination.outcome.unwrap_err().remedy(), Remedy::FixCredentials);
        assert!(examination.clock_ahead.is_some());
        let silent = Client::examining(config("http://127.0.0.1:1".parse().unwrap())).unwrap();
        let examination = silent.examine().await;
        assert!(matches!(examination.outcome, Err(Error::Connect(_))));
        assert_eq!((examination.clock_ahead, examination.certificate), (None, None));
    }
}
