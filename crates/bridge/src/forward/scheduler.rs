//! The one task that decides what is attempted when.

use std::{
    collections::HashMap,
    future::Future,
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use futures::FutureExt;
use spool::{BecameDue, Destination, Lease, LeaseRequest, Leased, Left, RetrySchedule, SHARE_MIN};
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{Instant, sleep_until, timeout_at},
};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{
    breaker::{Cause, Health, Permitted},
    delivery::Attempt,
    gone,
    lane::{Lane, Room},
    peer,
    settlement::Settlement,
    verdict,
};
use crate::snapshot::Snapshot;

/// How often deliveries to destinations that are not configured are looked for: those accepted by
/// associations that still held an older configuration come later than the reload.
const SWEEP: Duration = Duration::from_secs(60);

/// The longest time without looking at a destination. Only a guard: work is announced by the spool.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// After the spool could not lease: long enough not to spin, short enough to be back soon.
const SPOOL_AGAIN: Duration = Duration::from_secs(2);

/// Leases what is due and hands it to workers, as far as breakers allow.
pub(crate) struct Scheduler {
    snapshot: Arc<ArcSwap<Snapshot>>,
    settlement: Settlement,
    reloaded: Arc<Notify>,
    lanes: HashMap<Destination, Lane>,
    tasks: JoinSet<Ended>,
    sweep_at: Option<Instant>,
    /// Cancelled when the bridge begins to stop; associations still need deliveries then.
    finishing: CancellationToken,
}

enum Ended {
    Attempt(Destination, Health),
    Probe(Destination, Health),
    Sweep,
}

impl Scheduler {
    pub(crate) fn new(
        snapshot: Arc<ArcSwap<Snapshot>>,
        settlement: Settlement,
        reloaded: Arc<Notify>,
        finishing: CancellationToken,
    ) -> Self {
        Self {
            snapshot,
            settlement,
            reloaded,
            lanes: HashMap::new(),
            tasks: JoinSet::new(),
            sweep_at: Some(Instant::now()),
            finishing,
        }
    }

    /// Runs until the settlement is told to stop; then finishes the requests that are under way,
    /// until `drain.timeout` of the configuration has passed since the bridge began to stop. Returns
    /// how many were cut.
    pub(crate) async fn run(mut self) -> usize {
        let mut notified = self.settlement.ports.deliveries.notified();
        let (stop, finishing) = (self.settlement.stop.clone(), self.finishing.clone());
        // A task of its own: the time to stop runs also while the spool is asked.
        let began_to_stop = AbortOnDropHandle::new(tokio::spawn(async move {
            finishing.cancelled().await;
            Instant::now()
        }));
        self.take_configuration();
        loop {
            self.start_all().await;
            let wake_at = self.wake_at();
            tokio::select! {
                biased;
                () = stop.cancelled() => return self.drain(began_to_stop).await,
                Some(ended) = self.tasks.join_next() => self.take_end(ended),
                () = self.reloaded.notified() => self.take_configuration(),
                announced = notified.changed() => match announced {
                    Ok(()) => self.look_where_due(&notified.borrow_and_update()),
                    // The spool is gone; nothing can be leased any more.
                    Err(_) => stop.cancel(),
                },
                () = sleep_until(wake_at) => {}
            }
        }
    }

    async fn drain(mut self, began_to_stop: AbortOnDropHandle<Instant>) -> usize {
        let began = if began_to_stop.is_finished() { began_to_stop.await.ok() } else { None };
        let cut_at = began.unwrap_or_else(Instant::now) + self.snapshot.load().config.drain.timeout;
        let all = async {
            while self.tasks.join_next().await.is_some() {}
            self.settlement.associations.release_all().await;
        };
        if timeout_at(cut_at, all).await.is_ok() {
            return 0;
        }
        let cut = self.tasks.len();
        self.tasks.shutdown().await;
        cut
    }

    /// Makes the lanes those of the configuration. Breakers of destinations that stay keep their state.
    fn take_configuration(&mut self) {
        let snapshot = self.snapshot.load_full();
        let config = &snapshot.config;
        self.settlement.forward = config.forward.clone();
        let origins = config.origins.iter().map(|origin| Destination::Origin(origin.name.clone()));
        let peers = config.peers.iter().filter(|peer| peer.address.is_some());
        let destinations: Vec<_> =
            origins.chain(peers.map(|peer| Destination::Peer(peer.ae_title.clone()))).collect();
        self.remove_gone_lanes();
        for destination in destinations {
            let settings = &config.forward.breaker;
            let lane = self.lanes.entry(destination).or_insert_with(|| Lane::new(settings.clone()));
            lane.breaker.configure(settings.clone());
            lane.look_at = Instant::now();
        }
        self.sweep_at = Some(Instant::now());
    }

    /// Removes the lanes of destinations that are not configured any more. One with tasks under way
    /// stays until they have ended. Tells whether there were any.
    fn remove_gone_lanes(&mut self) -> bool {
        let lanes = self.lanes.len();
        let (snapshot, metrics) = (self.snapshot.load(), &self.settlement.metrics);
        let conditions = &self.settlement.conditions;
        self.lanes.retain(|destination, lane| {
            let stays = lane.in_flight > 0 || lane.probing || snapshot.config.knows(destination);
            if !stays {
                metrics.forget_down(&destination.to_string());
                conditions.set(destination, None);
            }
            stays
        });
        self.lanes.len() < lanes
    }

