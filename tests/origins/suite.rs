//! The suite: store, search, retrieve, and store again, against every archive of the table.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::dcmtk::Storescp;
use tests::instances::Instance;
use tests::retrieve::{self, Retriever, STUDY_ROOT_GET, pairs};

use crate::archive::{Archive, Kind, kind};
use crate::page;
use crate::requestor::{Level, Requestor};
use crate::study::{PATIENT_ID, Study, WRITTEN, in_folder};

#[test]
fn standard() {
    suite(kind("standard"));
}

#[test]
fn azure() {
    suite(kind("azure"));
}

#[test]
fn azure_version_1() {
    suite(kind("azure, v1"));
}

#[test]
fn azure_with_a_partition() {
    suite(kind("azure, a partition"));
}

#[test]
fn google() {
    suite(kind("google"));
}

#[test]
fn aws() {
    suite(kind("aws"));
}

#[test]
fn postdicom() {
    suite(kind("postdicom"));
}

#[test]
fn orthanc() {
    suite(kind("orthanc"));
}

#[test]
fn dcm4chee() {
    suite(kind("dcm4chee"));
}

/// Transfer syntax and data set by SOP Instance UID.
type Images = BTreeMap<String, (String, Vec<u8>)>;

/// A daemon in front of an archive, with a destination for C-MOVE.
struct Site<'a> {
    kind: &'static Kind,
    archive: Archive,
    daemon: Daemon,
    folder: &'a Path,
    study: Study,
}

fn suite(kind: &'static Kind) {
    if !crate::curl::is_here() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    if let Some(column) = seen(kind, folder.path()) {
        page::compare(kind.name, &column);
    }
}

/// What is seen with an archive: rows of the page; nothing, and a recorded skip, where a program is missing.
fn seen(kind: &'static Kind, folder: &Path) -> Option<Vec<(String, String)>> {
    let study = Study::write(folder, "2.25.6001")?;
    let archive = Archive::start(kind, folder)?;
    let moved = folder.join("moved");
    let storescp = Storescp::start(&moved, &[])?;
    let peer = format!("[[peer]]\nae_title = \"STORAGE\"\naddress = \"{}\"\n", storescp.address());
    let home = Home::new(&archive.configured(Configuration::new()).with(&peer));
    let daemon = home.start();
    let site = Site { kind, archive, daemon, folder, study };

    let credentials = kind.auth.map_or_else(|| "none".to_owned(), |auth| format!("`{}`", auth.name()));
    let mut column = vec![("Credentials".to_owned(), credentials)];
    let (stored, kept) = site.store()?;
    column.extend(stored);
    column.extend(site.find()?);
    column.extend(site.moves(&moved, &kept)?);
    column.extend(site.gets(&kept));
    column.extend(site.again(&kept)?);
    column.push(site.stored_first()?);
    Some(column)
}

