//! C-MOVE and C-GET: beside curl fetching the same study, of one large object, and from an origin that is
//! far away.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use origin::synthetic::{Instance, Study};
use tempfile::TempDir;
use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::embedded_origin::{EmbeddedOrigin, Options};
use tests::orthanc::Orthanc;

use crate::archive::{store_directly, store_in};
use crate::dcmtk::{self, Keep, Nagle, Storescp};
use crate::report::Report;
use crate::statistics::Series;
use crate::verdict::{OVERHEAD, Verdict};
use crate::{Arguments, curl};

/// Any seed does; the same one makes runs comparable between days.
const SEED: u64 = 2026;

/// Most resident memory with one large object, in KiB.
const MEMORY_KIB: u64 = 64 * 1024;

/// What an origin that is far away adds to every answer.
const FAR_AWAY: &str = "100ms";

/// Seconds that 300 instances may take from there, one request for each.
const FAR_AWAY_SECONDS: f64 = 3.0;

/// AE titles of the daemon, one per origin.
mod called {
    pub(super) const ORTHANC: &str = "ORTHANC";
    pub(super) const LARGE: &str = "LARGE";
    pub(super) const FAR_AWAY: &str = "FARAWAY";
}

/// AE titles of the destinations that the others than the study from Orthanc go to: one keeps files, one
/// throws everything away.
const KEEPING: &str = "KEEPING";
const IGNORING: &str = "IGNORING";

/// Associations at once to a destination that takes several: one per processor of a small machine.
const ASSOCIATIONS: u32 = 2;

/// A destination that keeps files, for which the study from Orthanc is judged.
struct Kept {
    ae_title: &'static str,
    /// Options of its `storescp`: by default it serves one association after the other, and takes PDUs of 16 KiB.
    options: &'static [&'static str],
    associations: u32,
    target: &'static str,
    time: &'static str,
}

/// As `storescp` is without options, with a process for each association, and both with PDUs of 128 KiB.
const KEPT: [Kept; 4] = [
    Kept {
        ae_title: KEEPING,
        options: &[],
        associations: 1,
        target: "C-MOVE from Orthanc, one association: 1.5 curl",
        time: "C-MOVE: Orthanc -> Dimseway -> storescp",
    },
    Kept {
        ae_title: "FORKING",
        options: &["--fork"],
        associations: ASSOCIATIONS,
        target: "C-MOVE from Orthanc, 2 associations: 1.5 curl",
        time: "the same on 2 associations, storescp --fork",
    },
    Kept {
        ae_title: "LARGE-PDU",
        options: &["--max-pdu", "131072"],
        associations: 1,
        target: "C-MOVE, PDUs of 128 KiB, one association: 1.5 curl",
        time: "the same on one association, storescp --max-pdu 131072",
    },
    Kept {
        ae_title: "LARGE-PDU-FORK",
        options: &["--max-pdu", "131072", "--fork"],
        associations: ASSOCIATIONS,
        target: "C-MOVE, PDUs of 128 KiB, 2 associations: 1.5 curl",
        time: "the same on 2 associations, --max-pdu 131072 --fork",
    },
];

/// Archives, destinations and the configuration of the daemon between them.
struct Site {
    orthanc: Orthanc,
    large: EmbeddedOrigin,
    far_away: EmbeddedOrigin,
    /// One for each of [`KEPT`].
    keeping: Vec<Storescp>,
    /// Named by its address in the configuration.
    _ignoring: Storescp,
    home: Home,
    slices: Vec<PathBuf>,
    scratch: TempDir,
}

impl Site {
    /// Starts everything; nothing where a tool is missing here.
    fn open(arguments: &Arguments, instances: u32) -> anyhow::Result<Option<Self>> {
        let scratch = tempfile::Builder::new().prefix("retrieve-").tempdir_in(&arguments.folder)?;
        let at = |name: &str| scratch.path().join(name);
        let Some(orthanc) = Orthanc::start() else { return Ok(None) };
        let mut keeping = Vec::new();
        for Kept { options, .. } in &KEPT {
            match Storescp::start_with(scratch.path(), Keep::Files, Nagle::Off, options)? {
                Some(peer) => keeping.push(peer),
                None => return Ok(None),
            }
        }
        let Some(ignoring) = Storescp::start(scratch.path(), Keep::Nothing, Nagle::Off)? else {
            return Ok(None);
        };
        let large = EmbeddedOrigin::start(&at("large"));
        let delayed = Options { answer_delay: FAR_AWAY, ..Options::default() };
        let far_away = EmbeddedOrigin::start_with(&at("far-away"), delayed);
        let slices = Study::new(SEED, instances).write_folder(&at("slices"))?;
        let kept = KEPT.iter().zip(&keeping).map(|(kept, peer)| (kept.ae_title, peer, kept.associations));
        let peers: Vec<_> = kept.chain([(IGNORING, &ignoring, 1)]).collect();
        let configuration = configuration(&orthanc.url(), &large, &far_away, &peers);
        let home = Home::new(&configuration);
        let _ignoring = ignoring;
        Ok(Some(Self { orthanc, large, far_away, keeping, _ignoring, home, slices, scratch }))
    }
}

