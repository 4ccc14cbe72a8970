//! `acknowledge = "stored"`: success only when the origin has confirmed that very instance.

use bytes::Bytes;
use dimse::Status;
use futures::stream;
use tokio::net::TcpListener;

use super::{
    origin::Answer,
    site::{CT, Site, config, explicit, instance, request},
};
use crate::{
    Config,
    config::{Acknowledge, Match, Route},
};

fn stored(config: &mut Config) {
    let everything = Route::everything(vec!["archive".parse().unwrap()]);
    config.routes = vec![Route { acknowledge: Acknowledge::Stored, ..everything }];
}

#[tokio::test]
async fn success_means_that_the_origin_has_it() {
    let site = Site::new(stored).await;
    let mut modality = site.modality().await;
    for number in 0..3 {
        let instance = instance(number, 400_000);
        assert_eq!(modality.store(&instance).await.status, Status::SUCCESS);
        assert_eq!(site.origin.stored()[instance.sop_instance_uid.as_str()], instance.data_set);
    }
    assert!(site.states().await.is_empty(), "nothing touched the spool");
}

#[tokio::test]
async fn refusals_become_statuses() {
    let cases = [
        (Answer::Status(503, None), 0xA700),
        (Answer::Status(401, None), 0x0124),
        (Answer::Status(413, None), 0xA700),
        (Answer::Status(415, None), 0xC122),
        (Answer::Say(400, "text/plain", "no"), 0xC000),
        (Answer::Fail("1.2.3.4.1".into(), 0xA900), 0xA900),
        (Answer::Fail("1.2.3.4.1".into(), 0x0110), 0x0110),
        (Answer::Say(200, "text/html", "<html>Please log in</html>"), 0xA700),
        (Answer::Say(200, "text/plain", ""), 0xA700),
    ];
    let site = Site::new(stored).await;
    let mut modality = site.modality().await;
    for (answer, status) in cases {
        site.origin.then(answer.clone());
        let response = modality.store(&instance(1, 300_000)).await;
        assert_eq!(response.status, Status(status), "{answer:?}: {:?}", response.error_comment);
    }
    assert!(site.origin.stored().is_empty());
    assert!(site.states().await.is_empty());
}

#[tokio::test]
async fn an_answer_that_says_nothing_is_looked_up() {
    let site = Site::new(stored).await;
    site.origin.then(Answer::StoreAndSay(200, "text/plain", ""));
    assert_eq!(site.modality().await.store(&instance(1, 1000)).await.status, Status::SUCCESS);
}

#[tokio::test]
async fn an_older_instance_of_that_uid_confirms_nothing() {
    let keeps = |config: &mut Config| {
        stored(config);
        config.origins[0].client.profile.duplicates_unreported = true;
    };
    let (sent, older) = (instance(1, 300_000), instance(1, 1000));
    let site = Site::new(keeps).await;
    site.origin.always(Answer::KeepAndSayStored);
    site.origin.holds("1.2.3.4.1", &older.data_set);
    let mut modality = site.modality().await;
    assert_eq!(modality.store(&sent).await.status, Status::DUPLICATE_SOP_INSTANCE, "kept the older one");
    assert_eq!(modality.store(&older).await.status, Status::SUCCESS, "the same content");
    assert_eq!(modality.store(&instance(2, 1000)).await.status, Status::SUCCESS);

    let site = Site::new(stored).await;
    site.origin.holds("1.2.3.4.1", &older.data_set);
    let mut modality = site.modality().await;
    site.origin.then(Answer::BreakOff);
    assert_eq!(modality.store(&sent).await.status, Status::OUT_OF_RESOURCES, "the answer broke off");
    site.origin.then(Answer::BreakOff);
    assert_eq!(modality.store(&older).await.status, Status::SUCCESS, "its copy is equal");
}

#[tokio::test]
async fn an_object_that_is_cut_never_reaches_the_origin_as_whole() {
    let site = Site::new(stored).await;
    let mut modality = site.modality().await;
    let context = modality.association.contexts().find(&CT.parse().unwrap(), &explicit()).unwrap().clone();
    let whole = instance(1, 600_000);
    let half = whole.data_set[..300_000].to_vec();
    let cut = stream::iter([Ok(Bytes::from(half)), Err(std::io::Error::other("unplugged"))]);
    assert!(modality.association.store(&context, request(&whole.sop_instance_uid), cut).await.is_err());
    site.metric("dimseway_associations_total{outcome=\"aborted\",peer=\"other\"} 1").await;
    assert!(site.origin.stored().is_empty());
}

#[tokio::test]
async fn an_object_that_differs_from_its_command_is_refused_before_a_byte_is_sent() {
    let site = Site::new(stored).await;
    let other = "1.2.3.4.99".parse().unwrap();
    let response = site.modality().await.store_as(&other, &instance(1, 1000).data_set).await.unwrap();
    assert_eq!(response.status, Status(0xA900));
    assert_eq!(site.origin.requests(), 0);
}

#[tokio::test]
async fn the_modality_in_the_head_decides() {
    let site = Site::new(|config| {
        let matches = Match { modality: vec!["CT".parse().unwrap()], ..Match::default() };
        let everything = Route::everything(vec!["archive".parse().unwrap()]);
        config.routes = vec![Route { matches, acknowledge: Acknowledge::Stored, ..everything }];
    })
    .await;
    assert_eq!(site.modality().await.store(&instance(1, 1000)).await.status, Status::SUCCESS);
    assert_eq!(site.origin.stored().len(), 1);
    assert!(site.states().await.is_empty());
}

#[tokio::test]
async fn what_cannot_pass_through_is_answered_after_its_delivery() {
    // The head is too short to decide; the profile takes no unknown lengths; there are two destinations.
    type Change = fn(&mut Config);
    let changes: [Change; 2] = [
        |config| config.limits.head = 0,
        |config| config.origins[0].client.profile.unknown_length_accepted = false,
    ];
    for change in changes {
        let site = Site::new(|config| {
            stored(config);
            change(config);
        })
        .await;
        let mut modality = site.modality().await;
        let sent = instance(1, 300_000);
        assert_eq!(modality.store(&sent).await.status, Status::SUCCESS);
        assert_eq!(site.origin.stored()[sent.sop_instance_uid.as_str()], sent.data_set, "before the answer");
        site.origin.then(Answer::Fail("1.2.3.4.2".into(), 0xC000));
        assert_eq!(modality.store(&instance(2, 1000)).await.status, Status::PROCESSING_FAILURE);
        site.settled(2, &[spool::State::Delivered, spool::State::Held]).await;
    }
}

#[tokio::test]
async fn a_second_destination_that_is_down_is_waited_for_in_vain() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let down = closed.local_addr().unwrap();
    drop(closed);
    let site = Site::new(|config| {
        config.origins.extend(self::config(&[("second", down)]).origins);
        let both = vec!["archive".parse().unwrap(), "second".parse().unwrap()];
        config.routes = vec![Route { acknowledge: Acknowledge::Stored, ..Route::everything(both) }];
        config.timers.stored = std::time::Duration::from_millis(300);
    })
    .await;
    let response = site.modality().await.store(&instance(1, 1000)).await;
    assert_eq!(response.status, Status::OUT_OF_RESOURCES);
    assert!(response.error_comment.is_some_and(|comment| comment.contains("in time")));
}
