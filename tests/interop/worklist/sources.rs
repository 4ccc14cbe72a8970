//! Every source, asked through the bridge with `findscu` of DCMTK and of pynetdicom, and attribute by attribute.

use std::any::Any;
use std::collections::BTreeSet;
use std::process::Command;

use instance::Tag;
use tempfile::TempDir;
use tests::account::Account;
use tests::daemon::{Daemon, Home};
use tests::find::{Elements, Finder, Identifier};
use tests::step_origin::StepOrigin;
use tests::worklist::{
    ACCESSION_NUMBER, MODALITY_WORKLIST, ORDERS, Order, STEPS, Wlmscpfs, equipment, equipment_tables, orders,
};
use tests::{dcmtk, skip};

use super::{beside_archive, of_all_days, of_folder, wait_for_all};
use crate::site::said;

/// What a source of orders is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Folder,
    PostDicom,
    Dimse,
    MwlRs,
    UpsRs,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [Self::Folder, Self::PostDicom, Self::Dimse, Self::MwlRs, Self::UpsRs];
}

/// A daemon whose worklist has all orders of the department from one source.
pub(crate) struct Department {
    pub(crate) daemon: Daemon,
    pub(crate) home: Home,
    /// What answers for the source; dropped, it is away.
    pub(crate) source: Box<dyn Any>,
    pub(crate) _folder: TempDir,
}

impl Department {
    /// Starts one and waits for its first list; nothing where the source is not installed.
    pub(crate) fn start(kind: Kind) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let (configuration, source): (_, Box<dyn Any>) = match kind {
            Kind::Folder => {
                let directory = tempfile::tempdir().unwrap();
                orders().iter().for_each(|order| order.write(directory.path()));
                (of_folder(directory.path()), Box::new(directory))
            }
            Kind::PostDicom => {
                let directory = folder.path().join("account");
                let account =
                    Account::start_with(&directory, |options| options.account.equipment = equipment());
                for order in orders() {
                    account.add_order(None, order.of_account());
                }
                let configuration = account
                    .configured(of_all_days(), folder.path())
                    .set("worklist_source.cloud", "type = \"postdicom\"")
                    .set("worklist_source.cloud", "origin = \"cloud\"")
                    .with(&equipment_tables());
                (configuration, Box::new(account))
            }
            Kind::Dimse => {
                let peer = Wlmscpfs::start_as("RIS", folder.path(), &orders())?;
                let table = format!("[[peer]]\nae_title = \"RIS\"\naddress = \"{}\"", peer.address());
                let configuration = beside_archive()
                    .set("worklist_source.ris", "type = \"dimse\"")
                    .set("worklist_source.ris", "peer = \"RIS\"")
                    .with(&table);
                (configuration, Box::new(peer))
            }
            Kind::MwlRs | Kind::UpsRs => {
                let origin = StepOrigin::start(&folder.path().join("origin"));
                let name = match kind {
                    Kind::MwlRs => {
                        origin.schedule(&orders());
                        "mwl-rs"
                    }
                    _ => {
                        origin.add_workitems(&orders());
                        "ups-rs"
                    }
                };
                let configuration = of_all_days()
                    .origin("steps", &origin.url())
                    .set("worklist_source.steps", &format!("type = \"{name}\""))
                    .set("worklist_source.steps", "origin = \"steps\"");
                (configuration, Box::new(origin))
            }
        };
        let home = Home::new(&configuration);
        let daemon = home.start();
        wait_for_all(&daemon);
        Some(Self { daemon, home, source, _folder: folder })
    }
}