/// Defaults, but for addresses and for what is asked of the origin that is far away.
fn configuration(
    orthanc: &str,
    large: &EmbeddedOrigin,
    far_away: &EmbeddedOrigin,
    peers: &[(&str, &Storescp, u32)],
) -> Configuration {
    let mut configuration = Configuration::new()
        .set("log", "level = \"info\"")
        .origin("orthanc", orthanc)
        .set("origin.orthanc", "profile = \"orthanc\"")
        .origin("large", large.url())
        .origin("far-away", far_away.url())
        .set("origin.far-away.capabilities.retrieve", "whole_study = false")
        .set("origin.far-away.capabilities.retrieve", "whole_series = false");
    let titles = [(called::ORTHANC, "orthanc"), (called::LARGE, "large"), (called::FAR_AWAY, "far-away")];
    for (title, origin) in titles {
        configuration = configuration.with(&format!("[[ae]]\ntitle = \"{title}\"\nquery = [\"{origin}\"]\n"));
    }
    for (title, peer, associations) in peers {
        let address = peer.address();
        configuration = configuration.with(&format!(
            "[[peer]]\nae_title = \"{title}\"\naddress = \"{address}\"\n\
             retrieve = {{ associations = {associations} }}\n"
        ));
    }
    configuration.with("[[route]]\nstore = [\"orthanc\"]\n")
}

/// True where no target was missed; nothing where a tool is missing.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Option<bool>> {
    let (runs, instances, large_object) = match arguments.smoke {
        true => (1, 30, 64 << 20),
        false => (arguments.runs, arguments.instances, 1 << 30),
    };
    let site = if curl::is_installed() { Site::open(arguments, instances)? } else { None };
    let Some(site) = site else {
        println!("not measured: curl, Orthanc with its DICOMweb plug-in or DCMTK is not installed");
        return Ok(None);
    };
    let heading = format!("C-MOVE of {instances} CT slices, {runs} runs each, alternating");
    let mut report = Report { heading, ..Report::default() };
    beside_curl(&site, runs, &mut report)?;
    from_far_away(&site, runs, &mut report)?;
    large_object_moved(&site, large_object, &mut report)?;
    report.conclude("retrieve", arguments).map(Some)
}

/// The study from Orthanc: by curl into a file, and through Dimseway into `storescp` in each of its configurations.
/// What `storescp` takes for the same files by itself is printed beside it, and what is left where it throws them
/// away.
fn beside_curl(site: &Site, runs: u32, report: &mut Report) -> anyhow::Result<()> {
    let daemon = site.home.start();
    store_directly(&site.orthanc, &site.slices)?;
    let study = Study::new(SEED, 0).study_instance_uid();
    let url = format!("{}/studies/{study}", site.orthanc.url());
    let file = site.scratch.path().join("study.multipart");
    let [mut fetched, mut stored, mut ignored] = [(); 3].map(|()| Series::default());
    let mut moved = KEPT.map(|_| Series::default());
    for round in 1..=runs {
        let curl_seconds = fetched.add(curl::fetch_study(&url, &file)?);
        std::fs::remove_file(&file)?;
        let mut own_seconds = vec![String::new(); KEPT.len()];
        // Each goes first in its turn: the first one meets what the disk still does for curl.
        for at in (0..KEPT.len()).map(|turn| (turn + round as usize) % KEPT.len()) {
            let ae_title = KEPT[at].ae_title;
            let seconds = dcmtk::retrieve_to(daemon.dimse(), called::ORTHANC, ae_title, study.as_str());
            own_seconds[at] = format!("{:.4} s", moved[at].add(seconds.with_context(|| daemon.log())?));
            arrived(site, &site.keeping[at])?;
        }
        let own_seconds = own_seconds.join(", ");
        let peer_seconds = stored.add(store_there(site)?);
        let to_nobody = dcmtk::retrieve_to(daemon.dimse(), called::ORTHANC, IGNORING, study.as_str());
        let to_nobody = ignored.add(to_nobody.with_context(|| daemon.log())?);
        println!(
            "round {round} of {runs}: curl {curl_seconds:.4} s, C-MOVE on one and {ASSOCIATIONS} associations, \
             the same with large PDUs {own_seconds}, storescu alone {peer_seconds:.4} s, C-MOVE to --ignore \
             {to_nobody:.4} s"
        );
    }
    let limits = fetched.map(|seconds| OVERHEAD * seconds);
    for (kept, moved) in KEPT.iter().zip(&moved) {
        report.verdicts.push(Verdict::time(kept.target, moved, &limits));
    }
    report.verdicts.push(Verdict::ratio("  C-MOVE / storescu of the same files", &moved[0], &stored));
    report.verdicts.push(Verdict::ratio("  C-MOVE to storescp --ignore / curl", &ignored, &fetched));
    report.times.push(("curl of the study from Orthanc".to_owned(), fetched));
    report.times.extend(KEPT.iter().zip(moved).map(|(kept, moved)| (kept.time.to_owned(), moved)));
    report.times.push(("storescu -> storescp, the same files".to_owned(), stored));
    report.times.push(("C-MOVE: Orthanc -> Dimseway -> storescp --ignore".to_owned(), ignored));
    report.memory.push(("after the study from Orthanc".to_owned(), daemon.memory_peak_kib()));
    Ok(())
}

