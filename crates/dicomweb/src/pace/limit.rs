//! The limits themselves, and when which of them are in force.

use std::time::Duration;

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::Precedence;

/// Limits on the use of one origin. The default is none at all.
#[derive(Debug, Clone, PartialEq)]
pub struct RateLimit {
    /// Outside of all windows.
    pub rates: Rates,
    /// Times of day with limits of their own; the first that fits counts. At most a few: each request
    /// looks through them.
    pub windows: Vec<Window>,
    /// Where the clock of the windows is. Default UTC.
    pub time_zone: TimeZone,
}

/// How fast requests and bytes may follow each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Requests per second, over a longer time. Default none: the server answers 429 where it minds.
    pub requests_per_second: Option<f64>,
    /// Requests that may begin at once after a quiet time. Default: those of one second, at least 1.
    pub burst: Option<u32>,
    /// Requests under way at the same time, from their first byte to the last one of the answer. Where
    /// there are several, bulk requests leave one to the others. An answer from which nobody has taken a
    /// byte for a second does not count. Default none.
    pub concurrent: Option<u32>,
    /// Bytes per second of all bodies, in both directions together. Default none.
    pub bytes_per_second: Option<u64>,
    /// Whether instances are delivered and pulled. Default true.
    pub deliveries: bool,
}

/// A time of day with limits of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Days on which it begins; empty: all.
    pub days: Vec<Weekday>,
    /// Its beginning, to the minute.
    pub from: Time,
    /// Its end, which does not belong to it; up to `from` on the next day.
    pub to: Time,
    /// The limits in it.
    pub rates: Rates,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self { rates: Rates::default(), windows: Vec::new(), time_zone: TimeZone::UTC }
    }
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            requests_per_second: None,
            burst: None,
            concurrent: None,
            bytes_per_second: None,
            deliveries: true,
        }
    }
}

impl RateLimit {
    /// Whether nothing is limited at any time.
    #[must_use]
    pub fn is_none(&self) -> bool {
        let unlimited = |rates: &Rates| {
            rates.requests_per_second.is_none()
                && rates.concurrent.is_none()
                && rates.bytes_per_second.is_none()
        };
        unlimited(&self.rates) && self.windows.iter().all(|window| unlimited(&window.rates))
    }

    pub(super) fn limits_bytes(&self) -> bool {
        let limits = |rates: &Rates| rates.bytes_per_second.is_some();
        limits(&self.rates) || self.windows.iter().any(|window| limits(&window.rates))
    }

    /// The limits in force at a moment.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> &Rates {
        if self.windows.is_empty() {
            return &self.rates;
        }
        let now = now.to_zoned(self.time_zone.clone());
        self.windows.iter().find(|window| window.holds(&now)).map_or(&self.rates, |window| &window.rates)
    }
}

impl Rates {
    /// Tokens per second and at most, of requests; none: no limit.
    pub(super) fn request_rate(&self) -> Option<(f64, f64)> {
        let rate = self.requests_per_second?;
        Some((rate, self.burst.map_or_else(|| rate.ceil().max(1.0), f64::from)))
    }

    /// The same, of bytes.
    pub(super) fn byte_rate(&self) -> Option<(f64, f64)> {
        #[expect(clippy::cast_precision_loss, reason = "no line carries 2^52 bytes in a second")]
        let rate = self.bytes_per_second? as f64;
        Some((rate, rate))
    }

    /// Requests under way with which no other may begin.
    pub(super) fn slots(&self, precedence: Precedence) -> Option<usize> {
        let all = usize::try_from(self.concurrent?).unwrap_or(usize::MAX);
        Some(match precedence {
            Precedence::Interactive => all,
            Precedence::Bulk => all.saturating_sub(1).max(1),
        })
    }
}

impl Window {
    fn holds(&self, now: &Zoned) -> bool {
        let begins_on = |day: Weekday| self.days.is_empty() || self.days.contains(&day);
        let (time, today) = (now.time(), now.weekday());
        if self.from < self.to {
            return (self.from..self.to).contains(&time) && begins_on(today);
        }
        (time >= self.from && begins_on(today)) || (time < self.to && begins_on(today.previous()))
    }
}

/// Until the next full minute, when other limits may begin.
pub(super) fn to_next_minute(now: Timestamp) -> Duration {
    const MINUTE: i128 = 60 * 1_000_000_000;
    let left = MINUTE - now.as_nanosecond().rem_euclid(MINUTE);
    Duration::from_nanos(u64::try_from(left).unwrap_or_default())
}
