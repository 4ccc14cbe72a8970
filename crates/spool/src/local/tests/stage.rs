//! What the tests share: a directory, instances to store, shorthands.

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use futures::StreamExt;
use instance::{Identity, Tag};
use tempfile::TempDir;

pub(crate) use crate::{
    Committed, Deliveries, EntryHeader, EntryId, EntryTrailer, Error, Filter, HeldReason, Lease,
    LeaseRequest, Outcome, Payloads, RetrySchedule, State,
    local::{Config, LocalSpool, RecoveryReport, disk::Disk},
};

pub(crate) struct Stage {
    directory: TempDir,
    pub(crate) disk: Disk,
    pub(crate) segment_bytes: u64,
    pub(crate) spares: usize,
    pub(crate) minimum_free: u64,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self {
            directory: TempDir::new().unwrap(),
            disk: Disk::default(),
            segment_bytes: 1024 * 1024,
            spares: 2,
            minimum_free: 0,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn config(&self) -> Config {
        Config {
            segment_bytes: self.segment_bytes,
            spare_segments: self.spares,
            minimum_free_bytes: self.minimum_free,
            reserve_bytes: 65536,
            probe_interval: Duration::from_millis(20),
            ..Config::new(self.path())
        }
    }

    pub(crate) fn open(&self) -> LocalSpool {
        self.open_reported().0
    }

    pub(crate) fn open_reported(&self) -> (LocalSpool, RecoveryReport) {
        // A task of the dropped spool may still hold it for a moment, and with it the lock.
        for _ in 0..2000 {
            match LocalSpool::open_on(self.config(), self.disk.clone()) {
                Err(Error::Locked { .. }) => std::thread::yield_now(),
                other => return other.unwrap(),
            }
        }
        panic!("the spool stays locked");
    }

    pub(crate) fn lose_index(&self) {
        for name in ["index.sqlite", "index.sqlite-wal", "index.sqlite-shm"] {
            let _ = std::fs::remove_file(self.path().join(name));
        }
    }

    pub(crate) fn segments(&self) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(self.path().join("segments"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        paths
    }
}

pub(crate) fn header(uid: &str) -> EntryHeader {
    EntryHeader {
        calling_ae_title: "CT1".parse().unwrap(),
        called_ae_title: "DIMSEWAY".parse().unwrap(),
        peer_address: "127.0.0.1".parse().unwrap(),
        user: Some("someone".into()),
        transfer_syntax: "1.2.840.10008.1.2.1".parse::<instance::Uid>().unwrap().into(),
        sop_class_uid: "1.2.840.10008.5.1.4.1.1.2".parse().unwrap(),
        sop_instance_uid: uid.parse().unwrap(),
        accepted_at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123),
    }
}

pub(crate) fn trailer(uid: &str, destinations: &[&str]) -> EntryTrailer {
    EntryTrailer {
        identity: Identity {
            sop_class_uid: "1.2.840.10008.5.1.4.1.1.2".parse().unwrap(),
            sop_instance_uid: uid.parse().unwrap(),
            study_instance_uid: "1.9".parse().unwrap(),
            series_instance_uid: "1.9.1".parse().unwrap(),
        },
        attributes: vec![(Tag::PATIENT_ID, b"P1 ".to_vec()), (Tag::MODALITY, b"CT".to_vec())],
        character_set: b"ISO_IR 100".to_vec(),
        destinations: destinations.iter().map(|to| to.parse().unwrap()).collect(),
        held: None,
    }
}

/// Bytes that look random and differ with the seed.
pub(crate) fn bytes_of(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

pub(crate) async fn store(
    spool: &LocalSpool,
    uid: &str,
    data: &[u8],
    destinations: &[&str],
) -> Result<Committed, Error> {
    let mut writer = spool.begin(header(uid)).await?;
    for chunk in data.chunks(100_000) {
        writer.append(Bytes::copy_from_slice(chunk)).await?;
    }
    writer.commit(trailer(uid, destinations)).await
}

pub(crate) async fn read(spool: &LocalSpool, entry_id: EntryId) -> Result<Vec<u8>, Error> {
    // The index may lag behind a commit.
    let length = shown(spool, entry_id).await?.entry.length;
    let mut stream = spool.read(entry_id, 0..length);
    let mut all = Vec::new();
    while let Some(chunk) = stream.next().await {
        all.extend_from_slice(&chunk?);
    }
    Ok(all)
}

/// The details of an entry, once the index has them.
pub(crate) async fn shown(spool: &LocalSpool, entry_id: EntryId) -> Result<crate::Details, Error> {
    indexed(spool).await;
    spool.show(entry_id).await
}

/// Resolves when the index has done all it was told before.
pub(crate) async fn indexed(spool: &LocalSpool) {
    spool.shared.index.ask(false, |_| Ok(())).await.unwrap();
}

pub(crate) async fn states(spool: &LocalSpool, entry_id: EntryId) -> Vec<State> {
    let details = shown(spool, entry_id).await.unwrap();
    details.deliveries.iter().map(|delivery| delivery.state).collect()
}

pub(crate) fn request(destination: &str, entries_max: usize) -> LeaseRequest {
    LeaseRequest {
        destination: destination.parse().unwrap(),
        owner: "test".into(),
        entries_max,
        workers: 1,
        bytes_max: u64::MAX,
        ttl: Duration::from_secs(60),
        same_study: false,
        retry: RetrySchedule { first: Duration::ZERO, max: Duration::ZERO },
    }
}

pub(crate) async fn lease(spool: &LocalSpool, destination: &str, entries_max: usize) -> Vec<Lease> {
    indexed(spool).await;
    spool.lease(request(destination, entries_max)).await.unwrap().leases
}

pub(crate) async fn lease_one(spool: &LocalSpool, destination: &str) -> Lease {
    lease(spool, destination, 1).await.pop().expect("something is due")
}

pub(crate) async fn delivered(spool: &LocalSpool, lease: &Lease) {
    spool.record(&lease.token, Outcome::Delivered { answer: "200".into() }).await.unwrap();
}
