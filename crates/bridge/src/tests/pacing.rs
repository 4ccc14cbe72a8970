//! An origin that may only be used at a certain pace.

use dicomweb::{
    Pace, RateLimit,
    pace::{Rates, Window},
};
use dimse::Status;
use jiff::civil::time;
use postdicom::request::GetPatientOrderList;
use spool::State;

use super::{
    postdicom::Account,
    site::{Site, config, instance},
};
use crate::{Config, snapshot::Snapshot};

fn limited(config: &mut Config, limit: RateLimit) {
    for origin in &mut config.origins {
        origin.client.pace = Pace::new(limit.clone());
    }
}

/// Never a time for deliveries.
fn closed() -> RateLimit {
    RateLimit { rates: Rates { deliveries: false, ..Rates::default() }, ..RateLimit::default() }
}

async fn send(site: &Site, count: usize) {
    let mut modality = site.modality().await;
    for number in 0..count {
        assert_eq!(modality.store(&instance(number, 1000)).await.status, Status::SUCCESS);
    }
    modality.association.release().await.unwrap();
}

#[tokio::test]
async fn deliveries_wait_for_their_time_of_day_without_a_lease() {
    let site = Site::new(|config| limited(config, closed())).await;
    send(&site, 3).await;
    let archive = "archive".parse().unwrap();
    assert!(site.bridge.waits_for(&archive).is_some_and(|words| words.contains("time of day")));
    let lines = site.settled(3, &[State::Due]).await;
    assert!(lines.iter().all(|line| line.attempts == 0), "nothing is leased: {lines:?}");
    assert_eq!(site.origin.requests(), 0);

    let mut open = config(&[("archive", site.origin_address)]);
    let always =
        Window { days: Vec::new(), from: time(0, 0, 0, 0), to: time(0, 0, 0, 0), rates: Rates::default() };
    limited(&mut open, RateLimit { windows: vec![always], ..closed() });
    site.bridge.reload(open).unwrap();
    let lines = site.delivered(3).await;
    assert!(lines.iter().all(|line| line.attempts == 1), "waiting is no attempt: {lines:?}");
    assert_eq!(site.bridge.waits_for(&archive), None);
}

#[tokio::test]
async fn a_limited_origin_is_not_a_failing_one() {
    let rates = Rates {
        requests_per_second: Some(50.0),
        burst: Some(1),
        concurrent: Some(1),
        bytes_per_second: Some(256 * 1024),
        ..Rates::default()
    };
    let site = Site::new(|config| {
        limited(config, RateLimit { rates, ..RateLimit::default() });
        config.forward.batch_instances = 2;
    })
    .await;
    send(&site, 20).await;
    let lines = site.delivered(20).await;
    assert!(lines.iter().all(|line| line.attempts == 1), "{lines:?}");
    assert_eq!(site.origin.stored().len(), 20);
    site.bridge.refresh_gauges().await.unwrap();
    let text = site.bridge.metrics().to_text().unwrap();
    assert!(
        text.contains("dimseway_rate_limit_waited_seconds_total{origin=\"archive\",precedence=\"bulk\"}")
    );
    assert!(!text.contains("dimseway_destination_down{destination=\"archive\"} 1"), "{text}");
}

#[tokio::test]
async fn a_reload_does_not_give_an_origin_a_new_burst() {
    let limit = RateLimit {
        rates: Rates { requests_per_second: Some(0.001), burst: Some(1), ..Rates::default() },
        ..RateLimit::default()
    };
    let site = Site::new(|config| limited(config, limit.clone())).await;
    send(&site, 1).await;
    site.delivered(1).await;
    let mut again = config(&[("archive", site.origin_address)]);
    limited(&mut again, limit);
    site.bridge.reload(again).unwrap();
    let mut modality = site.modality().await;
    assert_eq!(modality.store(&instance(1, 1000)).await.status, Status::SUCCESS);
    let snapshot = site.bridge.core.snapshot.load_full();
    let pace = snapshot.origins["archive"].client.pace();
    assert!(pace.bulk_ready_at().is_some(), "the turn was used up before");
    site.bridge.reload(config(&[("archive", site.origin_address)])).unwrap();
    site.delivered(2).await;
}

/// The vendor's own end points are another client, at the same pace.
#[tokio::test]
async fn calls_for_orders_count_against_the_limits_of_their_origin() {
    let account = Account::new(|_| {}).await;
    let limit = RateLimit {
        rates: Rates {
            requests_per_second: Some(0.001),
            burst: Some(2),
            concurrent: Some(1),
            ..Rates::default()
        },
        ..RateLimit::default()
    };
    let mut site = config(&[("archive", account.address)]);
    account.configure(&mut site);
    limited(&mut site, limit.clone());
    let snapshot = Snapshot::new(site.clone()).unwrap();
    let list = async |snapshot: &Snapshot| {
        let client = &snapshot.origins["archive"].postdicom.as_ref().unwrap().client;
        client.get_patient_order_list(GetPatientOrderList::default()).await.unwrap();
    };
    let pace = snapshot.origins["archive"].client.pace();
    for is_used_up in [false, true] {
        list(&snapshot).await;
        assert_eq!(pace.bulk_ready_at().is_some(), is_used_up);
    }
    // Other limits hold for who has it already, and what was used stays used.
    limited(&mut site, RateLimit::default());
    let succeeding = Snapshot::succeeding(site, &snapshot).unwrap();
    list(&snapshot).await;
    list(&succeeding).await;
    let pace = succeeding.origins["archive"].client.pace();
    pace.configure(limit);
    assert!(pace.bulk_ready_at().is_some());
}
