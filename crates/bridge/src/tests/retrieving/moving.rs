//! What is moved, and what the workstation is told.

use std::{sync::Arc, time::Duration};

use dimse::{Status, acse::InformationModel, command::MoveOriginator};
use instance::Tag;
use tokio::sync::Semaphore;

use super::{
    archive::{Act, Archive, Held, held},
    destination,
    workstation::{Ended, LEVEL, Ward, keys_of, study},
};
use crate::config::Route;

const STUDY: Tag = Tag::STUDY_INSTANCE_UID;
const SERIES: Tag = Tag::SERIES_INSTANCE_UID;
const INSTANCE: Tag = Tag::SOP_INSTANCE_UID;

/// Two studies with two series of three instances each.
fn archive() -> (Archive, Vec<Held>) {
    let archive = Archive::default();
    let all: Vec<Held> = (1..=2)
        .flat_map(|study| {
            (1..=2).flat_map(move |series| (1..=3).map(move |n| held(study, series, n, n * 40_000)))
        })
        .collect();
    archive.add(all.clone());
    (archive, all)
}

fn below<'a>(all: &[Held], is: impl Fn(&&Held) -> bool + 'a) -> Vec<Held> {
    all.iter().filter(is).cloned().collect()
}

#[tokio::test]
async fn a_study_arrives_whole_over_one_association() {
    let (archive, all) = archive();
    let ward = Ward::new(archive, |_| {}).await;
    let ended = ward.move_(&study("1.2.3.1")).await;
    assert_eq!(ended.counts(), (Status::SUCCESS, 6, 0, 0, None));
    assert_eq!(ended.response.error_comment, None);
    ward.has_all(&below(&all, |held| held.study == "1.2.3.1"));
    assert_eq!(ward.archive.retrieves(), ["studies/1.2.3.1"]);
    assert_eq!(ward.destination.associations(), 1);
    let originator = MoveOriginator { ae_title: "WS1".parse().unwrap(), message_id: 1 };
    assert!(
        ward.destination.stored().iter().all(|stored| stored.move_originator == Some(originator.clone()))
    );
    ward.site.metric("dimseway_sub_operations_total{outcome=\"completed\",service=\"C-MOVE\"} 6").await;
    ward.idle().await;
}

