//! Memory of the daemon with one large object, and with many associations at once.

use std::sync::Barrier;
use std::time::Duration;

use anyhow::Context as _;
use origin::synthetic::Instance as Synthetic;
use tests::instances::Instance;
use tests::sender::Sender;
use tests::wait;

use super::Extent;
use super::figures::{Figures, LargeObject};
use super::site::{Site, called};
use crate::dcmtk::{self, Nagle};

/// Bytes of Pixel Data of an instance of the many associations: a CT slice.
const SLICE: usize = 512 * 512 * 2;

/// One large object in both modes, then all associations at once.
pub(crate) fn measure(site: &Site, extent: &Extent, figures: &mut Figures) -> anyhow::Result<()> {
    for (called, seed) in [(called::SPOOLED, 1), (called::STORED, 2)] {
        let object = large_object(site, extent, called, seed)?;
        println!(
            "  {} MiB, {called:<26} {:>9.4} s, VmHWM {} KiB",
            extent.large_object >> 20,
            object.acknowledged,
            object.memory_kib
        );
        figures.large_objects.push(object);
    }
    many_associations(site, extent)?;
    figures.memory_associations_kib = site.daemon.memory_peak_kib();
    println!("  {} associations at once, VmHWM {} KiB", extent.associations, figures.memory_associations_kib);
    Ok(())
}

fn large_object(
    site: &Site,
    extent: &Extent,
    called: &'static str,
    seed: u64,
) -> anyhow::Result<LargeObject> {
    let path = site.scratch().join("large.dcm");
    let object = Synthetic::of_size(seed, extent.large_object);
    object.write_file(&path)?;
    let before = site.origin.count();
    let sent = std::slice::from_ref(&path);
    let acknowledged =
        dcmtk::store(site.daemon.dimse(), called, Nagle::Off, sent).with_context(|| site.daemon.log())?;
    if called == called::STORED {
        anyhow::ensure!(site.origin.count() == before + 1, "acknowledged as stored, and it is not");
    }
    site.settle("embedded")?;
    anyhow::ensure!(site.origin.count() == before + 1, "the large object did not arrive");
    std::fs::remove_file(&path)?;
    Ok(LargeObject { called, acknowledged, memory_kib: site.daemon.memory_peak_kib() })
}

/// Opens all associations, and only then lets all of them send.
fn many_associations(site: &Site, extent: &Extent) -> anyhow::Result<()> {
    let (acknowledged, stored) = (site.acknowledged(), site.orthanc.count());
    let all_open = Barrier::new(extent.associations + 1);
    let go = Barrier::new(extent.associations + 1);
    std::thread::scope(|scope| {
        for association in 0..extent.associations {
            let (all_open, go) = (&all_open, &go);
            scope.spawn(move || {
                let study = u32::try_from(association).expect("few associations");
                let instances = Instance::study(study, extent.instances_per_association, SLICE);
                let mut sender = Sender::open_as(site.daemon.dimse(), "BENCH", called::ORTHANC, &instances);
                all_open.wait();
                go.wait();
                for instance in &instances {
                    let response = sender.store(instance).expect("an answer");
                    assert_eq!(response.status, 0x0000, "{response:?}");
                }
                sender.release();
            });
        }
        all_open.wait();
        // Counted when the association is established, which the other side learns a moment earlier.
        let open = || site.daemon.metrics().sum("dimseway_associations_open", &[]);
        let seen =
            wait::within(Duration::from_secs(10), || (open() == extent.associations as f64).then_some(()));
        go.wait();
        seen.with_context(|| format!("{} associations are open", open()))
    })?;
    let expected = extent.associations as f64 * f64::from(extent.instances_per_association);
    let successes = site.acknowledged() - acknowledged;
    anyhow::ensure!(successes == expected, "{successes} of {expected} C-STORE answered with success");
    site.settle("orthanc")?;
    let arrived = site.orthanc.count() - stored;
    anyhow::ensure!(arrived as f64 == expected, "{arrived} of {expected} instances arrived in Orthanc");
    Ok(())
}
