//! Instances that are listed and cannot be had.

use super::*;

const FAILED: &str = "dimseway_pull_rounds_total{outcome=\"failed\",pull=\"back\"}";
const HELD: &str = "dimseway_pull_held_instances{pull=\"back\"}";

async fn from_the_beginning(cloud: &Cloud) -> Site {
    site(cloud, Pull { since: Some(Timestamp::UNIX_EPOCH), ..pull("archive", FEED) }, |_| ()).await
}

async fn document(site: &Site) -> String {
    let document = site.bridge.core.ports.documents.get("pull", "back").await.unwrap().unwrap();
    String::from_utf8(document.value).unwrap()
}

#[tokio::test]
async fn where_nothing_that_is_listed_is_given_nothing_is_passed_over() {
    for status in [403, 404, 410] {
        let cloud = Cloud::default();
        let all = instances(0..30);
        all.iter().for_each(|instance| {
            cloud.answers(instance.sop_instance_uid.as_str(), status);
            cloud.gets("1.2.3.1", instance);
        });
        let site = from_the_beginning(&cloud).await;
        site.metric(FAILED).await;
        // More rounds than it takes until one instance is held.
        let rounds = || site.bridge.metrics().pull_rounds.with_label_values(&["back", "failed"]).get();
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        let many = async {
            while rounds() < 8 {
                ticks.tick().await;
            }
        };
        tokio::time::timeout(super::super::site::DEADLINE, many).await.expect("rounds go on");
        assert!(cloud.retrieved().len() <= 15 * 10, "{status}: few are asked for in each round");
        assert_eq!((outcome(&site, "given_up"), outcome(&site, "gone")), (0, 0), "{status}");
        assert!(document(&site).await.contains("[\"1970-01-01T00:00:00Z\",0]"), "{status}");
        // The path is mended.
        all.iter().for_each(|instance| cloud.answers(instance.sop_instance_uid.as_str(), 200));
        site.delivered(30).await;
    }
}

#[tokio::test]
async fn one_that_is_refused_while_others_come_is_held_and_asked_for_again() {
    for status in [403, 404, 410, 406, 500] {
        let cloud = Cloud::default();
        cloud.answers("1.2.3.4.1", status);
        instances(0..4).iter().for_each(|instance| cloud.gets("1.2.3.1", instance));
        let site = from_the_beginning(&cloud).await;
        site.delivered(3).await;
        site.metric(&format!("{HELD} 1")).await;
        assert_eq!(outcome(&site, "given_up"), 1, "{status}");
        // What is new comes as before.
        cloud.gets("1.2.3.1", &instance(9, 10));
        site.delivered(4).await;
        // A quarter of an hour later, and it is given by now.
        cloud.answers("1.2.3.4.1", 200);
        let asked = cloud.retrieved().len();
        hurry(&site).await;
        site.delivered(5).await;
        site.metric(&format!("{HELD} 0")).await;
        assert_eq!(cloud.retrieved().len(), asked + 1, "{status}");
    }
}

/// What is held is to be asked for at once, as if the time had come.
async fn hurry(site: &Site) {
    let documents = &site.bridge.core.ports.documents;
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    loop {
        ticks.tick().await;
        let document = documents.get("pull", "back").await.unwrap().unwrap();
        let mut position: serde_json::Value = serde_json::from_slice(&document.value).unwrap();
        let held = position["held"].as_array_mut().unwrap();
        held.iter_mut().for_each(|held| held["again_at"] = 0.into());
        let written = position.to_string().into_bytes();
        // The pull writes it too.
        if documents.put("pull", "back", Some(document.version), written).await.is_ok() {
            return;
        }
    }
}

#[tokio::test]
async fn one_that_is_held_and_was_deleted_is_forgotten() {
    let cloud = Cloud::default();
    cloud.answers("1.2.3.4.1", 404);
    instances(0..2).iter().for_each(|instance| cloud.gets("1.2.3.1", instance));
    let site = from_the_beginning(&cloud).await;
    site.metric(&format!("{HELD} 1")).await;
    cloud.deletes("1.2.3.4.1");
    hurry(&site).await;
    site.metric("dimseway_pull_instances_total{outcome=\"gone\",pull=\"back\"} 1").await;
    site.metric(&format!("{HELD} 0")).await;
}

