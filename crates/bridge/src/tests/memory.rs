//! How receiving and sending share the memory budget.

use std::{ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use dimse::Status;
use futures::{
    StreamExt,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use spool::{Committed, EntryHeader, EntryId, EntryTrailer, Error, PayloadWriter, Payloads};
use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet};

use super::{
    origin::FakeOrigin,
    site::{CT, Site, explicit, instance, request},
};

/// What one data set on its way takes, in bytes.
const RECEIVING: u64 = 704 * 1024;

/// What one commit under way takes, in bytes.
const COMMITTING: u64 = 512 * 1024;

#[tokio::test]
async fn senders_that_stall_stop_no_delivery() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let origin = FakeOrigin::default();
    let small = |config: &mut crate::Config| config.limits.memory_budget = 8 * 1024 * 1024;
    let site = Site::with_origin(origin.clone(), address, small).await;
    let whole = instance(1, 1000);
    assert_eq!(site.modality().await.store(&whole).await.status, Status::SUCCESS);
    site.metric("dimseway_destination_down{destination=\"archive\"} 1").await;

    let mut stalled = JoinSet::new();
    for _ in 0..16 {
        let mut modality = site.modality().await;
        let uid = whole.sop_instance_uid.clone();
        stalled.spawn(async move {
            let contexts = modality.association.contexts();
            let context = contexts.find(&CT.parse().unwrap(), &explicit()).unwrap().clone();
            modality.association.store(&context, request(&uid), stream::pending()).await
        });
    }
    site.metric(&format!("dimseway_memory_budget_used_bytes {}", 6 * RECEIVING)).await;
    origin.serve(TcpListener::bind(address).await.unwrap());
    site.delivered(1).await;
    assert!(stalled.try_join_next().is_none(), "they still stall");
}

/// A spool whose commits end when the test lets them.
struct HeldCommits {
    payloads: Arc<dyn Payloads>,
    may_end: Arc<Semaphore>,
}

struct HeldCommit {
    writer: Box<dyn PayloadWriter>,
    may_end: Arc<Semaphore>,
}

#[async_trait]
impl Payloads for HeldCommits {
    async fn begin(&self, header: EntryHeader) -> Result<Box<dyn PayloadWriter>, Error> {
        let writer = self.payloads.begin(header).await?;
        Ok(Box::new(HeldCommit { writer, may_end: Arc::clone(&self.may_end) }))
    }

    fn read(&self, entry_id: EntryId, range: Range<u64>) -> BoxStream<'static, Result<Bytes, Error>> {
        self.payloads.read(entry_id, range)
    }
}

#[async_trait]
impl PayloadWriter for HeldCommit {
    async fn append(&mut self, data: Bytes) -> Result<(), Error> {
        self.writer.append(data).await
    }

    fn commit(self: Box<Self>, trailer: EntryTrailer) -> BoxFuture<'static, Result<Committed, Error>> {
        let Self { writer, may_end } = *self;
        let committed = writer.commit(trailer);
        Box::pin(async move {
            may_end.acquire().await.unwrap().forget();
            committed.await
        })
    }
}

#[tokio::test]
async fn what_a_commit_holds_counts_until_it_has_ended() {
    let may_end = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&may_end);
    let site =
        Site::with_payloads(|payloads| Arc::new(HeldCommits { payloads, may_end: held }), |_| {}).await;
    let mut modality = site.modality().await;
    let context = modality.association.contexts().find(&CT.parse().unwrap(), &explicit()).unwrap().clone();
    for number in 0..3 {
        let instance = instance(number, 1000);
        let data_set = stream::iter([Ok(Bytes::from(instance.data_set))]).boxed();
        let request = request(&instance.sop_instance_uid);
        modality.association.begin_store(&context, request, data_set).await.unwrap();
    }
    site.metric(&format!("dimseway_memory_budget_used_bytes {}", 3 * COMMITTING)).await;
    may_end.add_permits(1);
    assert_eq!(modality.association.next_response().await.unwrap().status, Status::SUCCESS);
    drop(modality);
    site.metric("dimseway_associations_open{peer=\"other\"} 0").await;
    // Two commits go on where the association does not.
    site.delivered(3).await;
    site.metric(&format!("dimseway_memory_budget_used_bytes {}", 2 * COMMITTING)).await;
    may_end.add_permits(2);
    site.metric("dimseway_memory_budget_used_bytes 0").await;
}
