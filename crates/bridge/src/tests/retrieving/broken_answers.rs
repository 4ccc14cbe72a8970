//! Origins that break off, lie or refuse.

use dimse::Status;

use super::{
    archive::{Act, Archive, Held, held},
    workstation::{Ward, study},
};

fn archive(count: usize, size: usize) -> (Archive, Vec<Held>) {
    let archive = Archive::default();
    let all: Vec<Held> = (1..=count).map(|number| held(1, 1, number, size)).collect();
    archive.add(all.clone());
    (archive, all)
}

#[tokio::test]
async fn a_study_that_is_cut_anywhere_arrives_whole() {
    // In the first File Meta Information, in the first data set, in the third, behind the last.
    for length in [30, 100, 5_000, 200_000, 250_000, 502_500] {
        for (act, what) in [(Act::CutAfter(length), "cut"), (Act::EndAfter(length), "ends")] {
            let (archive, all) = archive(5, 100_000);
            archive.then("studies/1.2.3.1", act);
            let ward = Ward::new(archive, |_| {}).await;
            let ended = ward.move_(&study("1.2.3.1")).await;
            assert_eq!(ended.counts(), (Status::SUCCESS, 5, 0, 0, None), "{what} after {length}");
            ward.has_all(&all);
            assert_eq!(ward.destination.cut(), 0, "nothing was begun in vain");
            assert_eq!(ward.destination.associations(), 1);
            ward.idle().await;
        }
    }
}

#[tokio::test]
async fn an_instance_that_breaks_again_and_again_is_resumed_as_long_as_it_grows() {
    let (archive, all) = archive(1, 400_000);
    let path = format!("/instances/{}", all[0].uid);
    archive.then(&path, Act::CutAfter(100_000));
    archive.then(&path, Act::CutAfter(200_000));
    archive.then(&path, Act::EndAfter(300_000));
    let ward = Ward::new(archive, |_| {}).await;
    assert_eq!(ward.move_(&study("1.2.3.1")).await.counts(), (Status::SUCCESS, 1, 0, 0, None));
    ward.has_all(&all);
    assert_eq!((ward.destination.associations(), ward.destination.cut()), (1, 0));
    assert_eq!(ward.archive.retrieves().len(), 4);
}

#[tokio::test]
async fn bytes_that_are_others_when_asked_again_never_make_one_instance() {
    let (archive, all) = archive(2, 400_000);
    archive.then("studies/1.2.3.1", Act::EndAfter(200_000));
    // What is sent cannot be resumed; the instance is sent anew, as the origin has it now.
    archive.then(&format!("/instances/{}", all[0].uid), Act::Differ);
    let ward = Ward::new(archive, |_| {}).await;
    assert_eq!(ward.move_(&study("1.2.3.1")).await.counts(), (Status::SUCCESS, 2, 0, 0, None));
    ward.has_all(&all);
    assert_eq!((ward.destination.associations(), ward.destination.cut()), (2, 1));
}

#[tokio::test]
async fn what_the_origin_does_not_give_fails_and_the_rest_arrives() {
    let statuses = [404, 410, 406, 400, 500];
    let (archive, all) = archive(6, 10_000);
    archive.then("studies/1.2.3.1", Act::Status(406));
    for (held, status) in all.iter().zip(statuses) {
        archive.always(&format!("/instances/{}", held.uid), Act::Status(status));
    }
    let ward = Ward::new(archive, |_| {}).await;
    let mut ended = ward.move_(&study("1.2.3.1")).await;
    assert_eq!(ended.counts(), (Status(0xB000), 1, 5, 0, None));
    ended.failed.sort();
    assert_eq!(ended.failed, all[..5].iter().map(|held| held.uid.clone()).collect::<Vec<_>>());
    ward.has_all(&all[5..]);
}

#[tokio::test]
async fn an_origin_that_gives_nothing_is_given_up() {
    for (status, expected) in
        [(401, Status::NOT_AUTHORIZED), (403, Status::NOT_AUTHORIZED), (404, Status(0xA702))]
    {
        let (archive, all) = archive(40, 10_000);
        archive.always("studies/1.2.3.1", Act::Status(status));
        for held in &all {
            archive.always(&format!("/instances/{}", held.uid), Act::Status(status));
        }
        let ward = Ward::new(archive, |_| {}).await;
        let ended = ward.move_(&study("1.2.3.1")).await;
        assert_eq!(ended.counts(), (expected, 0, 40, 0, None), "{status}");
        assert_eq!(ended.failed.len(), 40);
        assert!(ended.response.error_comment.is_some());
        assert!(status == 404 || ward.archive.retrieves().len() < 25, "{:?}", ward.archive.retrieves().len());
        assert_eq!(ward.destination.associations(), 0);
        ward.idle().await;
    }
}

