//! Destinations that refuse, stall, abort or take only some presentation contexts.

use std::{sync::Arc, time::Duration};

use dimse::{
    Status,
    acse::{AssociateReject, InformationModel, RejectReason, RejectResult},
};
use instance::{Tag, Uid};
use tokio::sync::Semaphore;

use super::{
    archive::{Act, Archive, Held, held},
    destination::Act::{Abort, Hold, Silence},
    workstation::{Ended, Ward, keys_of, study},
};

const J2K: &str = "1.2.840.10008.1.2.4.90";
const EXPLICIT: &str = "1.2.840.10008.1.2.1";

fn archive(count: usize, size: usize) -> (Archive, Vec<Held>) {
    let archive = Archive::default();
    let all: Vec<Held> = (1..=count).map(|number| held(1, 1, number, size)).collect();
    archive.add(all.clone());
    (archive, all)
}

#[tokio::test]
async fn an_instance_whose_association_ends_is_sent_anew_on_another_one() {
    let (archive, all) = archive(6, 50_000);
    let ward = Ward::new(archive, |_| {}).await;
    ward.destination.when(&all[2].uid, Abort);
    assert_eq!(ward.move_(&study("1.2.3.1")).await.counts(), (Status::SUCCESS, 6, 0, 0, None));
    ward.has_all(&all);
    assert_eq!(ward.destination.associations(), 2);
    ward.idle().await;
}

#[tokio::test]
async fn an_instance_that_a_destination_never_survives_fails_alone() {
    let (archive, all) = archive(6, 50_000);
    let ward = Ward::new(archive, |_| {}).await;
    for _ in 0..10 {
        ward.destination.when(&all[2].uid, Abort);
    }
    let ended = ward.move_(&study("1.2.3.1")).await;
    assert_eq!(ended.counts(), (Status(0xB000), 5, 1, 0, None));
    assert_eq!(ended.failed, [all[2].uid.clone()]);
    let mut others = all;
    others.remove(2);
    ward.has_all(&others);
}

#[tokio::test]
async fn a_destination_that_aborts_everything_is_given_up() {
    let (archive, all) = archive(30, 50_000);
    let ward = Ward::new(archive, |_| {}).await;
    for held in &all {
        ward.destination.when(&held.uid, Abort);
        ward.destination.when(&held.uid, Abort);
    }
    let ended = ward.move_(&study("1.2.3.1")).await;
    assert_eq!(ended.counts(), (Status(0xA702), 0, 30, 0, None));
    assert_eq!(ended.failed.len(), 30);
    assert_eq!(ward.destination.associations(), 6, "three instances, twice each");
    assert!(ended.response.error_comment.is_some());
    ward.idle().await;
}

#[tokio::test]
async fn a_destination_that_does_not_answer_is_given_up() {
    let (archive, all) = archive(2, 5_000);
    let ward = Ward::new(archive, |config| config.retrieve.response = Duration::from_millis(50)).await;
    for held in &all {
        ward.destination.when(&held.uid, Silence);
        ward.destination.when(&held.uid, Silence);
    }
    assert_eq!(ward.move_(&study("1.2.3.1")).await.counts(), (Status(0xA702), 0, 2, 0, None));
    ward.idle().await;
}

#[tokio::test]
async fn an_association_that_is_rejected_for_good_is_not_asked_for_again() {
    let (archive, _) = archive(20, 5_000);
    let ward = Ward::new(archive, |_| {}).await;
    ward.destination.reject(AssociateReject::CALLED_AE_TITLE);
    let ended = ward.move_(&study("1.2.3.1")).await;
    assert_eq!(ended.counts(), (Status(0xA702), 0, 20, 0, None));
    assert_eq!(ended.failed.len(), 20);
    assert_eq!(ended.response.error_comment.as_deref(), Some("the destination takes no association"));
    assert_eq!(ward.destination.associations(), 0);
}

#[tokio::test]
async fn an_association_that_is_rejected_for_now_is_asked_for_again() {
    let (archive, all) = archive(3, 5_000);
    let ward = Ward::new(archive, |_| {}).await;
    let reason = RejectReason::LocalLimitExceeded;
    ward.destination.reject(AssociateReject { result: RejectResult::Transient, reason });
    assert_eq!(ward.move_(&study("1.2.3.1")).await.counts(), (Status::SUCCESS, 3, 0, 0, None));
    ward.has_all(&all);
}

