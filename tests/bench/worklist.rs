//! C-FIND of the worklist from local state, while every call to the source takes its time.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use origin::postdicom::NewOrder;
use origin::{Origin, Personality};
use serde_json::Value;
use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::embedded_origin::{self, EmbeddedOrigin};
use tests::find::Identifier;
use tests::wait::{block_on, eventually};
use tests::worklist::{
    ACCESSION_NUMBER, MODALITY, MODALITY_WORKLIST, PATIENT_ID, PATIENT_NAME, START_DATE, START_TIME, STATION,
    STEPS,
};

use crate::Arguments;
use crate::report::Report;
use crate::requestor::Requestor;
use crate::statistics::Series;
use crate::verdict::Verdict;

/// Time that passes before the source looks at a request.
const SOURCE_DELAY: &str = "100ms";

/// Stations of the site, and as many modalities: each has the same share of the orders.
const SHARES: usize = 20;

/// Modalities that ask at once.
const AT_ONCE: usize = 50;

/// Seconds to the last response of one query.
const ONE_LIMIT: f64 = 0.050;

/// The same where all ask at once.
const ALL_LIMIT: f64 = 0.250;

/// The share of queries that must keep within a limit.
const PERCENTILE: f64 = 0.99;

/// How much is done.
struct Extent {
    orders: usize,
    /// Queries of one modality, one after the other.
    queries: u32,
    /// How often all modalities ask at once.
    rounds: u32,
}

impl Extent {
    fn new(arguments: &Arguments) -> Self {
        match arguments.smoke {
            true => Self { orders: 2_000, queries: 5, rounds: 1 },
            false => Self { orders: 10_000, queries: 20 * arguments.runs, rounds: 2 * arguments.runs },
        }
    }

    /// Matches of a query by station or by modality.
    const fn matches(&self) -> usize {
        self.orders / SHARES
    }
}

/// An account with orders of today.
struct Site {
    _origin: EmbeddedOrigin,
    home: Home,
    _folder: tempfile::TempDir,
}

impl Site {
    fn open(arguments: &Arguments, extent: &Extent) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("worklist-").tempdir_in(&arguments.folder)?;
        let directory = folder.path().join("origin");
        let account = Origin::open(&directory, Personality::PostDicom)?;
        let today = today()?;
        block_on(async {
            for number in 0..extent.orders {
                account.add_order(None, order(number, &today)).await?;
            }
            anyhow::Ok(())
        })?;
        drop(account);
        let options = embedded_origin::Options {
            profile: "postdicom",
            answer_delay: SOURCE_DELAY,
            ..embedded_origin::Options::default()
        };
        let origin = EmbeddedOrigin::start_with(&directory, options);
        let ready: Value = serde_json::from_slice(&fs::read(directory.with_extension("ready.json"))?)?;
        let text = |value: &Value| value.as_str().map(str::to_owned).context("a text of the ready file");
        let password = folder.path().join("password");
        fs::write(&password, text(&ready["password"])?)?;
        let auth = format!(
            "auth = {{ type = \"basic\", username = \"{}\", password_file = \"{}\" }}",
            text(&ready["username"])?,
            password.display()
        );
        let institution = text(&ready["account"]["institutions"][0]["uuid"])?;
        let equipment = (0..SHARES).map(|station| {
            format!("[[equipment]]\nuuid = \"eq-{station}\"\nae_title = \"{}\"\n", ae_title(station))
        });
        let configuration = Configuration::new()
            .set("log", "level = \"info\"")
            .origin("cloud", origin.url())
            .set("origin.cloud", "profile = \"postdicom\"")
            .set("origin.cloud", &auth)
            .set("origin.cloud.postdicom", &format!("institutions = [\"{institution}\"]"))
            .set("worklist", "time_zone = \"UTC\"")
            .set("worklist", "refresh = \"5s\"")
            .set("worklist_source.cloud", "type = \"postdicom\"")
            .set("worklist_source.cloud", "origin = \"cloud\"")
            .with(&equipment.collect::<String>());
        Ok(Self { _origin: origin, home: Home::new(&configuration), _folder: folder })
    }
}

fn ae_title(station: usize) -> String {
    format!("STATION{station}")
}

