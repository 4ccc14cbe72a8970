//! What is new at an origin comes back: to DIMSE peers, or to other origins.
//!
//! A pull asks its origin again and again what is new ([`changes`] or [`studies`]), leaves out what it has
//! had before and what this bridge stored there itself ([`known`]), and streams each instance into the
//! spool with its destinations fixed ([`intake`]). From there it is delivered like any other. How far it
//! has come ([`position`]) is written down once everything up to there is durable in the spool, or held
//! ([`held`]) to be asked for [`again`]; after a
//! crash some of it is asked for again, and recognised by its delivery record.

mod again;
mod changes;
mod clock;
mod fault;
mod held;
mod intake;
mod known;
mod position;
mod room;
mod round;
mod studies;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::round::{Ended, Round};
use crate::bridge::Core;
use crate::config::Pull;
use crate::forward::back_off;

/// Until pulls begin again after one of them panicked: 1 second, so that one which always does so does not spin.
const AFTER_A_PANIC: Duration = Duration::from_secs(1);

/// The longest wait for room in the spool, or for the time of day, before it is looked for again.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// What is known of all pulls from outside of them. Cloning gives the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pulls {
    /// Changes whenever another configuration comes in force.
    reloaded: Arc<watch::Sender<()>>,
    /// When each pull was last up to date, or began.
    up_to_date: Arc<Mutex<HashMap<String, Instant>>>,
}

impl Pulls {
    /// Another configuration is in force.
    pub(crate) fn reload(&self) {
        self.reloaded.send_replace(());
    }

    /// How long ago each pull was up to date.
    pub(crate) fn lags(&self) -> Vec<(String, Duration)> {
        let moments = self.up_to_date.lock().unwrap_or_else(PoisonError::into_inner);
        moments.iter().map(|(name, moment)| (name.clone(), moment.elapsed())).collect()
    }

    fn note(&self, name: &str, is_up_to_date: bool) {
        let mut moments = self.up_to_date.lock().unwrap_or_else(PoisonError::into_inner);
        let moment = moments.entry(name.to_owned()).or_insert_with(Instant::now);
        if is_up_to_date {
            *moment = Instant::now();
        }
    }

    fn forget(&self, name: &str) {
        self.up_to_date.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

/// Runs all pulls of the configuration, each in a task of its own, until `stop` is cancelled.
pub(crate) async fn run(core: Arc<Core>, stop: CancellationToken) {
    let (mut running, mut tasks) = (HashSet::new(), JoinSet::new());
    let mut reloaded = core.pulls.reloaded.subscribe();
    while !stop.is_cancelled() {
        reloaded.mark_unchanged();
        for pull in &core.snapshot.load().config.pulls {
            if running.insert(pull.name.clone()) {
                tasks.spawn(one(Arc::clone(&core), pull.name.clone(), stop.clone()));
            }
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(ended) = tasks.join_next() => match ended {
                Ok(name) => _ = running.remove(&name),
                Err(error) => {
                    // Which one it was is not known, so none is taken for running: each looks for itself.
                    core.metrics.panics.with_label_values(&["pull"]).inc();
                    tracing::error!(%error, "a pull fell over; all are begun again");
                    tasks.shutdown().await;
                    running.clear();
                    tokio::time::sleep(AFTER_A_PANIC).await;
                }
            },
            // The sender is the core's, which is here.
            _ = reloaded.changed() => {}
        }
    }
    // Nothing of what is cut here was written down as done.
    tasks.shutdown().await;
}

/// One pull, for as long as the configuration has it. A round is cut where the pull itself is changed; what it
/// had is recognised by its delivery records.
async fn one(core: Arc<Core>, name: String, stop: CancellationToken) -> String {
    let mut round = Round::default();
    let mut failures = 0_u32;
    core.pulls.note(&name, false);
    let mut reloaded = core.pulls.reloaded.subscribe();
    loop {
        reloaded.mark_unchanged();
        let snapshot = core.snapshot.load_full();
        let Some(pull) = snapshot.config.pulls.iter().find(|pull| pull.name == name) else {
            core.pulls.forget(&name);
            core.metrics.forget_pull(&name);
            return name;
        };
        let ended = tokio::select! {
            biased;
            () = stop.cancelled() => return name,
            () = is_changed(&core, pull, reloaded.clone()) => {
                (round, failures) = (Round::default(), 0);
                continue;
            }
            ended = round.run(&core, &snapshot, pull) => ended,
        };
        let label = match &ended {
            Ended::UpToDate => "complete",
            Ended::Waits(_) => "waiting",
            Ended::Failed { .. } => "failed",
        };
        core.metrics.pull_rounds.with_label_values(&[name.as_str(), label]).inc();
        core.pulls.note(&name, matches!(ended, Ended::UpToDate));
        failures = if matches!(ended, Ended::Failed { .. }) { failures.saturating_add(1) } else { 0 };
        let wait = pause(pull, &ended, failures, &snapshot.config.forward.back_off);
        tell(&name, &ended, wait);
        tokio::select! {
            biased;
            () = stop.cancelled() => return name,
            () = tokio::time::sleep(wait) => {}
            // Whatever was changed may be what it waits for.
            _ = reloaded.changed() => {}
        }
    }
}

/// Waits until another configuration is in force in which a pull is changed or missing.
async fn is_changed(core: &Core, pull: &Pull, mut reloaded: watch::Receiver<()>) {
    loop {
        if reloaded.changed().await.is_err() {
            return std::future::pending().await;
        }
        if !core.snapshot.load().config.pulls.contains(pull) {
            return;
        }
    }
}

fn pause(pull: &Pull, ended: &Ended, failures: u32, settings: &crate::config::BackOff) -> Duration {
    match ended {
        Ended::UpToDate => pull.interval,
        Ended::Waits(_) => pull.interval.min(LOOK_AGAIN),
        Ended::Failed { after, only_some, .. } => {
            let wait = back_off::wait(settings, failures, None, &mut rand::rng());
            let wait = wait.max(after.unwrap_or_default());
            // Nobody waits longer for what is new because of a few that cannot be had.
            if *only_some { wait.min(pull.interval.max(settings.min)) } else { wait }
        }
    }
}

fn tell(name: &str, ended: &Ended, wait: Duration) {
    match ended {
        Ended::UpToDate => {}
        Ended::Waits(why) => tracing::info!(pull = name, why, "the pull waits"),
        Ended::Failed { why, .. } => tracing::warn!(pull = name, why, again_in = ?wait, "the pull failed"),
    }
}
