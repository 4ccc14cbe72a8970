//! The clock of an origin, as far as its answers tell: its changes have its times, and ours may differ.

use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};

use crate::snapshot::Origin;

/// How far two clocks are apart that count as the same. 2 s: a Date header field has no fractions of a second,
/// and nobody knows when on the way the answer was written.
const MARGIN: SignedDuration = SignedDuration::from_secs(2);

/// The clock of one origin.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clock {
    /// How far it is ahead of ours.
    ahead: SignedDuration,
    known: bool,
}

impl Clock {
    /// Asks the origin for its time, where it has not been heard of yet. One that does not tell is taken to have
    /// ours. Tells whether it is known now.
    pub(super) async fn learn(&mut self, origin: &Origin) -> bool {
        if !self.known {
            let examination = origin.bulk.examine().await;
            if examination.clock_ahead.is_some() || examination.outcome.is_ok() {
                self.heard(examination.clock_ahead);
            }
        }
        self.known
    }

    /// Takes in how far the origin's clock is ahead, in seconds, where an answer tells.
    pub(super) fn heard(&mut self, ahead: Option<i64>) {
        self.known = true;
        let Some(ahead) = ahead.map(SignedDuration::from_secs) else { return };
        self.ahead = if ahead.abs() <= MARGIN { SignedDuration::ZERO } else { ahead };
    }

    /// The time of the origin.
    pub(super) fn now(&self) -> Timestamp {
        self.of(Timestamp::now())
    }

    /// Whether what happened at `own` by our clock came surely after `theirs` by the origin's.
    pub(super) fn is_after(&self, own: SystemTime, theirs: Timestamp) -> bool {
        let margin = if self.ahead.is_zero() { SignedDuration::ZERO } else { MARGIN };
        Timestamp::try_from(own).is_ok_and(|own| self.of(own).saturating_sub(margin).unwrap_or(own) >= theirs)
    }

    /// Whether what happened at `theirs` by the origin's clock came surely after `own` by ours.
    pub(super) fn is_before(&self, own: SystemTime, theirs: Timestamp) -> bool {
        Timestamp::try_from(own).is_ok_and(|own| self.of(own).saturating_add(MARGIN).unwrap_or(own) < theirs)
    }

    fn of(&self, own: Timestamp) -> Timestamp {
        own.saturating_add(self.ahead).unwrap_or(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_compared_by_one_clock() {
        let own = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        let theirs = |seconds: i64| Timestamp::from_second(1_000_000 + seconds).unwrap();
        // How far the origin is ahead, a moment of the origin beside the own one, and what is sure.
        let rows = [
            (None, 0, true, false),
            (None, 1, false, false),
            (None, 3, false, true),
            (Some(2), 0, true, false),
            (Some(600), 590, true, false),
            (Some(600), 599, false, false),
            (Some(600), 601, false, false),
            (Some(600), 603, false, true),
            (Some(-600), -603, true, false),
            (Some(-600), 0, false, true),
        ];
        for (ahead, moment, after, before) in rows {
            let mut clock = Clock::default();
            clock.heard(ahead);
            let moment = theirs(moment);
            assert_eq!(
                (clock.is_after(own, moment), clock.is_before(own, moment)),
                (after, before),
                "{ahead:?}"
            );
        }
    }
}
