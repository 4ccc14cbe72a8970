//! C-FIND of many instances: beside curl over the same pages and the same exchange with a stub.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::Context as _;
use origin::synthetic::archive::{large_study, large_study_uids};
use origin::{Origin, Personality};
use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::embedded_origin::EmbeddedOrigin;

use crate::report::Report;
use crate::requestor::{Found, Requestor, Stub, instances_of};
use crate::statistics::Series;
use crate::verdict::{OVERHEAD, Verdict};
use crate::{Arguments, curl};

/// Any seed does; the same one makes runs comparable between days. The second one is of the study with
/// few results, the third of the one with many.
const SEEDS: [u64; 3] = [2026, 2027, 2028];

/// Results on a page that Dimseway asks the origin for.
const PAGE: u32 = 1_000;

/// Bytes of memory that a distinct result may take, for de-duplication.
const BYTES_PER_RESULT: u64 = 32;

/// Memory that may differ between runs of the same work, in KiB: the allocator gives pages back late.
const NOISE_KIB: u64 = 4 * 1024;

/// How often the small query runs before memory is compared: buffers grow to their size once.
const SETTLING_RUNS: u32 = 10;

/// How much is done.
struct Extent {
    runs: u32,
    /// Results of the query whose time is measured.
    results: u32,
    /// Results of the queries whose memory is compared.
    few: u32,
    many: u32,
}

impl Extent {
    fn new(arguments: &Arguments) -> Self {
        if arguments.smoke {
            return Self { runs: 1, results: 2_000, few: 500, many: 10_000 };
        }
        Self { runs: arguments.runs, results: 10_000, few: 1_000, many: 100_000 }
    }
}

/// The daemon in front of an origin that holds three studies.
struct Site {
    origin: EmbeddedOrigin,
    home: Home,
    _folder: tempfile::TempDir,
}

impl Site {
    fn open(arguments: &Arguments, extent: &Extent) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("query-").tempdir_in(&arguments.folder)?;
        let directory = folder.path().join("origin");
        let archive = Origin::open(&directory, Personality::Standard)?;
        for (seed, instances) in SEEDS.into_iter().zip([extent.results, extent.few, extent.many]) {
            archive.list_all(large_study(seed, instances))?;
        }
        drop(archive);
        let origin = EmbeddedOrigin::start(&directory);
        let configuration =
            Configuration::new().set("log", "level = \"info\"").origin("embedded", origin.url());
        Ok(Self { origin, home: Home::new(&configuration), _folder: folder })
    }

    /// The pages that Dimseway fetches for a study.
    fn pages(&self, seed: u64, results: u32) -> Vec<String> {
        let (study, series) = large_study_uids(seed);
        let include = "00080016,00080018,00200013,00280010,00280011";
        let below = format!("{}/studies/{study}/series/{series}/instances", self.origin.url());
        let offsets = (0..=results / PAGE).map(|page| page * PAGE);
        offsets.map(|offset| format!("{below}?includefield={include}&limit={PAGE}&offset={offset}")).collect()
    }
}

/// One query from the opening of the association to its release; seconds.
fn find(address: SocketAddr, called: &str, seed: u64, results: u32) -> anyhow::Result<(f64, Found)> {
    let (study, series) = large_study_uids(seed);
    let identifier = instances_of(study.as_str(), series.as_str());
    let begun = Instant::now();
    let mut requestor = Requestor::open(address, called)?;
    let found = requestor.find(&identifier)?;
    requestor.release()?;
    let seconds = begun.elapsed().as_secs_f64();
    anyhow::ensure!(
        found.status == 0x0000 && found.pending == u64::from(results),
        "{} results with status {:04X} instead of {results}",
        found.pending,
        found.status
    );
    Ok((seconds, found))
}

/// True where no target was missed; nothing where a tool is missing.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Option<bool>> {
    if !curl::is_installed() {
        println!("not measured: curl is not installed");
        return Ok(None);
    }
    let extent = Extent::new(arguments);
    let site = Site::open(arguments, &extent)?;
    let mut report = Report {
        heading: format!("C-FIND of {} instances, {} runs each, alternating", extent.results, extent.runs),
        ..Report::default()
    };
    times(&site, &extent, &mut report)?;
    memory(&site, &extent, &mut report)?;
    report.conclude("query", arguments).map(Some)
}

/// Rounds of pages by curl, the exchange with the stub, and the query through Dimseway.
fn times(site: &Site, extent: &Extent, report: &mut Report) -> anyhow::Result<()> {
    let daemon = site.home.start();
    let query = |results| find(daemon.dimse(), "DIMSEWAY", SEEDS[0], results).with_context(|| daemon.log());
    // The first query meets cold connections and caches, and gives the identifier for the stub.
    let (_, found) = query(extent.results)?;
    let stub = Stub::start(&found.sample, u64::from(extent.results))?;
    let pages = site.pages(SEEDS[0], extent.results);
    let (mut fetched, mut exchanged, mut ours) = (Series::default(), Series::default(), Series::default());
    for round in 1..=extent.runs {
        let page_seconds = fetched.add(curl::fetch_all(&pages)?);
        let stub_seconds = exchanged.add(find(stub.address(), "STUB", SEEDS[0], extent.results)?.0);
        let own_seconds = ours.add(query(extent.results)?.0);
        println!(
            "round {round} of {}: pages {page_seconds:.4} s, stub {stub_seconds:.4} s, Dimseway {own_seconds:.4} s",
            extent.runs
        );
    }
    let limits = fetched.zip(&exchanged, |pages, stub| OVERHEAD * (pages + stub));
    report.verdicts.push(Verdict::time("C-FIND: 1.5 (pages by curl + stub)", &ours, &limits));
    report.times.push(("curl over the same pages".to_owned(), fetched));
    report.times.push(("requestor -> stub".to_owned(), exchanged));
    report.times.push(("requestor -> Dimseway -> embedded origin".to_owned(), ours));
    report.memory.push(("after the runs above".to_owned(), daemon.memory_peak_kib()));
    Ok(())
}

/// A few results and many through a new daemon: what each further result takes.
fn memory(site: &Site, extent: &Extent, report: &mut Report) -> anyhow::Result<()> {
    let daemon: Daemon = site.home.start();
    let query = |seed, results| find(daemon.dimse(), "DIMSEWAY", seed, results).with_context(|| daemon.log());
    for _ in 0..SETTLING_RUNS {
        query(SEEDS[1], extent.few)?;
    }
    let few = daemon.memory_peak_kib();
    let (seconds, _) = query(SEEDS[2], extent.many)?;
    let many = daemon.memory_peak_kib();
    println!("{} results in {seconds:.2} s, VmHWM {few} KiB before, {many} KiB after", extent.many);
    report.memory.push((format!("after queries with {} results", extent.few), few));
    report.memory.push((format!("after one with {} results", extent.many), many));
    let grown = many.saturating_sub(few);
    let limit = u64::from(extent.many - extent.few) * BYTES_PER_RESULT / 1024 + NOISE_KIB;
    let target = format!("growth to {} results: 32 bytes each + 4 MiB", extent.many);
    report.verdicts.push(Verdict::memory(target, grown, limit));
    Ok(())
}