/// Name, keys of `findscu`, and which orders are to be found.
type Row = (&'static str, &'static [&'static str], fn(&Order) -> bool);

const ROWS: [Row; 6] = [
    ("everything", &[], |_| true),
    ("a station", &["ScheduledProcedureStepSequence[0].ScheduledStationAETitle=CT2"], |order| {
        order.station().0 == "CT2"
    }),
    ("a modality", &["ScheduledProcedureStepSequence[0].Modality=MR"], |order| order.station().1 == "MR"),
    (
        "two days",
        &["ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartDate=20260302-20260303"],
        |order| matches!(order.date.as_str(), "20260302" | "20260303"),
    ),
    ("a name by wildcard", &["PatientName=SMITH*"], |order| order.patient_name().starts_with("SMITH")),
    ("a patient", &["PatientID=PID007"], |order| order.patient_id() == "PID007"),
];

/// Keys that show what a list does.
const SHOWN: [&str; 4] = [
    "AccessionNumber",
    "PatientName",
    "ScheduledProcedureStepSequence[0].ScheduledStationAETitle",
    "ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartDate",
];

fn arguments(keys: &[&str]) -> Vec<String> {
    let names: Vec<_> = keys.iter().map(|key| key.split('=').next().unwrap_or_default()).collect();
    let shown = SHOWN.iter().filter(|shown| !names.contains(shown));
    let all = ["SpecificCharacterSet=ISO_IR 192"].iter().chain(keys).chain(shown);
    all.flat_map(|key| ["-k".to_owned(), (*key).to_owned()]).collect()
}

fn expected(is_it: fn(&Order) -> bool) -> BTreeSet<String> {
    let found: BTreeSet<_> =
        orders().iter().filter(|order| is_it(order)).map(Order::accession_number).collect();
    assert!(!found.is_empty());
    found
}

#[test]
fn findscu_of_dcmtk_gets_the_worklist_of_every_source() {
    for kind in Kind::ALL {
        let Some(department) = Department::start(kind) else { return };
        let address = department.daemon.dimse();
        for (name, keys, is_it) in ROWS {
            let Some(mut command) = dcmtk::program("findscu") else { return };
            let folder = tempfile::tempdir().unwrap();
            command.args(["-v", "-W", "-aet", "CT1", "-aec", "DIMSEWAY", "-X", "-od"]).arg(folder.path());
            command.args(arguments(keys)).arg(address.ip().to_string()).arg(address.port().to_string());
            let output = command.output().unwrap();
            assert!(output.status.success(), "{kind:?}, {name}: {}", said(&output));
            let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
            let found: BTreeSet<_> = files
                .map(|path| {
                    let file = std::fs::read(path).unwrap();
                    let (_, start) = instance::part10::read(&file).unwrap();
                    Elements::read(&file[start..]).text(ACCESSION_NUMBER).unwrap_or_default().to_owned()
                })
                .collect();
            assert_eq!(found, expected(is_it), "{kind:?}, {name}");
        }
    }
}

#[test]
fn findscu_of_pynetdicom_gets_the_worklist_of_every_source() {
    for kind in Kind::ALL {
        let Some(department) = Department::start(kind) else { return };
        let address = department.daemon.dimse();
        for (name, keys, is_it) in ROWS {
            let Some(python) = skip::python() else { return };
            let output = Command::new(python)
                .args(["-m", "pynetdicom", "findscu", "-v", "-W", "-aet", "CT1", "-aec", "DIMSEWAY"])
                .args(arguments(keys))
                .arg(address.ip().to_string())
                .arg(address.port().to_string())
                .env("PYTHONIOENCODING", "utf-8")
                .output()
                .unwrap();
            let said = said(&output);
            let succeeded = output.status.success() && said.contains("Find SCP Result: 0x0000 (Success)");
            assert!(succeeded, "{kind:?}, {name}: {said}");
            let found: BTreeSet<_> = said
                .lines()
                .filter(|line| line.contains("(0008,0050) SH"))
                .filter_map(|line| Some(line.split_once('[')?.1.split(']').next()?.trim().to_owned()))
                .filter(|number| !number.is_empty())
                .collect();
            assert_eq!(found, expected(is_it), "{kind:?}, {name}");
        }
    }
}

/// An attribute of the information model (PS3.4 §K.6.1.2.2) with its VR, and whether an answer has to have a value of it.
type Returned = (Tag, &'static str, bool);

/// What PS3.4 §K.6.1.2.2 has with return type 1 or 2 in an item of (0040,0100).
const OF_STEP: [Returned; 8] = [
    (Tag(0x0008, 0x0060), "CS", true),
    (Tag(0x0040, 0x0001), "AE", true),
    (Tag(0x0040, 0x0002), "DA", true),
    (Tag(0x0040, 0x0003), "TM", true),
    (Tag(0x0040, 0x0006), "PN", false),
    (Tag(0x0040, 0x0009), "SH", true),
    (Tag(0x0040, 0x0010), "SH", false),
    (Tag(0x0040, 0x0011), "SH", false),
];

/// And beside it.
const BESIDE_STEP: [Returned; 25] = [
    (Tag(0x0008, 0x0050), "SH", false),
    (Tag(0x0008, 0x0090), "PN", false),
    (Tag(0x0008, 0x1110), "SQ", false),
    (Tag(0x0008, 0x1120), "SQ", false),
    (Tag(0x0010, 0x0010), "PN", true),
    (Tag(0x0010, 0x0020), "LO", true),
    (Tag(0x0010, 0x0030), "DA", false),
    (Tag(0x0010, 0x0040), "CS", false),
    (Tag(0x0010, 0x1030), "DS", false),
    (Tag(0x0010, 0x2000), "LO", false),
    (Tag(0x0010, 0x2110), "LO", false),
    (Tag(0x0010, 0x21C0), "US", false),
    (Tag(0x0020, 0x000D), "UI", true),
    (Tag(0x0032, 0x1032), "PN", false),
    // Of type 1C: there is no code, so there is a description.
    (Tag(0x0032, 0x1060), "LO", true),
    (Tag(0x0038, 0x0010), "LO", false),
    (Tag(0x0038, 0x0050), "LO", false),
    (Tag(0x0038, 0x0300), "LO", false),
    (Tag(0x0038, 0x0500), "LO", false),
    (Tag(0x0040, 0x0100), "SQ", true),
    (Tag(0x0040, 0x1001), "SH", true),
    (Tag(0x0040, 0x1003), "SH", false),
    (Tag(0x0040, 0x1004), "LO", false),
    (Tag(0x0040, 0x3001), "LO", false),
    // A key that directs the answer, and what it is written in.
    (Tag(0x0008, 0x0005), "CS", false),
];

/// What is missing in an answer, or empty and must not be.
fn missing(elements: &Elements, table: &[Returned]) -> Vec<Tag> {
    let lacks = |(tag, vr, has_value): &&Returned| {
        *tag != Tag(0x0008, 0x0005)
            && match *vr {
                "SQ" => !elements.has(*tag) || *has_value && elements.items(*tag).len() != 1,
                _ => elements.bytes(*tag).is_none_or(|value| *has_value && value.is_empty()),
            }
    };
    table.iter().filter(lacks).map(|(tag, _, _)| *tag).collect()
}

#[test]
fn no_return_key_of_type_1_or_2_is_missing_from_any_source() {
    let item = |table: &[Returned]| {
        table.iter().filter(|(tag, _, _)| *tag != STEPS).fold(Identifier::default(), |item, (tag, vr, _)| {
            let value = if *vr == "CS" && *tag == Tag(0x0008, 0x0005) { "ISO_IR 192" } else { "" };
            item.with(*tag, vr, value)
        })
    };
    let identifier = item(&BESIDE_STEP).with_items(STEPS, &[item(&OF_STEP)]);
    for kind in Kind::ALL {
        let Some(department) = Department::start(kind) else { return };
        let mut finder = Finder::open(department.daemon.dimse(), MODALITY_WORKLIST);
        let found = finder.find(&identifier);
        assert_eq!((found.last.status, found.answers.len()), (0, ORDERS), "{kind:?}");
        for answer in &found.answers {
            let number = answer.elements.text(ACCESSION_NUMBER);
            assert_eq!(answer.status, 0xFF00, "{kind:?}, {number:?}");
            assert_eq!(missing(&answer.elements, &BESIDE_STEP), [], "{kind:?}, {number:?}");
            assert_eq!(missing(&answer.elements.items(STEPS)[0], &OF_STEP), [], "{kind:?}, {number:?}");
        }
    }
}
