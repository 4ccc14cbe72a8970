//! What is new in the cloud comes back.

mod cloud;
mod holding;
mod listing;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use dicomweb::{
    Pace, RateLimit,
    pace::Rates,
    profile::{ChangeFeed, TransferSyntaxes},
};
use dimse::Status;
use jiff::Timestamp;
use spool::{Deliveries, State};
use tokio_util::sync::CancellationToken;

use self::cloud::Cloud;
use super::site::{Instance, Site, explicit, instance};
use crate::{
    Bridge, Config, Metrics, Ports,
    config::{Peer, PeerAddress, Pull, PullMethod, Route},
};

const FEED: PullMethod = PullMethod::ChangeFeed { settle: Duration::ZERO };
const SEARCH: PullMethod = PullMethod::Search { days: 7 };

/// Rounds of the pull that came to their end.
const COMPLETE: &str = "dimseway_pull_rounds_total{outcome=\"complete\",pull=\"back\"}";

fn pull(to: &str, method: PullMethod) -> Pull {
    Pull {
        interval: Duration::from_millis(5),
        ..Pull::new("back", "cloud", vec![to.parse().unwrap()], method)
    }
}

/// A bridge that pulls from `cloud` as `pull` says, and stores what modalities send in its archive.
async fn site(cloud: &Cloud, pull: Pull, change: impl FnOnce(&mut Config)) -> Site {
    let feed = match pull.method {
        PullMethod::ChangeFeed { .. } => ChangeFeed::ByTime,
        PullMethod::Search { .. } => ChangeFeed::Absent,
    };
    let origin = cloud.serve(feed).await;
    Site::new(|config| {
        config.origins.push(origin);
        config.routes = vec![Route::everything(vec!["archive".parse().unwrap()])];
        config.pulls = vec![pull];
        change(config);
    })
    .await
}

fn instances(numbers: std::ops::Range<usize>) -> Vec<Instance> {
    numbers.map(|number| instance(number, 30_000)).collect()
}

fn data_sets(instances: &[Instance]) -> BTreeMap<String, Vec<u8>> {
    let pair = |instance: &Instance| (instance.sop_instance_uid.to_string(), instance.data_set.clone());
    instances.iter().map(pair).collect()
}

/// Waits until the next round has come to its end that begins now or later.
async fn another_round(site: &Site) {
    let rounds = || site.bridge.metrics().pull_rounds.with_label_values(&["back", "complete"]).get();
    for _ in 0..2 {
        let before = rounds();
        site.metric(COMPLETE).await;
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        let later = async {
            while rounds() == before {
                ticks.tick().await;
            }
        };
        tokio::time::timeout(super::site::DEADLINE, later).await.expect("no round came to its end");
    }
}

fn outcome(site: &Site, outcome: &str) -> u64 {
    site.bridge.metrics().pull_instances.with_label_values(&["back", outcome]).get()
}

#[tokio::test]
async fn what_is_new_reaches_another_origin_byte_for_byte() {
    let cloud = Cloud::default();
    instances(100..103).iter().for_each(|instance| cloud.gets("1.2.3.1", instance));
    let site = site(&cloud, pull("archive", FEED), |_| ()).await;
    site.metric(COMPLETE).await;
    let new = instances(0..10);
    new.iter().for_each(|instance| cloud.gets("1.2.3.1", instance));
    let lines = site.delivered(10).await;
    assert!(lines.iter().all(|line| line.calling_ae_title.as_str() == "DIMSEWAY"));
    assert_eq!(site.origin.stored(), data_sets(&new), "and nothing that was there before");
    another_round(&site).await;
    assert_eq!(cloud.retrieved().len(), 10, "each once");
    site.bridge.refresh_gauges().await.unwrap();
    let text = site.bridge.metrics().to_text().unwrap();
    assert!(text.contains("dimseway_pull_lag_seconds{pull=\"back\"}"), "{text}");
}

const JPEG_2000: &str = "1.2.840.10008.1.2.4.90";

/// A bridge that pulls into the one at `pacs`, over DIMSE.
async fn site_before(pacs: &Site, cloud: &Cloud) -> Site {
    let port = pacs.address.port();
    let pull = Pull { since: Some(Timestamp::UNIX_EPOCH), ..pull("peer:DIMSEWAY", FEED) };
    site(cloud, pull, |config| {
        let mut peer = Peer::new("DIMSEWAY".parse().unwrap());
        peer.address = Some(PeerAddress::new("127.0.0.1", port));
        config.peers.push(peer);
        config.served[0].title = "BRIDGE".parse().unwrap();
    })
    .await
}