#[tokio::test]
async fn every_level_and_lists_of_uid() {
    // Keys, how the UIDs below them begin, and the requests that are made.
    type Case<'a> = (&'a [(Tag, &'a str)], &'a [&'a str], &'a [&'a str]);
    let cases: &[Case<'_>] = &[
        (
            &[(LEVEL, "STUDY"), (STUDY, "1.2.3.1\\1.2.3.2")],
            &["1.2.3."],
            &["studies/1.2.3.1", "studies/1.2.3.2"],
        ),
        (
            &[(LEVEL, "SERIES"), (STUDY, "1.2.3.1"), (SERIES, "1.2.3.1.2")],
            &["1.2.3.1.2."],
            &["studies/1.2.3.1/series/1.2.3.1.2"],
        ),
        (
            &[(LEVEL, "SERIES"), (STUDY, "1.2.3.1"), (SERIES, "1.2.3.1.1\\1.2.3.1.2")],
            &["1.2.3.1."],
            &["studies/1.2.3.1/series/1.2.3.1.1", "studies/1.2.3.1/series/1.2.3.1.2"],
        ),
        (
            &[
                (LEVEL, "IMAGE"),
                (STUDY, "1.2.3.1"),
                (SERIES, "1.2.3.1.1"),
                (INSTANCE, "1.2.3.1.1.1\\1.2.3.1.1.3"),
            ],
            &["1.2.3.1.1.1", "1.2.3.1.1.3"],
            &[
                "studies/1.2.3.1/series/1.2.3.1.1/instances/1.2.3.1.1.1",
                "studies/1.2.3.1/series/1.2.3.1.1/instances/1.2.3.1.1.3",
            ],
        ),
    ];
    for (keys, prefixes, requests) in cases {
        let (archive, all) = archive();
        let ward = Ward::new(archive, |_| {}).await;
        let expected = below(&all, |held| prefixes.iter().any(|prefix| held.uid.starts_with(prefix)));
        let count = u16::try_from(expected.len()).unwrap();
        assert_eq!(ward.move_(keys).await.counts(), (Status::SUCCESS, count, 0, 0, None), "{keys:?}");
        ward.has_all(&expected);
        let mut retrieves = ward.archive.retrieves();
        retrieves.sort();
        assert_eq!(retrieves, *requests);
    }
}

#[tokio::test]
async fn a_patient_is_all_its_studies() {
    let (archive, all) = archive();
    let ward = Ward::new(archive, |_| {}).await;
    let mut workstation = ward.workstation().await;
    let context = workstation.mover(InformationModel::PatientRoot);
    let keys = keys_of(&[(LEVEL, "PATIENT"), (Tag::PATIENT_ID, "4711")]);
    let replies = workstation.association.move_(&context, "WS1".parse().unwrap(), keys).await.unwrap();
    let (response, identifier) = replies.last().await.unwrap();
    assert_eq!(Ended::new(response, identifier).counts(), (Status::SUCCESS, 12, 0, 0, None));
    ward.has_all(&all);
}

#[tokio::test]
async fn where_nothing_matches_nothing_failed() {
    let (archive, _) = archive();
    let ward = Ward::new(archive, |_| {}).await;
    let ended = ward.move_(&study("1.2.9")).await;
    assert_eq!(ended.counts(), (Status::SUCCESS, 0, 0, 0, None));
    assert_eq!(ward.destination.associations(), 0);
}

#[tokio::test]
async fn bad_requests_are_refused_with_the_status_of_the_table() {
    let (archive, _) = archive();
    let ward = Ward::new(archive, |config| config.retrieve.instances_max = 5).await;
    // Destination, keys, status and offending element.
    type Case<'a> = (&'a str, &'a [(Tag, &'a str)], u16, Option<Tag>);
    let cases: &[Case<'_>] = &[
        ("NOBODY", &study("1.2.3.1"), 0xA801, None),
        ("DIMSEWAY", &study("1.2.3.1"), 0xA801, None),
        ("WS1", &[(STUDY, "1.2.3.1")], 0xA900, Some(LEVEL)),
        ("WS1", &[(LEVEL, "PATIENT"), (Tag::PATIENT_ID, "4711")], 0xA900, Some(LEVEL)),
        ("WS1", &[(LEVEL, "STUDY")], 0xA900, Some(STUDY)),
        ("WS1", &[(LEVEL, "STUDY"), (STUDY, "1.2.*")], 0xA900, Some(STUDY)),
        ("WS1", &[(LEVEL, "SERIES"), (SERIES, "1.2.3.1.1")], 0xA900, Some(STUDY)),
        ("WS1", &study("1.2.3.1"), 0xA701, None),
    ];
    let mut workstation = ward.workstation().await;
    for (destination, keys, status, offending) in cases {
        let ended = workstation.move_to(destination, keys).await;
        let response = ended.response;
        assert_eq!(response.status, Status(*status), "{destination} {keys:?}");
        assert_eq!(response.offending_elements.first(), offending.as_ref(), "{keys:?}");
        assert!(response.error_comment.is_some_and(|comment| !comment.is_empty()), "{keys:?}");
        assert_eq!(response.sub_operations, None);
    }
    assert_eq!(ward.destination.associations(), 0);
    assert!(ward.archive.retrieves().is_empty());
}

#[tokio::test]
async fn final_statuses_and_counts() {
    use destination::Act::Answer;
    // Statuses of the six instances, and what they add up to (PS3.4 §C.4.2.1.5).
    type Case = ([u16; 6], u16, (u16, u16, u16));
    let cases: [Case; 6] = [
        ([0; 6], 0x0000, (6, 0, 0)),
        ([0, 0xB000, 0, 0, 0, 0], 0xB000, (5, 0, 1)),
        ([0xB007; 6], 0xB000, (0, 0, 6)),
        ([0xA700, 0, 0, 0, 0, 0], 0xB000, (5, 1, 0)),
        ([0xA700, 0xB006, 0xC000, 0x0122, 0xA900, 0x0110], 0xB000, (0, 5, 1)),
        ([0xA700; 6], 0xA702, (0, 6, 0)),
    ];
    for (statuses, status, (completed, failed, warning)) in cases {
        let (archive, all) = archive();
        let ward = Ward::new(archive, |_| {}).await;
        let expected = below(&all, |held| held.study == "1.2.3.1");
        let mut expected_failed = Vec::new();
        for (held, status) in expected.iter().zip(statuses) {
            ward.destination.when(&held.uid, Answer(status));
            if !Status(status).is_done() {
                expected_failed.push(held.uid.clone());
            }
        }
        let mut ended = ward.move_(&study("1.2.3.1")).await;
        assert_eq!(ended.counts(), (Status(status), completed, failed, warning, None), "{statuses:?}");
        ended.failed.sort();
        assert_eq!(ended.failed, expected_failed);
        assert_eq!(ended.response.error_comment.is_some(), status == 0xA702);
        assert_eq!(ward.destination.associations(), 1);
    }
}

fn one_by_one(config: &mut crate::Config) {
    let able = &mut config.origins[0].client.profile.retrieve;
    (able.whole_study, able.whole_series) = (false, false);
}

#[tokio::test]
async fn instance_by_instance_many_requests_are_open_and_one_association() {
    let archive = Archive::default();
    let all: Vec<Held> = (1..=40).map(|number| held(1, 1, number, 20_000)).collect();
    archive.add(all.clone());
    // Nobody is answered before as many have asked as may.
    let gate = Arc::new(Semaphore::new(0));
    for held in &all {
        let path = format!("/instances/{}", held.uid);
        archive.always(&path, Act::Hold(10, Arc::clone(&gate)));
    }
    let ward = Ward::new(archive, one_by_one).await;
    let keys = study("1.2.3.1");
    let moving = ward.move_(&keys);
    let opened = async {
        ward.until("16 requests", |ward| ward.archive.open_max() == 16).await;
        gate.add_permits(all.len());
    };
    let (ended, ()) = tokio::join!(moving, opened);
    assert_eq!(ended.counts(), (Status::SUCCESS, 40, 0, 0, None));
    ward.has_all(&all);
    assert_eq!(ward.archive.open_max(), 16, "and no more");
    assert_eq!(ward.archive.retrieves().len(), 40);
    assert_eq!((ward.destination.associations(), ward.destination.open_max()), (1, 1));
    ward.idle().await;
}

#[tokio::test]
async fn pending_responses_come_as_long_as_it_takes() {
    let (archive, _) = archive();
    let gate = Arc::new(Semaphore::new(0));
    archive.always("studies/1.2.3.1", Act::Hold(60_000, Arc::clone(&gate)));
    let ward =
        Ward::new(archive, |config| config.retrieve.pending_interval = Duration::from_millis(20)).await;
    let mut workstation = ward.workstation().await;
    let context = workstation.mover(InformationModel::StudyRoot);
    let keys = keys_of(&study("1.2.3.1"));
    let mut replies = workstation.association.move_(&context, "WS1".parse().unwrap(), keys).await.unwrap();
    for _ in 0..5 {
        let (response, identifier) = replies.next().await.unwrap().unwrap();
        assert_eq!((response.status, identifier), (Status::PENDING, None));
        let counts = response.sub_operations.unwrap();
        assert_eq!(counts.remaining.unwrap() + counts.completed, 6, "{counts:?}");
    }
    gate.add_permits(1);
    assert_eq!(replies.last().await.unwrap().0.status, Status::SUCCESS);
}

#[tokio::test]
async fn a_cancelled_move_ends_with_what_it_has_done() {
    let (archive, all) = archive();
    let gate = Arc::new(Semaphore::new(0));
    // Two instances and the beginning of the third.
    archive.always("studies/1.2.3.1", Act::Hold(130_000, gate));
    let ward = Ward::new(archive, |_| {}).await;
    let mut workstation = ward.workstation().await;
    let context = workstation.mover(InformationModel::StudyRoot);
    let keys = keys_of(&study("1.2.3.1"));
    let mut replies = workstation.association.move_(&context, "WS1".parse().unwrap(), keys).await.unwrap();
    ward.until("the third instance", |ward| ward.destination.begun() == 3).await;
    replies.cancel().await.unwrap();
    let (response, identifier) = replies.last().await.unwrap();
    let ended = Ended::new(response, identifier);
    assert_eq!(ended.counts(), (Status::CANCEL, 2, 0, 0, Some(4)));
    assert!(ended.failed.is_empty());
    ward.has_all(&below(&all, |held| ["1.2.3.1.1.1", "1.2.3.1.1.2"].contains(&held.uid.as_str())));
    let again = workstation.move_to("WS1", &study("1.2.3.2")).await;
    assert_eq!(again.counts(), (Status::SUCCESS, 6, 0, 0, None), "the association goes on");
    ward.idle().await;
}

#[tokio::test]
async fn a_workstation_that_goes_away_ends_its_move() {
    let (archive, _) = archive();
    let gate = Arc::new(Semaphore::new(0));
    archive.always("studies/1.2.3.1", Act::Hold(130_000, gate));
    let ward = Ward::new(archive, |_| {}).await;
    let mut workstation = ward.workstation().await;
    let context = workstation.mover(InformationModel::StudyRoot);
    let keys = keys_of(&study("1.2.3.1"));
    workstation.association.begin_move(&context, "WS1".parse().unwrap(), keys).await.unwrap();
    ward.until("the third instance", |ward| ward.destination.begun() == 3).await;
    workstation.association.abort().await;
    ward.until("the third instance is cut", |ward| ward.destination.cut() == 1).await;
    assert_eq!(ward.destination.stored().len(), 2);
    ward.idle().await;
}

#[tokio::test]
async fn a_study_at_two_origins_comes_from_both_and_nothing_twice() {
    let first = Archive::default();
    let at_first: Vec<Held> = (1..=3).map(|number| held(1, 1, number, 20_000)).collect();
    first.add(at_first.clone());
    let second = Archive::default();
    let at_second: Vec<Held> = (1..=2).map(|number| held(1, 2, number, 20_000)).collect();
    second.add([at_first[2].clone()]);
    second.add(at_second.clone());
    let address = second.serve().await;
    let ward = Ward::new(first, |config| {
        config.origins.push(crate::tests::site::config(&[("second", address)]).origins.remove(0));
        config.query.origins = vec!["archive".to_owned(), "second".to_owned()];
        config.routes = vec![Route::everything(vec!["archive".parse().unwrap()])];
    })
    .await;
    assert_eq!(ward.move_(&study("1.2.3.1")).await.counts(), (Status::SUCCESS, 5, 0, 0, None));
    ward.has_all(&[at_first, at_second].concat());
    assert_eq!(ward.archive.retrieves(), ["studies/1.2.3.1"]);
    assert_eq!(second.retrieves(), ["studies/1.2.3.1"]);
    ward.idle().await;
}
