//! How the local spool is set up.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use crate::{Error, NoObserver, Observer};

/// Setting of the local spool. [`Config::new`] gives the defaults.
#[derive(Clone)]
pub struct Config {
    /// The spool's own directory; made where there is none. It must be on a local file system.
    pub directory: PathBuf,
    /// Bytes of a segment, a multiple of 1 MiB. Default 16 MiB: about thirty CT slices share one, 64
    /// associations that each hold one need 1 GiB, and a new one is written in a fraction of a second.
    pub segment_bytes: u64,
    /// Segments that are kept written and ready. Default 16 (256 MiB with the default size): enough
    /// for the modalities of one department at once, and little for a closet PC; more are made as they
    /// are needed, which costs the instance that needs one some milliseconds.
    pub spare_segments: usize,
    /// Bytes of the file system that the spool leaves free. Default 512 MiB.
    pub minimum_free_bytes: u64,
    /// Bytes that are set aside so that the index stays writable on a full disk. Default 32 MiB.
    pub reserve_bytes: u64,
    /// How long delivery records outlive their delivery. Default 7 days.
    pub record_retention: Duration,
    /// Records kept at most, whatever their age. Default 1,000,000 (about 1 GiB of index).
    pub records_max: u64,
    /// How often a refused intake is probed. Default 5 s.
    pub probe_interval: Duration,
    /// Told of each sync. Default: nobody.
    pub observer: Arc<dyn Observer>,
}

impl Config {
    /// The defaults, for a spool in `directory`.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            segment_bytes: 16 * 1024 * 1024,
            spare_segments: 16,
            minimum_free_bytes: 512 * 1024 * 1024,
            reserve_bytes: 32 * 1024 * 1024,
            record_retention: Duration::from_secs(7 * 24 * 3600),
            records_max: 1_000_000,
            probe_interval: Duration::from_secs(5),
            observer: Arc::new(NoObserver),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("directory", &self.directory)
            .field("segment_bytes", &self.segment_bytes)
            .field("spare_segments", &self.spare_segments)
            .field("minimum_free_bytes", &self.minimum_free_bytes)
            .field("reserve_bytes", &self.reserve_bytes)
            .field("record_retention", &self.record_retention)
            .field("records_max", &self.records_max)
            .field("probe_interval", &self.probe_interval)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Takes back settings that cannot work.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let step = 1024 * 1024;
        if self.segment_bytes < step || !self.segment_bytes.is_multiple_of(step) {
            return Err(Error::Unsupported("segment_bytes must be a multiple of 1 MiB".into()));
        }
        if self.probe_interval.is_zero() {
            return Err(Error::Unsupported("probe_interval must not be zero".into()));
        }
        Ok(())
    }
}