#[tokio::test]
async fn what_is_new_reaches_a_peer_in_its_own_transfer_syntax() {
    let (pacs, cloud) = (Site::new(|_| ()).await, Cloud::default());
    cloud.holds_everything_in(JPEG_2000);
    let new = instances(0..5);
    new.iter().for_each(|instance| cloud.gets("1.2.3.1", instance));
    let site = site_before(&pacs, &cloud).await;
    site.delivered(5).await;
    let lines = pacs.delivered(5).await;
    assert!(lines.iter().all(|line| line.calling_ae_title.as_str() == "BRIDGE"));
    assert_eq!(pacs.origin.stored(), data_sets(&new));
    let entry = pacs.spool.show(lines[0].entry_id).await.unwrap().entry;
    assert_eq!(entry.header.transfer_syntax.uid().as_str(), JPEG_2000);
}

#[tokio::test]
async fn what_a_peer_does_not_take_is_held_with_the_reason() {
    let takes = TransferSyntaxes::These(vec![explicit()]);
    let pacs = Site::new(|config| config.origins[0].client.profile.transfer_syntaxes = takes).await;
    let cloud = Cloud::default();
    cloud.holds_everything_in(JPEG_2000);
    cloud.gets("1.2.3.1", &instance(0, 10));
    let site = site_before(&pacs, &cloud).await;
    let lines = site.settled(1, &[State::Held]).await;
    let reason = lines[0].reason.as_ref().unwrap();
    assert!(reason.contains(JPEG_2000) && reason.contains("presentation context"), "{reason}");
}

#[tokio::test]
async fn what_this_bridge_stored_there_does_not_come_back() {
    let cloud = Cloud::default();
    let site = site(&cloud, pull("archive", FEED), |config| {
        config.routes = vec![Route::everything(vec!["cloud".parse().unwrap()])];
    })
    .await;
    site.metric(COMPLETE).await;
    let mut modality = site.modality().await;
    for own in instances(0..3) {
        assert_eq!(modality.store(&own).await.status, Status::SUCCESS);
    }
    site.delivered(3).await;
    cloud.gets("1.2.3.1", &instance(9, 10));
    site.delivered(4).await;
    another_round(&site).await;
    assert_eq!(cloud.retrieved(), ["1.2.3.4.9"]);
    assert_eq!(outcome(&site, "own"), 3);
    // What somebody else changes there is new, whoever stored it.
    cloud.changed("1.2.3.1", &instance(1, 50), Timestamp::now(), "update", "current");
    site.delivered(5).await;
    assert_eq!(site.origin.stored()["1.2.3.4.1"], instance(1, 50).data_set);
}

#[tokio::test]
async fn what_this_bridge_stored_there_is_known_whatever_the_list_calls_it() {
    let cloud = Cloud::default();
    cloud.calls_a_store("stored");
    let site = site(&cloud, pull("archive", FEED), |config| {
        config.routes = vec![Route::everything(vec!["cloud".parse().unwrap()])];
    })
    .await;
    site.metric(COMPLETE).await;
    let mut modality = site.modality().await;
    assert_eq!(modality.store(&instance(1, 10)).await.status, Status::SUCCESS);
    site.delivered(1).await;
    site.metric("dimseway_pull_instances_total{outcome=\"own\",pull=\"back\"} 1").await;
    assert!(cloud.retrieved().is_empty());
}

#[tokio::test]
async fn only_what_still_holds_is_pulled() {
    let cloud = Cloud::default();
    let site =
        site(&cloud, Pull { since: Some(Timestamp::UNIX_EPOCH), ..pull("archive", FEED) }, |_| ()).await;
    let rows = [
        (0, "create", "replaced"),
        (1, "create", "deleted"),
        (2, "delete", "current"),
        (3, "Create", "current"),
        // That is not documented.
        (4, "restore", "current"),
    ];
    for (number, action, state) in rows {
        cloud.changed("1.2.3.1", &instance(number, 10), Timestamp::now(), action, state);
    }
    site.delivered(2).await;
    another_round(&site).await;
    let mut retrieved = cloud.retrieved();
    retrieved.sort();
    assert_eq!(retrieved, ["1.2.3.4.3", "1.2.3.4.4"]);
}

#[tokio::test]
async fn other_modalities_are_left_where_they_are() {
    let cloud = Cloud::default();
    let pull = Pull {
        since: Some(Timestamp::UNIX_EPOCH),
        modalities: vec!["M?".parse().unwrap()],
        ..pull("archive", FEED)
    };
    let site = site(&cloud, pull, |_| ()).await;
    instances(0..3).iter().for_each(|instance| cloud.gets("1.2.3.1", instance));
    site.metric("dimseway_pull_instances_total{outcome=\"unwanted\",pull=\"back\"} 3").await;
    another_round(&site).await;
    assert!(cloud.retrieved().is_empty());
    assert!(site.deliveries().await.is_empty());
}

