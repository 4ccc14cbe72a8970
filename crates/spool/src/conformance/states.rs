//! How deliveries change state.

use std::time::{Duration, SystemTime};

use super::{
    Backend, delivered, ids, lease, lease_now, next_due, read, request, state, store, trailer, write,
};
use crate::{Destination, Error, Filter, HeldReason, LeaseRequest, Outcome, RetrySchedule, Spool, State};

pub(super) async fn outcomes_lead_where_they_should(backend: &mut impl Backend) {
    let spool = backend.open().await;
    let entry_id = store(&*spool, "1.2.3", &["archive"]).await;
    let archive: Destination = "archive".parse().unwrap();
    let first = lease(&*spool, request("archive")).await;
    assert_eq!(state(&*spool, entry_id).await, State::Delivering);
    let later = SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000);
    let deferred = Outcome::Deferred { not_before: later, reason: "busy".into() };
    spool.record(&first[0].token, deferred).await.unwrap();
    assert_eq!(state(&*spool, entry_id).await, State::Deferred);
    assert_eq!(next_due(&*spool, "archive").await, Some(later));
    assert_eq!(lease_now(&*spool, request("archive"), entry_id).await.len(), 0);
    assert_eq!(spool.retry(entry_id, None).await.unwrap(), 1);
    let second = lease_now(&*spool, request("archive"), entry_id).await;
    assert_eq!(second[0].attempts, 2);
    let reason = Some("nobody answers".to_owned());
    let released = Outcome::Released { not_before: SystemTime::UNIX_EPOCH, reason };
    spool.record(&second[0].token, released).await.unwrap();
    let reason = spool.show(entry_id).await.unwrap().deliveries.remove(0).reason;
    assert_eq!(reason.as_deref(), Some("nobody answers"));
    let third = lease_now(&*spool, request("archive"), entry_id).await;
    assert_eq!(third[0].attempts, 2, "a released attempt is given back");
    spool.record(&third[0].token, Outcome::Quarantined { reason: "checksum".into() }).await.unwrap();
    assert_eq!(state(&*spool, entry_id).await, State::Quarantined);
    assert_eq!(lease_now(&*spool, request("archive"), entry_id).await.len(), 0);
    spool.retry(entry_id, Some(&archive)).await.unwrap();
    let fourth = lease_now(&*spool, request("archive"), entry_id).await;
    delivered(&*spool, &fourth[0]).await;
    let delivery = spool.show(entry_id).await.unwrap().deliveries.remove(0);
    assert_eq!((delivery.state, delivery.reason.as_deref()), (State::Delivered, Some("200")));
    assert!(delivery.delivered_at.is_some());
    let outcomes: Vec<String> = delivery.history.into_iter().filter_map(|attempt| attempt.outcome).collect();
    assert!(outcomes[0].contains("busy") && outcomes.last().unwrap().contains("200"), "{outcomes:?}");
}

pub(super) async fn a_person_may_steer(backend: &mut impl Backend) {
    let spool = backend.open().await;
    let entry_id = store(&*spool, "1.2.3", &["archive", "second"]).await;
    let second: Destination = "second".parse().unwrap();
    let third: Destination = "third".parse().unwrap();
    let by_hand = || HeldReason::Operator("wait".into());
    assert_eq!(spool.hold(entry_id, Some(&second), by_hand()).await.unwrap(), 1);
    assert_eq!(lease_now(&*spool, request("second"), entry_id).await.len(), 0);
    assert_eq!(spool.release(entry_id, None).await.unwrap(), 1);
    let leases = lease_now(&*spool, request("second"), entry_id).await;
    spool.hold(entry_id, Some(&second), by_hand()).await.unwrap();
    delivered(&*spool, &leases[0]).await;
    assert_eq!(spool.reroute(entry_id, None, &third).await.unwrap(), 1, "all but the delivered one");
    let details = spool.show(entry_id).await.unwrap();
    let places: Vec<_> = details.deliveries.iter().map(|to| (to.destination.to_string(), to.state)).collect();
    assert_eq!(places, [("second".to_owned(), State::Delivered), ("third".to_owned(), State::Due)]);
    assert_eq!(lease_now(&*spool, request("archive"), entry_id).await.len(), 0);
    assert_eq!(spool.discard(entry_id, None).await.unwrap(), 1);
    assert_eq!(lease_now(&*spool, request("third"), entry_id).await.len(), 0);

    let mut unrouted = trailer("1.2.4", "1.9", &[]);
    unrouted.held = Some(HeldReason::Unrouted);
    let unrouted = write(&*spool, unrouted, b"data").await.unwrap().entry_id;
    assert_eq!(spool.release(unrouted, None).await.unwrap(), 0, "there is nowhere to go");
    spool.reroute(unrouted, None, &third).await.unwrap();
    let leases = lease_now(&*spool, request("third"), unrouted).await;
    assert_eq!(ids(&leases), [unrouted]);
    let missing = spool.retry(crate::EntryId(1), None).await;
    assert!(matches!(missing, Err(Error::NotFound(_))), "{missing:?}");
}

