//! The way from an accepted request to its sinks, over restarts and refusals.

use std::{
    collections::{HashMap, VecDeque},
    sync::Mutex,
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use spool::{Documents, Outbox};
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    Metrics,
    config::{BackOff, Config, MppsSink, MppsSinkKind},
    outbox::runner::{Runner, Settings},
    service::performed_procedure::{
        delivery::Reports,
        report::Report,
        sink::{Earlier, Follower, Known, Outcome, Sink, Sinks},
    },
    snapshot::Snapshot,
    tests::site::config,
    worklist::{Setup, Worklist},
};

/// A sink that answers as it is told, and otherwise takes everything.
struct Told {
    answers: Mutex<VecDeque<Outcome>>,
    /// What came, with what was known of an earlier attempt.
    came: watch::Sender<Vec<(u32, Earlier)>>,
    /// Whether it never answers.
    hangs: bool,
}

impl Told {
    fn new(answers: impl IntoIterator<Item = Outcome>) -> Arc<Self> {
        let answers = Mutex::new(answers.into_iter().collect());
        Arc::new(Self { answers, came: watch::Sender::new(Vec::new()), hangs: false })
    }

    fn hanging() -> Arc<Self> {
        Arc::new(Self { answers: Mutex::default(), came: watch::Sender::new(Vec::new()), hangs: true })
    }

    async fn until_came(&self, count: usize) -> Vec<(u32, Earlier)> {
        let mut came = self.came.subscribe();
        came.wait_for(|came| came.len() >= count).await.unwrap().clone()
    }
}

#[async_trait]
impl Sink for Told {
    async fn deliver(&self, report: &Report, known: Known) -> Outcome {
        self.came.send_modify(|came| came.push((report.number, known.earlier)));
        if self.hangs {
            std::future::pending::<()>().await;
        }
        self.answers.lock().unwrap().pop_front().unwrap_or(Outcome::Delivered)
    }
}

fn mpps() -> Mpps {
    let kind = MppsSinkKind::Dimse { peer: "RIS".parse().unwrap() };
    Mpps {
        sinks: vec![MppsSink { name: "ris".into(), kind }],
        update_worklist: false,
        refusals_max: 3,
        ..Mpps::default()
    }
}

/// A runner, until it is dropped.
struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    fn start(spool: &LocalSpool, sink: Arc<dyn Sink>) -> Self {
        let origin = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
        let mut config = Config { mpps: Some(mpps()), ..config(&[("archive", origin)]) };
        let mut ris = crate::config::Peer::new("RIS".parse().unwrap());
        ris.address = Some(crate::config::PeerAddress::new("127.0.0.1", 1));
        config.peers.push(ris);
        let metrics = Arc::new(Metrics::new().unwrap());
        let documents: Arc<dyn Documents> = Arc::new(spool.clone());
        let setup = Setup::new(&config).unwrap();
        let worklist = Worklist::new(Arc::clone(&documents), Arc::clone(&metrics), setup);
        let mut snapshot = Snapshot::new(config).unwrap();
        snapshot.sinks = Sinks::of([("ris".to_owned(), sink)]);
        let reports = Reports {
            follower: Arc::new(Follower::new(worklist, Arc::clone(&documents))),
            documents,
            outbox: Arc::new(spool.clone()),
            snapshot: Arc::new(ArcSwap::from_pointee(snapshot)),
            metrics: Arc::clone(&metrics),
        };
        let stop = CancellationToken::new();
        let runner = Runner::new(CALL, Arc::new(spool.clone()), Arc::new(reports), metrics, stop.clone());
        let settings = || Settings {
            workers: 4,
            lease: Duration::from_secs(1),
            back_off: BackOff { min: Duration::from_millis(5), max: Duration::from_millis(20), jitter: 0.0 },
        };
        Self { stop, task: tokio::spawn(runner.run(settings, Duration::from_secs(5))) }
    }

    /// As a kill does it: what is under way is dropped where it stands.
    async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

async fn until_empty(spool: &LocalSpool) {
    let mut added = spool.calls_notified();
    while !spool.calls(CALL, None, 1).await.unwrap().is_empty() {
        added.changed().await.unwrap();
    }
}

/// The first call that is held.
async fn until_held(spool: &LocalSpool) -> spool::ListedCall {
    let mut added = spool.calls_notified();
    loop {
        let calls = spool.calls(CALL, None, 100).await.unwrap();
        if let Some(held) = calls.into_iter().find(|call| call.failed) {
            return held;
        }
        added.changed().await.unwrap();
    }
}