/// Six transfer syntaxes, each with two instances.
fn mixed() -> (Archive, Vec<Held>) {
    let (archive, mut all) = archive(12, 3_000);
    let syntaxes = [
        EXPLICIT,
        "1.2.840.10008.1.2.4.50",
        "1.2.840.10008.1.2.4.70",
        J2K,
        "1.2.840.10008.1.2.5",
        "1.3.6.1.4.1.9",
    ];
    for (held, syntax) in all.iter_mut().zip(syntaxes.iter().cycle()) {
        held.syntax = (*syntax).to_owned();
    }
    let given = Archive::default();
    given.add(all.clone());
    drop(archive);
    (given, all)
}

#[tokio::test]
async fn a_study_in_six_transfer_syntaxes_goes_as_it_is_to_whoever_takes_them() {
    let (archive, all) = mixed();
    let ward = Ward::new(archive, |_| {}).await;
    assert_eq!(ward.move_(&study("1.2.3.1")).await.counts(), (Status::SUCCESS, 12, 0, 0, None));
    ward.has_all(&all);
    // The private one was not foreseen, and the association that has it has all the others too.
    assert_eq!((ward.destination.associations(), ward.destination.open_max()), (2, 1));
}

#[tokio::test]
async fn what_half_of_the_contexts_would_need_fails_or_is_given_by_the_origin() {
    for (transcodes, completed) in [(true, 12), (false, 4)] {
        let (archive, all) = mixed();
        for held in &all {
            if ![EXPLICIT, J2K].contains(&held.syntax.as_str()) {
                // The request for the syntax as it is, and the one for another, in either order.
                archive.then(&format!("/instances/{}", held.uid), Act::In(EXPLICIT));
            }
        }
        let ward = Ward::new(archive, |config| {
            if !transcodes {
                config.retrieve.transcode = false;
            }
        })
        .await;
        for syntax in
            ["1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.5", "1.3.6.1.4.1.9"]
        {
            ward.destination.refuse_syntax(syntax);
        }
        let ended = ward.move_(&study("1.2.3.1")).await;
        let failed = 12 - completed;
        let status = if failed == 0 { Status::SUCCESS } else { Status(0xB000) };
        assert_eq!(ended.counts(), (status, completed, failed, 0, None), "transcodes: {transcodes}");
        let stored = ward.destination.stored();
        assert_eq!(stored.len(), usize::from(completed));
        for stored in stored {
            let held = all.iter().find(|held| held.uid == stored.uid).unwrap();
            let as_it_is = [EXPLICIT, J2K].contains(&held.syntax.as_str());
            assert_eq!(stored.syntax, if as_it_is { &held.syntax } else { EXPLICIT });
            assert!(stored.data_set == held.data_set);
        }
    }
}

/// Large enough that no buffer of a socket holds it.
const LARGE: usize = 24 * 1024 * 1024;

#[tokio::test]
async fn a_destination_that_stalls_does_not_hold_the_origin_and_gets_the_rest_later() {
    let (archive, mut all) = archive(0, 0);
    all.push(held(1, 1, 1, LARGE));
    all.extend((2..=4).map(|number| held(1, 1, number, 5_000)));
    archive.add(all.clone());
    let ward = Ward::new(archive, |config| config.retrieve.stall = Duration::from_millis(50)).await;
    let gate = Arc::new(Semaphore::new(0));
    ward.destination.when(&all[0].uid, Hold(100_000, Arc::clone(&gate)));
    let keys = study("1.2.3.1");
    let given_up = async {
        ward.until("the origin is rid of its answer", |ward| ward.archive.dropped() > 0).await;
        gate.add_permits(1);
    };
    let (ended, ()) = tokio::join!(ward.move_(&keys), given_up);
    assert_eq!(ended.counts(), (Status::SUCCESS, 4, 0, 0, None));
    ward.has_all(&all);
    assert_eq!((ward.destination.associations(), ward.destination.cut()), (1, 0), "resumed, not repeated");
    ward.idle().await;
}

