//! What the DICOM service of Azure answers to a store, and what becomes of it.

use axum::http::Method;
use dicomweb::Profile;
use dimse::Status;
use spool::State;

use super::{
    origin::Answer,
    site::{Instance, Site, instance},
};
use crate::{
    Config,
    config::{Acknowledge, Duplicate, Route},
};

fn azure(config: &mut Config) {
    config.origins[0].client.profile = Profile::azure();
}

fn passing_through(config: &mut Config) {
    azure(config);
    let everything = Route::everything(vec!["archive".parse().unwrap()]);
    config.routes = vec![Route { acknowledge: Acknowledge::Stored, ..everything }];
}

async fn send(site: &Site, instance: &Instance) {
    assert_eq!(site.modality().await.store(instance).await.status, Status::SUCCESS);
}

#[tokio::test]
async fn accepted_with_nothing_but_warnings_is_success() {
    for warning in [0x0001, 0xB007] {
        let site = Site::new(azure).await;
        site.origin.always(Answer::Warn(warning));
        send(&site, &instance(1, 1000)).await;
        let lines = site.delivered(1).await;
        let reason = lines[0].reason.clone().unwrap();
        assert!(lines[0].attempts == 1 && reason.contains(&format!("{warning:04X}")), "{lines:?}");

        let site = Site::new(passing_through).await;
        site.origin.always(Answer::Warn(warning));
        send(&site, &instance(1, 1000)).await;
    }
}

#[tokio::test]
async fn one_that_is_being_created_is_sent_again() {
    let site = Site::new(azure).await;
    (0..3).for_each(|_| site.origin.then(Answer::Fail("1.2.3.4.1".into(), 0xB00F)));
    send(&site, &instance(1, 1000)).await;
    let lines = site.delivered(1).await;
    assert_eq!((lines[0].attempts, site.origin.requests()), (4, 4));
}

#[tokio::test]
async fn a_duplicate_is_what_the_policy_says() {
    let (sent, older) = (instance(1, 1000), instance(1, 999));
    let cases = [
        (Duplicate::Verify, &sent, State::Delivered),
        (Duplicate::Verify, &older, State::Held),
        (Duplicate::Success, &older, State::Delivered),
        (Duplicate::Reject, &sent, State::Held),
        (Duplicate::Overwrite, &older, State::Delivered),
    ];
    for put_replaces in [true, false] {
        for (duplicate, there, state) in cases {
            let site = Site::new(|config| {
                azure(config);
                config.origins[0].duplicate = duplicate;
                config.origins[0].client.profile.put_replaces = put_replaces;
            })
            .await;
            site.origin.holds("1.2.3.4.1", &there.data_set);
            site.origin.always(Answer::RefuseWhatIsThere(0xB00E));
            send(&site, &sent).await;
            let lines = site.settled(1, &[State::Delivered, State::Held]).await;
            assert_eq!(lines[0].state, state, "{duplicate:?}: {lines:?}");
            let overwritten = duplicate == Duplicate::Overwrite;
            let expected = if overwritten { &sent } else { there };
            assert_eq!(site.origin.stored()["1.2.3.4.1"], expected.data_set, "{duplicate:?}");
            let by_put = overwritten && put_replaces;
            let methods: Vec<_> = site.origin.seen().into_iter().map(|seen| seen.method).collect();
            let repeated = if overwritten && !put_replaces { 2 } else { 1 };
            assert_eq!(
                methods,
                vec![if by_put { Method::PUT } else { Method::POST }; repeated],
                "{duplicate:?}"
            );
            assert_eq!(site.origin.deleted().len(), repeated - 1, "{duplicate:?}");
        }
    }
}

#[tokio::test]
async fn its_own_codes_never_look_like_warnings_to_a_peer() {
    let cases = [
        // There with other content.
        (0xB00E, Status::DUPLICATE_SOP_INSTANCE),
        // Being created: the peer may send it again.
        (0xB00F, Status::OUT_OF_RESOURCES),
        (0xB007, Status::PROCESSING_FAILURE),
        (0x0001, Status::PROCESSING_FAILURE),
        (0xA901, Status(0xA901)),
    ];
    let site = Site::new(passing_through).await;
    site.origin.holds("1.2.3.4.1", &instance(1, 1).data_set);
    let mut modality = site.modality().await;
    for (reason, status) in cases {
        site.origin.then(Answer::Fail("1.2.3.4.1".into(), reason));
        let response = modality.store(&instance(1, 300_000)).await;
        assert_eq!(response.status, status, "{reason:04X}");
    }
    assert!(site.states().await.is_empty());
}

#[tokio::test]
async fn a_replacing_request_passes_through_and_a_deletion_needs_the_spool() {
    for put_replaces in [true, false] {
        let site = Site::new(|config| {
            passing_through(config);
            config.origins[0].duplicate = Duplicate::Overwrite;
            config.origins[0].client.profile.put_replaces = put_replaces;
        })
        .await;
        let sent = instance(1, 1000);
        site.origin.holds("1.2.3.4.1", &instance(1, 999).data_set);
        site.origin.always(Answer::RefuseWhatIsThere(0xB00E));
        send(&site, &sent).await;
        assert_eq!(site.origin.stored()["1.2.3.4.1"], sent.data_set);
        assert_eq!(site.states().await.is_empty(), put_replaces);
    }
}

#[tokio::test]
async fn a_server_that_asks_for_time_costs_no_attempt() {
    for status in [429, 503] {
        let site = Site::new(azure).await;
        (0..6).for_each(|_| site.origin.then(Answer::Status(status, Some(0))));
        send(&site, &instance(1, 1000)).await;
        let lines = site.delivered(1).await;
        assert_eq!((lines[0].attempts, site.origin.requests()), (1, 7), "{status}");
    }
}

#[tokio::test]
async fn other_content_is_not_put_in_the_place_of_what_was_delivered() {
    let site = Site::new(|config| {
        azure(config);
        config.origins[0].client.profile.store_method = dicomweb::profile::StoreMethod::Put;
    })
    .await;
    let (first, other) = (instance(1, 1000), instance(1, 999));
    send(&site, &first).await;
    site.delivered(1).await;
    send(&site, &other).await;
    let lines = site.settled(2, &[State::Delivered, State::Held]).await;
    assert_eq!(lines[1].reason.as_deref(), Some("same UID, different content"), "{lines:?}");
    assert_eq!(site.origin.stored()["1.2.3.4.1"], first.data_set);
}
