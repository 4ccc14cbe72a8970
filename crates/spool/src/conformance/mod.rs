//! What every backend must do, as a suite that its tests run.
//!
//! A check panics where the backend fails it. Nothing here waits for a clock: where a backend may take
//! its time, the checks wait for its notifications.
// INVARIANT: a check has no caller to answer; it fails by panicking.
#![expect(clippy::unwrap_used, reason = "a check fails by panicking")]

mod order;
mod payload;
mod records;
mod small;
mod states;
mod undelivered;

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use instance::{Identity, Tag};

use crate::{
    Committed, EntryHeader, EntryId, EntryTrailer, Error, Lease, LeaseRequest, Outcome, RetrySchedule, Spool,
    State,
};

/// A backend under test.
#[async_trait]
pub trait Backend: Send {
    /// Opens the spool, for the first time or after what [`Backend::crash`] left.
    async fn open(&mut self) -> Box<dyn Spool>;

    /// Ends a spool as a crash of its process would.
    async fn crash(&mut self, spool: Box<dyn Spool>);
}

/// Runs every check, each on a fresh backend.
pub async fn run<B: Backend>(mut fresh: impl FnMut() -> B) {
    payload::comes_back_as_it_went_in(&mut fresh()).await;
    payload::abandoned_entries_leave_nothing(&mut fresh()).await;
    payload::limits_are_kept(&mut fresh()).await;
    order::one_at_a_time_in_order_of_acceptance(&mut fresh()).await;
    order::destinations_do_not_wait_for_each_other(&mut fresh()).await;
    order::leases_keep_to_their_limits(&mut fresh()).await;
    order::little_is_shared_by_workers(&mut fresh()).await;
    order::a_later_lease_makes_an_earlier_one_stale(&mut fresh()).await;
    states::outcomes_lead_where_they_should(&mut fresh()).await;
    states::a_person_may_steer(&mut fresh()).await;
    states::lists_come_in_pages(&mut fresh()).await;
    states::gauges_follow(&mut fresh()).await;
    states::a_crash_loses_nothing(&mut fresh()).await;
    records::outcomes_are_recorded_together(&mut fresh()).await;
    records::content_delivered_last_is_known(&mut fresh()).await;
    undelivered::what_is_accepted_is_listed_until_it_is_delivered(&mut fresh()).await;
    undelivered::lists_go_on_behind_a_uid(&mut fresh()).await;
    small::documents_compare_and_set(&mut fresh()).await;
    small::calls_are_made_in_order(&mut fresh()).await;
    small::calls_are_listed_counted_and_discarded(&mut fresh()).await;
    small::a_document_and_its_calls_are_written_together(&mut fresh()).await;
}

fn header(uid: &str) -> EntryHeader {
    EntryHeader {
        calling_ae_title: "CT1".parse().unwrap(),
        called_ae_title: "DIMSEWAY".parse().unwrap(),
        peer_address: "127.0.0.1".parse().unwrap(),
        user: None,
        transfer_syntax: "1.2.840.10008.1.2.1".parse::<instance::Uid>().unwrap().into(),
        sop_class_uid: "1.2.840.10008.5.1.4.1.1.2".parse().unwrap(),
        sop_instance_uid: uid.parse().unwrap(),
        accepted_at: SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000),
    }
}

fn trailer(uid: &str, study: &str, destinations: &[&str]) -> EntryTrailer {
    EntryTrailer {
        identity: Identity {
            sop_class_uid: "1.2.840.10008.5.1.4.1.1.2".parse().unwrap(),
            sop_instance_uid: uid.parse().unwrap(),
            study_instance_uid: study.parse().unwrap(),
            series_instance_uid: format!("{study}.1").parse().unwrap(),
        },
        attributes: vec![(Tag::PATIENT_ID, b"P1".to_vec())],
        character_set: Vec::new(),
        destinations: destinations.iter().map(|to| to.parse().unwrap()).collect(),
        held: None,
    }
}

async fn write(spool: &dyn Spool, trailer: EntryTrailer, data: &[u8]) -> Result<Committed, Error> {
    let mut writer = spool.begin(header(trailer.identity.sop_instance_uid.as_str())).await?;
    for chunk in data.chunks(99_999) {
        writer.append(Bytes::copy_from_slice(chunk)).await?;
    }
    writer.commit(trailer).await
}

/// Stores a small instance of study 1.9.
async fn store(spool: &dyn Spool, uid: &str, destinations: &[&str]) -> EntryId {
    write(spool, trailer(uid, "1.9", destinations), b"data").await.unwrap().entry_id
}

async fn read(spool: &dyn Spool, entry_id: EntryId, range: std::ops::Range<u64>) -> Result<Vec<u8>, Error> {
    let mut stream = spool.read(entry_id, range);
    let mut all = Vec::new();
    while let Some(chunk) = stream.next().await {
        all.extend_from_slice(&chunk?);
    }
    Ok(all)
}

fn request(destination: &str) -> LeaseRequest {
    LeaseRequest {
        destination: destination.parse().unwrap(),
        owner: "conformance".into(),
        entries_max: 10,
        workers: 1,
        bytes_max: u64::MAX,
        ttl: Duration::from_secs(3600),
        same_study: false,
        retry: RetrySchedule { first: Duration::ZERO, max: Duration::ZERO },
    }
}

/// What is due, once something is.
async fn lease(spool: &dyn Spool, request: LeaseRequest) -> Vec<Lease> {
    let mut notified = spool.notified();
    loop {
        notified.borrow_and_update();
        let leases = spool.lease(request.clone()).await.unwrap().leases;
        if !leases.is_empty() {
            return leases;
        }
        notified.changed().await.unwrap();
    }
}

/// When the next delivery is due, which a lease of nothing tells as well.
async fn next_due(spool: &dyn Spool, destination: &str) -> Option<SystemTime> {
    let nothing = LeaseRequest { entries_max: 0, ..request(destination) };
    let leased = spool.lease(nothing).await.unwrap();
    assert!(leased.leases.is_empty());
    leased.left.next_due
}

/// What is due now, everything committed before being known.
async fn lease_now(spool: &dyn Spool, request: LeaseRequest, newest: EntryId) -> Vec<Lease> {
    spool.show(newest).await.unwrap();
    spool.lease(request).await.unwrap().leases
}

fn ids(leases: &[Lease]) -> Vec<EntryId> {
    leases.iter().map(|lease| lease.entry.entry_id).collect()
}

async fn delivered(spool: &dyn Spool, lease: &Lease) {
    spool.record(&lease.token, Outcome::Delivered { answer: "200".into() }).await.unwrap();
}

async fn state(spool: &dyn Spool, entry_id: EntryId) -> State {
    spool.show(entry_id).await.unwrap().deliveries[0].state
}
