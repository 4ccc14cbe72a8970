//! A backlog of many entries: counted and listed at once, opened in seconds after SIGKILL, and delivered in
//! memory that does not grow with it.
//!
//! CI takes some thousands; `cargo xtask faults --backlog` takes a million, and there the times are judged too.

mod figures;
mod fill;

use std::time::{Duration, Instant};

use tests::campaign::{self, Variable};
use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::fault_proxy::{Fault, FaultProxy};
use tests::scripted_origin::ScriptedOrigin;
use tests::wait::{eventually, within};

use figures::Figures;

/// Entries in one run of CI.
const ENTRIES: u64 = 3_000;
/// KiB that the daemon may have held at most in a campaign, whatever the backlog.
const MEMORY_MAX_KIB: u64 = 64 * 1024;
/// The same in CI, where it is built for tests: its code alone is three times as large.
const MEMORY_MAX_FOR_TESTS_KIB: u64 = 128 * 1024;
/// The longest that a daemon may take from its start after SIGKILL until it serves, in a campaign.
const OPEN_MAX: Duration = Duration::from_secs(10);
/// The longest that a person waits for a page of the queue, in a campaign.
const PAGE_MAX: Duration = Duration::from_secs(2);
/// The slowest slice of the deliveries may take so many times as long as the median one, in a campaign.
const SLOWEST_SLICE: f64 = 2.0;
/// Slices that the deliveries are timed in.
const SLICES: u64 = 20;

#[test]
fn a_backlog_costs_neither_memory_nor_start_up_time() {
    let entries = Variable::Backlog.or(ENTRIES);
    let origin = ScriptedOrigin::start([]);
    let proxy = FaultProxy::to(origin.address());
    proxy.set(Fault::Refuse);
    let url = format!("http://{}/dicom-web", proxy.address());
    let home = Home::new(&Configuration::new().origin("archive", &url).set("log", "level = \"warn\""));
    let spool = home.path().join("spool");
    let mut figures = Figures::default();

    fill::fill(&spool, entries, &figures);
    figures.size("index", &spool, "index");
    figures.size("segments", &spool, "segments");
    fill::lease_one_batch(&spool, &figures);

    let begun = Instant::now();
    let daemon = home.start();
    figures.time("start on the backlog", begun.elapsed());
    look(&home, &daemon, entries, &mut figures);
    figures.memory("with the archive away", daemon.memory_peak_kib());

    // The end comes while deliveries are under way, and the next process finds the backlog as it was.
    proxy.set(Fault::None);
    let some = entries / 20;
    wait_for_delivered(&origin, some, "the first are delivered");
    daemon.kill();
    let begun = Instant::now();
    let daemon = home.start();
    let opened = begun.elapsed();
    figures.time("start after SIGKILL", opened);
    look(&home, &daemon, entries, &mut figures);

    let slowest = drain(&origin, entries, &figures);
    settle(&daemon);
    figures.memory("after the last delivery", daemon.memory_peak_kib());
    arrived(&origin, entries);
    let peak = figures.memory_peak_kib();
    assert!(peak <= MEMORY_MAX_FOR_TESTS_KIB, "{peak} KiB");
    if Variable::Backlog.wanted().is_some() {
        assert!(peak <= MEMORY_MAX_KIB, "{peak} KiB");
        assert!(opened <= OPEN_MAX, "opened in {opened:?}");
        assert!(figures.slowest_page() <= PAGE_MAX, "a page took {:?}", figures.slowest_page());
        assert!(slowest <= SLOWEST_SLICE, "one slice took {slowest:.1} times the median");
    }
}

