//! A token bucket.

use std::time::Duration;

use tokio::time::Instant;

/// Longest wait that is computed; a rate of almost nothing would go beyond what a clock can say.
const WAIT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Tokens that come at a rate and are kept up to a number. Rate and number are given with each question,
/// as (tokens per second, tokens at most), because they change with the time of day; none is no limit.
#[derive(Debug)]
pub(super) struct Bucket {
    /// Below zero after an overdraft.
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// One that is as full as can be.
    pub(super) const fn full(now: Instant) -> Self {
        Self { tokens: f64::INFINITY, at: now }
    }

    /// Takes `count` tokens where there are `least`, or says when there will be.
    pub(super) fn take(
        &mut self,
        rate: Option<(f64, f64)>,
        least: f64,
        count: f64,
        now: Instant,
    ) -> Result<(), Instant> {
        let ready_at = self.ready_at(rate, least, now);
        if let Some(at) = ready_at.filter(|at| *at > now) {
            return Err(at);
        }
        self.tokens -= count;
        Ok(())
    }

    /// When there will be `least` tokens, if there is a limit.
    pub(super) fn ready_at(&mut self, rate: Option<(f64, f64)>, least: f64, now: Instant) -> Option<Instant> {
        let Some((rate, most)) = rate else {
            *self = Self::full(now);
            return None;
        };
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = elapsed.mul_add(rate, self.tokens).min(most);
        self.at = now;
        let lacking = least.min(most) - self.tokens;
        // Sums of fractions are a little less than the whole.
        if lacking < 1e-6 {
            return Some(now);
        }
        let wait = Duration::try_from_secs_f64(lacking / rate).unwrap_or(WAIT_MAX).min(WAIT_MAX);
        // A clock ticks in nanoseconds, and the wait must not end before its time.
        Some(now + wait.max(Duration::from_millis(1)))
    }
}
