//! What was measured, for the summary.

use std::path::Path;
use std::time::{Duration, Instant};

use tests::campaign;

/// What the figures of one run come to; each is told as it is taken.
#[derive(Default)]
pub(super) struct Figures {
    slowest_page: Duration,
    memory_peak_kib: u64,
}

impl Figures {
    pub(super) fn say(&self, what: &str, figure: &str) {
        campaign::figure(&format!("backlog: {what}"), figure);
    }

    pub(super) fn time(&self, what: &str, took: Duration) {
        self.say(what, &format!("{:.3} s", took.as_secs_f64()));
    }

    /// Times what a person waits for.
    pub(super) fn page<T>(&mut self, what: &str, ask: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let answer = ask();
        let took = begun.elapsed();
        self.slowest_page = self.slowest_page.max(took);
        self.time(what, took);
        answer
    }

    pub(super) const fn slowest_page(&self) -> Duration {
        self.slowest_page
    }

    pub(super) fn memory(&mut self, what: &str, kib: u64) {
        self.memory_peak_kib = self.memory_peak_kib.max(kib);
        self.say(&format!("VmHWM {what}"), &format!("{:.1} MiB", kib as f64 / 1024.0));
    }

    pub(super) const fn memory_peak_kib(&self) -> u64 {
        self.memory_peak_kib
    }

    /// Bytes of the files of the spool whose name, or whose folder's name, begins so.
    pub(super) fn size(&self, what: &str, spool: &Path, begins: &str) {
        let mut bytes = 0;
        for entry in std::fs::read_dir(spool).expect("the spool") {
            let entry = entry.expect("an entry of a folder");
            if !entry.file_name().to_string_lossy().starts_with(begins) {
                continue;
            }
            let metadata = entry.metadata().expect("a file");
            if metadata.is_dir() {
                let files = std::fs::read_dir(entry.path()).expect("a folder");
                bytes +=
                    files.flatten().filter_map(|file| file.metadata().ok()).map(|m| m.len()).sum::<u64>();
            } else {
                bytes += metadata.len();
            }
        }
        self.say(&format!("size of the {what}"), &format!("{:.1} MiB", bytes as f64 / 1_048_576.0));
    }

    /// Deliveries per second of each slice.
    pub(super) fn rates(&self, seconds_per_delivery: &[f64]) {
        let rates: Vec<_> = seconds_per_delivery.iter().map(|took| format!("{:.0}", 1.0 / took)).collect();
        self.say("deliveries per second", &rates.join(" "));
    }
}
