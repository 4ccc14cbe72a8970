use super::*;
use spool::{Call as Made, CallOutcome, RetrySchedule, local::LocalSpool};
use std::time::{Duration, SystemTime};

/// A spool with calls of two sinks; those with these numbers are held.
async fn spool(directory: &std::path::Path, keys: &[&str], held: &[usize]) -> LocalSpool {
    let config = spool::local::Config { minimum_free_bytes: 0, ..spool::local::Config::new(directory) };
    let (spool, _) = LocalSpool::open(config).unwrap();
    for key in keys {
        let call = Made {
            kind: "mpps".into(),
            key: (*key).into(),
            body: b"nonsense".into(),
            not_before: SystemTime::UNIX_EPOCH,
        };
        spool.enqueue(call).await.unwrap();
    }
    let none = RetrySchedule { first: Duration::ZERO, max: Duration::ZERO };
    let leases = spool.lease_calls("mpps", keys.len(), Duration::from_secs(60), none).await.unwrap();
    for (number, lease) in leases.into_iter().enumerate() {
        let outcome = match held.contains(&number) {
            true => CallOutcome::Failed { reason: "refused".into() },
            false => CallOutcome::Deferred { not_before: SystemTime::UNIX_EPOCH, reason: "down".into() },
        };
        spool.record_call(lease.token, outcome).await.unwrap();
    }
    spool
}

async fn held(spool: &LocalSpool) -> Vec<String> {
    let listed = spool.list_calls(Some(true), None, 10).await.unwrap();
    listed.into_iter().map(|call| call.call.key).collect()
}

#[tokio::test]
async fn calls_are_shown_without_what_they_carry() {
    let directory = tempfile::tempdir().unwrap();
    let spool = spool(directory.path(), &["ris/1.2.3", "cloud/1.2.4"], &[0]).await;
    let (failed, after, limit) = Question { limit: Some(1), ..Question::default() }.read();
    let page = Page::new(spool.list_calls(failed, after, limit).await.unwrap(), limit);
    let [call] = &page.calls[..] else { panic!("{page:?}") };
    assert_eq!((call.to.as_str(), call.about.as_str(), call.state), ("ris", "1.2.3", CallState::Held));
    assert_eq!((call.reason.as_deref(), call.attempts, &call.says), (Some("refused"), 1, &None));
    assert_eq!(page.next, Some(call.call));
    let question = Question { state: Some(CallState::Waiting), after: page.next, limit: None };
    let (failed, after, limit) = question.read();
    let page = Page::new(spool.list_calls(failed, after, limit).await.unwrap(), limit);
    assert_eq!((page.calls[0].to.as_str(), page.next), ("cloud", None));
    let whole = spool.call(CallId(page.calls[0].call)).await.unwrap().unwrap();
    assert_eq!(Call::from(whole).says.as_deref(), Some("mpps"), "what cannot be read has its kind alone");
}

#[tokio::test]
async fn a_person_decides_about_one_call_or_about_all_that_are_held() {
    let directory = tempfile::tempdir().unwrap();
    let keys = ["ris/1", "ris/2", "cloud/1", "cloud/2"];
    let spool = spool(directory.path(), &keys, &[0, 1, 2]).await;
    let nothing = act(&spool, ActionKind::Discard, &Selection::default()).await;
    assert!(matches!(nothing, Err(Error::Invalid(_))), "{nothing:?}");
    let of = |to: &str| Selection { held: Some(to.to_owned()), ..Selection::default() };
    assert_eq!(act(&spool, ActionKind::Retry, &of("ris")).await.unwrap(), Changed { calls: 2 });
    assert_eq!(held(&spool).await, ["cloud/1"]);
    let first = spool.list_calls(None, None, 1).await.unwrap()[0].call_id.0;
    let one = Selection { calls: vec![first], ..Selection::default() };
    assert_eq!(act(&spool, ActionKind::Discard, &one).await.unwrap(), Changed { calls: 1 });
    let gone = act(&spool, ActionKind::Retry, &one).await;
    assert!(matches!(gone, Err(Error::NoCall(call)) if call == first), "{gone:?}");
    assert_eq!(act(&spool, ActionKind::Discard, &of("*")).await.unwrap(), Changed { calls: 1 });
    assert_eq!(held(&spool).await, [""; 0]);
}
