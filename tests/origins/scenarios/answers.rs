//! What the stand-in cannot be brought to answer, since the bridge never asks so.

use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::find::{Finder, Identifier, STUDY_ROOT_FIND};
use tests::instances::Instance;
use tests::retrieve::{self, Retriever, STUDY_ROOT_GET, pairs};
use tests::scripted_origin::{Answer, Reply, ScriptedOrigin};
use tests::wait::eventually;
use tests::worklist::{ACCESSION_NUMBER, MODALITY_WORKLIST, Order};

use super::service::{ROUTES, deliveries, one_at_a_time, only, requests, spooled, store};

fn configured(origin: &ScriptedOrigin) -> Configuration {
    Configuration::new().origin("archive", &origin.url()).set("origin.archive", "profile = \"azure\"")
}

/// What becomes of two instances that get the same answer: the status of one whose peer waits, and state,
/// attempts and reason of the other.
fn reaction(answer: &Answer, outcome: &str, counted: f64) -> (u16, String, u64, String) {
    let origin = ScriptedOrigin::start([answer.clone(), answer.clone()]);
    let home = Home::new(&configured(&origin).with(ROUTES));
    let daemon = home.start();
    let waited = store(&daemon, "WAITS", &Instance::ct(1, 1, 64));
    let spooled = Instance::ct(1, 2, 64);
    assert_eq!(store(&daemon, "MODALITY", &spooled), 0x0000);
    let lines = deliveries(&daemon, &spooled);
    let (state, attempts, reason) = only(&lines);
    assert_eq!(requests(&daemon, "stow", outcome), counted, "{outcome}: {}", daemon.log());
    (waited, state.to_owned(), attempts, reason.to_owned())
}

/// A refusal of the whole request: held at once.
fn refused(status: u16, words: &str) {
    let (waited, state, attempts, reason) = reaction(&Answer::Refused(status, Vec::new(), ""), "reject", 2.0);
    assert_eq!((waited, state.as_str(), attempts), (0xC122, "held", 1), "{reason}");
    assert_eq!(reason, format!("refused: the origin answered {status} {words}"));
}

pub(super) fn not_acceptable() {
    refused(406, "Not Acceptable");
}

pub(super) fn unsupported_media_type() {
    refused(415, "Unsupported Media Type");
}

/// 2xx that names no instance: asked for, not there, and sent again.
pub(super) fn no_content() {
    let (waited, state, attempts, reason) = reaction(&Answer::Refused(204, Vec::new(), ""), "answered", 3.0);
    assert_eq!((waited, state.as_str(), attempts), (0xA700, "delivered", 2), "{reason}");
}

/// A response data set that refuses the instance for this reason.
fn failed(failure_reason: u16) -> (u16, String, u64, String) {
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&configured(&origin).with(ROUTES));
    let daemon = home.start();
    let one = Instance::ct(1, 1, 64);
    origin.then([Answer::AllBut(one.sop_instance.clone(), failure_reason)]);
    let waited = store(&daemon, "WAITS", &one);
    assert_eq!(store(&daemon, "MODALITY", &one), 0x0000);
    let lines = deliveries(&daemon, &one);
    let (state, attempts, reason) = only(&lines);
    (waited, state.to_owned(), attempts, reason.to_owned())
}

pub(super) fn unreadable() {
    let (waited, state, attempts, reason) = failed(0x0110);
    assert_eq!((waited, state.as_str(), attempts), (0x0110, "held", 1), "{reason}");
    assert!(reason.contains("failure reason 0110 (processing failure)"), "{reason}");
}

pub(super) fn another_study() {
    let (waited, state, attempts, reason) = failed(0xA901);
    assert_eq!((waited, state.as_str(), attempts), (0xA901, "held", 1), "{reason}");
    assert!(reason.contains("failure reason A901"), "{reason}");
}