/// All slices have arrived in a destination; they are set aside.
fn arrived(site: &Site, destination: &Storescp) -> anyhow::Result<()> {
    let received = destination.set_aside()?;
    anyhow::ensure!(received == site.slices.len(), "{received} of {} instances arrived", site.slices.len());
    Ok(())
}

/// Stores all slices in the destination that keeps files, without anything in between; seconds.
fn store_there(site: &Site) -> anyhow::Result<f64> {
    let seconds = dcmtk::store(site.keeping[0].address(), KEEPING, Nagle::Off, &site.slices)?;
    site.keeping[0].set_aside()?;
    Ok(seconds)
}

/// Moves a study of all slices to the destination that keeps files; seconds.
fn move_study(site: &Site, daemon: SocketAddr, called: &str, study: &str) -> anyhow::Result<f64> {
    let seconds = dcmtk::retrieve_to(daemon, called, KEEPING, study)?;
    arrived(site, &site.keeping[0])?;
    Ok(seconds)
}

/// The study from an origin that takes its time for every answer, instance by instance.
fn from_far_away(site: &Site, runs: u32, report: &mut Report) -> anyhow::Result<()> {
    let daemon = site.home.start();
    store_in(site.far_away.url(), &site.slices)?;
    let study = Study::new(SEED, 0).study_instance_uid();
    let mut moved = Series::default();
    for round in 1..=runs {
        let seconds = move_study(site, daemon.dimse(), called::FAR_AWAY, study.as_str());
        let seconds = moved.add(seconds.with_context(|| daemon.log())?);
        println!("round {round} of {runs}: C-MOVE from an origin {FAR_AWAY} away {seconds:.4} s");
    }
    let target = format!("C-MOVE, every answer {FAR_AWAY} later, one by one");
    report.verdicts.push(Verdict::within(&target, &moved, FAR_AWAY_SECONDS));
    report.times.push((target, moved));
    report.memory.push(("after the study from far away".to_owned(), daemon.memory_peak_kib()));
    Ok(())
}

/// One large object by C-MOVE and by C-GET, each through a new daemon.
fn large_object_moved(site: &Site, bytes: u64, report: &mut Report) -> anyhow::Result<()> {
    let object = Instance::of_size(SEED, bytes);
    let study = object.identity().study_instance_uid.clone();
    let path = site.scratch.path().join("large.dcm");
    object.write_file(&path)?;
    curl::store(&format!("{}/studies", site.large.url()), &path)?;
    std::fs::remove_file(&path)?;
    let size = bytes >> 20;
    for way in ["C-MOVE", "C-GET"] {
        let daemon = site.home.start();
        let retrieved = match way {
            "C-MOVE" => dcmtk::retrieve_to(daemon.dimse(), called::LARGE, IGNORING, study.as_str()),
            _ => dcmtk::retrieve_here(daemon.dimse(), called::LARGE, study.as_str()),
        };
        let seconds = retrieved.with_context(|| daemon.log())?;
        let peak = daemon.memory_peak_kib();
        println!("{way} of {size} MiB in {seconds:.2} s, VmHWM {peak} KiB");
        let name = format!("{way} of an object of {size} MiB");
        report.memory.push((format!("after {name}, in {seconds:.2} s"), peak));
        report.verdicts.push(Verdict::memory(format!("VmHWM, {name}"), peak, MEMORY_KIB));
    }
    Ok(())
}
