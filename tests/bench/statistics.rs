//! Medians and spreads.

use std::time::Duration;

use serde_json::{Value, json};

/// Several values of the same kind, in seconds unless said otherwise.
#[derive(Debug, Clone, Default)]
pub(crate) struct Series(Vec<f64>);

impl Series {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Keeps a value and gives it back.
    pub(crate) fn add(&mut self, value: f64) -> f64 {
        self.push(value);
        value
    }

    pub(crate) fn values(&self) -> &[f64] {
        &self.0
    }

    /// The middle value, or the mean of the two in the middle; 0 of nothing.
    pub(crate) fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => 0.0,
            length if length % 2 == 1 => sorted[middle],
            _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
        }
    }

    /// The least value that this share of all values does not exceed; 0 of nothing.
    pub(crate) fn percentile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }

    pub(crate) fn min(&self) -> f64 {
        self.0.iter().copied().reduce(f64::min).unwrap_or_default()
    }

    pub(crate) fn max(&self) -> f64 {
        self.0.iter().copied().reduce(f64::max).unwrap_or_default()
    }

    /// From the smallest to the largest value.
    pub(crate) fn spread(&self) -> f64 {
        self.max() - self.min()
    }

    /// All values with their median and bounds.
    pub(crate) fn json(&self) -> Value {
        let (median, min, max) = (self.median(), self.min(), self.max());
        json!({"median": median, "min": min, "max": max, "runs": self.values()})
    }

    /// Pairs of the same round put together.
    pub(crate) fn zip(&self, other: &Self, with: impl Fn(f64, f64) -> f64) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| with(*a, *b)).collect())
    }

    pub(crate) fn map(&self, with: impl Fn(f64) -> f64) -> Self {
        Self(self.0.iter().map(|value| with(*value)).collect())
    }
}

impl FromIterator<Duration> for Series {
    fn from_iter<I: IntoIterator<Item = Duration>>(durations: I) -> Self {
        Self(durations.into_iter().map(|duration| duration.as_secs_f64()).collect())
    }
}
