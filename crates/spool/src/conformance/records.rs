//! What is recorded, and what the records tell.

use super::{Backend, delivered, ids, lease_now, request, state, store, trailer, write};
use crate::{Destination, Error, HeldReason, Outcome, Spool, State};

pub(super) async fn outcomes_are_recorded_together(backend: &mut impl Backend) {
    let spool = backend.open().await;
    let mut all = Vec::new();
    for uid in ["1.1", "1.2", "1.3"] {
        all.push(store(&*spool, uid, &["archive"]).await);
    }
    let leases = lease_now(&*spool, request("archive"), all[2]).await;
    assert_eq!(ids(&leases), all);
    delivered(&*spool, &leases[1]).await;
    let done = || Outcome::Delivered { answer: "200".into() };
    let held = Outcome::Held { reason: HeldReason::OutcomeUnknown };
    let tokens = leases.iter().map(|lease| lease.token.clone());
    let results = spool.record_all(tokens.zip([done(), done(), held]).collect()).await.unwrap();
    assert!(matches!(results[..], [Ok(()), Err(Error::StaleToken), Ok(())]), "{results:?}");
    assert!(spool.record_all(Vec::new()).await.unwrap().is_empty());
    backend.crash(spool).await;
    let spool = backend.open().await;
    let mut states = Vec::new();
    for entry_id in all {
        states.push(state(&*spool, entry_id).await);
    }
    assert_eq!(states, [State::Delivered, State::Delivered, State::Held]);
}

pub(super) async fn content_delivered_last_is_known(backend: &mut impl Backend) {
    let spool = backend.open().await;
    let (archive, other): (Destination, Destination) = ("archive".parse().unwrap(), "other".parse().unwrap());
    let uids = ["1.2.4", "1.2.3", "1.2.5"].map(|uid| uid.parse().unwrap());
    let known = |destination: Destination| {
        let (spool, uids): (&dyn Spool, _) = (&*spool, &uids);
        async move { spool.delivered_content(&destination, uids).await.unwrap() }
    };
    assert_eq!(known(archive.clone()).await, [None; 3], "nothing was ever delivered");
    let mut given = Vec::new();
    for (uid, data) in [("1.2.3", b"old"), ("1.2.3", b"new"), ("1.2.4", b"one")] {
        let committed = write(&*spool, trailer(uid, "1.9", &["archive"]), data).await.unwrap();
        let leases = lease_now(&*spool, request("archive"), committed.entry_id).await;
        delivered(&*spool, &leases[0]).await;
        given.push(committed.sha256);
    }
    // What is on its way or goes elsewhere does not count.
    write(&*spool, trailer("1.2.3", "1.9", &["archive", "other"]), b"due").await.unwrap();
    write(&*spool, trailer("1.2.5", "1.9", &["archive"]), b"due").await.unwrap();
    assert_eq!(known(archive).await, [Some(given[2]), Some(given[1]), None]);
    assert_eq!(known(other).await, [None; 3]);
}
