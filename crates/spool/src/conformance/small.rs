//! Documents and calls.

use std::time::{Duration, SystemTime};

use super::Backend;
use crate::{Call, CallOutcome, Error, RetrySchedule};

pub(super) async fn documents_compare_and_set(backend: &mut impl Backend) {
    let spool = backend.open().await;
    assert_eq!(spool.get("mpps", "1").await.unwrap(), None);
    let first = spool.put("mpps", "1", None, b"a".to_vec()).await.unwrap();
    let exists = spool.put("mpps", "1", None, b"b".to_vec()).await;
    assert!(matches!(exists, Err(Error::Conflict { current }) if current == first), "{exists:?}");
    let second = spool.put("mpps", "1", Some(first), b"b".to_vec()).await.unwrap();
    assert!(second > first);
    assert!(matches!(spool.delete("mpps", "1", first).await, Err(Error::Conflict { .. })));
    spool.put("mpps", "2", None, b"c".to_vec()).await.unwrap();
    spool.put("other", "0", None, b"d".to_vec()).await.unwrap();
    backend.crash(spool).await;
    let spool = backend.open().await;
    let document = spool.get("mpps", "1").await.unwrap().unwrap();
    assert_eq!((document.version, document.value.as_slice()), (second, b"b".as_slice()));
    let keys = |documents: Vec<crate::Document>| documents.into_iter().map(|one| one.key).collect::<Vec<_>>();
    assert_eq!(keys(spool.documents("mpps", None, 10).await.unwrap()), ["1", "2"]);
    assert_eq!(keys(spool.documents("mpps", Some("1"), 10).await.unwrap()), ["2"]);
    spool.delete("mpps", "1", second).await.unwrap();
    let third = spool.put("mpps", "1", None, b"e".to_vec()).await.unwrap();
    assert!(third > second, "a version is never used again");
    let large = spool.put("mpps", "3", None, vec![0; crate::documents::DOCUMENT_BYTES_MAX + 1]).await;
    assert!(matches!(large, Err(Error::TooLarge { .. })));
}