async fn reported(spool: &LocalSpool, sets: usize) -> Scp {
    let scp = Scp::on(spool, mpps());
    assert_eq!(scp.create(&begun()).await, Answer::SUCCESS);
    for number in 0..sets {
        assert_eq!(scp.set(&described(&number.to_string())).await, Answer::SUCCESS);
    }
    scp
}

fn no_effect() -> Outcome {
    Outcome::NoEffect { after: None, refused: false, reason: "down".into() }
}

fn refused() -> Outcome {
    Outcome::NoEffect { after: None, refused: true, reason: "0110".into() }
}

fn unknown() -> Outcome {
    Outcome::Unknown { after: None, refused: false, reason: "cut".into() }
}

#[tokio::test]
async fn twenty_sets_are_delivered_once_and_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let spool = spool_in(directory.path()).await;
    let sink = Told::new([]);
    let running = Running::start(&spool, sink.clone());
    reported(&spool, 20).await;
    until_empty(&spool).await;
    let expected: Vec<_> = (1..=21).map(|number| (number, Earlier::NoEffect)).collect();
    assert_eq!(*sink.came.borrow(), expected);
    running.stop().await;
}

/// A kill between the answer to the modality and the delivery.
#[tokio::test]
async fn what_was_answered_is_delivered_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    {
        let spool = spool_in(directory.path()).await;
        let scp = reported(&spool, 2).await;
        assert_eq!(scp.set(&ended("COMPLETED")).await, Answer::SUCCESS);
        drop(scp);
        spool.close().unwrap();
    }
    let spool = spool_in(directory.path()).await;
    let sink = Told::new([]);
    let running = Running::start(&spool, sink.clone());
    until_empty(&spool).await;
    let numbers: Vec<u32> = sink.came.borrow().iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [1, 2, 3, 4]);
    running.stop().await;
}

/// A kill in the middle of a call: its outcome is not known, and the sink is told so.
#[tokio::test]
async fn what_was_begun_is_known_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    {
        let spool = spool_in(directory.path()).await;
        let sink = Told::hanging();
        let running = Running::start(&spool, sink.clone());
        reported(&spool, 1).await;
        assert_eq!(sink.until_came(1).await, [(1, Earlier::NoEffect)]);
        running.kill().await;
        spool.close().unwrap();
    }
    let spool = spool_in(directory.path()).await;
    let sink = Told::new([]);
    let running = Running::start(&spool, sink.clone());
    until_empty(&spool).await;
    assert_eq!(*sink.came.borrow(), [(1, Earlier::OutcomeUnknown), (2, Earlier::NoEffect)]);
    running.stop().await;
}

#[tokio::test]
async fn a_call_is_repeated_with_what_is_known_of_the_one_before() {
    let directory = tempfile::tempdir().unwrap();
    let spool = spool_in(directory.path()).await;
    let sink = Told::new([no_effect(), unknown(), unknown(), no_effect(), refused(), refused()]);
    let running = Running::start(&spool, sink.clone());
    reported(&spool, 0).await;
    until_empty(&spool).await;
    use Earlier::{NoEffect, OutcomeUnknown};
    let expected = [NoEffect, NoEffect, OutcomeUnknown, OutcomeUnknown, NoEffect, NoEffect, NoEffect];
    assert_eq!(*sink.came.borrow(), expected.map(|earlier| (1, earlier)));
    running.stop().await;
}

/// An N-SET never goes before its N-CREATE, also when that is held and released by a person.
#[tokio::test]
async fn an_n_set_waits_for_an_n_create_that_is_held() {
    let directory = tempfile::tempdir().unwrap();
    let spool = spool_in(directory.path()).await;
    let held = Outcome::Held { reason: "no".into() };
    let sink = Told::new([held]);
    let running = Running::start(&spool, sink.clone());
    reported(&spool, 1).await;
    let call = until_held(&spool).await;
    assert_eq!(call.reason.as_deref(), Some("no"));
    // The N-SET is looked at, and put off.
    let mut added = spool.calls_notified();
    let waiting = loop {
        let calls = spool.calls(CALL, None, 10).await.unwrap();
        if let Some(set) = calls.into_iter().find(|call| call.reason.as_deref().is_some_and(|r| r != "no")) {
            break set;
        }
        added.changed().await.unwrap();
    };
    assert_eq!(waiting.reason.as_deref(), Some("a report of the same step before this one is held"));
    assert_eq!(*sink.came.borrow(), [(1, Earlier::NoEffect)]);
    assert!(spool.retry_call(call.call_id).await.unwrap());
    sink.until_came(2).await;
    assert!(spool.retry_call(waiting.call_id).await.unwrap());
    until_empty(&spool).await;
    let expected = [1, 1, 2].map(|number| (number, Earlier::NoEffect));
    assert_eq!(*sink.came.borrow(), expected);
    running.stop().await;
}

