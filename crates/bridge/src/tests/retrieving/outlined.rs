//! Series of which the origin tells the number of instances, so that nobody lists them.

use dimse::Status;
use instance::Tag;

use super::{
    archive::{Act, Archive, Held, held},
    destination,
    workstation::{LEVEL, Ward, study},
};

/// Instances of a series, enough for it to be asked for without a list of them.
const MANY: usize = 64;

/// Where the instances are listed.
const LIST: &str = "studies/1.2.3.1/instances";

/// A study of two series of many small instances, counted.
fn archive() -> (Archive, Vec<Held>) {
    let archive = Archive::default();
    let all: Vec<Held> =
        (1..=2).flat_map(|series| (1..=MANY).map(move |number| held(1, series, number, 500))).collect();
    archive.add(all.clone());
    archive.count(0);
    (archive, all)
}

fn both_series() -> [String; 2] {
    [1, 2].map(|series| format!("studies/1.2.3.1/series/1.2.3.1.{series}"))
}

#[tokio::test]
async fn what_is_counted_is_given_without_being_listed() {
    let (archive, all) = archive();
    let ward = Ward::new(archive, |_| {}).await;
    assert_eq!(ward.move_(&study("1.2.3.1")).await.counts(), (Status::SUCCESS, 128, 0, 0, None));
    ward.has_all(&all);
    assert_eq!(ward.archive.retrieves(), both_series());
    assert_eq!((ward.archive.asked_for(LIST), ward.destination.associations()), (0, 1));
    let series =
        [(LEVEL, "SERIES"), (Tag::STUDY_INSTANCE_UID, "1.2.3.1"), (Tag::SERIES_INSTANCE_UID, "1.2.3.1.2")];
    assert_eq!(ward.move_(&series).await.counts(), (Status::SUCCESS, 64, 0, 0, None));
    assert_eq!(ward.archive.retrieves().last(), both_series().last());
    ward.idle().await;
}

#[tokio::test]
async fn what_the_answers_lack_is_listed_and_asked_for_one_by_one() {
    let acts = [Act::CutAfter(20_000), Act::EndAfter(20_000), Act::Status(500), Act::Status(404)];
    for act in acts {
        let (archive, all) = archive();
        archive.always("series/1.2.3.1.1", act);
        let ward = Ward::new(archive, |_| {}).await;
        assert_eq!(ward.move_(&study("1.2.3.1")).await.counts(), (Status::SUCCESS, 128, 0, 0, None));
        ward.has_all(&all);
        assert!(ward.archive.asked_for(LIST) > 0);
        assert_eq!(ward.destination.cut(), 0);
    }
}

#[tokio::test]
async fn what_fails_is_named_although_nobody_listed_it() {
    // Neither the answer nor the list, once it is needed, is to be had.
    let (archive, _) = archive();
    archive.always("series/1.2.3.1.1", Act::Status(404));
    archive.always(LIST, Act::Status(500));
    let ward = Ward::new(archive, |_| {}).await;
    let ended = ward.move_(&study("1.2.3.1")).await;
    assert_eq!(ended.counts(), (Status(0xB000), 64, 64, 0, None), "the number is right in any case");
    // A destination that takes no association fails them all, by name.
    let (archive, all) = self::archive();
    let ward = Ward::new(archive, |_| {}).await;
    ward.destination.reject(dimse::acse::AssociateReject::CALLED_AE_TITLE);
    let ended = ward.move_(&study("1.2.3.1")).await;
    assert_eq!((ended.counts().1, ended.counts().2), (0, 128));
    let mut failed = ended.failed;
    failed.sort();
    let mut expected: Vec<_> = all.iter().map(|held| held.uid.clone()).collect();
    expected.sort();
    assert_eq!(failed, expected);
}

#[tokio::test]
async fn a_count_that_is_wrong_misleads_nobody() {
    for wrong in [-1, 1, 10] {
        let (archive, all) = archive();
        archive.count(wrong);
        let ward = Ward::new(archive, |_| {}).await;
        assert_eq!(ward.move_(&study("1.2.3.1")).await.counts().1, 128, "{wrong}");
        ward.has_all(&all);
        ward.idle().await;
    }
}

#[tokio::test]
async fn a_refused_instance_is_counted_once() {
    let (archive, all) = archive();
    let ward = Ward::new(archive, |_| {}).await;
    ward.destination.when(&all[70].uid, destination::Act::Answer(0xA700));
    let ended = ward.move_(&study("1.2.3.1")).await;
    assert_eq!(ended.counts(), (Status(0xB000), 127, 1, 0, None));
    assert_eq!(ended.failed, [all[70].uid.clone()]);
}

#[tokio::test]
async fn where_nothing_is_given_and_nothing_listed_none_succeeds() {
    let (archive, _) = archive();
    both_series().iter().for_each(|series| archive.always(series, Act::Status(500)));
    archive.always(LIST, Act::Status(500));
    let ward = Ward::new(archive, |_| {}).await;
    let ended = ward.move_(&study("1.2.3.1")).await;
    assert_eq!(ended.counts(), (Status(0xA702), 0, 128, 0, None), "their number was calculated");
    assert!(ended.response.error_comment.is_some());
    ward.idle().await;
}

#[tokio::test]
async fn where_series_cannot_be_searched_the_instances_are_listed() {
    for status in [400, 500] {
        let (archive, all) = archive();
        archive.always("studies/1.2.3.1/series", Act::Status(status));
        let ward = Ward::new(archive, |_| {}).await;
        assert_eq!(ward.move_(&study("1.2.3.1")).await.counts(), (Status::SUCCESS, 128, 0, 0, None));
        ward.has_all(&all);
        // Neither the one nor the other: their number cannot be calculated.
        let (archive, _) = self::archive();
        for list in ["studies/1.2.3.1/series", LIST] {
            archive.always(list, Act::Status(status));
        }
        let ward = Ward::new(archive, |_| {}).await;
        let ended = ward.move_(&study("1.2.3.1")).await;
        assert_eq!((ended.response.status, ended.response.sub_operations), (Status(0xA701), None));
    }
}
