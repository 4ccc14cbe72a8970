//! What was measured, as a table and as JSON.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::Arguments;
use crate::statistics::Series;
use crate::verdict::Verdict;

/// Figures and verdicts of one subject.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// What was done, in one line.
    pub(crate) heading: String,
    /// Times in seconds, one per round.
    pub(crate) times: Vec<(String, Series)>,
    /// Peaks of resident memory, in KiB.
    pub(crate) memory: Vec<(String, u64)>,
    pub(crate) verdicts: Vec<Verdict>,
}

impl Report {
    /// Prints everything and writes it to `NAME.json`; true where no target was missed.
    pub(crate) fn conclude(&self, name: &str, arguments: &Arguments) -> anyhow::Result<bool> {
        self.print();
        let name = if arguments.smoke { format!("{name}-smoke") } else { name.to_owned() };
        let path = arguments.folder.join(name).with_extension("json");
        self.write(&path, arguments)?;
        println!("\nwritten to {}", path.display());
        Ok(self.verdicts.iter().all(|verdict| !verdict.is_failure(arguments.smoke)))
    }

    fn print(&self) {
        println!("\n{}; seconds", self.heading);
        println!("{:<56} {:>9} {:>9} {:>9}", "", "median", "min", "max");
        for (name, series) in &self.times {
            println!("{name:<56} {:>9.4} {:>9.4} {:>9.4}", series.median(), series.min(), series.max());
        }
        println!("\nVmHWM of the daemon, MiB");
        for (name, kib) in &self.memory {
            println!("{name:<56} {:>9.1}", *kib as f64 / 1024.0);
        }
        println!("\n{:<56} {:>10} {:>10}  verdict", "target", "is", "limit");
        for verdict in &self.verdicts {
            println!("{verdict}");
        }
    }

    fn write(&self, path: &Path, arguments: &Arguments) -> anyhow::Result<()> {
        let times: Map<String, Value> =
            self.times.iter().map(|(name, row)| (name.clone(), row.json())).collect();
        let memory: Map<String, Value> =
            self.memory.iter().map(|(name, kib)| (name.clone(), json!(kib))).collect();
        let document = json!({
            "smoke": arguments.smoke,
            "processors": std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            "figures": times,
            "vm_hwm_kib": memory,
            "verdicts": self.verdicts.iter().map(Verdict::json).collect::<Vec<_>>(),
        });
        std::fs::write(path, serde_json::to_string_pretty(&document)? + "\n")?;
        Ok(())
    }
}
