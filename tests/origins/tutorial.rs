//! The tutorial of Azure's DICOM service, done through the bridge, and by its own requests.

mod requests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use origin::synthetic::tutorial::SAMPLES;
use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::dcmtk::Storescp;
use tests::skip;

use crate::archive::{Archive, kind};
use crate::curl;
use crate::requestor::{Level, Requestor, said};
use crate::study::{in_folder, store};

/// The study, its two series, and the instances in the order of the samples.
pub(crate) const STUDY: &str = "1.2.826.0.1.3680043.8.498.13230779778012324449356534479549187420";
pub(crate) const SERIES: &str = "1.2.826.0.1.3680043.8.498.45787841905473114233124723359129632652";
pub(crate) const OTHER_SERIES: &str = "1.2.826.0.1.3680043.8.498.77033797676425927098669402985243398207";
pub(crate) const INSTANCES: [&str; 3] = [
    "1.2.826.0.1.3680043.8.498.47359123102728459884412887463296905395",
    "1.2.826.0.1.3680043.8.498.12714725698140337137334606354172323212",
    "1.2.826.0.1.3680043.8.498.13273713909719068980354078852867170114",
];

#[test]
fn through_the_bridge_with_look_alikes() {
    let folder = tempfile::tempdir().unwrap();
    through_the_bridge(folder.path(), &look_alikes(folder.path()));
}

#[test]
fn through_the_bridge_with_its_own_files() {
    let Some(files) = its_own() else { return };
    let folder = tempfile::tempdir().unwrap();
    through_the_bridge(folder.path(), &files);
}

#[test]
fn its_own_requests_with_look_alikes() {
    let folder = tempfile::tempdir().unwrap();
    requests::tutorial(folder.path(), &look_alikes(folder.path()));
}

#[test]
fn its_own_requests_with_its_own_files() {
    let Some(files) = its_own() else { return };
    let folder = tempfile::tempdir().unwrap();
    requests::tutorial(folder.path(), &files);
}

fn look_alikes(folder: &Path) -> Vec<PathBuf> {
    let paths = SAMPLES.iter().map(|sample| {
        let path = folder.join(format!("{}.dcm", sample.name));
        std::fs::write(&path, sample.file()).unwrap();
        path
    });
    paths.collect()
}

/// The three files of the tutorial, where they are beside the checkout.
fn its_own() -> Option<Vec<PathBuf>> {
    let beside =
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?.join("shared").join("azure-samples");
    let paths = SAMPLES.map(|sample| beside.join(format!("{}.dcm", sample.name)));
    if paths.iter().all(|path| path.is_file()) {
        return Some(paths.to_vec());
    }
    skip::without_reference("the sample files of Azure's tutorial are not beside the checkout");
    None
}

/// A daemon in front of the service, and a folder for what comes.
struct Site<'a> {
    archive: Archive,
    home: Home,
    daemon: Daemon,
    folder: &'a Path,
}

fn through_the_bridge(folder: &Path, files: &[PathBuf]) {
    if !curl::and_dcmtk_are_here() {
        return;
    }
    let archive = Archive::start(kind("azure"), folder).unwrap();
    let moved = folder.join("moved");
    let storescp = Storescp::start(&moved, &[]).unwrap();
    // The tutorial searches all series and all instances too.
    let peers = format!(
        "[[peer]]\nae_title = \"STORAGE\"\naddress = \"{}\"\n\n\
         [[peer]]\nae_title = \"MODALITY\"\nrelational = \"always\"\n",
        storescp.address()
    );
    let home = Home::new(&archive.configured(Configuration::new()).with(&peers));
    let daemon = home.start();
    let site = Site { archive, home, daemon, folder };
    site.stores(files);
    site.finds();
    site.retrieves(&moved, files);
    site.deletes();
}

fn study() -> String {
    format!("StudyInstanceUID={STUDY}")
}

fn series() -> String {
    format!("SeriesInstanceUID={SERIES}")
}

fn instance() -> String {
    format!("SOPInstanceUID={}", INSTANCES[0])
}