pub(super) async fn calls_are_made_in_order(backend: &mut impl Backend) {
    let spool = backend.open().await;
    let call = |key: &str, body: &str| Call {
        kind: "report".into(),
        key: key.into(),
        body: body.into(),
        not_before: SystemTime::UNIX_EPOCH,
    };
    for (key, body) in [("a", "1"), ("a", "2"), ("b", "3")] {
        spool.enqueue(call(key, body)).await.unwrap();
    }
    let hour = Duration::from_secs(3600);
    let none = RetrySchedule { first: Duration::ZERO, max: Duration::ZERO };
    let leases = spool.lease_calls("report", 10, hour, none).await.unwrap();
    let bodies = |leases: &[crate::CallLease]| leases.iter().map(|l| l.call.body.clone()).collect::<Vec<_>>();
    assert_eq!(bodies(&leases), [b"1", b"3"], "calls of one key wait for each other");
    assert_eq!(spool.lease_calls("report", 10, hour, none).await.unwrap(), []);
    spool.record_call(leases[0].token, CallOutcome::Done).await.unwrap();
    let stale = spool.record_call(leases[0].token, CallOutcome::Done).await;
    assert!(matches!(stale, Err(Error::StaleToken)), "{stale:?}");
    let failed = CallOutcome::Failed { reason: "gone".into() };
    spool.record_call(leases[1].token, failed).await.unwrap();
    let second = spool.lease_calls("report", 10, hour, none).await.unwrap();
    assert_eq!(bodies(&second), [b"2"]);
    let later = CallOutcome::Deferred { not_before: SystemTime::UNIX_EPOCH, reason: "busy".into() };
    spool.record_call(second[0].token, later).await.unwrap();
    backend.crash(spool).await;
    let spool = backend.open().await;
    let listed = spool.calls("report", None, 10).await.unwrap();
    assert_eq!(listed.iter().map(|call| call.failed).collect::<Vec<_>>(), [false, true]);
    assert!(spool.retry_call(listed[1].call_id).await.unwrap());
    let again = spool.lease_calls("report", 10, hour, none).await.unwrap();
    assert_eq!(again.len(), 2);
    assert_eq!(again.iter().map(|lease| lease.attempts).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(spool.next_call_due("nothing").await.unwrap(), None);
}

pub(super) async fn calls_are_listed_counted_and_discarded(backend: &mut impl Backend) {
    let spool = backend.open().await;
    let call = |kind: &str, key: &str| Call {
        kind: kind.into(),
        key: key.into(),
        body: b"body".into(),
        not_before: SystemTime::UNIX_EPOCH,
    };
    let mut ids = Vec::new();
    for (kind, key) in [("mpps", "ris/1"), ("mpps", "ris/1"), ("mpps", "cloud/1"), ("report", "PACS")] {
        ids.push(spool.enqueue(call(kind, key)).await.unwrap());
    }
    let none = RetrySchedule { first: Duration::ZERO, max: Duration::ZERO };
    let leases = spool.lease_calls("mpps", 10, Duration::from_secs(3600), none).await.unwrap();
    let ris = leases.iter().find(|lease| lease.token.call_id == ids[0]).unwrap();
    assert!(!spool.discard_call(ids[0]).await.unwrap(), "somebody is making it");
    spool.record_call(ris.token, CallOutcome::Failed { reason: "gone".into() }).await.unwrap();
    backend.crash(spool).await;
    let spool = backend.open().await;
    let counts = async || -> Vec<(String, bool, u64)> {
        let counts = spool.count_calls().await.unwrap();
        counts
            .into_iter()
            .map(|count| (format!("{} {}", count.kind, count.to), count.failed, count.calls))
            .collect()
    };
    let count = |name: &str, failed, calls| (name.to_owned(), failed, calls);
    let before = [
        count("mpps cloud", false, 1),
        count("mpps ris", false, 1),
        count("mpps ris", true, 1),
        count("report PACS", false, 1),
    ];
    assert_eq!(counts().await, before);
    let listed = async |failed, after, limit| -> Vec<crate::CallId> {
        let listed = spool.list_calls(failed, after, limit).await.unwrap();
        assert!(listed.iter().all(|call| call.call.body.is_empty()));
        listed.into_iter().map(|call| call.call_id).collect()
    };
    assert_eq!(listed(None, None, 10).await, ids);
    assert_eq!(listed(Some(true), None, 10).await, ids[..1]);
    assert_eq!(listed(Some(false), Some(ids[1]), 1).await, ids[2..3]);
    let held = spool.call(ids[0]).await.unwrap().unwrap();
    assert_eq!((held.call.body, held.reason, held.failed), (b"body".to_vec(), Some("gone".to_owned()), true));
    assert_eq!(
        spool.first_call("mpps", "ris/1").await.unwrap(),
        Some(ids[0]),
        "given up, and still the first"
    );
    assert!(spool.discard_call(ids[0]).await.unwrap());
    assert!(!spool.discard_call(ids[0]).await.unwrap(), "there is none any more");
    assert_eq!(spool.call(ids[0]).await.unwrap(), None);
    assert_eq!(spool.first_call("mpps", "ris/1").await.unwrap(), Some(ids[1]));
    assert_eq!(spool.first_call("mpps", "ris/2").await.unwrap(), None);
    assert_eq!(
        counts().await,
        [count("mpps cloud", false, 1), count("mpps ris", false, 1), count("report PACS", false, 1)]
    );
}

pub(super) async fn a_document_and_its_calls_are_written_together(backend: &mut impl Backend) {
    let spool = backend.open().await;
    let write = |expected, value: &[u8]| crate::Write {
        kind: "mpps".into(),
        key: "1".into(),
        expected,
        value: value.to_vec(),
    };
    let call = |body: Vec<u8>| Call {
        kind: "report".into(),
        key: "1".into(),
        body,
        not_before: SystemTime::UNIX_EPOCH,
    };
    let calls = || ["a", "b"].map(|body| call(body.into())).to_vec();
    let version = spool.put_and_enqueue(write(None, b"a"), calls()).await.unwrap();
    let conflict = spool.put_and_enqueue(write(None, b"b"), calls()).await;
    assert!(matches!(conflict, Err(Error::Conflict { current }) if current == version), "{conflict:?}");
    let large = vec![call(Vec::new()), call(vec![0; crate::documents::DOCUMENT_BYTES_MAX + 1])];
    let large = spool.put_and_enqueue(write(Some(version), b"c"), large).await;
    assert!(matches!(large, Err(Error::TooLarge { .. })), "{large:?}");
    backend.crash(spool).await;
    let spool = backend.open().await;
    let document = spool.get("mpps", "1").await.unwrap().unwrap();
    assert_eq!((document.version, document.value), (version, b"a".to_vec()));
    assert_eq!(spool.calls("report", None, 10).await.unwrap().len(), 2, "none of those that were refused");
}
