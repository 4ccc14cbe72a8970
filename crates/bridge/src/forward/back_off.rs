//! When a failed delivery is tried again.

use std::time::Duration;

use dicomweb::error::RETRY_AFTER_MAX;
use rand::RngExt;

use crate::config::BackOff;

/// The wait after attempt number `attempts` (1 for the first), drawn from `random`: it doubles up to
/// the longest one, and a part of it is random. A wait that the destination asked for (`Retry-After`)
/// is kept to where it is longer, up to [`RETRY_AFTER_MAX`].
pub fn wait(
    back_off: &BackOff,
    attempts: u32,
    asked: Option<Duration>,
    random: &mut impl RngExt,
) -> Duration {
    let doubled = 2_u32.saturating_pow(attempts.saturating_sub(1).min(30));
    let full = back_off.min.saturating_mul(doubled).min(back_off.max);
    let shortened = full.mul_f64(1.0 - back_off.jitter.clamp(0.0, 1.0) * random.random::<f64>());
    shortened.max(asked.unwrap_or_default().min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{SeedableRng, rngs::SmallRng};

    fn settings(jitter: f64) -> BackOff {
        BackOff { min: Duration::from_secs(5), max: Duration::from_secs(900), jitter }
    }

    #[test]
    fn doubles_up_to_the_longest() {
        let mut random = SmallRng::seed_from_u64(1);
        let cases = [(1, 5), (2, 10), (3, 20), (8, 640), (9, 900), (60, 900), (u32::MAX, 900)];
        for (attempts, seconds) in cases {
            let got = wait(&settings(0.0), attempts, None, &mut random);
            assert_eq!(got, Duration::from_secs(seconds), "attempt {attempts}");
        }
    }

    #[test]
    fn jitter_only_shortens_and_stays_in_its_part() {
        let mut random = SmallRng::seed_from_u64(2);
        let waits: Vec<_> = (0..1000).map(|_| wait(&settings(0.25), 3, None, &mut random)).collect();
        assert!(waits.iter().all(|wait| (15.0..=20.0).contains(&wait.as_secs_f64())));
        assert!(waits.iter().any(|wait| wait.as_secs_f64() < 16.0), "the random part is used");
        assert!(waits.iter().any(|wait| wait.as_secs_f64() > 19.0), "and differs");
    }

    #[test]
    fn a_longer_wait_that_was_asked_for_is_kept_to() {
        let mut random = SmallRng::seed_from_u64(3);
        let cases = [(Some(60), 60), (Some(1), 5), (None, 5), (Some(10_000_000), RETRY_AFTER_MAX.as_secs())];
        for (asked, seconds) in cases {
            let got = wait(&settings(0.0), 1, asked.map(Duration::from_secs), &mut random);
            assert_eq!(got, Duration::from_secs(seconds), "{asked:?}");
        }
    }
}