pub(super) async fn lists_come_in_pages(backend: &mut impl Backend) {
    let spool = backend.open().await;
    let mut all = Vec::new();
    for number in 0..25 {
        all.push(store(&*spool, &format!("1.2.{number}"), &["archive", "second"]).await);
    }
    spool.show(all[24]).await.unwrap();
    let pages = |filter: Filter, limit: usize| {
        let spool: &dyn Spool = &*spool;
        async move {
            let (mut lines, mut cursor) = (Vec::new(), None);
            loop {
                let page = spool.list(&filter, cursor, limit).await.unwrap();
                assert!(page.lines.len() <= limit);
                lines.extend(page.lines);
                match page.next {
                    Some(next) => cursor = Some(next.to_string().parse().unwrap()),
                    None => return lines,
                }
            }
        }
    };
    assert_eq!(pages(Filter::default(), 7).await.len(), 50);
    let second = Filter { destination: Some("second".parse().unwrap()), ..Filter::default() };
    let found: Vec<_> = pages(second, 25).await.into_iter().map(|line| line.entry_id).collect();
    assert_eq!(found, all);
    // One order, whatever state each is in.
    for entry_id in [all[3], all[20]] {
        spool.hold(entry_id, None, HeldReason::Operator("ask the site".to_owned())).await.unwrap();
    }
    let second = Filter { destination: Some("second".parse().unwrap()), ..Filter::default() };
    let found: Vec<_> = pages(second, 4).await.into_iter().map(|line| line.entry_id).collect();
    assert_eq!(found, all);
    let waiting = Filter { waiting: true, ..Filter::default() };
    assert_eq!(pages(waiting, 7).await, pages(Filter::default(), 100).await);
    let one = Filter { sop_instance_uid: Some("1.2.7".parse().unwrap()), ..Filter::default() };
    assert_eq!(pages(one, 1).await.len(), 2);
    let patient = Filter { patient_id: Some(b"P1 ".to_vec()), state: Some(State::Due), ..Filter::default() };
    assert_eq!(pages(patient, 100).await.len(), 46);
    let study = Filter { study_instance_uid: Some("1.8".parse().unwrap()), ..Filter::default() };
    assert_eq!(pages(study, 100).await.len(), 0);
    let found = spool.find_by_sop_instance(&"1.2.7".parse().unwrap()).await.unwrap();
    assert_eq!(found.iter().map(|details| details.entry.entry_id).collect::<Vec<_>>(), [all[7]]);
}

pub(super) async fn gauges_follow(backend: &mut impl Backend) {
    let spool = backend.open().await;
    let first = store(&*spool, "1.2.3", &["archive"]).await;
    let newest = store(&*spool, "1.2.4", &["archive"]).await;
    let leases = lease_now(&*spool, LeaseRequest { entries_max: 1, ..request("archive") }, newest).await;
    assert_eq!(ids(&leases), [first]);
    delivered(&*spool, &leases[0]).await;
    let statistics = spool.statistics().await.unwrap();
    let count = |state| {
        let gauges = statistics.gauges.iter().filter(|gauge| gauge.state == state);
        gauges.map(|gauge| (gauge.entries, gauge.bytes)).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
    };
    assert_eq!(count(State::Due), (1, 4));
    assert_eq!(count(State::Delivering), (0, 0));
    assert_eq!(count(State::Delivered), (1, 4));
    assert_eq!(statistics.committed, 2);
    let due = statistics.gauges.iter().find(|gauge| gauge.state == State::Due).unwrap();
    assert_eq!(due.oldest_accepted_at, Some(super::header("1").accepted_at));
}

pub(super) async fn a_crash_loses_nothing(backend: &mut impl Backend) {
    let spool = backend.open().await;
    let leased = store(&*spool, "1.2.3", &["archive"]).await;
    let retry = RetrySchedule { first: Duration::from_secs(1_000_000), max: Duration::from_secs(1_000_000) };
    let leases = lease(&*spool, LeaseRequest { retry, ..request("archive") }).await;
    let due = store(&*spool, "1.2.4", &["archive"]).await;
    backend.crash(spool).await;
    let spool = backend.open().await;
    assert_eq!(state(&*spool, leased).await, State::Deferred);
    assert_eq!(state(&*spool, due).await, State::Due);
    assert_eq!(ids(&lease_now(&*spool, request("archive"), due).await), [due], "a crash loop never hammers");
    let stale = spool.record(&leases[0].token, Outcome::Delivered { answer: String::new() }).await;
    assert!(matches!(stale, Err(Error::StaleToken)), "{stale:?}");
    assert_eq!(read(&*spool, leased, 0..4).await.unwrap(), b"data");
    let newer = store(&*spool, "1.2.5", &["archive"]).await;
    assert!(newer > due, "numbers grow across restarts");
}
