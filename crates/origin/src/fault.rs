//! What the origin does wrong on purpose, to be switched while it serves.

use std::{
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
