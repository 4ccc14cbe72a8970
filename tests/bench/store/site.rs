//! The daemon under measurement with the archives behind it, and the files that are sent.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use origin::synthetic::Study;
use serde_json::json;
use tempfile::TempDir;
use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::dcmtk::free_port;
use tests::embedded_origin::EmbeddedOrigin;
use tests::orthanc::Orthanc;
use tests::wait;

use super::Extent;
use crate::{archive, disk};

/// AE titles of the daemon, one per route.
pub(crate) mod called {
    /// To Orthanc.
    pub(crate) const ORTHANC: &str = "ORTHANC";
    /// To an archive that is down, so that the acknowledgement is measured and nothing else runs.
    pub(crate) const PARKED: &str = "PARKED";
    /// To the embedded origin, acknowledged once durable in the spool.
    pub(crate) const SPOOLED: &str = "SPOOLED";
    /// To the embedded origin, acknowledged once that one has it.
    pub(crate) const STORED: &str = "STORED";
}

/// Any seed does; the same one makes runs comparable between days.
const SEED: u64 = 2026;

/// Of the study with which an archive is warmed up.
const SEED_WARM_UP: u64 = SEED + 1;

/// Its slices: some for every connection.
const SLICES_WARM_UP: u32 = 4 * archive::CONNECTIONS as u32;

/// One daemon and its archives, for all measurements.
pub(crate) struct Site {
    pub(crate) daemon: Daemon,
    pub(crate) orthanc: Orthanc,
    pub(crate) origin: EmbeddedOrigin,
    /// The CT slices, in order.
    pub(crate) slices: Vec<PathBuf>,
    warm_up: Vec<PathBuf>,
    folder: TempDir,
    _home: Home,
}

impl Site {
    /// Starts everything and makes the files; nothing where a tool is missing here.
    pub(crate) fn open(folder: &Path, extent: &Extent) -> anyhow::Result<Option<Self>> {
        std::fs::create_dir_all(folder)?;
        let scratch = tempfile::Builder::new().prefix("site-").tempdir_in(folder)?;
        let Some(orthanc) = Orthanc::start() else {
            println!("not measured: Orthanc with its DICOMweb plug-in is not installed");
            return Ok(None);
        };
        let origin = EmbeddedOrigin::start(&scratch.path().join("origin"));
        let home = Home::new(&configuration(&orthanc.url(), origin.url()));
        let daemon = home.start();
        let slices = Study::new(SEED, extent.instances).write_folder(&scratch.path().join("slices"))?;
        let warm_up =
            Study::new(SEED_WARM_UP, SLICES_WARM_UP).write_folder(&scratch.path().join("warm-up"))?;
        disk::flush(scratch.path())?;
        Ok(Some(Self { daemon, orthanc, origin, slices, warm_up, folder: scratch, _home: home }))
    }

    /// A new Orthanc for the next measurement, warmed up in the same way whatever is measured: it has stored
    /// some instances of another study, and nothing waits to be written to the disk.
    pub(crate) fn renew_orthanc(&mut self) -> anyhow::Result<()> {
        self.orthanc.begin_anew();
        archive::store_in(&self.orthanc.url(), &self.warm_up)?;
        // Where it keeps its folders.
        disk::flush(&std::env::temp_dir())
    }

    /// A folder that is thrown away at the end.
    pub(crate) fn scratch(&self) -> &Path {
        self.folder.path()
    }

    /// How many C-STORE were answered with success so far.
    pub(crate) fn acknowledged(&self) -> f64 {
        self.daemon
            .metrics()
            .sum("dimseway_dimse_messages_total", &[("service", "C-STORE"), ("status", "0000")])
    }

    /// How often the spool synced so far.
    pub(crate) fn syncs(&self) -> f64 {
        self.daemon.metrics().sum("dimseway_spool_syncs_total", &[])
    }

    /// Gives up what waits for the archive that is down.
    pub(crate) fn discard_parked(&self, expected: usize) -> anyhow::Result<()> {
        let waiting = || self.daemon.metrics().sum("dimseway_spool_entries", &[("destination", "parked")]);
        // The index, and with it the queue, lags behind the acknowledgement.
        let all = wait::within(Duration::from_secs(30), || (waiting() >= expected as f64).then_some(()));
        all.with_context(|| format!("{} of {expected} instances are parked", waiting()))?;
        let answer = self.daemon.request("POST", "/api/v1/queue/discard", &json!({"destination": "parked"}));
        anyhow::ensure!(answer.status == 200, "discard: {} {}", answer.status, answer.text());
        let left = self.daemon.queue("destination=parked").len();
        anyhow::ensure!(left == 0, "{left} of {expected} parked deliveries were not discarded");
        Ok(())
    }

    /// Waits until the spool has nothing left to deliver to a destination.
    pub(crate) fn settle(&self, destination: &str) -> anyhow::Result<()> {
        let open = || {
            let metrics = self.daemon.metrics();
            ["due", "delivering", "deferred", "held", "quarantined"]
                .iter()
                .map(|state| {
                    let labels = [("destination", destination), ("state", state)];
                    metrics.sum("dimseway_spool_entries", &labels)
                })
                .sum::<f64>()
        };
        let settled = wait::within(Duration::from_secs(120), || (open() == 0.0).then_some(()));
        settled.with_context(|| {
            format!("{} entries for {destination} are not delivered:\n{}", open(), self.daemon.log())
        })
    }
}

/// As a department would have it: defaults, but for addresses.
fn configuration(orthanc: &str, origin: &str) -> Configuration {
    let mut configuration = Configuration::new()
        .set("spool", "segment_size = \"16MiB\"")
        .set("spool", "minimum_free = \"512MiB\"")
        .set("forward.back_off", "min = \"5s\"")
        .set("forward.back_off", "max = \"15m\"")
        .set("forward.breaker", "probe_min = \"1s\"")
        .set("forward.breaker", "probe_max = \"30s\"")
        .set("forward.breaker", "credentials = \"60s\"")
        .set("log", "level = \"info\"")
        .origin("orthanc", orthanc)
        .set("origin.orthanc", "profile = \"orthanc\"")
        .origin("parked", &format!("http://127.0.0.1:{}/dicom-web", free_port()))
        .origin("embedded", origin);
    for (title, destination, acknowledge) in [
        (called::ORTHANC, "orthanc", "spooled"),
        (called::PARKED, "parked", "spooled"),
        (called::SPOOLED, "embedded", "spooled"),
        (called::STORED, "embedded", "stored"),
    ] {
        configuration = configuration.with(&format!(
            "[[ae]]\ntitle = \"{title}\"\n\n[[route]]\nmatch = {{ called_ae = \"{title}\" }}\n\
             store = [\"{destination}\"]\nacknowledge = \"{acknowledge}\"\n"
        ));
    }
    configuration
}
