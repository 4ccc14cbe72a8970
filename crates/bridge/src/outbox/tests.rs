//! The runner with calls that do what a test tells them.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use spool::{Call, CallLease, Outbox};
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::{
    Calls, Verdict,
    runner::{Runner, Settings},
};
use crate::{Metrics, config::BackOff, tests::site::spool_in};

/// Notes what is under way, and ends each call when it is let.
struct Gate {
    under_way: watch::Sender<(usize, usize)>,
    open: Semaphore,
    verdicts: Mutex<Vec<Verdict>>,
    panics: bool,
}

#[async_trait]
impl Calls for Gate {
    async fn make(&self, _: &CallLease) -> Verdict {
        self.under_way.send_modify(|(now, max)| {
            *now += 1;
            *max = (*max).max(*now);
        });
        assert!(!self.panics, "as a defect would");
        if let Ok(permit) = self.open.acquire().await {
            permit.forget();
        }
        self.under_way.send_modify(|(now, _)| *now -= 1);
        self.verdicts.lock().unwrap().pop().unwrap_or(Verdict::Done)
    }

    async fn held(&self, _: &CallLease) {}

    fn label(&self, lease: &CallLease) -> String {
        lease.call.key.clone()
    }
}

fn call(key: usize) -> Call {
    let not_before = SystemTime::now();
    Call { kind: "test".into(), key: key.to_string(), body: Vec::new(), not_before }
}

fn gate(verdicts: Vec<Verdict>, panics: bool) -> Arc<Gate> {
    let under_way = watch::Sender::new((0, 0));
    Arc::new(Gate { under_way, open: Semaphore::new(0), verdicts: Mutex::new(verdicts), panics })
}

struct Site {
    spool: spool::local::LocalSpool,
    metrics: Arc<Metrics>,
    stop: CancellationToken,
    running: tokio::task::JoinHandle<()>,
    _directory: tempfile::TempDir,
}

async fn run(gate: &Arc<Gate>, calls: usize) -> Site {
    let directory = tempfile::tempdir().unwrap();
    let spool = spool_in(directory.path()).await;
    for number in 0..calls {
        spool.enqueue(call(number)).await.unwrap();
    }
    let metrics = Arc::new(Metrics::new().unwrap());
    let stop = CancellationToken::new();
    let calls: Arc<dyn Calls> = Arc::<Gate>::clone(gate);
    let runner = Runner::new("test", Arc::new(spool.clone()), calls, Arc::clone(&metrics), stop.clone());
    let settings = || Settings {
        workers: 3,
        lease: Duration::from_secs(30),
        back_off: BackOff { min: Duration::from_millis(1), max: Duration::from_millis(1), jitter: 0.0 },
    };
    let running = tokio::spawn(runner.run(settings, Duration::from_secs(30)));
    Site { spool, metrics, stop, running, _directory: directory }
}

impl Site {
    async fn until_empty(&self) {
        let mut changed = self.spool.calls_notified();
        while !self.spool.calls("test", None, 1).await.unwrap().is_empty() {
            changed.changed().await.unwrap();
        }
    }

    async fn stop(&mut self) {
        self.stop.cancel();
        (&mut self.running).await.unwrap();
    }

    fn count(&self, to: &str, outcome: &str) -> u64 {
        self.metrics.calls.with_label_values(&[to, outcome]).get()
    }
}

#[tokio::test]
async fn only_so_many_calls_are_under_way() {
    let gate = gate(Vec::new(), false);
    let mut site = run(&gate, 10).await;
    let mut under_way = gate.under_way.subscribe();
    under_way.wait_for(|(now, _)| *now == 3).await.unwrap();
    gate.open.add_permits(10);
    site.until_empty().await;
    assert_eq!(gate.under_way.borrow().1, 3);
    site.stop().await;
}

#[tokio::test]
async fn what_is_under_way_ends_before_the_runner() {
    let gate = gate(Vec::new(), false);
    let mut site = run(&gate, 1).await;
    gate.under_way.subscribe().wait_for(|(now, _)| *now == 1).await.unwrap();
    site.stop.cancel();
    gate.open.add_permits(1);
    site.stop().await;
    assert!(site.spool.calls("test", None, 1).await.unwrap().is_empty(), "it was recorded");
}

#[tokio::test]
async fn every_outcome_is_counted() {
    let later = Verdict::Later { after: None, reason: "later".into() };
    let gate = gate(vec![Verdict::Done, later], false);
    gate.open.add_permits(2);
    let mut site = run(&gate, 1).await;
    site.until_empty().await;
    site.stop().await;
    assert_eq!((site.count("0", "deferred"), site.count("0", "made")), (1, 1));
}

#[tokio::test]
async fn a_call_that_panics_is_one_call() {
    let gate = gate(Vec::new(), true);
    let mut site = run(&gate, 1).await;
    gate.under_way.subscribe().wait_for(|(now, _)| *now == 1).await.unwrap();
    site.stop().await;
    assert_eq!(site.spool.calls("test", None, 1).await.unwrap().len(), 1, "it stays");
}
