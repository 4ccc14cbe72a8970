//! How slowly a data set may arrive.

use std::time::Duration;

use bytes::Bytes;
use dimse::{Error, Timer};
use tokio::time::{Instant, timeout};

/// Bytes that must arrive within one message timer, or the end: 4096, three TCP segments. A link that
/// is alive brings them at once; a peer that sends one byte whenever the timer is about to expire
/// would otherwise hold its part of the memory budget for ever.
const BYTES_MIN: usize = 4096;

/// Watches the pace of one data set.
#[derive(Debug, Default)]
pub(super) struct Pace {
    gained: usize,
    waited: Duration,
}

impl Pace {
    /// Awaits the next fragment. Only the time that is waited here counts, not what the spool or the
    /// destination takes in between. `timer` is the message timer.
    ///
    /// # Errors
    /// Those of `fragment`, and [`Error::Timeout`] of the message timer.
    pub(super) async fn next(
        &mut self,
        timer: Duration,
        fragment: impl Future<Output = Result<Option<Bytes>, Error>>,
    ) -> Result<Option<Bytes>, Error> {
        let began = Instant::now();
        let arrived = timeout(timer.saturating_sub(self.waited), fragment).await;
        let fragment = arrived.map_err(|_| Error::Timeout(Timer::Message))??;
        self.gained += fragment.as_ref().map_or(0, Bytes::len);
        self.waited += began.elapsed();
        if self.gained >= BYTES_MIN {
            *self = Self::default();
        }
        Ok(fragment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{StreamExt, stream};
    use tokio::time::sleep;

    const TIMER: Duration = Duration::from_secs(60);

    /// Receives up to a hundred fragments of `length` bytes, one after each `gap`; gives how many came.
    async fn receive(length: usize, gap: Duration) -> usize {
        let mut fragments = stream::repeat(Bytes::from(vec![0; length])).take(100);
        let (mut pace, mut received) = (Pace::default(), 0);
        loop {
            let fragment = async {
                sleep(gap).await;
                Ok(fragments.next().await)
            };
            match pace.next(TIMER, fragment).await {
                Ok(Some(_)) => received += 1,
                Ok(None) => return received,
                Err(error) => {
                    assert!(matches!(error, Error::Timeout(Timer::Message)), "{error}");
                    return received;
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_data_set_that_hardly_moves_is_given_up() {
        let cases = [
            (1, Duration::from_secs(59), 1),
            (1, Duration::from_secs(7), 8),
            (1, Duration::from_millis(1), 100),
            (BYTES_MIN - 1, Duration::from_secs(35), 1),
            (BYTES_MIN / 2, Duration::from_secs(29), 100),
            (BYTES_MIN, Duration::from_secs(59), 100),
            (BYTES_MIN, Duration::from_secs(61), 0),
        ];
        for (length, gap, expected) in cases {
            assert_eq!(receive(length, gap).await, expected, "{length} bytes after each {gap:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_others_take_in_between_does_not_count() {
        let mut pace = Pace::default();
        for _ in 0..10 {
            let arrived = pace.next(TIMER, async { Ok(Some(Bytes::from_static(b"1"))) }).await;
            assert!(arrived.is_ok_and(|fragment| fragment.is_some()));
            sleep(TIMER).await;
        }
    }
}