/// Today in UTC, as `YYYY-MM-DD`.
fn today() -> anyhow::Result<String> {
    let output = Command::new("date").args(["-u", "+%Y-%m-%d"]).output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn order(number: usize, today: &str) -> NewOrder {
    NewOrder {
        institution_uuid: "d1c05e00-0001-4000-8000-000000000001".to_owned(),
        patient_name: format!("FAMILY{}^GIVEN{number}", number % 977),
        patient_id: format!("MRN{number:06}"),
        patient_sex: "F".to_owned(),
        patient_birthdate: "1970-01-02".to_owned(),
        modality: format!("M{}", number / SHARES % SHARES),
        study_description: "A description of usual length".to_owned(),
        accession_number: format!("A{number:07}"),
        order_scheduled_datetime: format!("{today} {:02}:{:02}", number % 24, number % 60),
        requested_procedure_id: format!("RP{number}"),
        requested_procedure_description: "What is to be done".to_owned(),
        scheduled_equipment_uuid: format!("eq-{}", number % SHARES),
        ..NewOrder::default()
    }
}

/// What the list of a modality shows, with keys of the step.
fn identifier(station: &str, modality: &str) -> Vec<u8> {
    let step = [(0x0006, "PN"), (0x0007, "LO"), (0x0009, "SH"), (0x0010, "SH"), (0x0011, "SH")]
        .into_iter()
        .fold(Identifier::default(), |step, (number, vr)| step.with(instance::Tag(0x0040, number), vr, ""))
        .with(STATION, "AE", station)
        .with(MODALITY, "CS", modality)
        .with(START_DATE, "DA", "")
        .with(START_TIME, "TM", "");
    let beside = [
        (ACCESSION_NUMBER, "SH"),
        (PATIENT_NAME, "PN"),
        (PATIENT_ID, "LO"),
        (instance::Tag(0x0010, 0x0030), "DA"),
        (instance::Tag(0x0010, 0x0040), "CS"),
        (instance::Tag(0x0020, 0x000D), "UI"),
        (instance::Tag(0x0032, 0x1060), "LO"),
        (instance::Tag(0x0040, 0x1001), "SH"),
    ];
    let beside = beside.into_iter().fold(Identifier::default(), |item, (tag, vr)| item.with(tag, vr, ""));
    beside.with_items(STEPS, &[step]).bytes()
}

/// Seconds from a request to its last response, on an association that is open.
fn ask(requestor: &mut Requestor, identifier: &[u8], matches: usize) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let found = requestor.find(identifier)?;
    let taken = begun.elapsed();
    anyhow::ensure!(
        found.status == 0x0000 && found.pending == matches as u64,
        "{} results with status {:04X} instead of {matches}",
        found.pending,
        found.status
    );
    Ok(taken)
}

fn open(address: SocketAddr) -> anyhow::Result<Requestor> {
    Requestor::open_explicit(address, "DIMSEWAY", MODALITY_WORKLIST)
}

/// True where no target was missed.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<Option<bool>> {
    let extent = Extent::new(arguments);
    let site = Site::open(arguments, &extent)?;
    let mut report = Report {
        heading: format!(
            "C-FIND of {} among {} orders, {SOURCE_DELAY} before each answer of the source",
            extent.matches(),
            extent.orders
        ),
        ..Report::default()
    };
    let daemon = site.home.start();
    eventually("the worklist has its orders", || {
        let has = daemon.metrics().sum("dimseway_worklist_entries", &[]);
        (has == extent.orders as f64).then_some(())
    });
    for (name, station, modality) in [("by station", "STATION7", ""), ("by modality", "", "M7")] {
        let identifier = identifier(station, modality);
        let mut requestor = open(daemon.dimse())?;
        // The first query meets cold caches.
        ask(&mut requestor, &identifier, extent.matches()).with_context(|| daemon.log())?;
        let mut times = Series::default();
        for _ in 0..extent.queries {
            times.push(ask(&mut requestor, &identifier, extent.matches())?.as_secs_f64());
        }
        requestor.release()?;
        let target = format!("{} matches {name}, 99th percentile", extent.matches());
        report.verdicts.push(Verdict::percentile(&target, &times, PERCENTILE, ONE_LIMIT));
        report.times.push((format!("one modality, {name}"), times));
    }
    let times = at_once(daemon.dimse(), &extent).with_context(|| daemon.log())?;
    let target = format!("{AT_ONCE} modalities at once, 99th percentile");
    report.verdicts.push(Verdict::percentile(&target, &times, PERCENTILE, ALL_LIMIT));
    report.times.push((format!("{AT_ONCE} modalities at once, by station"), times));
    report.memory.push(("after the runs above".to_owned(), daemon.memory_peak_kib()));
    report.conclude("worklist", arguments).map(Some)
}

/// All modalities ask in the same moment, each for its own station, again and again.
fn at_once(address: SocketAddr, extent: &Extent) -> anyhow::Result<Series> {
    let begin = Barrier::new(AT_ONCE);
    let modality = |number: usize| {
        let (mut requestor, mut times) = (open(address)?, Vec::new());
        let identifier = identifier(&ae_title(number % SHARES), "");
        for _ in 0..extent.rounds {
            begin.wait();
            times.push(ask(&mut requestor, &identifier, extent.matches())?);
        }
        requestor.release()?;
        anyhow::Ok(times)
    };
    let modality = &modality;
    let outcomes: Vec<_> = thread::scope(|scope| {
        let all: Vec<_> = (0..AT_ONCE).map(|number| scope.spawn(move || modality(number))).collect();
        all.into_iter().map(|one| one.join().expect("a modality does not panic")).collect()
    });
    let all: Vec<Vec<Duration>> = outcomes.into_iter().collect::<anyhow::Result<_>>()?;
    Ok(all.into_iter().flatten().collect())
}
