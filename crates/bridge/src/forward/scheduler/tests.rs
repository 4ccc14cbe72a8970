use std::net::SocketAddr;

use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    MemoryBudget, Metrics, Ports,
    forward::{condition::Conditions, confirmation::Confirmations, put_off::PutOffs},
    tests::site::{config, spool_in},
};

const NOWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 9);

fn snapshot(origin: &str) -> Arc<Snapshot> {
    Arc::new(Snapshot::new(config(&[(origin, NOWHERE)])).unwrap())
}

async fn scheduler(directory: &std::path::Path, snapshot: Arc<Snapshot>) -> Scheduler {
    let spool = spool_in(directory).await;
    let metrics = Arc::new(Metrics::new().unwrap());
    let settlement = Settlement {
        ports: Ports::of(&spool),
        memory: MemoryBudget::new(1 << 20, &metrics),
        metrics,
        confirmations: Confirmations::default(),
        conditions: Conditions::default(),
        put_offs: PutOffs::default(),
        associations: peer::Associations::default(),
        forward: snapshot.config.forward.clone(),
        stop: CancellationToken::new(),
    };
    let (reloaded, finishing) = (Arc::new(Notify::new()), CancellationToken::new());
    let mut scheduler = Scheduler::new(Arc::new(ArcSwap::new(snapshot)), settlement, reloaded, finishing);
    scheduler.take_configuration();
    scheduler
}

#[tokio::test]
async fn a_destination_that_left_the_configuration_while_down_wakes_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let mut scheduler = scheduler(directory.path(), snapshot("archive")).await;
    let archive: Destination = "archive".parse().unwrap();
    scheduler.with_lane(&archive, |lane| {
        lane.in_flight = 1;
        let past = Instant::now().checked_sub(Duration::from_secs(3600)).unwrap();
        (0..3).for_each(|_| lane.breaker.observe(Health::Failed(Cause::Unavailable), past));
    });
    let down = |scheduler: &Scheduler| {
        let text = scheduler.settlement.metrics.to_text().unwrap();
        text.contains("dimseway_destination_down{destination=\"archive\"}")
    };
    assert!(down(&scheduler));
    scheduler.snapshot.store(snapshot("other"));
    scheduler.take_configuration();
    scheduler.start_all().await;
    assert!(scheduler.wake_at() > Instant::now(), "its probe is never made, so it would be due for ever");
    scheduler.take_end(Ok(Ended::Attempt(archive, Health::Unclear)));
    assert!(scheduler.sweep_at.is_some_and(|at| at <= Instant::now()), "what was under way is held too");
    scheduler.sweep_at = None;
    assert!(scheduler.wake_at() > Instant::now());
    assert!(!down(&scheduler), "an alert would never end");
}

#[tokio::test]
async fn a_moment_that_passes_while_lanes_are_looked_at_wakes_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let snapshot = snapshot("archive");
    let mut scheduler = scheduler(directory.path(), Arc::clone(&snapshot)).await;
    let archive: Destination = "archive".parse().unwrap();
    scheduler.start_all().await;
    assert!(scheduler.sweep_at.is_none() && scheduler.wake_at() > Instant::now(), "nothing is due");
    scheduler.with_lane(&archive, |lane| lane.look_at = Instant::now());
    assert!(scheduler.wake_at() <= Instant::now(), "what became due would wait for a minute");
    let workers = snapshot.origin(&archive).unwrap().workers;
    scheduler.with_lane(&archive, |lane| lane.in_flight = workers);
    assert!(scheduler.wake_at() > Instant::now(), "there is no worker to hand it to");
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_the_queue_was_emptied_waits_for_company() {
    let directory = tempfile::tempdir().unwrap();
    let snapshot = snapshot("archive");
    let mut scheduler = scheduler(directory.path(), Arc::clone(&snapshot)).await;
    let archive: Destination = "archive".parse().unwrap();
    let room = scheduler.may_start(&archive, &snapshot).unwrap();
    assert!(scheduler.rest(&archive, room, 1, left(0, 0)), "nothing is left");
    assert_eq!(scheduler.may_start(&archive, &snapshot), None, "nothing is due");
    scheduler.look_where_due(&BecameDue::from([(archive.clone(), 1)]));
    assert_eq!(scheduler.may_start(&archive, &snapshot), None);
    sleep_until(scheduler.lanes[&archive].next_look()).await;
    assert!(scheduler.may_start(&archive, &snapshot).is_some());
}

