//! Whether new instances are taken: refused after the disk was full or failed, until a probe succeeds.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use super::{
    Shared, directory,
    format::{PAGE, PREWRITTEN, SegmentHeader},
    lock,
    segment::{self, Segment},
};
use crate::Error;

#[derive(Default)]
pub(crate) struct Intake {
    refusal: Mutex<Option<Refusal>>,
    /// Held while a probe is made: all of them write the same file.
    probing: Mutex<()>,
}

struct Refusal {
    reason: String,
    needed: u64,
    free: u64,
    /// Whether it was the room that lacked; else the disk or the index failed.
    for_room: bool,
    /// Whether the index failed; its next success ends the refusal.
    by_index: bool,
    probed: Instant,
}

/// Bytes that a probe writes and syncs.
const PROBE_BYTES: u64 = 1024 * 1024;

impl Shared {
    /// Refuses new instances after a write or a sync failed.
    pub(crate) fn refuse_intake(&self, error: &std::io::Error) -> Error {
        let error = segment::again(error);
        let error = match error {
            Error::Full { .. } => {
                let free = self.disk.free_bytes(&self.config.directory).unwrap_or(0);
                Error::Full { needed: self.config.segment_bytes, free }
            }
            other => other,
        };
        self.refuse(&error, false);
        error
    }

    /// Refuses new instances because there is no room for another segment.
    pub(crate) fn refuse_full(&self, error: &Error) {
        self.refuse(error, false);
    }

    pub(crate) fn index_failed(&self, error: &Error) {
        self.refuse(error, true);
    }

    fn refuse(&self, error: &Error, by_index: bool) {
        let (needed, free, for_room) = match error {
            Error::Full { needed, free } => (*needed, *free, true),
            _ => (0, 0, false),
        };
        let mut refusal = lock(&self.intake.refusal);
        if refusal.is_none() {
            tracing::error!(%error, "new instances are refused");
        }
        let by_index = by_index || refusal.as_ref().is_some_and(|refusal| refusal.by_index);
        let reason = error.to_string();
        *refusal = Some(Refusal { reason, needed, free, for_room, by_index, probed: Instant::now() });
    }

    /// The index has done its work: if that was why instances were refused, they no longer are.
    pub(crate) fn index_works(&self) {
        let mut refusal = lock(&self.intake.refusal);
        if refusal.as_ref().is_some_and(|refusal| refusal.by_index) {
            *refusal = None;
        }
    }

    /// Gives the index a chance to show that it works again.
    pub(crate) fn nudge_index(&self) {
        if lock(&self.intake.refusal).as_ref().is_some_and(|refusal| refusal.by_index) {
            let _ = self.index.ask_blocking(false, |_| Ok(()));
        }
    }

    pub(crate) fn is_refused(&self) -> bool {
        lock(&self.intake.refusal).is_some()
    }

    pub(crate) fn is_refused_for_room(&self) -> bool {
        lock(&self.intake.refusal).as_ref().is_some_and(|refusal| refusal.for_room)
    }

    pub(crate) fn refusal_reason(&self) -> Option<String> {
        lock(&self.intake.refusal).as_ref().map(|refusal| refusal.reason.clone())
    }

    /// Whether an instance may begin; true where a probe is due first.
    pub(crate) fn may_begin(&self) -> Result<bool, Error> {
        let mut refusal = lock(&self.intake.refusal);
        let Some(refusal) = &mut *refusal else { return Ok(false) };
        if !refusal.by_index && refusal.probed.elapsed() >= self.config.probe_interval {
            refusal.probed = Instant::now();
            return Ok(true);
        }
        Err(if refusal.for_room {
            Error::Full { needed: refusal.needed, free: refusal.free }
        } else {
            Error::Refused(refusal.reason.clone())
        })
    }

    /// Probes, and takes new instances again where that succeeds. Blocks.
    pub(crate) fn probe(&self) -> Result<(), Error> {
        let _probing = lock(&self.intake.probing);
        self.room_for_one()?;
        let path = self.config.directory.join("probe");
        let _ = std::fs::remove_file(&path);
        let probe = || {
            let file = self.disk.create(&path)?;
            self.disk.write_zeros(&file, 0, PROBE_BYTES)?;
            self.disk.write_at(&file, &[0; PAGE as usize], 0)?;
            self.disk.sync(&file)
        };
        let probed = probe();
        let _ = self.disk.remove(&path);
        probed.map_err(|error| self.refuse_intake(&error))?;
        let ended = lock(&self.intake.refusal).take();
        if ended.is_some() {
            tracing::info!("new instances are taken again");
        }
        Ok(())
    }

    fn room_for_one(&self) -> Result<(), Error> {
        if !lock(&self.pool).spares.is_empty() {
            return Ok(());
        }
        let free = self.disk.free_bytes(&self.config.directory)?;
        let needed = self.config.segment_bytes + self.config.minimum_free_bytes;
        if free < needed { Err(Error::Full { needed, free }) } else { Ok(()) }
    }

    pub(crate) fn probe_if_refused(&self) {
        let by_index = match &*lock(&self.intake.refusal) {
            Some(refusal) => refusal.by_index,
            None => return,
        };
        if !by_index && let Err(error) = self.probe() {
            tracing::debug!(%error, "new instances are still refused");
        }
    }

    /// Gives the index the room that was set aside for it.
    pub(crate) fn give_up_reserve(&self) {
        tracing::warn!("the disk is full; the reserve is given to the index");
        let _ = self.disk.remove(&directory::reserve(&self.config.directory));
    }

    /// Sets room aside for the index, where there is enough of it.
    pub(crate) fn restore_reserve(&self) {
        let path = directory::reserve(&self.config.directory);
        let bytes = self.config.reserve_bytes;
        let kept = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
        let free = self.disk.free_bytes(&self.config.directory).unwrap_or(0);
        if kept == bytes || free < bytes + self.config.minimum_free_bytes {
            return;
        }
        let _ = self.disk.remove(&path);
        let make = || {
            let file = self.disk.create(&path)?;
            self.disk.write_zeros(&file, 0, bytes)?;
            self.disk.sync(&file)
        };
        if make().is_err() {
            let _ = self.disk.remove(&path);
        }
    }

    /// Takes over segments that hold nothing.
    pub(crate) fn adopt_spares(&self, found: Vec<(SegmentHeader, std::path::PathBuf)>) {
        for (header, path) in found {
            let number = header.number;
            let fit = header.is(PREWRITTEN) && header.bytes == self.config.segment_bytes;
            let room = lock(&self.pool).spares.len() < self.config.spare_segments;
            match self.disk.open(&path) {
                Ok(file) if fit && room => lock(&self.pool).spares.push(Arc::new(Segment::new(header, file))),
                _ => self.upkeep.recycle(vec![super::index::Retired { number, poisoned: true }]),
            }
        }
    }

    /// One segment is ready before the spool is; the others follow in the background.
    pub(crate) fn first_spare(&self) {
        if lock(&self.pool).spares.is_empty() && self.config.spare_segments > 0 {
            match self.create_segment(PREWRITTEN, self.config.segment_bytes) {
                Ok(spare) => lock(&self.pool).spares.push(spare),
                Err(error) => {
                    tracing::warn!(%error, "no segment could be written");
                    if matches!(error, Error::Full { .. }) {
                        self.refuse_full(&error);
                    }
                }
            }
        }
        self.upkeep.wake();
    }
}