    /// Looks at the lanes of destinations to which something became due.
    fn look_where_due(&mut self, became_due: &BecameDue) {
        let now = Instant::now();
        for (destination, lane) in &mut self.lanes {
            let announced = became_due.get(destination).copied().unwrap_or(0);
            if std::mem::replace(&mut lane.announced, announced) != announced {
                lane.look_at = now;
            }
        }
    }

    async fn start_all(&mut self) {
        let snapshot = self.snapshot.load_full();
        let destinations: Vec<Destination> = self.lanes.keys().cloned().collect();
        for destination in destinations {
            if snapshot.config.knows(&destination) {
                self.start_probe(&destination, &snapshot);
                self.start_attempts(&destination, &snapshot).await;
            }
        }
        if self.sweep_at.is_some_and(|at| at <= Instant::now()) {
            self.sweep_at = None;
            let deliveries = Arc::clone(&self.settlement.ports.deliveries);
            let sweep = gone::hold_all(deliveries, snapshot);
            self.spawn("sweep", sweep.map(|()| Ended::Sweep), || Ended::Sweep);
        }
    }

    fn start_probe(&mut self, destination: &Destination, snapshot: &Arc<Snapshot>) {
        let Some(lane) = self.lanes.get_mut(destination) else { return };
        if lane.probing || !lane.breaker.probe_due(Instant::now()) {
            return;
        }
        lane.probing = true;
        let (snapshot, to, ended) = (Arc::clone(snapshot), destination.clone(), destination.clone());
        let probe = async move {
            let health = match snapshot.origin(&to) {
                Some(origin) => verdict::of_probe(&origin.client.probe().await),
                None => peer::probe(&snapshot, &to).await,
            };
            Ended::Probe(to, health)
        };
        self.spawn("probe", probe, move || Ended::Probe(ended, Health::Unclear));
    }

    async fn start_attempts(&mut self, destination: &Destination, snapshot: &Arc<Snapshot>) {
        while let Some(room) = self.may_start(destination, snapshot) {
            let Leased { leases, left } = match self.lease(destination, snapshot, room).await {
                Ok(leased) => leased,
                Err(error) => {
                    tracing::error!(%destination, %error, "the spool could not lease");
                    self.look_later(destination, SPOOL_AGAIN);
                    return;
                }
            };
            let rests = self.rest(destination, room, leases.len(), left);
            if !leases.is_empty() {
                self.start_attempt(destination, snapshot, leases);
            }
            if rests {
                return;
            }
        }
    }

    /// Lets a lane rest after a lease that left nothing, gave nothing, or left a few of a study that is arriving;
    /// tells whether it does.
    fn rest(&mut self, destination: &Destination, room: Room, leased: usize, left: Left) -> bool {
        // What somebody waits for waits for no company.
        let gathers = leased > 0 && !self.settlement.confirmations.any_for(destination);
        if left.due == 0 {
            let wait = left.next_due.map(|due| due.duration_since(SystemTime::now()).unwrap_or_default());
            self.look_later(destination, wait.map_or(LOOK_AGAIN, |wait| wait.min(LOOK_AGAIN)));
        } else if leased == 0 {
            self.look_later(destination, SPOOL_AGAIN);
        } else {
            // Of other studies nothing more need come, and a lease of less than a share was cut by its bytes:
            // neither is kept waiting.
            let share = SHARE_MIN.min(room.instances);
            let few = left.due == left.of_study && left.due < share && leased >= share;
            if !(few && gathers) {
                return false;
            }
        }
        if gathers && let Some(lane) = self.lanes.get_mut(destination) {
            lane.gather(Instant::now());
        }
        true
    }

    /// Whether another attempt may start now, and what it may take.
    fn may_start(&self, destination: &Destination, snapshot: &Snapshot) -> Option<Room> {
        let (lane, now) = (self.lanes.get(destination)?, Instant::now());
        if lane.next_start(destination, snapshot) > now {
            return None;
        }
        lane.has_room(destination, snapshot, now)
    }

    async fn lease(
        &self,
        destination: &Destination,
        snapshot: &Snapshot,
        room: Room,
    ) -> Result<Leased, spool::Error> {
        let forward = &snapshot.config.forward;
        let bytes_max =
            snapshot.origin(destination).map_or(forward.batch_bytes, |origin| origin.limits.bytes);
        let request = LeaseRequest {
            destination: destination.clone(),
            owner: format!("dimseway/{}", std::process::id()),
            entries_max: room.instances,
            workers: room.sharing,
            bytes_max,
            ttl: forward.lease,
            same_study: true,
            retry: RetrySchedule { max: forward.back_off.max, ..RetrySchedule::default() },
        };
        self.settlement.ports.deliveries.lease(request).await
    }