impl Site<'_> {
    fn requestor(&self) -> Requestor<'_> {
        Requestor { address: self.daemon.dimse(), folder: self.folder }
    }

    /// What the archive keeps of an image, as the profile promises it.
    fn promised(&self, study: &Study, sent: &Instance) -> (String, Vec<u8>) {
        match self.kind.re_encoded.iter().find(|(from, _)| *from == sent.transfer_syntax) {
            None => (sent.transfer_syntax.clone(), sent.data_set.clone()),
            Some((_, to)) => ((*to).to_owned(), study.re_encoded.clone()),
        }
    }

    /// Stores the study, and holds what the archive keeps against what was sent.
    fn store(&self) -> Option<(Vec<(String, String)>, Images)> {
        self.study.send(self.daemon.dimse())?;
        self.daemon.settle();
        let (mut rows, mut images) = (Vec::new(), Images::new());
        for (written, sent) in WRITTEN.iter().zip(&self.study.instances) {
            let name = format!("{} in {}", written.name, self.kind.name);
            let kept = self.archive.kept(sent).unwrap_or_else(|| {
                panic!("{name} was not stored: {:?}\n{}", self.daemon.queue("state=held"), self.daemon.log())
            });
            let expected = self.promised(&self.study, sent);
            assert_eq!(kept.0, expected.0, "{name}: another transfer syntax");
            assert_eq!(first_difference(&kept.1, &expected.1), None, "{name}: other bytes");
            let is_same = kept.0 == sent.transfer_syntax && kept.1 == sent.data_set;
            let became = WRITTEN.iter().find(|one| one.transfer_syntax == kept.0).unwrap().name;
            let cell = if is_same { "byte for byte".to_owned() } else { format!("as {became}") };
            rows.push((format!("Store, {}", written.name), cell));
            images.insert(sent.sop_instance.clone(), kept);
        }
        let delivered = self.daemon.queue("state=delivered");
        assert_eq!(delivered.len(), WRITTEN.len());
        assert!(delivered.iter().all(|line| line["attempts"] == 1), "{delivered:?}");
        Some((rows, images))
    }

    /// Searches at all four levels.
    fn find(&self) -> Option<Vec<(String, String)>> {
        let images = |series: &str| {
            let of = self.study.instances.iter().filter(|one| one.series == series);
            of.map(|one| one.sop_instance.clone()).collect::<BTreeSet<_>>()
        };
        let set = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<BTreeSet<_>>();
        let patient = format!("PatientID={PATIENT_ID}");
        let study = format!("StudyInstanceUID={}", self.study.uid);
        let series = format!("SeriesInstanceUID={}", self.study.series[1]);
        let nobody = "PatientID=NOBODY".to_owned();
        let rows = [
            (Level::Patient, vec![patient.clone()], set(&[PATIENT_ID])),
            (
                Level::Study,
                vec![patient, "PatientName=Müller*".to_owned(), "SpecificCharacterSet=ISO_IR 192".to_owned()],
                set(&[&self.study.uid]),
            ),
            (Level::Series, vec![study.clone()], set(&self.study.series.each_ref().map(String::as_str))),
            (Level::Image, vec![study, series], images(&self.study.series[1])),
        ];
        let mut seen = Vec::new();
        for (level, keys, expected) in rows {
            let found = self.requestor().find(level, &keys)?;
            assert_eq!(found, expected, "{level:?} in {}", self.kind.name);
            seen.push((format!("C-FIND, {}", level.name()), format!("{} found", found.len())));
        }
        assert_eq!(self.requestor().find(Level::Study, &[nobody])?, BTreeSet::new());
        Some(seen)
    }

    /// Moves patient, study, series and image to `storescp`.
    fn moves(&self, moved: &Path, kept: &Images) -> Option<Vec<(String, String)>> {
        let mut seen = Vec::new();
        for (level, keys, expected) in self.retrieves(kept) {
            let name = format!("C-MOVE, {} from {}", level.name(), self.kind.name);
            let outcome = self.requestor().move_to("STORAGE", level, &keys)?;
            assert_eq!(outcome, Ok(()), "{name}: {}", self.daemon.log());
            same(&name, &in_folder(moved), &expected);
            seen.push((format!("C-MOVE, {}", level.name()), "as kept".to_owned()));
            for entry in std::fs::read_dir(moved).unwrap() {
                std::fs::remove_file(entry.unwrap().path()).unwrap();
            }
        }
        Some(seen)
    }

    /// Gets study, series and image on an association that takes every transfer syntax.
    fn gets(&self, kept: &Images) -> Vec<(String, String)> {
        let pairs = pairs(&self.study.instances);
        let first = &self.study.instances[0];
        let identifiers = [
            (Level::Study, retrieve::studies(&[&self.study.uid])),
            (Level::Series, retrieve::series(&self.study.uid, &[&self.study.series[1]])),
            (Level::Image, retrieve::images(&self.study.uid, &self.study.series[0], &[&first.sop_instance])),
        ];
        let of_level: BTreeMap<_, _> =
            self.retrieves(kept).into_iter().map(|(level, _, expected)| (level.name(), expected)).collect();
        let mut seen = Vec::new();
        for (level, identifier) in identifiers {
            let name = format!("C-GET, {} from {}", level.name(), self.kind.name);
            let mut getter = Retriever::open_to_get(self.daemon.dimse(), STUDY_ROOT_GET, &pairs);
            let mut came = Images::new();
            let last = getter
                .get(&identifier, |one| {
                    came.insert(
                        one.sop_instance.clone(),
                        (one.transfer_syntax.clone(), one.data_set.clone()),
                    );
                    0x0000
                })
                .last;
            getter.release();
            assert_eq!(last.status(), 0x0000, "{name}: {last:?}\n{}", self.daemon.log());
            same(&name, &came, &of_level[level.name()]);
            seen.push((format!("C-GET, {}", level.name()), "as kept".to_owned()));
        }
        seen
    }

    /// Keys at each level, and what they stand for.
    fn retrieves(&self, kept: &Images) -> Vec<(Level, Vec<String>, Images)> {
        let of = |wanted: &dyn Fn(&str, &str) -> bool| {
            let some = self.study.instances.iter().filter(|one| wanted(&one.series, &one.sop_instance));
            some.map(|one| (one.sop_instance.clone(), kept[&one.sop_instance].clone())).collect::<Images>()
        };
        let first = self.study.instances[0].sop_instance.as_str();
        let patient = format!("PatientID={PATIENT_ID}");
        let study = format!("StudyInstanceUID={}", self.study.uid);
        let series = |at: usize| format!("SeriesInstanceUID={}", self.study.series[at]);
        let image = format!("SOPInstanceUID={first}");
        vec![
            (Level::Patient, vec![patient], of(&|_, _| true)),
            (Level::Study, vec![study.clone()], of(&|_, _| true)),
            (Level::Series, vec![study.clone(), series(1)], of(&|series, _| series == self.study.series[1])),
            (Level::Image, vec![study, series(0), image], of(&|_, uid| uid == first)),
        ]
    }

    /// Stores everything again, and one image with other content.
    fn again(&self, kept: &Images) -> Option<Vec<(String, String)>> {
        let profile = self.kind.name;
        self.study.send(self.daemon.dimse())?;
        self.daemon.settle();
        let delivered = self.daemon.queue("state=delivered").len();
        assert_eq!(delivered, 2 * WRITTEN.len(), "{profile}: {:?}", self.daemon.queue("state=held"));
        self.study.send_another_first(self.folder, self.daemon.dimse())?;
        self.daemon.settle();
        let held = self.daemon.queue("state=held");
        assert_eq!(held.len(), 1, "{profile}: {held:?}\n{}", self.daemon.log());
        let reason = held[0]["reason"].as_str().unwrap_or_default();
        assert!(reason.contains("different content"), "{profile}: {reason}");
        // Nothing came twice, and nothing was changed.
        for series in &self.study.series {
            let keys =
                [format!("StudyInstanceUID={}", self.study.uid), format!("SeriesInstanceUID={series}")];
            let count = self.study.instances.iter().filter(|one| one.series == *series).count();
            assert_eq!(self.requestor().find(Level::Image, &keys)?.len(), count, "{profile}");
        }
        for sent in &self.study.instances {
            let now = self.archive.kept(sent);
            assert!(
                now.as_ref() == Some(&kept[&sent.sop_instance]),
                "{profile}: {} changed",
                sent.sop_instance
            );
        }
        let rows = [
            ("Store, the same again", "delivered, nothing doubled"),
            ("Store, other content under a UID that is there", "held, the first one stays"),
        ];
        Some(rows.map(|(row, cell)| (row.to_owned(), cell.to_owned())).to_vec())
    }
}

