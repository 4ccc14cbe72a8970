//! The ports, on the local spool.

use std::{
    ops::Range,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use instance::Uid;
use rusqlite::Connection;
use tokio::sync::watch;

use super::{
    LocalSpool,
    index::{query, undelivered},
    lock, reader,
    writer::LocalWriter,
};
use crate::{
    BecameDue, Cursor, Deliveries, Destination, Details, Entry, EntryHeader, EntryId, Error, Filter,
    HeldReason, LeaseRequest, Leased, Outcome, Page, PayloadWriter, Payloads, Statistics, Token,
};

/// Runs what blocks on a thread for that.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Error::Io(std::io::Error::other(error))))
}

impl LocalSpool {
    async fn query<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let shared = Arc::clone(&self.shared);
        blocking(move || shared.query(read)).await
    }
}

#[async_trait]
impl Payloads for LocalSpool {
    async fn begin(&self, header: EntryHeader) -> Result<Box<dyn PayloadWriter>, Error> {
        if self.shared.may_begin()? {
            let shared = Arc::clone(&self.shared);
            blocking(move || shared.probe()).await?;
        }
        Ok(Box::new(LocalWriter::new(Arc::clone(&self.shared), header)))
    }

    fn read(&self, entry_id: EntryId, range: Range<u64>) -> BoxStream<'static, Result<Bytes, Error>> {
        reader::read(Arc::clone(&self.shared), entry_id, range)
    }
}

#[async_trait]
impl Deliveries for LocalSpool {
    async fn lease(&self, request: LeaseRequest) -> Result<Leased, Error> {
        let shared = Arc::clone(&self.shared);
        self.shared.index.ask(true, move |changes| changes.lease(&request, || shared.next_id().0)).await
    }

    async fn renew(&self, token: &Token, ttl: Duration) -> Result<(), Error> {
        let token = token.clone();
        self.shared.index.ask(true, move |changes| changes.renew(&token, ttl)).await
    }

    async fn record(&self, token: &Token, outcome: Outcome) -> Result<(), Error> {
        let token = token.clone();
        self.shared.index.ask(true, move |changes| changes.record(&token, &outcome)).await
    }

    async fn record_all(&self, outcomes: Vec<(Token, Outcome)>) -> Result<Vec<Result<(), Error>>, Error> {
        self.shared.index.ask(true, move |changes| changes.record_all(&outcomes)).await
    }

    async fn list(&self, filter: &Filter, cursor: Option<Cursor>, limit: usize) -> Result<Page, Error> {
        let filter = filter.clone();
        let shared = Arc::clone(&self.shared);
        blocking(move || shared.list(|connection| query::list(connection, &filter, cursor.as_ref(), limit)))
            .await
    }

    async fn show(&self, entry_id: EntryId) -> Result<Details, Error> {
        let show = move |connection: &Connection| query::details(connection, entry_id);
        match self.query(show).await {
            // What was committed a moment ago may still be on its way to the index.
            Err(Error::NotFound(_)) => {
                self.shared.index.ask(false, |_| Ok(())).await?;
                self.query(show).await
            }
            shown => shown,
        }
    }

    async fn retry(&self, entry_id: EntryId, destination: Option<&Destination>) -> Result<usize, Error> {
        let destination = destination.cloned();
        self.shared.index.ask(true, move |changes| changes.retry(entry_id, destination.as_ref())).await
    }

    async fn hold(
        &self,
        entry_id: EntryId,
        destination: Option<&Destination>,
        reason: HeldReason,
    ) -> Result<usize, Error> {
        let destination = destination.cloned();
        self.shared
            .index
            .ask(true, move |changes| changes.hold(entry_id, destination.as_ref(), &reason))
            .await
    }

    async fn release(&self, entry_id: EntryId, destination: Option<&Destination>) -> Result<usize, Error> {
        let destination = destination.cloned();
        self.shared.index.ask(true, move |changes| changes.release(entry_id, destination.as_ref())).await
    }

    async fn discard(&self, entry_id: EntryId, destination: Option<&Destination>) -> Result<usize, Error> {
        let destination = destination.cloned();
        self.shared.index.ask(true, move |changes| changes.discard(entry_id, destination.as_ref())).await
    }

    async fn reroute(
        &self,
        entry_id: EntryId,
        from: Option<&Destination>,
        to: &Destination,
    ) -> Result<usize, Error> {
        let (from, to) = (from.cloned(), to.clone());
        self.shared.index.ask(true, move |changes| changes.reroute(entry_id, from.as_ref(), &to)).await
    }

    async fn find_by_sop_instance(&self, sop_instance_uid: &Uid) -> Result<Vec<Details>, Error> {
        let uid = sop_instance_uid.clone();
        self.query(move |connection| query::by_sop_instance(connection, uid.as_str())).await
    }

    async fn delivered_content(
        &self,
        destination: &Destination,
        sop_instance_uids: &[Uid],
    ) -> Result<Vec<Option<[u8; 32]>>, Error> {
        let (destination, uids) = (destination.clone(), sop_instance_uids.to_vec());
        self.query(move |connection| query::delivered_content(connection, &destination, &uids)).await
    }

    async fn undelivered_studies(
        &self,
        destination: &Destination,
        after: Option<&Uid>,
        limit: usize,
    ) -> Result<Vec<Entry>, Error> {
        let (destination, after) = (destination.clone(), after.cloned());
        self.shared.index.ask(false, |_| Ok(())).await?;
        self.query(move |connection| undelivered::studies(connection, &destination, after.as_ref(), limit))
            .await
    }

    async fn undelivered_instances(
        &self,
        destination: &Destination,
        study_instance_uid: &Uid,
        after: Option<&Uid>,
        limit: usize,
    ) -> Result<Vec<Entry>, Error> {
        let (destination, study, after) = (destination.clone(), study_instance_uid.clone(), after.cloned());
        self.shared.index.ask(false, |_| Ok(())).await?;
        self.query(move |connection| {
            undelivered::instances(connection, &destination, &study, after.as_ref(), limit)
        })
        .await
    }

    fn notified(&self) -> watch::Receiver<BecameDue> {
        self.shared.notify.subscribe()
    }

    async fn statistics(&self) -> Result<Statistics, Error> {
        // What was acknowledged is counted, also what waits to be written to the index; where that cannot be
        // written, what it knows is still worth showing.
        let _ = self.shared.index.ask(false, |_| Ok(())).await;
        let gauges = self.query(query::gauges).await?;
        let shared = &self.shared;
        let counters = &shared.counters;
        let (disk_bytes, files, spares) = {
            let pool = lock(&shared.pool);
            (pool.disk_bytes, pool.files, pool.spares.len() as u64)
        };
        Ok(Statistics {
            gauges,
            committed: counters.committed.load(Ordering::Relaxed),
            syncs: counters.syncs.load(Ordering::Relaxed),
            sync_time: Duration::from_nanos(counters.sync_nanoseconds.load(Ordering::Relaxed)),
            disk_bytes,
            free_bytes: shared.disk.free_bytes(&shared.config.directory)?,
            spare_segments: spares,
            used_segments: files.saturating_sub(spares),
            segments_created_late: counters.created_late.load(Ordering::Relaxed),
            intake_refused: shared.refusal_reason(),
        })
    }
}
