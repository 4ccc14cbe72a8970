//! Which archive is searched: that of the called AE title, or the one for all.

use instance::Tag;
use serde_json::json;
use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::find::{Finder, Identifier, STUDY_ROOT_FIND};
use tests::instances::EXPLICIT_VR_LITTLE_ENDIAN;
use tests::scripted_origin::{Reply, ScriptedOrigin};
use tests::scripted_peer::ScriptedPeer;
use tests::wire::Proposal;

const STUDY: Tag = Tag(0x0020, 0x000D);
const RETRIEVE_AE_TITLE: Tag = Tag(0x0008, 0x0054);

/// An archive with one study.
fn archive(study: &'static str) -> ScriptedOrigin {
    let origin = ScriptedOrigin::start([]);
    origin.ask(move |_| Some(Reply::page(&[json!({"0020000D": {"vr": "UI", "Value": [study]}})])));
    origin
}

fn configuration(first: &ScriptedOrigin, second: &ScriptedOrigin) -> Configuration {
    Configuration::new()
        .origin("first", &first.url())
        .origin("second", &second.url())
        .with("[[route]]\nstore = [\"first\"]")
}

#[test]
fn each_ae_title_has_archives_of_its_own() {
    let (first, second) = (archive("2.25.1"), archive("2.25.2"));
    let configuration = configuration(&first, &second)
        .set("query", "origin = \"first\"")
        .with("[[ae]]\ntitle = \"SECOND\"\nquery = [\"second\"]")
        .with("[[ae]]\ntitle = \"BOTH\"\nquery = [\"second\", \"first\"]");
    let home = Home::new(&configuration);
    let daemon = home.start();
    let every_study = Identifier::of_level("STUDY").with(STUDY, "UI", "");
    let table: [(&str, &[&str]); 3] =
        [("DIMSEWAY", &["2.25.1"]), ("SECOND", &["2.25.2"]), ("BOTH", &["2.25.2", "2.25.1"])];
    for (called, studies) in table {
        let mut finder = Finder::open_with(daemon.dimse(), STUDY_ROOT_FIND, &[], |proposal| {
            called.clone_into(&mut proposal.called);
        });
        let found = finder.find(&every_study);
        assert_eq!(found.last.status, 0, "{called}: {:?}", found.last);
        let uids: Vec<_> =
            found.answers.iter().map(|answer| answer.elements.text(STUDY).unwrap_or_default()).collect();
        assert_eq!(uids, studies, "{called}");
        // What is found under a title is to be fetched under it.
        for answer in &found.answers {
            assert_eq!(answer.elements.text(RETRIEVE_AE_TITLE), Some(called));
        }
        finder.release();
    }
}

#[test]
fn queries_are_not_offered_where_no_archive_is_named_of_several() {
    let (first, second) = (archive("2.25.1"), archive("2.25.2"));
    let home = Home::new(&configuration(&first, &second));
    let daemon = home.start();
    let proposal = Proposal::new(&[(STUDY_ROOT_FIND, &[EXPLICIT_VR_LITTLE_ENDIAN])]);
    let peer = ScriptedPeer::associate(daemon.dimse(), &proposal);
    let results: Vec<_> = peer.acceptance().contexts.values().map(|(result, _)| *result).collect();
    // Abstract syntax not supported (PS3.8 §9.3.3.2).
    assert_eq!(results, [3]);
    peer.release();
}