/// What a person and a scrape ask for.
fn look(home: &Home, daemon: &Daemon, entries: u64, figures: &mut Figures) {
    let page = figures.page("first page of the queue", || daemon.get("/api/v1/queue?limit=100"));
    let lines = page.json()["deliveries"].as_array().expect("a page").clone();
    assert_eq!(lines.len() as u64, entries.min(100));
    for state in ["held", "quarantined", "delivering"] {
        figures.page(&format!("page of what is {state}"), || {
            daemon.get(&format!("/api/v1/queue?limit=100&state={state}"))
        });
    }
    for (what, query) in [("what waits", "state=waiting"), ("one destination", "destination=archive")] {
        let page = figures.page(&format!("page of {what}"), || daemon.get(&format!("/api/v1/queue?{query}")));
        assert_eq!(page.json()["deliveries"].as_array().map(Vec::len), Some(100), "{what}");
    }
    figures.page("one study of the queue", || {
        let study = lines[0]["study"].as_str().expect("a study");
        daemon.get(&format!("/api/v1/queue?limit=100&study={study}"))
    });
    let listed = figures.page("`queue list`", || home.run(&["queue", "list"]));
    assert!(listed.status.success(), "{listed:?}");
    let entry = lines[0]["entry"].as_str().expect("an entry");
    let shown = figures.page("`queue show`", || home.run(&["queue", "show", entry]));
    assert!(shown.status.success(), "{shown:?}");
    let metrics = figures.page("/metrics", || daemon.metrics());
    let known = metrics.sum("dimseway_spool_entries", &[]);
    assert!(known >= entries as f64, "{known} of {entries} are counted");
}

/// Waits until so many are at the origin, however long that takes while it goes on.
fn wait_for_delivered(origin: &ScriptedOrigin, count: u64, what: &str) {
    let mut seen = origin.count();
    while (seen as u64) < count {
        let more = within(Duration::from_secs(90), || (origin.count() > seen).then(|| origin.count()));
        seen = more.unwrap_or_else(|| panic!("nothing more arrives behind {seen}: {what}"));
    }
}

/// Delivers the rest in slices; how many times the median slice the slowest one took.
fn drain(origin: &ScriptedOrigin, entries: u64, figures: &Figures) -> f64 {
    let first = origin.count() as u64;
    let bar = campaign::progress("deliver", entries - first);
    let mut slices = Vec::new();
    for slice in 1..=SLICES {
        let (begun, from) = (Instant::now(), origin.count() as u64);
        let to = first + (entries - first) * slice / SLICES;
        wait_for_delivered(origin, to, "deliveries");
        let count = (origin.count() as u64).saturating_sub(from).max(1);
        bar.set_position(to - first);
        slices.push(begun.elapsed().as_secs_f64() / count as f64);
    }
    bar.finish_and_clear();
    figures.rates(&slices);
    let mut sorted = slices.clone();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() - 1] / sorted[sorted.len() / 2]
}

/// As [`Daemon::settle`]; the last outcomes of a million may take longer to be counted.
fn settle(daemon: &Daemon) {
    eventually("nothing is left to deliver", || {
        let metrics = daemon.metrics();
        let open: f64 = ["due", "delivering", "deferred", "held", "quarantined"]
            .iter()
            .map(|state| metrics.sum("dimseway_spool_entries", &[("state", state)]))
            .sum();
        (open == 0.0).then_some(())
    });
}

/// Every entry arrived with its own bytes, and only what was under way at the kill came twice.
fn arrived(origin: &ScriptedOrigin, entries: u64) {
    let mut twice = 0;
    for number in 0..entries {
        let uid = fill::uid(number);
        match origin.times_stored(&uid) {
            1 => {}
            2 => twice += 1,
            times => panic!("{uid} was delivered {times} times"),
        }
        if number % (entries / 1000).max(1) == 0 {
            let file = origin.file(&uid).expect("it was stored");
            assert!(file.ends_with(&fill::instance(number).data_set), "{uid} is corrupted");
        }
    }
    campaign::figure("backlog: under way at the kill, and delivered twice", &format!("{twice} of {entries}"));
    assert_eq!(origin.count() as u64, entries);
    // Four connections with a batch of 50 each are what may be under way.
    assert!(twice <= 2_000, "{twice} came twice");
}