impl Site<'_> {
    /// Stores another study over a route that answers once the archive has confirmed it.
    fn stored_first(&self) -> Option<(String, String)> {
        let route = "[[route]]\nstore = [\"archive\"]\nacknowledge = \"stored\"";
        let home = Home::new(&self.archive.configured(Configuration::new()).with(route));
        let daemon = home.start();
        let study = Study::write(self.folder, "2.25.6002")?;
        study.send(daemon.dimse())?;
        for sent in &study.instances {
            let kept = self.archive.kept(sent);
            let expected = self.promised(&study, sent);
            let name = format!("{} in {}", sent.transfer_syntax, self.kind.name);
            assert!(kept == Some(expected), "{name}: not there when it was answered\n{}", daemon.log());
        }
        Some(("Store, `acknowledge = \"stored\"`".to_owned(), "there when it is answered".to_owned()))
    }
}

/// Where two data sets differ first.
fn first_difference(one: &[u8], other: &[u8]) -> Option<usize> {
    let longer = one.len().max(other.len());
    (0..longer).find(|at| one.get(*at) != other.get(*at))
}

fn same(name: &str, came: &Images, expected: &Images) {
    assert!(came.keys().eq(expected.keys()), "{name}: {:?} instead of {:?}", came.keys(), expected.keys());
    for (uid, image) in expected {
        assert_eq!(came[uid].0, image.0, "{name}: {uid} in another transfer syntax");
        assert!(came[uid].1 == image.1, "{name}: {uid} has other bytes");
    }
}
