//! How often a request is sent that changes nothing.

use std::time::Duration;

use http::StatusCode;
use reqwest::{Response, Url};
use tokio::sync::Semaphore;

use crate::{Client, Error, Precedence, answer};

/// The first pause before a request is repeated that a server has put off without saying for how long.
/// 500 ms, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The shortest pause before a request is repeated. 100 ms: a server that says `Retry-After: 0` each time would be
/// asked without end and without a pause.
const PAUSE_MIN: Duration = Duration::from_millis(100);

/// What a search or retrieve still endures.
#[derive(Debug)]
pub(crate) struct Patience {
    /// Time left to wait for a server that puts requests off.
    waiting: Duration,
    pause: Duration,
    /// Whether the request at hand has broken down before.
    broken: bool,
}

impl Patience {
    pub(crate) const fn new(waiting: Duration) -> Self {
        Self { waiting, pause: FIRST_PAUSE, broken: false }
    }

    /// Another request begins, which may break down once of its own.
    pub(crate) const fn next_request(&mut self) {
        self.broken = false;
    }

    /// Whether a request that ended with this error is sent again: once, where the connection broke.
    pub(crate) const fn bears(&mut self, error: &Error) -> bool {
        let broke = matches!(error, Error::Interrupted(_));
        broke && !std::mem::replace(&mut self.broken, true)
    }

    /// How long to wait before a request is repeated that was put off, if it is.
    fn wait(&mut self, retry_after: Option<Duration>) -> Option<Duration> {
        let wait = retry_after.unwrap_or_else(|| {
            // Many clients put off at the same moment should not come back at the same moment.
            let pause = self.pause.mul_f64(rand::random_range(0.5..1.0));
            self.pause = self.pause.saturating_mul(2);
            pause
        });
        let wait = wait.max(PAUSE_MIN);
        self.waiting = self.waiting.checked_sub(wait)?;
        Some(wait)
    }
}

impl Client {
    /// A GET request over connections of the caller's choice, repeated as far as patience goes. Where
    /// there are `turns`, it waits for one until the answer begins, and for none while it is put off.
    pub(crate) async fn get_patiently(
        &self,
        connections: &reqwest::Client,
        turns: Option<&Semaphore>,
        url: &Url,
        accept: &str,
        patience: &mut Patience,
    ) -> Result<Response, Error> {
        loop {
            // A long delivery may have the only turn there is, and a workstation waits for a search.
            let turn_max = match (turns, self.precedence) {
                (Some(_), Precedence::Interactive) => self.inner.timeouts.unavailable,
                _ => Duration::MAX,
            };
            let sending = self.in_turn(connections, http::Method::GET, url.clone(), accept, turn_max);
            let answered = {
                let _turn = match turns {
                    // Never closed.
                    Some(turns) => turns.acquire().await.ok(),
                    None => None,
                };
                sending.await
            };
            let response = match answered {
                Err(error) if patience.bears(&error) => continue,
                answered => answered?,
            };
            if !matches!(response.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
                return Ok(response);
            }
            let retry_after = answer::retry_after(response.headers(), std::time::SystemTime::now());
            let Some(wait) = patience.wait(retry_after) else { return Ok(response) };
            drop(response);
            tokio::time::sleep(wait).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_as_the_server_wishes_and_not_beyond_the_total() {
        const SECOND: Duration = Duration::from_secs(1);
        let mut patience = Patience::new(2 * SECOND);
        assert_eq!(patience.wait(Some(SECOND)), Some(SECOND));
        assert_eq!(patience.wait(Some(2 * SECOND)), None, "one second is left");
        for _ in 0..10 {
            assert_eq!(patience.wait(Some(Duration::ZERO)), Some(PAUSE_MIN));
        }
        assert_eq!(patience.wait(Some(Duration::ZERO)), None);
    }

    #[test]
    fn pauses_grow_where_the_server_has_no_wish() {
        let mut patience = Patience::new(Duration::from_secs(60));
        let mut lower = FIRST_PAUSE / 2;
        let mut rounds = 0;
        while let Some(wait) = patience.wait(None) {
            assert!(wait >= lower && wait <= 2 * lower, "{wait:?}");
            lower *= 2;
            rounds += 1;
        }
        assert!((5..=8).contains(&rounds), "{rounds} pauses make up a minute");
    }

    #[test]
    fn a_broken_connection_is_borne_once_per_request() {
        let mut patience = Patience::new(Duration::ZERO);
        let broken = || Error::Interrupted("reset".into());
        assert!(!patience.bears(&Error::Connect("refused".into())));
        assert!(patience.bears(&broken()));
        assert!(!patience.bears(&broken()));
        patience.next_request();
        assert!(patience.bears(&broken()));
    }
}