    fn start_attempt(&mut self, destination: &Destination, snapshot: &Arc<Snapshot>, leases: Vec<Lease>) {
        let Some(lane) = self.lanes.get_mut(destination) else { return };
        lane.in_flight += 1;
        let (snapshot, settlement) = (Arc::clone(snapshot), self.settlement.clone());
        let (to, ended) = (destination.clone(), destination.clone());
        let tokens: Vec<_> = leases.iter().map(|lease| lease.token.clone()).collect();
        let attempt = async move {
            let work = async {
                match snapshot.origin(&to) {
                    Some(origin) => Attempt { origin, settlement: &settlement }.run(leases).await,
                    None => peer::deliver(&snapshot, &settlement, &to, leases).await,
                }
            };
            let health = tokio::select! {
                health = work => health,
                never = settlement.renew(tokens) => match never {},
            };
            Ended::Attempt(to, health)
        };
        self.spawn("delivery", attempt, move || Ended::Attempt(ended, Health::Unclear));
    }

    /// Spawns a task whose panic is counted and ends as `otherwise` says.
    fn spawn(
        &mut self,
        task: &'static str,
        work: impl Future<Output = Ended> + Send + 'static,
        otherwise: impl FnOnce() -> Ended + Send + 'static,
    ) {
        let metrics = Arc::clone(&self.settlement.metrics);
        self.tasks.spawn(async move {
            AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
                metrics.panics.with_label_values(&[task]).inc();
                tracing::error!(task, "a task panicked and was ended");
                otherwise()
            })
        });
    }

    fn take_end(&mut self, ended: Result<Ended, tokio::task::JoinError>) {
        let now = Instant::now();
        match ended {
            Ok(Ended::Attempt(destination, health)) => self.with_lane(&destination, |lane| {
                lane.in_flight = lane.in_flight.saturating_sub(1);
                lane.breaker.observe(health, now);
            }),
            Ok(Ended::Probe(destination, health)) => {
                let outcome = if matches!(health, Health::Failed(_)) { "failed" } else { "answered" };
                let label = destination.to_string();
                self.settlement.metrics.probes.with_label_values(&[label.as_str(), outcome]).inc();
                self.with_lane(&destination, |lane| {
                    lane.probing = false;
                    lane.look_at = now;
                    lane.breaker.probed(health, now);
                });
            }
            Ok(Ended::Sweep) => self.sweep_at = Some(now + SWEEP),
            // Panics are caught inside, and nothing is cancelled before the end.
            Err(error) => tracing::error!(%error, "a task of the scheduler was lost"),
        }
        if self.remove_gone_lanes() {
            // What was under way to it at the last sweep is pending again.
            self.sweep_at = Some(now);
        }
    }

    /// Changes a lane, and tells when its destination went down or came back.
    fn with_lane(&mut self, destination: &Destination, change: impl FnOnce(&mut Lane)) {
        let Some(lane) = self.lanes.get_mut(destination) else { return };
        let before = lane.breaker.down();
        change(lane);
        let after = lane.breaker.down();
        match (before, after) {
            // Where it could not be reached for a moment, what was wrong before is still wrong.
            (Some(_), Some(Cause::Unavailable)) => {}
            (before, Some(cause)) if before != after => log_down(destination, cause),
            (Some(_), None) => tracing::info!(%destination, "the destination serves again"),
            _ => {}
        }
        self.settlement.conditions.set(destination, after);
        self.settlement.metrics.show_down(&destination.to_string(), before, after);
    }

    fn look_later(&mut self, destination: &Destination, wait: Duration) {
        if let Some(lane) = self.lanes.get_mut(destination) {
            lane.look_at = Instant::now() + wait;
        }
    }

    fn wake_at(&self) -> Instant {
        let (now, snapshot) = (Instant::now(), self.snapshot.load());
        let served = self.lanes.iter().filter(|(destination, _)| snapshot.config.knows(destination));
        let lanes = served.filter_map(|(destination, lane)| match lane.breaker.permitted(now) {
            Permitted::NotBefore(_) if lane.probing => None,
            Permitted::NotBefore(at) => Some(at),
            // Where there is no room, the end of what is under way wakes the scheduler. A moment that
            // has passed came since the lane was looked at, so it is looked at again at once.
            Permitted::All | Permitted::One => {
                lane.has_room(destination, &snapshot, now).map(|_| lane.next_start(destination, &snapshot))
            }
        });
        let all = lanes.chain(self.sweep_at).min();
        all.unwrap_or(now + LOOK_AGAIN)
    }
}

fn log_down(destination: &Destination, cause: Cause) {
    match cause {
        Cause::Unavailable => {
            tracing::error!(%destination, "the destination is down; deliveries wait, it is probed");
        }
        Cause::Credentials => {
            tracing::error!(%destination, "the destination refuses our credentials or address; deliveries wait, it is probed");
        }
        Cause::NoToken => {
            tracing::error!(%destination, "the token end point gives no token; deliveries wait, it is asked again");
        }
        Cause::TokenRefused => {
            tracing::error!(%destination, "the token end point refuses our credentials; deliveries wait, it is asked again");
        }
    }
}

#[cfg(test)]
mod tests;