#[tokio::test]
async fn answers_that_wait_behind_a_stalled_instance_are_given_up_too() {
    let (archive, mut all) = archive(0, 0);
    all.push(held(1, 1, 1, 5_000));
    all.extend((2..=6).map(|number| held(1, 1, number, LARGE / 2)));
    archive.add(all.clone());
    let ward = Ward::new(archive, |config| {
        let able = &mut config.origins[0].client.profile.retrieve;
        (able.whole_study, able.whole_series) = (false, false);
        config.retrieve.stall = Duration::from_millis(50);
    })
    .await;
    let gate = Arc::new(Semaphore::new(0));
    for held in &all {
        ward.destination.when(&held.uid, Hold(1_000, Arc::clone(&gate)));
    }
    let keys = study("1.2.3.1");
    let given_up = async {
        ward.until("one is being sent", |ward| ward.destination.begun() == 1).await;
        ward.until("the others are given up", |ward| ward.archive.dropped() >= 4).await;
        gate.add_permits(1);
    };
    let (ended, ()) = tokio::join!(ward.move_(&keys), given_up);
    assert_eq!(ended.counts(), (Status::SUCCESS, 6, 0, 0, None));
    ward.has_all(&all);
    ward.idle().await;
}

#[tokio::test]
async fn several_associations_where_they_are_configured() {
    let (archive, all) = archive(12, 100_000);
    let ward = Ward::new(archive, |config| config.peers[0].retrieve.associations = Some(3)).await;
    let gate = Arc::new(Semaphore::new(0));
    for held in &all {
        ward.destination.when(&held.uid, Hold(1_000, Arc::clone(&gate)));
    }
    let keys = study("1.2.3.1");
    let opened = async {
        ward.until("three are being sent", |ward| ward.destination.begun() == 3).await;
        gate.add_permits(1);
    };
    let (ended, ()) = tokio::join!(ward.move_(&keys), opened);
    assert_eq!(ended.counts(), (Status::SUCCESS, 12, 0, 0, None));
    ward.has_all(&all);
    assert_eq!((ward.destination.associations(), ward.destination.open_max()), (3, 3));
}

#[tokio::test]
async fn two_moves_to_one_destination_share_its_association() {
    let (archive, first) = archive(5, 50_000);
    let second: Vec<Held> = (1..=5).map(|number| held(2, 1, number, 50_000)).collect();
    archive.add(second.clone());
    let ward = Ward::new(archive, |_| {}).await;
    let (keys, others) = (study("1.2.3.1"), study("1.2.3.2"));
    let (one, other) = tokio::join!(ward.move_(&keys), ward.move_(&others));
    assert_eq!(one.counts(), (Status::SUCCESS, 5, 0, 0, None));
    assert_eq!(other.counts(), (Status::SUCCESS, 5, 0, 0, None));
    ward.has_all(&[first, second].concat());
    assert_eq!(ward.destination.open_max(), 1);
}

#[tokio::test]
async fn an_instance_that_is_not_delivered_yet_comes_from_the_spool() {
    let (archive, mut all) = archive(2, 5_000);
    // The origin has the study, and refuses to store more of it.
    let ward = Ward::new(archive, |_| {}).await;
    let mut modality = ward.site.modality().await;
    let spooled = held(1, 1, 3, 300_000);
    let uid: Uid = spooled.uid.parse().unwrap();
    let response = modality.store_as(&uid, &spooled.data_set).await.unwrap();
    assert_eq!(response.status, Status::SUCCESS);
    let keys = [(super::workstation::LEVEL, "STUDY"), (Tag::STUDY_INSTANCE_UID, "1.2.3.1")];
    assert_eq!(ward.move_(&keys).await.counts(), (Status::SUCCESS, 3, 0, 0, None));
    all.push(spooled);
    ward.has_all(&all);
    assert!(!ward.archive.retrieves().iter().any(|path| path.ends_with(uid.as_str())));
    ward.site.stop.cancel();
}

/// As for queries: only what a retrieve is about counts against the limit of what waits.
#[tokio::test]
async fn a_backlog_of_others_refuses_no_retrieve() {
    let (archive, mut all) = archive(2, 5_000);
    let ward = Ward::new(archive, |config| config.query.pending_max = 1).await;
    let mut modality = ward.site.modality().await;
    let others = (2..6).map(|study| held(study, 1, 1, 500));
    for spooled in others.chain([held(1, 1, 3, 500)]) {
        let uid: Uid = spooled.uid.parse().unwrap();
        let response = modality.store_as(&uid, &spooled.data_set).await.unwrap();
        assert_eq!(response.status, Status::SUCCESS);
        if spooled.study == "1.2.3.1" {
            all.push(spooled);
        }
    }
    assert_eq!(ward.move_(&study("1.2.3.1")).await.counts(), (Status::SUCCESS, 3, 0, 0, None));
    ward.has_all(&all);
    // Two that it is about are one too many.
    let ended = ward.move_(&study("1.2.3.2\\1.2.3.3")).await;
    assert_eq!((ended.response.status, ended.response.sub_operations), (Status(0xA701), None));
    assert!(ended.response.error_comment.is_some());
    ward.site.stop.cancel();
}