#[tokio::test]
async fn an_origin_that_cannot_list_is_told_with_the_status_of_the_table() {
    let cases = [
        (Act::Status(400), Status(0xA701)),
        (Act::Status(401), Status::NOT_AUTHORIZED),
        (Act::Status(404), Status::SUCCESS),
        (Act::Status(500), Status(0xA701)),
        (Act::Say("[{\"0020000D\":"), Status(0xA701)),
        (Act::Say("<html>"), Status(0xA701)),
        (Act::Status(204), Status::SUCCESS),
    ];
    for (act, status) in cases {
        let (archive, _) = archive(1, 10_000);
        for path in ["instances", "series", "studies"] {
            archive.always(path, act.clone());
        }
        let ward = Ward::new(archive, |_| {}).await;
        let ended = ward.move_(&study("1.2.3.1")).await;
        assert_eq!(ended.response.status, status);
        assert_eq!(ended.response.error_comment.is_some(), status != Status::SUCCESS);
        assert_eq!(ended.response.sub_operations.is_some(), status == Status::SUCCESS);
        assert!(ended.failed.is_empty());
    }
}

#[tokio::test]
async fn another_instance_than_the_one_asked_for_is_not_sent_in_its_place() {
    let (archive, all) = archive(3, 10_000);
    archive.always("studies/1.2.3.1", Act::Status(404));
    archive.always(&format!("/instances/{}", all[0].uid), Act::Other);
    let ward = Ward::new(archive, |_| {}).await;
    let ended = ward.move_(&study("1.2.3.1")).await;
    assert_eq!(ended.counts(), (Status(0xB000), 2, 1, 0, None));
    ward.has_all(&all[1..]);
}

/// An origin that mixes its files up: each says the right thing of itself and holds something else.
#[tokio::test]
async fn what_a_data_set_says_of_itself_counts_and_nothing_around_it() {
    for act in [Act::Misnamed, Act::Nameless, Act::OtherClass] {
        for whole_too in [true, false] {
            let (archive, all) = archive(3, 10_000);
            let study_act = if whole_too { act.clone() } else { Act::Status(404) };
            archive.always("studies/1.2.3.1", study_act);
            for held in &all {
                archive.always(&format!("/instances/{}", held.uid), act.clone());
            }
            let ward = Ward::new(archive, |_| {}).await;
            let mut ended = ward.move_(&study("1.2.3.1")).await;
            assert_eq!(ended.counts(), (Status(0xA702), 0, 3, 0, None));
            ended.failed.sort();
            assert_eq!(ended.failed, all.iter().map(|held| held.uid.clone()).collect::<Vec<_>>());
            ward.has_all(&[]);
        }
    }
}

#[tokio::test]
async fn an_instance_that_calls_itself_another_fails_alone() {
    let (archive, all) = archive(3, 10_000);
    archive.always("studies/1.2.3.1", Act::Status(404));
    archive.always(&format!("/instances/{}", all[0].uid), Act::Misnamed);
    let ward = Ward::new(archive, |_| {}).await;
    let ended = ward.move_(&study("1.2.3.1")).await;
    assert_eq!(ended.counts(), (Status(0xB000), 2, 1, 0, None));
    assert_eq!(ended.failed, [all[0].uid.clone()]);
    ward.has_all(&all[1..]);
}

#[tokio::test]
async fn an_instance_that_is_cut_in_good_order_is_never_a_whole_one() {
    // One byte, much of Pixel Data, everything behind the File Meta Information.
    for (lacking, size) in [(1, 10_000), (5_000, 10_000), (usize::MAX, 10_000), (300_000, 900_000)] {
        let (archive, all) = archive(3, size);
        archive.always("studies/1.2.3.1", Act::Status(404));
        archive.always(&format!("/instances/{}", all[1].uid), Act::Lack(lacking));
        let ward = Ward::new(archive, |_| {}).await;
        let ended = ward.move_(&study("1.2.3.1")).await;
        assert_eq!(ended.counts(), (Status(0xB000), 2, 1, 0, None), "{lacking} of {size}");
        assert_eq!(ended.failed, [all[1].uid.clone()]);
        ward.has_all(&[all[0].clone(), all[2].clone()]);
        ward.idle().await;
    }
}

#[tokio::test]
async fn instances_that_were_cut_on_their_way_are_asked_for_again() {
    for lacking in [1, 5_000, usize::MAX] {
        let (archive, all) = archive(4, 10_000);
        archive.then("studies/1.2.3.1", Act::Lack(lacking));
        let ward = Ward::new(archive, |_| {}).await;
        let ended = ward.move_(&study("1.2.3.1")).await;
        assert_eq!(ended.counts(), (Status::SUCCESS, 4, 0, 0, None), "{lacking}");
        ward.has_all(&all);
    }
}

#[tokio::test]
async fn instances_that_break_are_no_fault_of_the_destination() {
    let (archive, all) = archive(7, 600_000);
    archive.always("studies/1.2.3.1", Act::Status(404));
    for held in &all[..5] {
        archive.always(&format!("/instances/{}", held.uid), Act::Lack(100_000));
    }
    let ward = Ward::new(archive, |_| {}).await;
    let ended = ward.move_(&study("1.2.3.1")).await;
    assert_eq!(ended.counts(), (Status(0xB000), 2, 5, 0, None), "the rest is not given up");
    ward.has_all(&all[5..]);
    let asked =
        |held: &Held| ward.archive.retrieves().iter().filter(|path| path.ends_with(&held.uid)).count();
    assert_eq!(asked(&all[0]), 2, "asked for once more, but not sent anew");
}
