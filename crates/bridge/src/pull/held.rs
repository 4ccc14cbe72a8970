//! Instances that an origin lists and does not give, while it gives others.

use std::collections::HashSet;

use instance::Uid;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::intake::Wanting;
use super::round::Job;

/// Most instances that are held. 1,000, in a third of a megabyte; with more it is the origin that fails, and the
/// pull stops rather than forget one.
const HELD_MAX: usize = 1000;

/// Until an instance that is held is asked for again the first time, doubled each time up to [`AGAIN_MAX`]. 15 min.
const AGAIN_FIRST: SignedDuration = SignedDuration::from_mins(15);

/// The longest time until then. A day: whoever mends the origin sees the next day that it was enough.
const AGAIN_MAX: SignedDuration = SignedDuration::from_hours(24);

/// All of one pull, kept with its position.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct HeldInstances(Vec<Held>);

/// An instance that could not be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Held {
    study: String,
    series: String,
    sop_instance_uid: String,
    /// The time of its change by the origin's clock, where the origin tells.
    changed: Option<String>,
    /// Whether it was stored then, not changed otherwise.
    stored: bool,
    /// Why it cannot be had, in words.
    reason: String,
    /// How often it was asked for since it is held.
    tries: u32,
    /// When it is asked for again, in seconds since 1970.
    again_at: i64,
}

impl Held {
    /// The instance, unless the document was written by somebody else.
    fn job(&self) -> Option<Job> {
        let wanting = Wanting {
            study: self.study.parse().ok()?,
            series: self.series.parse().ok()?,
            instance: self.sop_instance_uid.parse().ok()?,
        };
        let changed = self.changed.as_ref().map(|changed| changed.parse()).transpose().ok()?;
        Some(Job { wanting, changed, stored: self.stored })
    }
}

impl HeldInstances {
    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Which they are, and the changes that they are held because of.
    pub(super) fn changes(&self) -> HashSet<(String, Option<String>)> {
        self.0.iter().map(|held| (held.sop_instance_uid.clone(), held.changed.clone())).collect()
    }

    /// Holds an instance, or notes that it could not be had once more. Tells whether there was room for it.
    pub(super) fn hold(&mut self, job: &Job, reason: String, now: Timestamp) -> bool {
        let known = self.0.iter().find(|held| held.sop_instance_uid == job.wanting.instance.as_str());
        let tries = known.map_or(0, |held| held.tries.saturating_add(1));
        let wait = AGAIN_FIRST.checked_mul(2_i32.saturating_pow(tries.min(30))).unwrap_or(AGAIN_MAX);
        let held = Held {
            study: job.wanting.study.to_string(),
            series: job.wanting.series.to_string(),
            sop_instance_uid: job.wanting.instance.to_string(),
            changed: job.changed.map(|changed| changed.to_string()),
            stored: job.stored,
            reason,
            tries,
            again_at: now.as_second().saturating_add(wait.min(AGAIN_MAX).as_secs()),
        };
        self.release(&job.wanting.instance);
        let room = self.0.len() < HELD_MAX;
        if room {
            self.0.push(held);
        }
        room
    }

    /// An instance is held no more. Tells whether it was.
    pub(super) fn release(&mut self, instance: &Uid) -> bool {
        let before = self.0.len();
        self.0.retain(|held| held.sop_instance_uid != instance.as_str());
        self.0.len() < before
    }

    /// Held instances that are to be asked for again, those that have waited longest first.
    pub(super) fn due(&self, now: Timestamp) -> Vec<Job> {
        let mut due: Vec<_> = self.0.iter().filter(|held| held.again_at <= now.as_second()).collect();
        due.sort_by_key(|held| held.again_at);
        due.into_iter().filter_map(Held::job).collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn job(number: usize) -> Job {
        let uid = |text: String| text.parse().unwrap();
        let wanting = Wanting {
            study: uid("1.2.1".to_owned()),
            series: uid("1.2.2".to_owned()),
            instance: uid(format!("1.2.3.{number}")),
        };
        Job { wanting, changed: Some(Timestamp::UNIX_EPOCH), stored: true }
    }

    #[test]
    fn none_is_forgotten_for_another() {
        let (mut held, now) = (HeldInstances::default(), Timestamp::now());
        assert!((0..HELD_MAX).all(|number| held.hold(&job(number), "refused".to_owned(), now)));
        assert!(!held.hold(&job(HELD_MAX), "refused".to_owned(), now));
        assert!(held.hold(&job(0), "refused again".to_owned(), now));
        assert_eq!(held.count(), HELD_MAX);
    }

    #[test]
    fn what_is_held_is_asked_for_again_ever_more_rarely() {
        let mut held = HeldInstances::default();
        let mut now = Timestamp::UNIX_EPOCH;
        for minutes in [15, 30, 60, 120, 240, 480, 960, 1440, 1440] {
            assert!(held.hold(&job(1), "no".to_owned(), now));
            assert!(held.count() == 1 && held.due(now).is_empty());
            let wait = SignedDuration::from_mins(minutes);
            assert!(held.due(now + wait - SignedDuration::from_secs(1)).is_empty(), "{minutes}");
            now += wait;
            assert_eq!(held.due(now), [job(1)], "{minutes}");
        }
        let (uid, changed) = (job(1).wanting.instance.to_string(), job(1).changed.map(|at| at.to_string()));
        assert_eq!(held.changes(), HashSet::from([(uid, changed)]));
        assert!(held.release(&job(1).wanting.instance) && !held.release(&job(1).wanting.instance));
    }
}
