//! What the origin does wrong on purpose, to be switched while it serves.

use std::{
    str::FromStr,
    sync::{PoisonError, RwLock},
    time::Duration,
};

/// Faults of the origin. The default has none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults {
    /// Refuses requests as a server does that has too much to do.
    pub throttle: Option<Throttle>,
    /// Attributes that searches name in `erroneous-dicom-attributes`, as 8 hexadecimal digits each: their
    /// index is incomplete, and so may be the matches. Only [`crate::Personality::Azure`] says so.
    pub erroneous_attributes: Vec<String>,
    /// Every page of a search but the first begins with the last match of the page before, as if something
    /// had been stored in between.
    pub repeats_matches: bool,
    /// So many instances of the next store requests are refused as being created at the same time
    /// (45071). Only [`crate::Personality::Azure`] says so.
    pub pending_instances: u32,
    /// What is wrong with the token end points.
    pub token: Option<TokenFault>,
}

/// Refuses requests for resources; those for tokens pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    /// 429 or 503.
    pub status: u16,
    /// Value of `Retry-After`, in whole seconds; none: the field is absent.
    pub retry_after: Option<Duration>,
    /// So many requests are refused, and then no more.
    pub requests: u32,
}

/// What a token end point does in place of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFault {
    /// It answers 503.
    Unavailable,
    /// It answers 200 with a page of HTML.
    Page,
    /// It answers after so long.
    Slow(Duration),
}

/// One fault, as it is written on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// `throttle=STATUS`, `throttle=STATUS:SECONDS` or `throttle=STATUS:SECONDS:REQUESTS`.
    Throttle(Throttle),
    /// `pending=INSTANCES`.
    Pending(u32),
    /// `erroneous=GGGGEEEE`.
    Erroneous(String),
    /// `repeat-matches`.
    RepeatMatches,
    /// `token=unavailable`, `token=page` or `token=slow:SECONDS`.
    Token(TokenFault),
}

/// A text that names no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no fault `{0}`")]
pub struct UnknownFault(String);

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        Self::read(text).ok_or_else(|| UnknownFault(text.to_owned()))
    }
}

impl Fault {
    fn read(text: &str) -> Option<Self> {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let seconds = |text: &str| text.parse().ok().map(Duration::from_secs);
        Some(match name {
            "throttle" => {
                let mut parts = value.splitn(3, ':');
                let status = parts.next()?.parse().ok().filter(|status| [429, 503].contains(status))?;
                let retry_after = parts.next().filter(|text| !text.is_empty());
                let retry_after = retry_after.map(|text| seconds(text).ok_or(())).transpose().ok()?;
                let requests = parts.next().map_or(Some(u32::MAX), |text| text.parse().ok())?;
                Self::Throttle(Throttle { status, retry_after, requests })
            }
            "pending" => Self::Pending(value.parse().ok()?),
            "erroneous" => {
                let is_tag = value.len() == 8 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
                is_tag.then(|| Self::Erroneous(value.to_owned()))?
            }
            "repeat-matches" if value.is_empty() => Self::RepeatMatches,
            "token" => Self::Token(match value.split_once(':') {
                None if value == "unavailable" => TokenFault::Unavailable,
                None if value == "page" => TokenFault::Page,
                Some(("slow", time)) => TokenFault::Slow(seconds(time)?),
                _ => return None,
            }),
            _ => return None,
        })
    }
}

impl FromIterator<Fault> for Faults {
    fn from_iter<I: IntoIterator<Item = Fault>>(faults: I) -> Self {
        let mut all = Self::default();
        for fault in faults {
            match fault {
                Fault::Throttle(throttle) => all.throttle = Some(throttle),
                Fault::Pending(instances) => all.pending_instances = instances,
                Fault::Erroneous(tag) => all.erroneous_attributes.push(tag),
                Fault::RepeatMatches => all.repeats_matches = true,
                Fault::Token(fault) => all.token = Some(fault),
            }
        }
        all
    }
}

/// The faults of one origin, shared by its requests.
#[derive(Debug, Default)]
pub(crate) struct Switches(RwLock<Faults>);

impl Switches {
    pub(crate) fn set(&self, faults: Faults) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    pub(crate) fn get(&self) -> Faults {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes one request off those that are to be refused.
    pub(crate) fn throttled(&self) -> Option<Throttle> {
        let mut faults = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let throttle = faults.throttle.as_mut().filter(|throttle| throttle.requests > 0)?;
        throttle.requests -= 1;
        Some(*throttle)
    }

    /// Takes one instance off those that are to be refused as being created.
    pub(crate) fn pending(&self) -> bool {
        let mut faults = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let pending = faults.pending_instances > 0;
        faults.pending_instances = faults.pending_instances.saturating_sub(1);
        pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_as_they_are_written() {
        let throttle = |status, seconds: Option<u64>, requests| {
            let retry_after = seconds.map(Duration::from_secs);
            Some(Fault::Throttle(Throttle { status, retry_after, requests }))
        };
        let cases = [
            ("throttle=429", throttle(429, None, u32::MAX)),
            ("throttle=503:5", throttle(503, Some(5), u32::MAX)),
            ("throttle=503::2", throttle(503, None, 2)),
            ("throttle=429:5:2", throttle(429, Some(5), 2)),
            ("throttle=200", None),
            ("throttle=429:soon", None),
            ("pending=3", Some(Fault::Pending(3))),
            ("erroneous=00081090", Some(Fault::Erroneous("00081090".to_owned()))),
            ("erroneous=Modality", None),
            ("repeat-matches", Some(Fault::RepeatMatches)),
            ("token=unavailable", Some(Fault::Token(TokenFault::Unavailable))),
            ("token=page", Some(Fault::Token(TokenFault::Page))),
            ("token=slow:2", Some(Fault::Token(TokenFault::Slow(Duration::from_secs(2))))),
            ("token=gone", None),
            ("rain", None),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<Fault>().ok(), expected, "{text}");
        }
    }
}