/// A person gives up an N-CREATE: what follows it goes on, and the step is forgotten in its time.
#[tokio::test]
async fn what_follows_a_report_that_was_discarded_is_delivered() {
    let directory = tempfile::tempdir().unwrap();
    let spool = spool_in(directory.path()).await;
    let sink = Told::new([Outcome::Held { reason: "no".into() }]);
    let running = Running::start(&spool, sink.clone());
    let scp = reported(&spool, 1).await;
    let held = until_held(&spool).await;
    assert!(spool.discard_call(held.call_id).await.unwrap());
    // The N-SET may have been put off before that.
    let mut changed = spool.calls_notified();
    while let Some(call) = spool.calls(CALL, None, 1).await.unwrap().pop() {
        if !spool.retry_call(call.call_id).await.unwrap() {
            changed.changed().await.unwrap();
        }
    }
    assert_eq!(*sink.came.borrow(), [(1, Earlier::NoEffect), (2, Earlier::NoEffect)]);
    let later = SystemTime::now() + mpps().retention + Duration::from_secs(1);
    assert_eq!(retention::sweep(&spool, &spool, &scp.mpps, later).await.unwrap(), 1);
    running.stop().await;
}

#[tokio::test]
async fn refusals_are_borne_for_a_while() {
    let directory = tempfile::tempdir().unwrap();
    let spool = spool_in(directory.path()).await;
    let sink = Told::new([refused(), no_effect(), refused(), refused()]);
    let running = Running::start(&spool, sink.clone());
    reported(&spool, 0).await;
    let call = until_held(&spool).await;
    assert_eq!(call.reason.as_deref(), Some("refused 3 times, at last: 0110"));
    running.stop().await;
}

#[tokio::test]
async fn a_sink_that_is_gone_holds_its_calls() {
    let directory = tempfile::tempdir().unwrap();
    let spool = spool_in(directory.path()).await;
    let scp = reported(&spool, 0).await;
    let mut other = mpps();
    other.sinks[0].name = "gone".into();
    let created = scp.provider.create(&other, None, data_set(&begun())).await;
    created.unwrap();
    let running = Running::start(&spool, Told::new([]));
    let call = until_held(&spool).await;
    assert_eq!(call.reason.as_deref(), Some("the sink is not configured any more"));
    running.stop().await;
}

#[tokio::test]
async fn old_steps_are_forgotten_when_they_were_delivered() {
    let directory = tempfile::tempdir().unwrap();
    let spool = spool_in(directory.path()).await;
    let scp = reported(&spool, 1).await;
    let later = SystemTime::now() + mpps().retention + Duration::from_secs(1);
    let sink = Told::new([Outcome::Delivered, Outcome::Held { reason: "no".into() }]);
    let running = Running::start(&spool, sink);
    until_held(&spool).await;
    assert_eq!(retention::sweep(&spool, &spool, &scp.mpps, later).await.unwrap(), 0, "one is held");
    running.stop().await;
    let held = until_held(&spool).await;
    spool.retry_call(held.call_id).await.unwrap();
    let running = Running::start(&spool, Told::new([]));
    until_empty(&spool).await;
    assert_eq!(
        retention::sweep(&spool, &spool, &scp.mpps, SystemTime::now()).await.unwrap(),
        0,
        "it is young"
    );
    assert_eq!(retention::sweep(&spool, &spool, &scp.mpps, later).await.unwrap(), 1);
    assert_eq!(scp.set(&described("x")).await.status, 0x0112);
    assert!(spool.documents(PROGRESS, None, 10).await.unwrap().is_empty());
    running.stop().await;
}

#[test]
fn reports_read_as_they_were_written() {
    let report = Report {
        sink: "ris".into(),
        sop_instance_uid: uid(),
        number: 3,
        status: step::Status::Discontinued,
        character_set: CharacterSet::utf_8(),
        accepted_at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
        list: ended("DISCONTINUED"),
    };
    let call = report.call();
    assert_eq!(Report::read(&call.body).unwrap(), report);
    assert_eq!(call.key, "ris/1.2.3.4.5");
    let known: HashMap<&str, Vec<u8>> = HashMap::from([("empty", vec![]), ("other", b"{}\n{}".to_vec())]);
    for (name, body) in known {
        assert_eq!(Report::read(&body), None, "{name}");
    }
}