impl Site<'_> {
    fn requestor(&self) -> Requestor<'_> {
        Requestor { address: self.daemon.dimse(), folder: self.folder }
    }

    /// What `storescu` sends is what the service keeps.
    fn stores(&self, files: &[PathBuf]) {
        let reference = self.folder.join("reference");
        let storescp = Storescp::start(&reference, &[]).unwrap();
        store(storescp.address(), "-xe", files).unwrap();
        store(self.daemon.dimse(), "-xe", files).unwrap();
        self.daemon.settle();
        let sent = in_folder(&reference);
        assert_eq!(sent.len(), 3);
        let series = [SERIES, SERIES, OTHER_SERIES];
        for (uid, series) in INSTANCES.into_iter().zip(series) {
            let instance = tests::instances::Instance {
                sop_class: String::new(),
                sop_instance: uid.to_owned(),
                study: STUDY.to_owned(),
                series: series.to_owned(),
                transfer_syntax: String::new(),
                data_set: Vec::new(),
            };
            assert!(self.archive.kept(&instance).as_ref() == Some(&sent[uid]), "{uid}");
        }
        assert_eq!(self.daemon.queue("state=held"), Vec::<serde_json::Value>::new());
    }

    /// The searches of the tutorial, level by level.
    fn finds(&self) {
        let set = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<BTreeSet<_>>();
        let fuzzy = "PatientName=anony*".to_owned();
        let nobody = "PatientName=doe*".to_owned();
        let rows = [
            ("studies by UID", Level::Study, vec![study()], set(&[STUDY])),
            ("studies by name", Level::Study, vec![fuzzy], set(&[STUDY])),
            ("studies of nobody", Level::Study, vec![nobody], set(&[])),
            ("all series", Level::Series, vec![series()], set(&[SERIES])),
            ("series of a study", Level::Series, vec![study()], set(&[SERIES, OTHER_SERIES])),
            ("a series of a study", Level::Series, vec![study(), series()], set(&[SERIES])),
            ("all instances", Level::Image, vec![instance()], set(&INSTANCES[..1])),
            ("instances of a study", Level::Image, vec![study()], set(&INSTANCES)),
            ("an instance of a study", Level::Image, vec![study(), instance()], set(&INSTANCES[..1])),
            ("instances of a series", Level::Image, vec![study(), series()], set(&INSTANCES[..2])),
            (
                "an instance of a series",
                Level::Image,
                vec![study(), series(), instance()],
                set(&INSTANCES[..1]),
            ),
        ];
        for (name, level, keys, expected) in rows {
            assert_eq!(self.requestor().find(level, &keys).unwrap(), expected, "{name}");
        }
    }

    /// C-MOVE and C-GET of study, series and instance.
    fn retrieves(&self, moved: &Path, files: &[PathBuf]) {
        let sent = in_folder(&self.folder.join("reference"));
        assert_eq!(sent.len(), files.len());
        let rows = [
            (Level::Study, vec![study()], &INSTANCES[..]),
            (Level::Series, vec![study(), series()], &INSTANCES[..2]),
            (Level::Image, vec![study(), series(), instance()], &INSTANCES[..1]),
        ];
        for (level, keys, expected) in rows {
            assert_eq!(self.requestor().move_to("STORAGE", level, &keys), Some(Ok(())), "{level:?}");
            let got = self.folder.join("got");
            assert_eq!(self.requestor().get(&got, level, &keys), Some(Ok(())), "{level:?}");
            for folder in [moved, &got] {
                let came = in_folder(folder);
                assert_eq!(came.len(), expected.len(), "{level:?}: {:?}", came.keys());
                assert!(expected.iter().all(|uid| came[*uid] == sent[*uid]), "{level:?}: other bytes");
                for entry in std::fs::read_dir(folder).unwrap() {
                    std::fs::remove_file(entry.unwrap().path()).unwrap();
                }
            }
        }
    }

    /// `dimseway delete` of an instance, a series and a study; what is gone is not there a second time.
    fn deletes(&self) {
        let rows: [(&[&str], &[&str]); 3] = [
            (&["instance", STUDY, SERIES, INSTANCES[0]], &INSTANCES[1..]),
            (&["series", STUDY, OTHER_SERIES], &INSTANCES[1..2]),
            (&["study", STUDY], &[]),
        ];
        for (what, left) in rows {
            let arguments = [&["delete"][..], what].concat();
            let output = self.home.run(&arguments);
            assert_eq!(output.status.code(), Some(64), "without --yes: {}", said(&output));
            let arguments = [&arguments[..], &["--yes"]].concat();
            let output = self.home.run(&arguments);
            assert!(output.status.success(), "{what:?}: {}", said(&output));
            let found = self.requestor().find(Level::Image, &[study()]).unwrap();
            assert!(found.iter().map(String::as_str).eq(sorted(left)), "{what:?}: {found:?}");
            let output = self.home.run(&arguments);
            assert_eq!(output.status.code(), Some(65), "a second time: {}", said(&output));
        }
        assert_eq!(self.requestor().find(Level::Study, &[study()]).unwrap(), BTreeSet::new());
    }
}

fn sorted<'a>(uids: &[&'a str]) -> Vec<&'a str> {
    let mut uids = uids.to_vec();
    uids.sort_unstable();
    uids
}