#[tokio::test]
async fn without_a_list_of_changes_others_of_the_series_or_410_show_what_was_deleted() {
    for (status, unlisted) in [(404, Some("1.2.3.4.1")), (410, None)] {
        let cloud = Cloud::default();
        cloud.answers("1.2.3.4.1", status);
        instances(0..2).iter().for_each(|instance| cloud.gets("1.2.3.1", instance));
        let since = Some(Timestamp::UNIX_EPOCH);
        let site = site(&cloud, Pull { since, ..pull("archive", SEARCH) }, |_| ()).await;
        site.metric(&format!("{HELD} 1")).await;
        cloud.lists_all_but(unlisted);
        cloud.hides_everything(unlisted.is_none());
        hurry(&site).await;
        site.metric("dimseway_pull_instances_total{outcome=\"gone\",pull=\"back\"} 1").await;
        site.metric(&format!("{HELD} 0")).await;
    }
}

#[tokio::test]
async fn one_that_is_held_and_hidden_stays_held() {
    for method in [FEED, SEARCH] {
        let cloud = Cloud::default();
        cloud.answers("1.2.3.4.1", 404);
        instances(0..2).iter().for_each(|instance| cloud.gets("1.2.3.1", instance));
        let since = Some(Timestamp::UNIX_EPOCH);
        let site = site(&cloud, Pull { since, ..pull("archive", method) }, |_| ()).await;
        site.delivered(1).await;
        site.metric(&format!("{HELD} 1")).await;
        cloud.hides_everything(true);
        let asked = cloud.retrieved().len();
        hurry(&site).await;
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        while cloud.retrieved().len() == asked {
            ticks.tick().await;
        }
        another_round(&site).await;
        assert_eq!(outcome(&site, "gone"), 0);
        site.metric(&format!("{HELD} 1")).await;
        assert!(document(&site).await.contains("hidden from these credentials"));
        // The rights are given back.
        cloud.hides_everything(false);
        cloud.answers("1.2.3.4.1", 200);
        hurry(&site).await;
        site.delivered(2).await;
    }
}

#[tokio::test]
async fn many_that_are_refused_in_a_row_keep_no_other_one_back() {
    // The status, how many get it, and changes at once.
    let rows = [(404, 20, 200), (404, 250, 200), (406, 250, 200), (500, 150, 200), (403, 150, 10)];
    for (method, (status, refused, at_once)) in
        rows.map(|row| (FEED, row)).into_iter().chain([(SEARCH, (404, 20, 200))])
    {
        let cloud = Cloud::default();
        cloud.gives_at_once(at_once);
        for number in 0..refused {
            let instance = instance(number, 10);
            cloud.answers(instance.sop_instance_uid.as_str(), status);
            cloud.gets("1.2.3.1", &instance);
        }
        (900..910).for_each(|number| cloud.gets("1.2.3.1", &instance(number, 10)));
        let since = Some(Timestamp::UNIX_EPOCH);
        let site = site(&cloud, Pull { since, ..pull("archive", method) }, |_| ()).await;
        site.delivered(10).await;
        (0..refused).for_each(|number| cloud.answers(&format!("1.2.3.4.{number}"), 200));
        let hurries = async {
            let mut ticks = tokio::time::interval(Duration::from_millis(100));
            loop {
                ticks.tick().await;
                hurry(&site).await;
            }
        };
        tokio::select! {
            _ = site.delivered(refused + 10) => {}
            () = hurries => {}
        }
    }
}

#[tokio::test]
async fn many_studies_that_are_refused_keep_no_other_study_back() {
    let cloud = Cloud::default();
    for number in 10..30 {
        cloud.answers(&format!("1.2.3.4.{number}"), 404);
        cloud.gets(&format!("1.2.3.{number}"), &instance(number, 10));
    }
    cloud.gets("1.2.3.90", &instance(90, 10));
    let since = Some(Timestamp::UNIX_EPOCH);
    let site = site(&cloud, Pull { since, ..pull("archive", SEARCH) }, |_| ()).await;
    site.delivered(1).await;
    assert_eq!(site.origin.stored().into_keys().collect::<Vec<_>>(), ["1.2.3.4.90"]);
}

#[tokio::test]
async fn held_ones_that_are_never_answered_keep_nothing_waiting_but_once() {
    // The retrieve is not answered, or the look-up after it.
    for status in [406, 404] {
        let cloud = Cloud::default();
        (1..4).for_each(|number| cloud.answers(&format!("1.2.3.4.{number}"), status));
        instances(0..4).iter().for_each(|instance| cloud.gets("1.2.3.1", instance));
        let pull = Pull { since: Some(Timestamp::UNIX_EPOCH), ..pull("archive", FEED) };
        let site = site(&cloud, pull, |config| {
            let origins = config.origins.iter_mut();
            origins.for_each(|origin| origin.client.timeouts.answer = Duration::from_millis(500));
        })
        .await;
        site.metric(&format!("{HELD} 3")).await;
        if status == 404 {
            cloud.looks_up_nothing();
        } else {
            (1..4).for_each(|number| cloud.never_answers(&format!("1.2.3.4.{number}")));
        }
        let before = cloud.retrieved().len();
        hurry(&site).await;
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        while cloud.retrieved().len() == before {
            ticks.tick().await;
        }
        cloud.gets("1.2.3.1", &instance(9, 10));
        site.delivered(2).await;
        let asked = cloud.retrieved().split_off(before);
        assert_eq!(asked.iter().position(|uid| uid == "1.2.3.4.9"), Some(1), "{status}: {asked:?}");
    }
}

