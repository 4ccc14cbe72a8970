//! The targets, and whether they are met.

use std::fmt;

use serde_json::{Value, json};

use crate::statistics::Series;

/// How much longer than what cannot be avoided something may take.
pub(crate) const OVERHEAD: f64 = 1.5;

/// What a comparison came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Met,
    Missed,
    /// The gap to the limit is smaller than the spread of the peer's own runs.
    Inconclusive,
    /// Printed for comparison; nothing is demanded.
    Informative,
}

impl Outcome {
    const fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "MISSED",
            Self::Inconclusive => "inconclusive",
            Self::Informative => "-",
        }
    }
}

/// A target with what was measured.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    target: String,
    is: f64,
    limit: Option<f64>,
    unit: &'static str,
    outcome: Outcome,
    is_timing: bool,
}

impl Verdict {
    /// True where a run has to end with a failure: a smoke run is too short to judge times.
    pub(crate) fn is_failure(&self, smoke: bool) -> bool {
        self.outcome == Outcome::Missed && !(smoke && self.is_timing)
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "target": self.target,
            "is": self.is,
            "limit": self.limit,
            "unit": self.unit,
            "verdict": self.outcome.word(),
        })
    }

    /// Judges times against limits that were derived from the peer's times of the same rounds.
    pub(crate) fn time(target: &str, ours: &Series, limits: &Series) -> Self {
        let (is, limit) = (ours.median(), limits.median());
        let outcome = if (is - limit).abs() < limits.spread() {
            Outcome::Inconclusive
        } else if is <= limit {
            Outcome::Met
        } else {
            Outcome::Missed
        };
        Self { target: target.to_owned(), is, limit: Some(limit), unit: "s", outcome, is_timing: true }
    }

    /// Judges times against a time that no peer was measured for.
    pub(crate) fn within(target: &str, ours: &Series, limit: f64) -> Self {
        let is = ours.median();
        let outcome = if is <= limit { Outcome::Met } else { Outcome::Missed };
        Self { target: target.to_owned(), is, limit: Some(limit), unit: "s", outcome, is_timing: true }
    }

    /// Judges the times that all but a few keep within.
    pub(crate) fn percentile(target: &str, ours: &Series, share: f64, limit: f64) -> Self {
        let is = ours.percentile(share);
        let outcome = if is <= limit { Outcome::Met } else { Outcome::Missed };
        Self { target: target.to_owned(), is, limit: Some(limit), unit: "s", outcome, is_timing: true }
    }

    pub(crate) fn ratio(target: &str, peer: &Series, ours: &Series) -> Self {
        let is = peer.zip(ours, |peer, ours| peer / ours).median();
        let outcome = Outcome::Informative;
        Self { target: target.to_owned(), is, limit: None, unit: "x", outcome, is_timing: true }
    }

    pub(crate) fn memory(target: String, kib: u64, limit_kib: u64) -> Self {
        let mebibytes = |kib: u64| kib as f64 / 1024.0;
        let outcome = if kib <= limit_kib { Outcome::Met } else { Outcome::Missed };
        let (is, limit) = (mebibytes(kib), Some(mebibytes(limit_kib)));
        Self { target, is, limit, unit: "MiB", outcome, is_timing: false }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, is, limit, unit, outcome, .. } = self;
        let limit = limit.map_or_else(String::new, |limit| format!("{limit:.2} {unit}"));
        write!(to, "{target:<56} {:>10} {limit:>10}  {}", format!("{is:.2} {unit}"), outcome.word())
    }
}
