//! Lists of changes that are not quite as documented, other clocks, and other configurations.

use jiff::SignedDuration;

use super::*;

/// Changes the position of the pull, which writes it too.
pub(super) async fn rewrite(site: &Site, change: impl Fn(&mut serde_json::Value)) {
    let documents = &site.bridge.core.ports.documents;
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    loop {
        ticks.tick().await;
        let document = documents.get("pull", "back").await.unwrap().unwrap();
        let mut position = serde_json::from_slice(&document.value).unwrap();
        change(&mut position);
        let written = position.to_string().into_bytes();
        if documents.put("pull", "back", Some(document.version), written).await.is_ok() {
            return;
        }
    }
}

/// Ends all pulls; gives the configuration without them.
pub(super) async fn without_pulls(site: &Site) -> Config {
    let mut config = site.bridge.core.snapshot.load_full().config.clone();
    config.pulls.clear();
    site.bridge.reload(config.clone()).unwrap();
    let gone = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        while !site.bridge.core.pulls.lags().is_empty() {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(super::super::site::DEADLINE, gone).await.expect("it is still there");
    config
}

#[tokio::test]
async fn a_list_that_begins_anew_whatever_is_left_out_stops_the_pull_with_words() {
    let cloud = Cloud::default();
    cloud.ignores_offset();
    let moment = cloud.now();
    (0..250).for_each(|number| cloud.changed("1.2.3.1", &instance(number, 10), moment, "create", "current"));
    let site =
        site(&cloud, Pull { since: Some(Timestamp::UNIX_EPOCH), ..pull("archive", FEED) }, |_| ()).await;
    site.metric("dimseway_pull_rounds_total{outcome=\"failed\",pull=\"back\"} 1").await;
    site.delivered(200).await;
    assert!(cloud.asked() < 50, "{} requests: it does not spin", cloud.asked());
}

#[tokio::test]
async fn a_list_that_begins_anew_and_fits_into_one_page_is_read() {
    let cloud = Cloud::default();
    cloud.ignores_offset();
    let moment = cloud.now();
    (0..15).for_each(|number| cloud.changed("1.2.3.1", &instance(number, 10), moment, "create", "current"));
    let site =
        site(&cloud, Pull { since: Some(Timestamp::UNIX_EPOCH), ..pull("archive", FEED) }, |_| ()).await;
    site.delivered(15).await;
    another_round(&site).await;
    // It is looked at again from that moment on, not from behind it.
    cloud.changed("1.2.3.1", &instance(20, 10), moment, "create", "current");
    site.delivered(16).await;
    assert_eq!(site.bridge.metrics().pull_rounds.with_label_values(&["back", "failed"]).get(), 0);
}

#[tokio::test]
async fn a_server_that_gives_fewer_changes_than_asked_for_is_read_to_its_end() {
    let cloud = Cloud::default();
    cloud.gives_at_once(20);
    let moment = cloud.now();
    (0..50).for_each(|number| cloud.changed("1.2.3.1", &instance(number, 10), moment, "create", "current"));
    let site =
        site(&cloud, Pull { since: Some(Timestamp::UNIX_EPOCH), ..pull("archive", FEED) }, |_| ()).await;
    site.delivered(50).await;
}

#[tokio::test]
async fn clocks_that_differ_lose_nothing() {
    for ahead in [SignedDuration::from_mins(-10), SignedDuration::from_mins(10)] {
        let cloud = Cloud::default();
        cloud.is_ahead(ahead);
        let site = site(&cloud, pull("archive", FEED), |_| ()).await;
        site.metric(COMPLETE).await;
        cloud.gets("1.2.3.1", &instance(1, 10));
        site.delivered(1).await;
        another_round(&site).await;
        // It has other content by now, although it was pulled after that by the bridge's clock, or long before.
        cloud.changed("1.2.3.1", &instance(1, 50), cloud.now(), "update", "current");
        site.delivered(2).await;
        assert_eq!(site.origin.stored()["1.2.3.4.1"], instance(1, 50).data_set, "{ahead}");
        another_round(&site).await;
        assert_eq!(cloud.retrieved().len(), 2, "{ahead}: each content once");
    }
}

#[tokio::test]
async fn what_others_store_in_the_place_of_our_own_comes_back() {
    for ahead in [SignedDuration::ZERO, SignedDuration::from_mins(-10), SignedDuration::from_mins(10)] {
        let cloud = Cloud::default();
        cloud.is_ahead(ahead);
        let site = site(&cloud, pull("archive", FEED), |config| {
            config.routes = vec![Route::everything(vec!["cloud".parse().unwrap()])];
        })
        .await;
        site.metric(COMPLETE).await;
        let mut modality = site.modality().await;
        assert_eq!(modality.store(&instance(1, 10)).await.status, Status::SUCCESS);
        site.delivered(1).await;
        site.metric("dimseway_pull_instances_total{outcome=\"own\",pull=\"back\"} 1").await;
        // By more than clocks can be told apart.
        let later = cloud.now() + SignedDuration::from_millis(2500);
        cloud.changed("1.2.3.1", &instance(1, 50), later, "create", "current");
        site.delivered(2).await;
        assert_eq!(site.origin.stored()["1.2.3.4.1"], instance(1, 50).data_set, "{ahead}");
    }
}

#[tokio::test]
async fn changes_of_other_partitions_are_left_where_they_are() {
    let cloud = Cloud::default();
    let site = site(&cloud, Pull { since: Some(Timestamp::UNIX_EPOCH), ..pull("archive", FEED) }, |config| {
        for origin in &mut config.origins {
            if origin.name == "cloud" {
                origin.client.profile.paths.enter_partition("east").unwrap();
            }
        }
    })
    .await;
    cloud.gets_in("west", &instance(1, 10));
    cloud.gets_in("East", &instance(2, 10));
    cloud.gets("1.2.3.1", &instance(3, 10));
    site.delivered(2).await;
    another_round(&site).await;
    let mut retrieved = cloud.retrieved();
    retrieved.sort();
    assert_eq!(retrieved, ["1.2.3.4.2", "1.2.3.4.3"]);
    assert_eq!(outcome(&site, "other_partition"), 1);
}

#[tokio::test]
async fn a_pull_that_is_changed_or_removed_is_so_at_once() {
    let cloud = Cloud::default();
    let hourly = Pull {
        interval: Duration::from_secs(3600),
        since: Some(Timestamp::UNIX_EPOCH),
        ..pull("archive", FEED)
    };
    let site = site(&cloud, hourly, |_| ()).await;
    site.metric(COMPLETE).await;
    cloud.gets("1.2.3.1", &instance(1, 10));
    let mut config = site.bridge.core.snapshot.load_full().config.clone();
    config.pulls[0].interval = Duration::from_millis(5);
    site.bridge.reload(config).unwrap();
    site.delivered(1).await;
    without_pulls(&site).await;
}

#[tokio::test]
async fn a_pull_that_is_removed_in_the_middle_of_a_round_ends() {
    let cloud = Cloud::default();
    cloud.never_answers("1.2.3.4.1");
    cloud.gets("1.2.3.1", &instance(1, 10));
    let site =
        site(&cloud, Pull { since: Some(Timestamp::UNIX_EPOCH), ..pull("archive", FEED) }, |_| ()).await;
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    while cloud.retrieved().is_empty() {
        ticks.tick().await;
    }
    without_pulls(&site).await;
}

#[tokio::test]
async fn a_list_that_begins_anew_and_is_cut_stops_the_pull_with_words() {
    let cloud = Cloud::default();
    cloud.ignores_offset();
    cloud.gives_at_once(50);
    let moment = cloud.now();
    (0..80).for_each(|number| cloud.changed("1.2.3.1", &instance(number, 10), moment, "create", "current"));
    let later = moment + SignedDuration::from_millis(5);
    cloud.changed("1.2.3.1", &instance(99, 10), later, "create", "current");
    let site =
        site(&cloud, Pull { since: Some(Timestamp::UNIX_EPOCH), ..pull("archive", FEED) }, |_| ()).await;
    // What is behind them comes, and the pull does not call itself up to date.
    let lines = site.delivered(51).await;
    assert!(lines.iter().any(|line| line.sop_instance_uid.as_str() == "1.2.3.4.99"));
    site.metric("dimseway_pull_rounds_total{outcome=\"failed\",pull=\"back\"}").await;
    // It is mended.
    cloud.gives_at_once(200);
    site.delivered(81).await;
    another_round(&site).await;
}

#[tokio::test]
async fn a_list_that_is_cut_before_is_known_to_be_cut_at_its_end() {
    let cloud = Cloud::default();
    cloud.ignores_offset();
    cloud.gives_at_once(50);
    let moment = cloud.now() - SignedDuration::from_secs(60);
    let later = moment + SignedDuration::from_secs(1);
    for number in 0..120 {
        let moment = if number < 40 { moment } else { later };
        cloud.changed("1.2.3.1", &instance(number, 10), moment, "create", "current");
    }
    let site =
        site(&cloud, Pull { since: Some(Timestamp::UNIX_EPOCH), ..pull("archive", FEED) }, |_| ()).await;
    site.delivered(90).await;
    site.metric("dimseway_pull_rounds_total{outcome=\"failed\",pull=\"back\"}").await;
}

#[tokio::test]
async fn another_method_begins_where_the_one_before_ended() {
    for (before, after) in [(FEED, SEARCH), (SEARCH, FEED)] {
        let cloud = Cloud::default();
        let site = site(&cloud, pull("archive", before), |config| {
            let origin = config.origins.iter_mut().find(|origin| origin.name == "cloud").unwrap();
            origin.client.profile.change_feed = ChangeFeed::ByTime;
        })
        .await;
        site.metric(COMPLETE).await;
        let mut config = without_pulls(&site).await;
        cloud.gets("1.2.3.1", &instance(1, 10));
        config.pulls = vec![pull("archive", after)];
        site.bridge.reload(config).unwrap();
        site.delivered(1).await;
    }
}

#[tokio::test]
async fn a_search_goes_back_as_far_as_the_last_complete_one() {
    let cloud = Cloud::default();
    let site = site(&cloud, pull("archive", SEARCH), |_| ()).await;
    another_round(&site).await;
    let month = SignedDuration::from_hours(30 * 24);
    // As if the bridge had been away for so long.
    rewrite(&site, |position| position["searched"] = (Timestamp::now() - month).as_second().into()).await;
    another_round(&site).await;
    let day = |ago: SignedDuration| (Timestamp::now() - ago).strftime("%Y%m%d").to_string();
    let days = SignedDuration::from_hours(7 * 24);
    let from = cloud.searched_from();
    assert_eq!(from.first(), Some(&day(month + days)), "{from:?}");
    assert_eq!(from.last(), Some(&day(days)), "{from:?}: and not for ever");
}

#[tokio::test]
async fn instances_without_their_series_are_a_failure_and_not_the_end() {
    let cloud = Cloud::default();
    cloud.names_no_series(true);
    cloud.gets("1.2.3.1", &instance(1, 10));
    let since = Some(Timestamp::UNIX_EPOCH);
    let site = site(&cloud, Pull { since, ..pull("archive", SEARCH) }, |_| ()).await;
    site.metric("dimseway_pull_rounds_total{outcome=\"failed\",pull=\"back\"}").await;
    cloud.names_no_series(false);
    site.delivered(1).await;
}

#[tokio::test]
async fn where_nobody_counts_a_study_that_grew_while_the_bridge_was_away_is_listed_again() {
    let cloud = Cloud::default();
    cloud.counts_nothing();
    let pull = Pull { since: Some(Timestamp::now()), ..pull("archive", SEARCH) };
    let site = site(&cloud, pull.clone(), |_| ()).await;
    cloud.gets("1.2.3.1", &instance(1, 10));
    site.delivered(1).await;
    another_round(&site).await;
    let mut config = without_pulls(&site).await;
    cloud.gets("1.2.3.1", &instance(2, 10));
    let days = SignedDuration::from_hours(48);
    let then = (Timestamp::now() - days).as_second();
    rewrite(&site, |position| {
        position["studies"]["1.2.3.1"]["since"] = then.into();
        position["searched"] = (then + 60).into();
    })
    .await;
    config.pulls = vec![pull];
    site.bridge.reload(config).unwrap();
    site.delivered(2).await;
    another_round(&site).await;
    let listed = cloud.listed();
    another_round(&site).await;
    assert_eq!(cloud.listed(), listed, "and then it is left alone");
}

/// The day so many days before now, as searches have it.
fn day(ago: i64) -> String {
    (Timestamp::now() - SignedDuration::from_hours(24 * ago)).strftime("%Y%m%d").to_string()
}

#[tokio::test]
async fn a_study_that_can_never_be_listed_makes_searches_longer_for_a_month_at_most() {
    for (kept_back, from) in [(29, day(47)), (31, day(7))] {
        let cloud = Cloud::default();
        cloud.counts_nothing();
        cloud.never_lists("1.2.3.7");
        cloud.gets("1.2.3.7", &instance(7, 10));
        let pull = Pull { since: Some(Timestamp::now()), ..pull("archive", SEARCH) };
        let site = site(&cloud, pull.clone(), |_| ()).await;
        cloud.gets("1.2.3.1", &instance(1, 10));
        site.delivered(1).await;
        let mut config = without_pulls(&site).await;
        let ago = |days: i64| (Timestamp::now() - SignedDuration::from_hours(24 * days)).as_second();
        rewrite(&site, |position| {
            position["searched"] = ago(40).into();
            position["kept_back"] = ago(kept_back).into();
            position["studies"]["1.2.3.1"] = serde_json::json!({ "since": ago(40), "grown": true });
        })
        .await;
        let listed = cloud.listed();
        config.pulls = vec![pull];
        site.bridge.reload(config).unwrap();
        let failed = || site.bridge.metrics().pull_rounds.with_label_values(&["back", "failed"]).get();
        let (before, mut ticks) = (failed(), tokio::time::interval(Duration::from_millis(5)));
        while failed() < before + 3 {
            ticks.tick().await;
        }
        assert_eq!(cloud.listed(), listed, "what has stopped growing is left alone");
        let document = site.bridge.core.ports.documents.get("pull", "back").await.unwrap().unwrap();
        let position: serde_json::Value = serde_json::from_slice(&document.value).unwrap();
        let searched = Timestamp::from_second(position["searched"].as_i64().unwrap()).unwrap();
        let days = SignedDuration::from_hours(24 * 7);
        assert_eq!((searched - days).strftime("%Y%m%d").to_string(), from, "{kept_back}");
        // What is new comes all the same.
        cloud.gets("1.2.3.2", &instance(2, 10));
        site.delivered(2).await;
    }
}

#[tokio::test]
async fn where_more_days_are_too_many_what_is_new_comes() {
    let cloud = Cloud::default();
    let site = site(&cloud, pull("archive", SEARCH), |_| ()).await;
    another_round(&site).await;
    cloud.is_crowded_before(day(8));
    let month = SignedDuration::from_hours(30 * 24);
    rewrite(&site, |position| position["searched"] = (Timestamp::now() - month).as_second().into()).await;
    cloud.gets("1.2.3.1", &instance(1, 10));
    site.delivered(1).await;
    another_round(&site).await;
    assert_eq!(cloud.searched_from().first(), Some(&day(37)));
}

#[tokio::test]
async fn many_moments_that_cannot_be_passed_keep_none_behind_them_back() {
    let cloud = Cloud::default();
    cloud.ignores_offset();
    cloud.gives_at_once(10);
    let begin = cloud.now() - SignedDuration::from_secs(60);
    for number in 0..300 {
        let moment = begin + SignedDuration::from_millis(5 * (number / 20));
        let number = usize::try_from(number).unwrap();
        cloud.changed("1.2.3.1", &instance(number, 10), moment, "create", "current");
    }
    let site =
        site(&cloud, Pull { since: Some(Timestamp::UNIX_EPOCH), ..pull("archive", FEED) }, |_| ()).await;
    site.delivered(150).await;
}