#[tokio::test]
async fn refused_ones_before_and_behind_keep_none_between_them_back() {
    for status in [404, 406] {
        let cloud = Cloud::default();
        let good = 210..220;
        for number in 0..260 {
            let instance = instance(number, 10);
            let status = if good.contains(&number) { 200 } else { status };
            cloud.answers(instance.sop_instance_uid.as_str(), status);
            cloud.gets("1.2.3.1", &instance);
        }
        let site = from_the_beginning(&cloud).await;
        site.delivered(10).await;
    }
}

#[tokio::test]
async fn one_that_never_ends_is_held() {
    let cloud = Cloud::default();
    cloud.never_ends("1.2.3.4.1");
    instances(0..4).iter().for_each(|instance| cloud.gets("1.2.3.1", instance));
    let pull = Pull { since: Some(Timestamp::UNIX_EPOCH), ..pull("archive", FEED) };
    let site = site(&cloud, pull, |config| {
        config.origins.iter_mut().for_each(|origin| origin.client.timeouts.page = Duration::from_millis(500));
    })
    .await;
    site.metric(&format!("{HELD} 1")).await;
    site.delivered(3).await;
}

#[tokio::test]
async fn one_that_makes_the_origin_ask_for_time_keeps_no_other_one_back_for_ever() {
    let cloud = Cloud::default();
    cloud.asks_for_time("1.2.3.4.1");
    instances(0..4).iter().for_each(|instance| cloud.gets("1.2.3.1", instance));
    let pull = Pull { since: Some(Timestamp::UNIX_EPOCH), ..pull("archive", FEED) };
    let site = site(&cloud, pull, |config| {
        config.origins.iter_mut().for_each(|origin| origin.client.timeouts.unavailable = Duration::ZERO);
    })
    .await;
    site.metric(&format!("{HELD} 1")).await;
    cloud.gets("1.2.3.1", &instance(9, 10));
    site.delivered(4).await;
}

#[tokio::test]
async fn pages_behind_one_that_cannot_be_had_are_looked_at() {
    let cloud = Cloud::default();
    cloud.gives_at_once(10);
    cloud.answers("1.2.3.4.0", 500);
    instances(0..25).iter().for_each(|instance| cloud.gets("1.2.3.1", instance));
    let site = from_the_beginning(&cloud).await;
    site.delivered(24).await;
    site.metric(&format!("{HELD} 1")).await;
}

#[tokio::test]
async fn what_calls_itself_another_instance_is_not_taken_for_the_one_that_was_asked_for() {
    let cloud = Cloud::default();
    instances(0..4).iter().for_each(|instance| cloud.gets("1.2.3.1", instance));
    let (asked_for, other) = (instance(4, 10), instance(7, 10));
    cloud.gets("1.2.3.1", &Instance { sop_instance_uid: asked_for.sop_instance_uid.clone(), ..other });
    let site = from_the_beginning(&cloud).await;
    site.delivered(4).await;
    site.metric(&format!("{HELD} 1")).await;
    assert_eq!(outcome(&site, "pulled"), 4);
    cloud.gets("1.2.3.1", &asked_for);
    site.delivered(5).await;
}

#[tokio::test]
async fn what_is_held_is_asked_for_after_what_is_new() {
    let cloud = Cloud::default();
    cloud.answers("1.2.3.4.1", 406);
    instances(0..4).iter().for_each(|instance| cloud.gets("1.2.3.1", instance));
    let site = from_the_beginning(&cloud).await;
    site.delivered(3).await;
    site.metric(&format!("{HELD} 1")).await;
    let pulls = site.bridge.core.snapshot.load_full().config.pulls.clone();
    let mut config = listing::without_pulls(&site).await;
    cloud.gets("1.2.3.1", &instance(9, 10));
    hurry(&site).await;
    let before = cloud.retrieved().len();
    config.pulls = pulls;
    site.bridge.reload(config).unwrap();
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    while cloud.retrieved().len() < before + 2 {
        ticks.tick().await;
    }
    assert_eq!(cloud.retrieved().split_off(before), ["1.2.3.4.9", "1.2.3.4.1"]);
}
