//! What was accepted and is not delivered yet is part of what exists: a C-FIND right after a C-STORE
//! sees it, while the archive is down too as far as it can be known.

use instance::Tag;
use serde_json::json;
use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::find::{Finder, Found, Identifier, STUDY_ROOT_FIND};
use tests::instances::Instance;
use tests::scripted_origin::{Answer, Reply, ScriptedOrigin};
use tests::sender::store_all;

const PATIENT_ID: Tag = Tag(0x0010, 0x0020);
const PATIENT_NAME: Tag = Tag(0x0010, 0x0010);
const STUDY: Tag = Tag(0x0020, 0x000D);
const SERIES: Tag = Tag(0x0020, 0x000E);
const SOP_INSTANCE: Tag = Tag(0x0008, 0x0018);
const INSTANCES: Tag = Tag(0x0020, 0x1208);

/// An archive that takes nothing for now, and has what `found` says.
fn archive(found: impl Fn(&str) -> Reply + Send + Sync + 'static) -> ScriptedOrigin {
    let origin = ScriptedOrigin::start([Answer::Stall, Answer::Stall, Answer::Stall, Answer::Stall]);
    origin.ask(move |request| Some(found(&request.target)));
    origin
}

fn configuration(origin: &ScriptedOrigin) -> Configuration {
    Configuration::new()
        .origin("archive", &origin.url())
        .set("query", "origin = \"archive\"")
        .set("origin.archive", "answer_timeout = \"60s\"")
}

fn study(uid: &str) -> Identifier {
    Identifier::of_level("STUDY").with(STUDY, "UI", uid).with(PATIENT_ID, "LO", "").with(INSTANCES, "IS", "")
}

fn texts(found: &Found, tag: Tag) -> Vec<&str> {
    found.answers.iter().map(|answer| answer.elements.text(tag).unwrap_or_default()).collect()
}

#[test]
fn what_was_just_stored_is_found_at_every_level() {
    let origin = archive(|_| Reply::status(204));
    let home = Home::new(&configuration(&origin));
    let daemon = home.start();
    let instances = Instance::study(1, 3, 2000);
    store_all(daemon.dimse(), &instances);
    let mut finder = Finder::open(daemon.dimse(), STUDY_ROOT_FIND);
    let found = finder.find(&study("").with(PATIENT_NAME, "PN", "TEST^*"));
    assert_eq!(found.last.status, 0, "{:?}", found.last);
    assert_eq!(texts(&found, STUDY), [instances[0].study.as_str()]);
    assert_eq!(texts(&found, PATIENT_ID), ["TEST-1"]);
    assert_eq!(texts(&found, INSTANCES), ["3"]);
    let nobody = finder.find(&study("").with(PATIENT_NAME, "PN", "Somebody^Else"));
    assert_eq!((nobody.last.status, nobody.answers.len()), (0, 0));
    let series = Identifier::of_level("SERIES").with(STUDY, "UI", &instances[0].study).with(SERIES, "UI", "");
    assert_eq!(texts(&finder.find(&series), SERIES), [instances[0].series.as_str()]);
    let images = Identifier::of_level("IMAGE")
        .with(STUDY, "UI", &instances[0].study)
        .with(SERIES, "UI", &instances[0].series)
        .with(SOP_INSTANCE, "UI", "");
    let found = finder.find(&images);
    let mut uids = texts(&found, SOP_INSTANCE);
    uids.sort_unstable();
    assert_eq!(uids, instances.iter().map(|one| one.sop_instance.as_str()).collect::<Vec<_>>());
    finder.release();
    origin.release();
}