#[tokio::test]
async fn one_instance_that_cannot_be_had_stops_nobody() {
    let cloud = Cloud::default();
    let site =
        site(&cloud, Pull { since: Some(Timestamp::UNIX_EPOCH), ..pull("archive", FEED) }, |_| ()).await;
    cloud.answers("1.2.3.4.1", 406);
    instances(0..4).iter().for_each(|instance| cloud.gets("1.2.3.1", instance));
    site.delivered(3).await;
    site.metric("dimseway_pull_instances_total{outcome=\"given_up\",pull=\"back\"} 1").await;
    another_round(&site).await;
    let tries = cloud.retrieved().iter().filter(|uid| *uid == "1.2.3.4.1").count();
    assert_eq!(tries, 3, "and then it is left alone");
    assert_eq!(outcome(&site, "pulled"), 3);
    let document = site.bridge.core.ports.documents.get("pull", "back").await.unwrap().unwrap();
    let text = String::from_utf8(document.value).unwrap();
    assert!(text.contains("1.2.3.4.1") && text.contains("406"), "{text}");
}

#[tokio::test]
async fn two_that_cannot_be_had_and_failed_at_different_times_stop_nobody() {
    let cloud = Cloud::default();
    let site =
        site(&cloud, Pull { since: Some(Timestamp::UNIX_EPOCH), ..pull("archive", FEED) }, |_| ()).await;
    cloud.answers("1.2.3.4.1", 406);
    cloud.answers("1.2.3.4.2", 406);
    cloud.gets("1.2.3.1", &instance(1, 10));
    site.metric("dimseway_pull_instances_total{outcome=\"failed\",pull=\"back\"}").await;
    cloud.gets("1.2.3.1", &instance(2, 10));
    cloud.gets("1.2.3.1", &instance(3, 10));
    site.metric("dimseway_pull_instances_total{outcome=\"given_up\",pull=\"back\"} 2").await;
    another_round(&site).await;
    let document = site.bridge.core.ports.documents.get("pull", "back").await.unwrap().unwrap();
    let text = String::from_utf8(document.value).unwrap();
    assert!(text.contains("1.2.3.4.1") && text.contains("1.2.3.4.2"), "{text}");
    assert_eq!(outcome(&site, "given_up"), 2, "each once");
}

#[tokio::test]
async fn a_study_that_cannot_be_had_keeps_no_other_study_back() {
    let cloud = Cloud::default();
    cloud.answers("1.2.3.4.1", 500);
    cloud.gets("1.2.3.1", &instance(1, 10));
    cloud.gets("1.2.3.9", &instance(2, 10));
    let since = Some(Timestamp::UNIX_EPOCH);
    let site = site(&cloud, Pull { since, ..pull("archive", SEARCH) }, |_| ()).await;
    site.delivered(1).await;
    another_round(&site).await;
    assert_eq!(outcome(&site, "given_up"), 1);
    assert_eq!(site.origin.stored().into_keys().collect::<Vec<_>>(), ["1.2.3.4.2"]);
}

#[tokio::test]
async fn a_change_from_the_future_does_not_end_the_pull() {
    let cloud = Cloud::default();
    cloud.gives_all_changes();
    let site =
        site(&cloud, Pull { since: Some(Timestamp::UNIX_EPOCH), ..pull("archive", FEED) }, |_| ()).await;
    cloud.changed("1.2.3.1", &instance(1, 10), "9000-01-01T00:00:00Z".parse().unwrap(), "create", "current");
    another_round(&site).await;
    cloud.gets("1.2.3.1", &instance(2, 10));
    site.delivered(1).await;
    assert_eq!(site.origin.stored().into_keys().collect::<Vec<_>>(), ["1.2.3.4.2"]);
}

#[tokio::test]
async fn a_list_of_which_nothing_makes_sense_is_a_failure_and_not_the_end() {
    let cloud = Cloud::default();
    cloud.tells_in_other_words(true);
    cloud.gets("1.2.3.1", &instance(1, 10));
    let site =
        site(&cloud, Pull { since: Some(Timestamp::UNIX_EPOCH), ..pull("archive", FEED) }, |_| ()).await;
    site.metric("dimseway_pull_rounds_total{outcome=\"failed\",pull=\"back\"}").await;
    cloud.tells_in_other_words(false);
    site.delivered(1).await;
}

