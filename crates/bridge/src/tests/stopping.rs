//! How the bridge stops.

use std::time::Duration;

use bytes::Bytes;
use dimse::{Error, Status, acse::AssociateReject};
use futures::{StreamExt, stream};
use tokio::{net::TcpStream, sync::oneshot};

use super::site::{CT, DEADLINE, Site, explicit, instance, request};
use crate::{Readiness, bridge::Drained};

#[tokio::test]
async fn the_message_in_hand_is_finished_then_the_association_aborted() {
    let site = Site::new(|_| {}).await;
    let mut modality = site.modality().await;
    let context = modality.association.contexts().find(&CT.parse().unwrap(), &explicit()).unwrap().clone();
    let whole = instance(1, 600_000);
    let (go_on, wait) = oneshot::channel::<()>();
    let (first, second) = whole.data_set.split_at(300_000);
    let (first, second) = (Bytes::copy_from_slice(first), Bytes::copy_from_slice(second));
    let rest = stream::once(async move {
        let _ = wait.await;
        Ok(second)
    });
    let data_set = stream::iter([Ok(first)]).chain(rest).boxed();
    let stopping = async {
        site.metric("dimseway_memory_budget_used_bytes 720896").await;
        site.stop.cancel();
        // The listener closes while the object is still on its way.
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        while TcpStream::connect(site.address).await.is_ok() {
            ticks.tick().await;
        }
        go_on.send(()).unwrap();
    };
    let storing = modality.association.store(&context, request(&whole.sop_instance_uid), data_set);
    let (response, ()) = tokio::join!(storing, stopping);
    assert_eq!(response.unwrap().status, Status::SUCCESS);
    assert!(matches!(modality.association.echo().await, Err(Error::Aborted(_))));
    drop(modality);
    let drained = site.running.await.unwrap();
    assert_eq!(drained, Drained::default());
    assert_eq!(site.bridge.readiness(), Readiness::Draining);
}

#[tokio::test]
async fn what_does_not_finish_in_time_is_aborted() {
    let site = Site::new(|config| config.drain.timeout = Duration::from_millis(50)).await;
    let mut modality = site.modality().await;
    let context = modality.association.contexts().find(&CT.parse().unwrap(), &explicit()).unwrap().clone();
    let whole = instance(1, 600_000);
    let first = Bytes::copy_from_slice(&whole.data_set[..300_000]);
    let endless = stream::iter([Ok(first)]).chain(stream::pending()).boxed();
    let storing = modality.association.store(&context, request(&whole.sop_instance_uid), endless);
    let drained = async {
        site.metric("dimseway_memory_budget_used_bytes 720896").await;
        site.stop.cancel();
        site.running.await.unwrap()
    };
    let (drained, response) = tokio::join!(drained, storing);
    assert!(matches!(response, Err(Error::Aborted(_))), "{response:?}");
    assert_eq!(drained.associations_aborted, 1);
}

#[tokio::test]
async fn new_associations_are_rejected_as_transient_before_the_listener_closes() {
    let site = Site::new(|config| config.drain.delay = Duration::from_secs(3600)).await;
    site.modality().await.association.release().await.unwrap();
    assert_eq!(site.bridge.readiness(), Readiness::Ready);
    site.stop.cancel();
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    while site.bridge.readiness() != Readiness::Draining {
        ticks.tick().await;
    }
    match site.call("CT1", "DIMSEWAY").await {
        Err(Error::Rejected(reject)) => assert_eq!(reject, AssociateReject::LOCAL_LIMIT_EXCEEDED),
        other => panic!("{:?}", other.err()),
    }
}

#[tokio::test]
async fn a_connection_that_says_nothing_holds_nothing_up() {
    let site = Site::new(|config| {
        config.timers.artim = Duration::from_secs(3600);
        config.drain.timeout = Duration::from_secs(3600);
    })
    .await;
    let silent = TcpStream::connect(site.address).await.unwrap();
    site.metric("dimseway_connections_silent 1").await;
    site.stop.cancel();
    let drained = tokio::time::timeout(DEADLINE, site.running).await;
    assert_eq!(drained.expect("it waits for the silent connection").unwrap(), Drained::default());
    drop(silent);
}
