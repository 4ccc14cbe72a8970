//! What was measured, as a table and as JSON.

use std::path::Path;

use serde_json::{Value, json};

use super::Extent;
use crate::statistics::Series;
use crate::verdict::Verdict;

/// A large object on its way through.
#[derive(Debug, Clone)]
pub(crate) struct LargeObject {
    /// AE title called, which stands for the acknowledge mode.
    pub(crate) called: &'static str,
    /// Seconds until it was acknowledged.
    pub(crate) acknowledged: f64,
    /// Peak of the daemon's memory once it was delivered.
    pub(crate) memory_kib: u64,
}

/// Through Dimseway into Orthanc.
#[derive(Debug, Clone, Default)]
pub(crate) struct Delivery {
    /// Until everything is acknowledged.
    pub(crate) acknowledged: Series,
    /// Until Orthanc has it.
    pub(crate) delivered: Series,
}

/// All figures; times in seconds, one per round.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    pub(crate) extent: Extent,
    /// `storescu` into `storescp`, both with their defaults.
    pub(crate) peer_default: Series,
    /// `storescu` with its defaults into Dimseway.
    pub(crate) own_default: Series,
    /// `storescu` into `storescp`, both with `TCP_NODELAY=1`.
    pub(crate) peer_at_once: Series,
    /// `storescu` with `TCP_NODELAY=1` into Dimseway.
    pub(crate) own_at_once: Series,
    /// `storescu` into `storescp --ignore`, both with `TCP_NODELAY=1`.
    pub(crate) peer_ignoring: Series,
    /// Median of `fdatasync` behind a write of one instance.
    pub(crate) sync: Series,
    /// STOW straight into Orthanc.
    pub(crate) direct: Series,
    /// Over one association.
    pub(crate) own_one: Delivery,
    /// Over as many associations at once as the direct STOW has connections.
    pub(crate) own_several: Delivery,
    /// Syncs of the spool per acknowledged instance, one per run with nothing being delivered.
    pub(crate) syncs_per_instance: Series,
    pub(crate) memory_rounds_kib: u64,
    pub(crate) large_objects: Vec<LargeObject>,
    pub(crate) memory_associations_kib: u64,
}

impl Figures {
    pub(crate) fn new(extent: &Extent) -> Self {
        Self {
            extent: extent.clone(),
            peer_default: Series::default(),
            own_default: Series::default(),
            peer_at_once: Series::default(),
            own_at_once: Series::default(),
            peer_ignoring: Series::default(),
            sync: Series::default(),
            direct: Series::default(),
            own_one: Delivery::default(),
            own_several: Delivery::default(),
            syncs_per_instance: Series::default(),
            memory_rounds_kib: 0,
            large_objects: Vec::new(),
            memory_associations_kib: 0,
        }
    }

    fn rows(&self) -> [(&'static str, &Series); 12] {
        [
            ("storescu -> storescp, defaults", &self.peer_default),
            ("storescu -> Dimseway, defaults", &self.own_default),
            ("storescu -> storescp, TCP_NODELAY=1", &self.peer_at_once),
            ("storescu -> Dimseway, TCP_NODELAY=1", &self.own_at_once),
            ("storescu -> storescp --ignore, TCP_NODELAY=1", &self.peer_ignoring),
            ("fdatasync of one instance, median", &self.sync),
            ("STOW -> Orthanc, 4 connections", &self.direct),
            ("storescu -> Dimseway -> Orthanc, acknowledged", &self.own_one.acknowledged),
            ("storescu -> Dimseway -> Orthanc, delivered", &self.own_one.delivered),
            ("4 storescu -> Dimseway -> Orthanc, acknowledged", &self.own_several.acknowledged),
            ("4 storescu -> Dimseway -> Orthanc, delivered", &self.own_several.delivered),
            ("syncs per acknowledged instance (number)", &self.syncs_per_instance),
        ]
    }
}

/// Prints all figures, then the verdict on each target.
pub(crate) fn print(figures: &Figures, verdicts: &[Verdict]) {
    let Extent { runs, instances, .. } = figures.extent;
    println!("\n{instances} CT slices, {runs} runs each, alternating; seconds");
    println!("{:<48} {:>9} {:>9} {:>9}", "", "median", "min", "max");
    for (name, series) in figures.rows() {
        println!("{name:<48} {:>9.4} {:>9.4} {:>9.4}", series.median(), series.min(), series.max());
    }
    println!("\nVmHWM of the daemon, one process for all, MiB");
    let mebibytes = |kib: u64| kib as f64 / 1024.0;
    println!("{:<48} {:>9.1}", "after the runs above", mebibytes(figures.memory_rounds_kib));
    for object in &figures.large_objects {
        let name =
            format!("after one object of {} MiB, {}", figures.extent.large_object >> 20, object.called);
        println!(
            "{name:<48} {:>9.1}   acknowledged in {:.2} s",
            mebibytes(object.memory_kib),
            object.acknowledged
        );
    }
    let name = format!("after {} associations at once", figures.extent.associations);
    println!("{name:<48} {:>9.1}", mebibytes(figures.memory_associations_kib));
    println!("\n{:<56} {:>10} {:>10}  verdict", "target", "is", "limit");
    for verdict in verdicts {
        println!("{verdict}");
    }
}

/// Writes all figures as JSON.
pub(crate) fn write(path: &Path, figures: &Figures, verdicts: &[Verdict]) -> anyhow::Result<()> {
    let rows: serde_json::Map<String, Value> =
        figures.rows().into_iter().map(|(name, row)| (name.to_owned(), row.json())).collect();
    let large: Vec<_> = figures
        .large_objects
        .iter()
        .map(|object| {
            json!({
                "bytes": figures.extent.large_object,
                "called": object.called,
                "acknowledged": object.acknowledged,
                "vm_hwm_kib": object.memory_kib,
            })
        })
        .collect();
    let document = json!({
        "smoke": figures.extent.smoke,
        "runs": figures.extent.runs,
        "instances": figures.extent.instances,
        "processors": std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        "figures": rows,
        "vm_hwm_kib": {
            "rounds": figures.memory_rounds_kib,
            "associations": figures.memory_associations_kib,
        },
        "large_objects": large,
        "verdicts": verdicts.iter().map(Verdict::json).collect::<Vec<_>>(),
    });
    std::fs::write(path, serde_json::to_string_pretty(&document)? + "\n")?;
    Ok(())
}