#[test]
fn the_archives_attributes_win_and_counts_add_what_it_lacks() {
    let instances = Instance::study(1, 3, 2000);
    let (uid, series, first) =
        (instances[0].study.clone(), instances[0].series.clone(), instances[0].sop_instance.clone());
    // It has one of the three already, under another Patient ID, and a study of its own.
    let known = move |target: &str| {
        let mine = json!({
            "0020000D": {"vr": "UI", "Value": [uid]}, "00100020": {"vr": "LO", "Value": ["CORRECTED"]},
            "00201206": {"vr": "IS", "Value": [1]}, "00201208": {"vr": "IS", "Value": [1]},
        });
        let other = json!({
            "0020000D": {"vr": "UI", "Value": ["2.25.77"]}, "00100020": {"vr": "LO", "Value": ["OTHER"]},
            "00201206": {"vr": "IS", "Value": [1]}, "00201208": {"vr": "IS", "Value": [4]},
        });
        let instance = json!({
            "0020000D": {"vr": "UI", "Value": [uid]}, "0020000E": {"vr": "UI", "Value": [series]},
            "00080018": {"vr": "UI", "Value": [first]},
            "00080016": {"vr": "UI", "Value": ["1.2.840.10008.5.1.4.1.1.2"]},
        });
        let path = target.split('?').next().unwrap_or_default();
        let named =
            |item: &serde_json::Value, of: &str| !target.contains(of) || item.to_string().contains(of);
        if path.ends_with("/instances") {
            let asked: Vec<_> = target.match_indices("2.25.90001.1.").collect();
            let is_there = asked.is_empty() || target.contains(&first);
            return Reply::page(if is_there { std::slice::from_ref(&instance) } else { &[] });
        }
        if path.ends_with("/series") {
            return Reply::page(&[json!({
                "0020000D": {"vr": "UI", "Value": [uid]}, "0020000E": {"vr": "UI", "Value": [series]},
                "00201209": {"vr": "IS", "Value": [1]}, "00080060": {"vr": "CS", "Value": ["CT"]},
            })]);
        }
        let all: Vec<_> =
            [mine, other].into_iter().filter(|item| named(item, "2.25.77") && named(item, &uid)).collect();
        Reply::page(&all)
    };
    let origin = archive(known);
    let home = Home::new(&configuration(&origin));
    let daemon = home.start();
    store_all(daemon.dimse(), &instances);
    let mut finder = Finder::open(daemon.dimse(), STUDY_ROOT_FIND);
    let found = finder.find(&study(""));
    assert_eq!(found.last.status, 0, "{:?}", found.last);
    let mut rows: Vec<_> = found
        .answers
        .iter()
        .map(|answer| [STUDY, PATIENT_ID, INSTANCES].map(|tag| answer.elements.text(tag).unwrap_or_default()))
        .collect();
    rows.sort_unstable();
    assert_eq!(rows, [["2.25.77", "OTHER", "4"], [instances[0].study.as_str(), "CORRECTED", "3"]]);
    finder.release();
    origin.release();
}

#[test]
fn an_archive_that_is_down_is_not_hidden_by_what_waits_for_it() {
    let origin = archive(|_| Reply::status(500));
    let home = Home::new(&configuration(&origin));
    let daemon = home.start();
    let instances = Instance::study(1, 2, 2000);
    store_all(daemon.dimse(), &instances);
    let found = Finder::open(daemon.dimse(), STUDY_ROOT_FIND).find(&study(""));
    // What waits is shown as far as it is known here; what else the archive has is not, so the query
    // cannot succeed.
    let rows = [STUDY, PATIENT_ID, INSTANCES].map(|tag| texts(&found, tag).concat());
    assert_eq!(rows, [instances[0].study.as_str(), "TEST-1", "2"]);
    assert_eq!(found.last.status, 0xA700, "{:?}", found.last);
    assert_eq!(found.last.error_comment, "the archive is not available");
    origin.release();
}

#[test]
fn what_waits_can_be_left_out() {
    let origin = archive(|_| Reply::status(204));
    let home = Home::new(&configuration(&origin).set("query", "pending_visible = false"));
    let daemon = home.start();
    store_all(daemon.dimse(), &Instance::study(1, 2, 2000));
    let found = Finder::open(daemon.dimse(), STUDY_ROOT_FIND).find(&study(""));
    assert_eq!((found.last.status, found.answers.len()), (0, 0));
    origin.release();
}
