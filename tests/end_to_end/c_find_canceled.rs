//! C-CANCEL in the middle of a query, and what else goes on while one is answered (PS3.7 §9.3.2.3).

use instance::Tag;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::find::{Finder, Identifier, Reply as Received, STUDY_ROOT_FIND};
use tests::scripted_origin::{Reply, ScriptedOrigin};
use tests::wait::eventually;

const STUDY: Tag = Tag(0x0020, 0x000D);
/// Results of one page.
const PAGE: usize = 200;

fn every_study() -> Vec<u8> {
    Identifier::of_level("STUDY").with(STUDY, "UI", "").bytes()
}

/// A page of studies that no other page has.
fn page(number: usize) -> Reply {
    let studies: Vec<Value> = (0..PAGE)
        .map(|at| json!({"0020000D": {"vr": "UI", "Value": [format!("2.25.{}", number * PAGE + at + 1)]}}))
        .collect();
    Reply::page(&studies)
}

/// An archive whose pages never end.
fn endless() -> ScriptedOrigin {
    let origin = ScriptedOrigin::start([]);
    let pages = AtomicUsize::new(0);
    origin.ask(move |_| Some(page(pages.fetch_add(1, Ordering::Relaxed))));
    origin
}

/// An archive that gives one page and then nothing until it is released.
fn stalling() -> ScriptedOrigin {
    let origin = ScriptedOrigin::start([]);
    let pages = AtomicUsize::new(0);
    origin.ask(move |_| match pages.fetch_add(1, Ordering::Relaxed) {
        0 => Some(page(0)),
        _ => Some(Reply::Stall),
    });
    origin
}

fn configuration(origin: &ScriptedOrigin) -> Configuration {
    Configuration::new()
        .origin("archive", &origin.url())
        .set("origin.archive.capabilities.search", "limit_max = 200")
        .set("origin.archive", "answer_timeout = \"60s\"")
}

#[test]
fn a_query_without_end_is_ended_by_c_cancel() {
    let origin = endless();
    let home = Home::new(&configuration(&origin));
    let daemon = home.start();
    let mut finder = Finder::open(daemon.dimse(), STUDY_ROOT_FIND);
    let message_id = finder.begin(&every_study());
    for _ in 0..PAGE + 1 {
        assert!(matches!(finder.reply(), Received::Pending(..)));
    }
    finder.cancel(message_id);
    let found = finder.rest();
    assert_eq!(found.last.status, 0xFE00, "{:?}", found.last);
    // The association is as good as new, and nobody asks the archive any more.
    finder.begin_echo();
    assert!(matches!(finder.reply(), Received::Final(echo) if echo.status == 0));
    let asked = origin.requests().len();
    finder.begin_echo();
    assert!(matches!(finder.reply(), Received::Final(_)));
    assert!(origin.requests().len() <= asked + 1);
    finder.release();
}

#[test]
fn a_query_that_waits_for_the_archive_is_ended_by_c_cancel() {
    let origin = stalling();
    let home = Home::new(&configuration(&origin));
    let daemon = home.start();
    let mut finder = Finder::open(daemon.dimse(), STUDY_ROOT_FIND);
    let message_id = finder.begin(&every_study());
    for _ in 0..PAGE {
        assert!(matches!(finder.reply(), Received::Pending(..)));
    }
    eventually("the second page is asked for", || (origin.stalled() == 1).then_some(()));
    finder.cancel(message_id);
    let found = finder.rest();
    assert_eq!((found.last.status, found.answers.len()), (0xFE00, 0), "{:?}", found.last);
    finder.release();
    origin.release();
}

#[test]
fn a_cancel_that_comes_too_late_or_for_nothing_does_no_harm() {
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&configuration(&origin));
    let daemon = home.start();
    let mut finder = Finder::open(daemon.dimse(), STUDY_ROOT_FIND);
    finder.cancel(77);
    let message_id = finder.begin(&every_study());
    assert_eq!(finder.rest().last.status, 0);
    finder.cancel(message_id);
    finder.begin_echo();
    assert!(matches!(finder.reply(), Received::Final(echo) if echo.status == 0));
    finder.release();
}

#[test]
fn a_c_echo_is_answered_while_a_query_goes_on() {
    let origin = endless();
    let home = Home::new(&configuration(&origin));
    let daemon = home.start();
    let mut finder = Finder::open_with(daemon.dimse(), STUDY_ROOT_FIND, &[], |proposal| {
        proposal.operations_invoked = Some(4)
    });
    let message_id = finder.begin(&every_study());
    assert!(matches!(finder.reply(), Received::Pending(..)));
    let echo = finder.begin_echo();
    let answered = finder.rest();
    assert_eq!((answered.last.message_id, answered.last.status), (echo, 0));
    finder.cancel(message_id);
    assert_eq!(finder.rest().last.status, 0xFE00);
    finder.release();
}

#[test]
fn two_queries_at_once_are_both_answered() {
    let origin = ScriptedOrigin::start([]);
    let pages = AtomicUsize::new(0);
    origin.ask(move |request| {
        let first = !request.target.contains("offset=") || request.target.contains("offset=0");
        Some(if first { page(pages.fetch_add(1, Ordering::Relaxed)) } else { Reply::status(204) })
    });
    let home = Home::new(&configuration(&origin));
    let daemon = home.start();
    let mut finder = Finder::open_with(daemon.dimse(), STUDY_ROOT_FIND, &[], |proposal| {
        proposal.operations_invoked = Some(4)
    });
    let ids = [finder.begin(&every_study()), finder.begin(&every_study())];
    let (mut pending, mut ended) = ([0; 2], Vec::new());
    while ended.len() < 2 {
        match finder.reply() {
            Received::Pending(id, _) => pending[ids.iter().position(|one| *one == id).unwrap()] += 1,
            Received::Final(last) => ended.push((last.message_id, last.status)),
        }
    }
    ended.sort_unstable();
    assert_eq!(ended, ids.map(|id| (id, 0)));
    assert_eq!(pending, [PAGE, PAGE]);
    finder.release();
}

#[test]
fn a_peer_that_vanishes_ends_its_query() {
    let origin = stalling();
    let home = Home::new(&configuration(&origin));
    let daemon = home.start();
    let mut finder = Finder::open(daemon.dimse(), STUDY_ROOT_FIND);
    finder.begin(&every_study());
    assert!(matches!(finder.reply(), Received::Pending(..)));
    drop(finder);
    eventually("the association is gone", || {
        (daemon.metrics().sum("dimseway_associations_open", &[]) == 0.0).then_some(())
    });
    origin.release();
}