/// Two instances are due when the daemon starts, so that they go in one request.
pub(super) fn one_of_another_study() {
    let instances = [Instance::ct(1, 1, 64), Instance::ct(1, 2, 64)];
    let origin = ScriptedOrigin::start([Answer::AllBut(instances[1].sop_instance.clone(), 0xA901)]);
    let configuration = one_at_a_time(configured(&origin)).with(ROUTES);
    let home = Home::new(&configuration);
    let daemon = spooled(&home, &configuration, &instances.each_ref());
    let state = |instance| only(&deliveries(&daemon, instance)).0.to_owned();
    assert_eq!([state(&instances[0]), state(&instances[1])], ["delivered", "held"]);
    assert_eq!(requests(&daemon, "stow", "answered"), 1.0, "one request for both");
    assert!(
        origin
            .requests()
            .iter()
            .all(|request| request.method != "POST" || request.target.ends_with("/studies"))
    );
}

/// Stores, searches and retrieves, the same twice.
pub(super) fn never_conditional() {
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&configured(&origin).with(ROUTES));
    let daemon = home.start();
    let instance = Instance::ct(1, 1, 64);
    for _ in 0..2 {
        assert_eq!(store(&daemon, "WAITS", &instance), 0x0000);
        finds(&daemon, &instance);
        let pairs = pairs(std::slice::from_ref(&instance));
        let mut getter = Retriever::open_to_get(daemon.dimse(), STUDY_ROOT_GET, &pairs);
        let image = retrieve::images(&instance.study, &instance.series, &[&instance.sop_instance]);
        assert_eq!(getter.get(&image, |_| 0x0000).last.counts(), (1, 0, 0));
        getter.release();
    }
    let requests = origin.requests();
    assert!(requests.iter().filter(|request| request.method == "GET").count() >= 4, "{requests:?}");
    for request in requests {
        assert!(!request.headers.keys().any(|name| name.starts_with("if-")), "{request:?}");
    }
}

fn finds(daemon: &Daemon, instance: &Instance) {
    let mut finder = Finder::open(daemon.dimse(), STUDY_ROOT_FIND);
    let identifier = Identifier::of_level("IMAGE")
        .with(instance::Tag(0x0020, 0x000D), "UI", &instance.study)
        .with(instance::Tag(0x0020, 0x000E), "UI", &instance.series)
        .with(instance::Tag(0x0008, 0x0018), "UI", &instance.sop_instance);
    let found = finder.find(&identifier);
    assert_eq!((found.last.status, found.answers.len()), (0x0000, 1));
    finder.release();
}

/// A worklist of workitems, asked for by a modality.
pub(super) fn workitems_are_read() {
    let origin = ScriptedOrigin::start([]);
    origin.ask(|request| {
        let is_search = request.target.contains("/workitems?");
        let workitem = Order::new(0).workitem();
        let item = if request.target.contains("ProcedureStepState=IN") { Vec::new() } else { vec![workitem] };
        Some(if is_search { Reply::page(&item) } else { Reply::page(&[Order::new(0).workitem()]) })
    });
    let configuration = configured(&origin)
        .set("worklist", "window = \"36500d\"")
        .set("worklist", "unassigned = \"all\"")
        .set("worklist_source.ups", "type = \"ups-rs\"")
        .set("worklist_source.ups", "origin = \"archive\"");
    let home = Home::new(&configuration);
    let daemon = home.start();
    eventually("the worklist is there", || {
        (daemon.metrics().sum("dimseway_worklist_entries", &[]) == 1.0).then_some(())
    });
    let mut finder = Finder::open(daemon.dimse(), MODALITY_WORKLIST);
    let found = finder.find(&Identifier::default().with(ACCESSION_NUMBER, "SH", ""));
    assert_eq!((found.last.status, found.answers.len()), (0x0000, 1));
    finder.release();
    let asked = origin.requests();
    assert!(asked.iter().all(|request| request.method == "GET"), "{asked:?}");
}