fn left(due: usize, of_study: usize) -> Left {
    Left { due, of_study, next_due: None }
}

#[tokio::test(start_paused = true)]
async fn a_few_that_are_left_of_a_study_wait_for_company_and_others_do_not() {
    let directory = tempfile::tempdir().unwrap();
    let snapshot = snapshot("archive");
    let mut scheduler = scheduler(directory.path(), Arc::clone(&snapshot)).await;
    let archive: Destination = "archive".parse().unwrap();
    let room = scheduler.may_start(&archive, &snapshot).unwrap();
    let (full, share) = (room.instances, SHARE_MIN);
    for (leased, due, of_study) in [(full, full, full), (share, share, share), (share, 3, 2), (1, 1, 1)] {
        let told = format!("{leased} leased, {due} left, {of_study} of the study");
        assert!(!scheduler.rest(&archive, room, leased, left(due, of_study)), "{told}");
        assert!(scheduler.may_start(&archive, &snapshot).is_some(), "{told}");
    }
    assert!(scheduler.rest(&archive, room, share, left(3, 3)));
    assert_eq!(scheduler.may_start(&archive, &snapshot), None);
    sleep_until(scheduler.lanes[&archive].next_look()).await;
    assert!(scheduler.may_start(&archive, &snapshot).is_some(), "nothing announces them again");
}

#[tokio::test]
async fn what_became_due_to_one_destination_is_not_looked_for_at_another() {
    let directory = tempfile::tempdir().unwrap();
    let snapshot = snapshot("archive");
    let mut scheduler = scheduler(directory.path(), Arc::clone(&snapshot)).await;
    let archive: Destination = "archive".parse().unwrap();
    scheduler.start_all().await;
    let mut became_due = BecameDue::from([("other".parse().unwrap(), 7)]);
    scheduler.look_where_due(&became_due);
    assert_eq!(scheduler.may_start(&archive, &snapshot), None);
    became_due.insert(archive.clone(), 1);
    scheduler.look_where_due(&became_due);
    assert!(scheduler.may_start(&archive, &snapshot).is_some());
}

#[tokio::test(start_paused = true)]
async fn what_somebody_waits_for_is_not_gathered() {
    let directory = tempfile::tempdir().unwrap();
    let snapshot = snapshot("archive");
    let mut scheduler = scheduler(directory.path(), Arc::clone(&snapshot)).await;
    let archive: Destination = "archive".parse().unwrap();
    let _awaited = scheduler.settlement.confirmations.watch("1".parse().unwrap(), archive.clone());
    let room = scheduler.may_start(&archive, &snapshot).unwrap();
    assert!(scheduler.rest(&archive, room, 1, left(0, 0)), "nothing is left");
    scheduler.look_where_due(&BecameDue::from([(archive.clone(), 1)]));
    assert!(scheduler.may_start(&archive, &snapshot).is_some());
}

/// The grace that Kubernetes gives counts from the first step of stopping, not from each.
#[tokio::test(start_paused = true)]
async fn what_associations_took_of_the_time_to_stop_is_not_given_again() {
    let directory = tempfile::tempdir().unwrap();
    let snapshot = snapshot("archive");
    let timeout = snapshot.config.drain.timeout;
    let mut scheduler = scheduler(directory.path(), snapshot).await;
    scheduler.spawn("delivery", std::future::pending(), || Ended::Sweep);
    let (finishing, stop) = (scheduler.finishing.clone(), scheduler.settlement.stop.clone());
    let began = Instant::now();
    let stopping = async {
        finishing.cancel();
        tokio::time::sleep(timeout / 2).await;
        stop.cancel();
    };
    let (cut, ()) = tokio::join!(scheduler.run(), stopping);
    // The clock of the test does not wait for the disk, so that the sweep may be under way too.
    assert!((1..=2).contains(&cut), "{cut}");
    assert_eq!(began.elapsed().as_secs(), timeout.as_secs());
}