#[tokio::test]
async fn moves_that_wait_for_a_destination_that_hangs_take_little_memory() {
    let (archive, all) = archive(3, 300_000);
    let ward = Ward::new(archive, |_| {}).await;
    let gate = Arc::new(Semaphore::new(0));
    for held in &all {
        ward.destination.when(&held.uid, Hold(1_000, Arc::clone(&gate)));
    }
    let keys = study("1.2.3.1");
    let moves = futures::future::join_all((0..6).map(|_| ward.move_(&keys)));
    let waiting = async {
        ward.until("one is being sent", |ward| ward.destination.begun() == 1).await;
        // The one whose instance is being sent and three that wait behind it; nothing for the others.
        ward.site.metric(&format!("dimseway_memory_budget_used_bytes {}", 4 * 384 * 1024)).await;
        gate.add_permits(1);
    };
    let (ended, ()) = tokio::join!(moves, waiting);
    for ended in ended {
        assert_eq!(ended.counts(), (Status::SUCCESS, 3, 0, 0, None));
    }
    assert_eq!(ward.destination.open_max(), 1);
    assert_eq!(ward.destination.stored().len(), 18);
}

#[tokio::test]
async fn a_move_that_waits_for_a_destination_that_hangs_is_cancelled_all_the_same() {
    let (archive, all) = archive(2, 300_000);
    let ward = Ward::new(archive, |_| {}).await;
    let gate = Arc::new(Semaphore::new(0));
    ward.destination.when(&all[0].uid, Hold(1_000, Arc::clone(&gate)));
    let keys = study("1.2.3.1");
    let cancelled = async {
        ward.until("one is being sent", |ward| ward.destination.begun() == 1).await;
        let mut workstation = ward.workstation().await;
        let context = workstation.mover(InformationModel::StudyRoot);
        let destination = "WS1".parse().unwrap();
        let mut replies = workstation.association.move_(&context, destination, keys_of(&keys)).await.unwrap();
        // It has what it would send.
        ward.site.metric(&format!("dimseway_memory_budget_used_bytes {}", 2 * 384 * 1024)).await;
        replies.cancel().await.unwrap();
        let (response, identifier) = replies.last().await.unwrap();
        assert_eq!(Ended::new(response, identifier).counts(), (Status::CANCEL, 0, 0, 0, Some(2)));
        assert_eq!((ward.destination.begun(), ward.destination.associations()), (1, 1), "it hangs");
        gate.add_permits(1);
    };
    let (ended, ()) = tokio::join!(ward.move_(&keys), cancelled);
    assert_eq!(ended.counts(), (Status::SUCCESS, 2, 0, 0, None));
    ward.idle().await;
}

#[tokio::test]
async fn a_deflated_data_set_of_odd_length_is_padded() {
    // A deflated stream of one stored block: five bytes and the data set, which is even.
    let deflated = |number| {
        let held = held(1, 1, number, 1_000);
        let length = u16::try_from(held.data_set.len()).unwrap();
        let head = [[1].as_slice(), &length.to_le_bytes(), &(!length).to_le_bytes()].concat();
        let data_set = [head.into(), held.data_set.clone()].concat();
        assert_eq!(data_set.len() % 2, 1);
        Held { syntax: "1.2.840.10008.1.2.1.99".to_owned(), data_set: data_set.into(), ..held }
    };
    let padded = |held: &Held| Held { data_set: [&held.data_set[..], &[0]].concat().into(), ..held.clone() };
    let all = [padded(&deflated(1)), deflated(2)];
    let archive = Archive::default();
    archive.add(all.clone());
    let ward = Ward::new(archive, |_| {}).await;
    assert_eq!(ward.move_(&study("1.2.3.1")).await.counts(), (Status::SUCCESS, 2, 0, 0, None));
    ward.has_all(&all.map(|held| if held.data_set.len() % 2 == 1 { padded(&held) } else { held }));
}
