//! What is leased, when, and by whom.

use std::time::Duration;

use super::{Backend, delivered, ids, lease, lease_now, next_due, request, store, trailer, write};
use crate::{Error, HeldReason, LeaseRequest, Outcome};

pub(super) async fn one_at_a_time_in_order_of_acceptance(backend: &mut impl Backend) {
    let spool = backend.open().await;
    let first = store(&*spool, "1.2.3", &["archive"]).await;
    let second = store(&*spool, "1.2.3", &["archive"]).await;
    let third = store(&*spool, "1.2.3", &["archive"]).await;
    let other = store(&*spool, "1.2.4", &["archive"]).await;
    let leases = lease_now(&*spool, request("archive"), other).await;
    assert_eq!(ids(&leases), [first, other]);
    assert_eq!(lease_now(&*spool, request("archive"), other).await.len(), 0);
    delivered(&*spool, &leases[0]).await;
    let leases = lease_now(&*spool, request("archive"), other).await;
    assert_eq!(ids(&leases), [second]);
    let held = Outcome::Held { reason: HeldReason::DifferentContent };
    spool.record(&leases[0].token, held).await.unwrap();
    let leases = lease_now(&*spool, request("archive"), other).await;
    assert_eq!(ids(&leases), [third], "a held delivery does not keep later ones back");
    spool.release(second, None).await.unwrap();
    assert_eq!(lease_now(&*spool, request("archive"), other).await.len(), 0, "one is under way");
    delivered(&*spool, &leases[0]).await;
    assert_eq!(ids(&lease_now(&*spool, request("archive"), other).await), [second]);
}

pub(super) async fn destinations_do_not_wait_for_each_other(backend: &mut impl Backend) {
    let spool = backend.open().await;
    let entry_id = store(&*spool, "1.2.3", &["archive", "peer:PACS"]).await;
    let archive = lease(&*spool, request("archive")).await;
    let peer = lease_now(&*spool, request("peer:PACS"), entry_id).await;
    assert_eq!((ids(&archive), ids(&peer)), (vec![entry_id], vec![entry_id]));
    delivered(&*spool, &peer[0]).await;
    delivered(&*spool, &archive[0]).await;
    assert_eq!(next_due(&*spool, "archive").await, None);
}

pub(super) async fn leases_keep_to_their_limits(backend: &mut impl Backend) {
    let spool = backend.open().await;
    let mut all = Vec::new();
    for (uid, study) in [("1.1", "1.9"), ("1.2", "1.8"), ("1.3", "1.9"), ("1.4", "1.8"), ("1.5", "1.9")] {
        let committed = write(&*spool, trailer(uid, study, &["archive"]), &[0; 100]).await.unwrap();
        all.push(committed.entry_id);
    }
    let newest = all[4];
    spool.show(newest).await.unwrap();
    let due = |request: LeaseRequest| async {
        let leases = lease_now(&*spool, request, newest).await;
        for lease in &leases {
            let released = Outcome::Released { not_before: lease.entry.header.accepted_at, reason: None };
            spool.record(&lease.token, released).await.unwrap();
        }
        let mut ids = ids(&leases);
        ids.sort();
        ids
    };
    let archive = || request("archive");
    assert_eq!(due(LeaseRequest { entries_max: 2, ..archive() }).await, all[..2]);
    assert_eq!(due(LeaseRequest { bytes_max: 250, ..archive() }).await.len(), 2);
    assert_eq!(
        due(LeaseRequest { bytes_max: 1, ..archive() }).await.len(),
        1,
        "one is given whatever its size"
    );
    assert_eq!(due(LeaseRequest { same_study: true, ..archive() }).await, [all[0], all[2], all[4]]);
    assert_eq!(due(request("elsewhere")).await, []);
    assert_eq!(due(archive()).await, all);
    let leased = spool.lease(LeaseRequest { entries_max: 4, same_study: true, ..archive() }).await.unwrap();
    assert_eq!((leased.left.due, leased.left.of_study), (2, 0), "what is left is of the other study");
    let leased = spool.lease(LeaseRequest { entries_max: 1, same_study: true, ..archive() }).await.unwrap();
    assert_eq!((leased.left.due, leased.left.of_study), (1, 1));
}

pub(super) async fn little_is_shared_by_workers(backend: &mut impl Backend) {
    const DUE: usize = 40;
    let spool = backend.open().await;
    let mut all = Vec::new();
    for number in 0..DUE {
        all.push(store(&*spool, &format!("1.{number}"), &["archive"]).await);
    }
    let newest = all[DUE - 1];
    let two = || LeaseRequest { entries_max: 30, workers: 2, ..request("archive") };
    let mut shares = Vec::new();
    let mut leased = Vec::new();
    while leased.len() < DUE {
        let leases = lease_now(&*spool, two(), newest).await;
        assert!(!leases.is_empty(), "what is left is given to who asks");
        shares.push(leases.len());
        leased.extend(ids(&leases));
    }
    assert_eq!(shares[..2], [20, 10], "half of what is due to each of two");
    assert_eq!(leased, all, "in order of acceptance");
    assert_eq!(lease_now(&*spool, two(), newest).await.len(), 0);
}

pub(super) async fn a_later_lease_makes_an_earlier_one_stale(backend: &mut impl Backend) {
    let spool = backend.open().await;
    let entry_id = store(&*spool, "1.2.3", &["archive"]).await;
    let short = LeaseRequest { ttl: Duration::ZERO, ..request("archive") };
    let earlier = lease(&*spool, short).await;
    let later = lease_now(&*spool, request("archive"), entry_id).await;
    assert_eq!(ids(&later), [entry_id], "an expired lease is due again");
    assert!(later[0].token.fence > earlier[0].token.fence);
    assert_eq!(later[0].attempts, 2);
    let stale = spool.record(&earlier[0].token, Outcome::Delivered { answer: String::new() }).await;
    assert!(matches!(stale, Err(Error::StaleToken)), "{stale:?}");
    let stale = spool.renew(&earlier[0].token, Duration::from_secs(1)).await;
    assert!(matches!(stale, Err(Error::StaleToken)), "{stale:?}");
    spool.renew(&later[0].token, Duration::from_secs(1)).await.unwrap();
    delivered(&*spool, &later[0]).await;
    let again = spool.record(&later[0].token, Outcome::Delivered { answer: String::new() }).await;
    assert!(matches!(again, Err(Error::StaleToken)), "{again:?}");
}