#[tokio::test]
async fn nothing_is_lost_where_the_bridge_ends_in_the_middle() {
    let cloud = Cloud::default();
    let origin = cloud.serve(ChangeFeed::ByTime).await;
    cloud.answers("1.2.3.4.5", 500);
    let all = instances(0..20);
    all.iter().for_each(|instance| cloud.gets("1.2.3.1", instance));
    let site = Site::new(|_| ()).await;
    let start = |site: &Site| {
        let mut config = super::site::config(&[("archive", site.origin_address)]);
        config.origins.push(origin.clone());
        config.forward.lease = Duration::from_millis(500);
        config.routes = vec![Route::everything(vec!["archive".parse().unwrap()])];
        config.pulls = vec![Pull { since: Some(Timestamp::UNIX_EPOCH), ..pull("archive", FEED) }];
        let bridge = Bridge::new(config, Ports::of(&site.spool), Arc::new(Metrics::new().unwrap())).unwrap();
        let running = bridge.clone();
        (bridge, tokio::spawn(async move { running.run(Vec::new(), CancellationToken::new()).await }))
    };
    let (_, killed) = start(&site);
    site.settled(19, &[State::Due, State::Delivering, State::Deferred, State::Delivered]).await;
    killed.abort();
    assert!(killed.await.unwrap_err().is_cancelled());
    let document = site.bridge.core.ports.documents.get("pull", "back").await.unwrap().unwrap();
    let before = String::from_utf8(document.value).unwrap();
    assert!(before.contains("[\"1970-01-01T00:00:00Z\",0]"), "the window is not done with: {before}");

    cloud.answers("1.2.3.4.5", 200);
    let (_again, running) = start(&site);
    site.delivered(20).await;
    assert_eq!(site.origin.stored(), data_sets(&all));
    let repeated = cloud.retrieved().into_iter().filter(|uid| uid != "1.2.3.4.5").count();
    assert_eq!(repeated, 19, "the delivery records tell what was had before");
    running.abort();
}

#[tokio::test]
async fn a_destination_that_takes_nothing_does_not_fill_the_disk() {
    let cloud = Cloud::default();
    let closed = RateLimit { rates: Rates { deliveries: false, ..Rates::default() }, ..RateLimit::default() };
    let pull = Pull { since: Some(Timestamp::UNIX_EPOCH), backlog_max: 1, ..pull("archive", FEED) };
    let site = site(&cloud, pull, |config| config.origins[0].client.pace = Pace::new(closed)).await;
    cloud.gets("1.2.3.1", &instance(0, 1000));
    site.metric("dimseway_pull_rounds_total{outcome=\"waiting\",pull=\"back\"}").await;
    cloud.gets("1.2.3.1", &instance(1, 1000));
    site.metric("dimseway_pull_rounds_total{outcome=\"waiting\",pull=\"back\"}").await;
    assert_eq!(site.settled(1, &[State::Due]).await.len(), 1);
    let mut config = site.bridge.core.snapshot.load_full().config.clone();
    config.origins[0].client.pace = Pace::default();
    site.bridge.reload(config).unwrap();
    site.delivered(2).await;
}

#[tokio::test]
async fn without_a_list_of_changes_new_and_grown_studies_are_found_by_search() {
    let cloud = Cloud::default();
    cloud.gets("1.2.3.9", &instance(90, 10));
    let site = site(&cloud, pull("archive", SEARCH), |_| ()).await;
    site.metric(COMPLETE).await;
    let first = instances(0..3);
    first.iter().for_each(|instance| cloud.gets("1.2.3.1", instance));
    site.delivered(3).await;
    another_round(&site).await;
    let (listed, retrieved) = (cloud.listed(), cloud.retrieved().len());
    another_round(&site).await;
    assert_eq!((cloud.listed(), cloud.retrieved().len()), (listed, retrieved), "what is known is left alone");
    cloud.gets("1.2.3.1", &instance(3, 10));
    site.delivered(4).await;
    another_round(&site).await;
    assert_eq!(cloud.retrieved().len(), 4, "only what is new of it");
    assert!(site.origin.stored().keys().all(|uid| uid != "1.2.3.4.90"), "not what was there before");
}

#[tokio::test]
async fn what_is_counted_before_it_is_listed_comes_later() {
    let cloud = Cloud::default();
    instances(1..3).iter().for_each(|instance| cloud.gets("1.2.3.1", instance));
    cloud.lists_all_but(Some("1.2.3.4.2"));
    let pull = Pull { since: Some(Timestamp::UNIX_EPOCH), ..pull("archive", SEARCH) };
    let site = site(&cloud, pull, |_| ()).await;
    site.delivered(1).await;
    another_round(&site).await;
    cloud.lists_all_but(None);
    site.delivered(2).await;
}

#[tokio::test]
async fn where_nobody_counts_studies_of_the_day_are_listed_again() {
    let cloud = Cloud::default();
    cloud.counts_nothing();
    let site = site(&cloud, Pull { since: Some(Timestamp::now()), ..pull("archive", SEARCH) }, |_| ()).await;
    site.metric(COMPLETE).await;
    cloud.gets("1.2.3.1", &instance(0, 10));
    site.delivered(1).await;
    cloud.gets("1.2.3.1", &instance(1, 10));
    site.delivered(2).await;
    another_round(&site).await;
    assert_eq!(cloud.retrieved(), ["1.2.3.4.0", "1.2.3.4.1"]);
}
