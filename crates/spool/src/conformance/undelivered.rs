//! What queries see beside what a destination has.

use instance::Uid;

use super::{Backend, delivered, lease_now, read, request, store, trailer, write};
use crate::{Destination, Entry, HeldReason, Outcome};

fn uids(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.trailer.identity.sop_instance_uid.as_str()).collect()
}

pub(super) async fn what_is_accepted_is_listed_until_it_is_delivered(backend: &mut impl Backend) {
    let spool = backend.open().await;
    let archive: Destination = "archive".parse().unwrap();
    let second: Destination = "second".parse().unwrap();
    let study: Uid = "1.9".parse().unwrap();
    let held = store(&*spool, "1.2.1", &["archive"]).await;
    let first = store(&*spool, "1.2.2", &["archive", "second"]).await;
    let again = store(&*spool, "1.2.2", &["archive"]).await;
    spool.hold(held, None, HeldReason::Operator("wait".into())).await.unwrap();
    let listed = spool.undelivered_instances(&archive, &study, None, 10).await.unwrap();
    assert_eq!(uids(&listed), ["1.2.1", "1.2.2"], "at once, held ones too");
    assert_eq!(spool.undelivered_studies(&archive, None, 10).await.unwrap().len(), 1);
    assert_eq!(uids(&spool.undelivered_instances(&second, &study, None, 10).await.unwrap()), ["1.2.2"]);
    assert!([first, again].contains(&listed[1].entry_id));
    assert_eq!(read(&*spool, listed[1].entry_id, 0..4).await.unwrap(), b"data");

    let leases = lease_now(&*spool, request("archive"), again).await;
    assert_eq!(leases.len(), 1);
    let listed = spool.undelivered_instances(&archive, &study, None, 10).await.unwrap();
    assert_eq!(uids(&listed), ["1.2.1", "1.2.2"], "also while it is delivered");
    delivered(&*spool, &leases[0]).await;
    let listed = spool.undelivered_instances(&archive, &study, None, 10).await.unwrap();
    assert_eq!(listed[1].entry_id, again, "the one behind it is not");
    let leases = lease_now(&*spool, request("archive"), again).await;
    spool.record(&leases[0].token, Outcome::Quarantined { reason: "checksum".into() }).await.unwrap();
    let listed = spool.undelivered_instances(&archive, &study, None, 10).await.unwrap();
    assert_eq!(uids(&listed), ["1.2.1"], "damaged bytes do not count");
    spool.discard(held, None).await.unwrap();
    assert!(spool.undelivered_instances(&archive, &study, None, 10).await.unwrap().is_empty());
    assert!(spool.undelivered_studies(&archive, None, 10).await.unwrap().is_empty());
}

pub(super) async fn lists_go_on_behind_a_uid(backend: &mut impl Backend) {
    let spool = backend.open().await;
    let archive: Destination = "archive".parse().unwrap();
    for (uid, study) in [("1.1.1", "1.1"), ("1.3.1", "1.3"), ("1.2.1", "1.2"), ("1.2.2", "1.2")] {
        write(&*spool, trailer(uid, study, &["archive"]), b"data").await.unwrap();
    }
    let study_of = |entry: &Entry| entry.trailer.identity.study_instance_uid.clone();
    let mut studies: Vec<String> = Vec::new();
    let mut after = None;
    loop {
        let page = spool.undelivered_studies(&archive, after.as_ref(), 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(study_of(last));
        studies.extend(page.iter().map(|entry| study_of(entry).to_string()));
    }
    assert_eq!(studies, ["1.1", "1.2", "1.3"]);
    let study: Uid = "1.2".parse().unwrap();
    let first = spool.undelivered_instances(&archive, &study, None, 1).await.unwrap();
    assert_eq!(uids(&first), ["1.2.1"]);
    let after = "1.2.1".parse().unwrap();
    let second = spool.undelivered_instances(&archive, &study, Some(&after), 5).await.unwrap();
    assert_eq!(uids(&second), ["1.2.2"]);
    let nowhere: Destination = "nowhere".parse().unwrap();
    assert!(spool.undelivered_studies(&nowhere, None, 5).await.unwrap().is_empty());
}
