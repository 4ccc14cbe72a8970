//! Rounds of the same study: into the peer, into Dimseway, straight into the archive, through
//! Dimseway into the archive.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::Extent;
use super::figures::{Delivery, Figures};
use super::site::{Site, called};
use crate::archive::{self, Count};
use crate::dcmtk::{self, Keep, Nagle, Storescp};
use crate::disk::WrittenFile;

/// Longest wait until everything is in the archive.
const LONGEST: Duration = Duration::from_secs(180);

/// All `storescp` of a round: with Nagle's algorithm as it is by default, and without.
struct Peers {
    default: Storescp,
    default_at_once: Storescp,
    ignoring: Storescp,
}

impl Peers {
    fn start(site: &Site) -> anyhow::Result<Self> {
        let start =
            |keep, nagle| Storescp::start(site.scratch(), keep, nagle)?.context("storescp is not installed");
        Ok(Self {
            default: start(Keep::Files, Nagle::On)?,
            default_at_once: start(Keep::Files, Nagle::Off)?,
            ignoring: start(Keep::Nothing, Nagle::Off)?,
        })
    }
}

/// Makes all rounds.
pub(crate) fn measure(site: &mut Site, extent: &Extent, figures: &mut Figures) -> anyhow::Result<()> {
    let peers = Peers::start(site)?;
    let block = std::fs::read(&site.slices[0])?;
    let mut written = WrittenFile::new(site.scratch(), block, extent.instances)?;
    for round in 1..=extent.runs {
        println!("round {round} of {}", extent.runs);
        let files = &site.slices;
        tell("storescp, default", figures.peer_default.add(peers.default.measure(Nagle::On, files)?));
        let ours = acknowledge(site, Nagle::On, figures)?;
        tell("Dimseway, default", figures.own_default.add(ours));
        let peer = peers.default_at_once.measure(Nagle::Off, files)?;
        tell("storescp, TCP_NODELAY", figures.peer_at_once.add(peer));
        let ours = acknowledge(site, Nagle::Off, figures)?;
        tell("Dimseway, TCP_NODELAY", figures.own_at_once.add(ours));
        tell("storescp --ignore", figures.peer_ignoring.add(peers.ignoring.measure(Nagle::Off, files)?));
        tell("fdatasync, median", figures.sync.add(written.sync()?));
        site.renew_orthanc()?;
        let direct = archive::store_directly(&site.orthanc, &site.slices)?;
        tell("Orthanc, direct", figures.direct.add(direct));
        deliver(site, 1, &mut figures.own_one)?;
        deliver(site, archive::CONNECTIONS, &mut figures.own_several)?;
    }
    figures.memory_rounds_kib = site.daemon.memory_peak_kib();
    Ok(())
}

fn tell(what: &str, seconds: f64) {
    println!("  {what:<34} {seconds:>9.4} s");
}

/// Sends the study to a route whose archive is down; seconds until all of it is acknowledged.
fn acknowledge(site: &Site, nagle: Nagle, figures: &mut Figures) -> anyhow::Result<f64> {
    let count = site.slices.len();
    let (acknowledged, syncs) = (site.acknowledged(), site.syncs());
    let seconds = dcmtk::store(site.daemon.dimse(), called::PARKED, nagle, &site.slices)?;
    let successes = site.acknowledged() - acknowledged;
    anyhow::ensure!(successes == count as f64, "{successes} of {count} C-STORE answered with success");
    figures.syncs_per_instance.push((site.syncs() - syncs) / successes);
    site.discard_parked(count)?;
    Ok(seconds)
}

/// Sends the study to an archive that is new; counts the time until the archive has it.
fn deliver(site: &mut Site, associations: usize, delivery: &mut Delivery) -> anyhow::Result<()> {
    site.renew_orthanc()?;
    let mut count = Count::of(&site.orthanc)?;
    let instances = u32::try_from(site.slices.len())?;
    let timed = count.time(instances, LONGEST, || send(site, associations));
    let (delivered, acknowledged) = timed.with_context(|| site.daemon.log())?;
    println!("  Dimseway to Orthanc, associations: {associations}");
    tell("  acknowledged", delivery.acknowledged.add(acknowledged));
    tell("  delivered", delivery.delivered.add(delivered));
    site.settle("orthanc")
}

/// Sends the study over so many associations at once, each with its share of the slices, dealt like cards;
/// seconds until all of it is acknowledged.
fn send(site: &Site, associations: usize) -> anyhow::Result<f64> {
    let share =
        |first| -> Vec<PathBuf> { site.slices.iter().skip(first).step_by(associations).cloned().collect() };
    let shares: Vec<_> = (0..associations).map(share).filter(|share| !share.is_empty()).collect();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let store = |share| dcmtk::store(site.daemon.dimse(), called::ORTHANC, Nagle::Off, share);
        let senders: Vec<_> = shares.iter().map(|share| scope.spawn(move || store(share))).collect();
        senders
            .into_iter()
            .try_for_each(|sender| sender.join().expect("a sender that did not panic").map(drop))
    })?;
    Ok(begun.elapsed().as_secs_f64())
}
