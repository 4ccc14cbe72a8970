//! What metrics are made of.

use std::time::{Duration, SystemTime};

use crate::{Destination, State};

/// Entries, bytes and the oldest acceptance of one destination and state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gauge {
    /// The destination; `None` for entries that have none.
    pub destination: Option<Destination>,
    /// The state.
    pub state: State,
    /// Deliveries in it.
    pub entries: u64,
    /// Bytes of their data sets.
    pub bytes: u64,
    /// When the oldest of them was accepted; `None` where there is none.
    pub oldest_accepted_at: Option<SystemTime>,
}

/// A picture of the spool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statistics {
    /// One per destination and state that ever had a delivery since the index was made.
    pub gauges: Vec<Gauge>,
    /// Entries committed since the spool was opened.
    pub committed: u64,
    /// `fdatasync` calls for entries since the spool was opened; at most one per entry.
    pub syncs: u64,
    /// Time spent in them.
    pub sync_time: Duration,
    /// Bytes of the spool's files on disk, spare segments included.
    pub disk_bytes: u64,
    /// Bytes that the file system has left for us.
    pub free_bytes: u64,
    /// Segments ready to be written.
    pub spare_segments: u64,
    /// Segments that hold entries.
    pub used_segments: u64,
    /// Entries that found no spare segment and had to wait for a new one, since the spool was opened.
    pub segments_created_late: u64,
    /// Why new instances are refused, if they are.
    pub intake_refused: Option<String>,
}

/// Told of events as they happen, for histograms. Called on blocking threads; must be quick.
pub trait Observer: Send + Sync {
    /// An `fdatasync` of payload ended after `took`, for `entries` that waited.
    fn synced(&self, took: Duration, entries: usize) {
        let _ = (took, entries);
    }

    /// A transaction of the index ended after `took`, for `commands`.
    fn indexed(&self, took: Duration, commands: usize) {
        let _ = (took, commands);
    }
}

/// An observer that looks away.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoObserver;

impl Observer for NoObserver {}
