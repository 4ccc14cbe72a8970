//! A study whose instances are stored in six transfer syntaxes, moved to destinations that take all of
//! them, two, or one.

use std::path::Path;
use std::process::Command;

use tests::destination::{Behaviour, Destination};
use tests::instances::{EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN, Instance};
use tests::retrieve::{Retriever, STUDY_ROOT_GET, STUDY_ROOT_MOVE, pairs, studies};
use tests::skip;

use super::{KINDS, Site, split};
use crate::site::said;

const STUDY: &str = "2.25.777";
const RLE: &str = "1.2.840.10008.1.2.5";

/// The study, and the samples of the image that all of its instances hold.
struct Mixed {
    instances: Vec<Instance>,
    pixels: Vec<u8>,
}

fn mixed_study(folder: &Path) -> Option<Mixed> {
    let python = skip::python()?;
    let mut command = Command::new(python);
    let output = command.args(["-c", include_str!("mixed_study.py")]).arg(folder).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let instances = (1..=6).map(|number| {
        let file = std::fs::read(folder.join(format!("{number}.dcm"))).unwrap();
        let (meta, _) = instance::part10::read(&file).unwrap();
        let (transfer_syntax, data_set) = split(&file);
        Instance {
            sop_class: meta.sop_class_uid.as_str().to_owned(),
            sop_instance: meta.sop_instance_uid.as_str().to_owned(),
            study: STUDY.to_owned(),
            series: "2.25.777.1".to_owned(),
            transfer_syntax,
            data_set,
        }
    });
    let instances: Vec<_> = instances.collect();
    assert_eq!(pairs(&instances).len(), 6, "six transfer syntaxes");
    Some(Mixed { instances, pixels: std::fs::read(folder.join("pixels")).unwrap() })
}

impl Mixed {
    /// What came is the instance itself where its syntax is taken, else the same image in `otherwise`.
    fn expect(&self, taken: &[&str], otherwise: &str, came: &[(String, String, Vec<u8>)]) {
        assert_eq!(came.len(), 6, "{taken:?}");
        for instance in &self.instances {
            let (_, syntax, data_set) = came.iter().find(|one| one.0 == instance.sop_instance).unwrap();
            let name = format!("{} to {taken:?}", instance.transfer_syntax);
            if taken.contains(&instance.transfer_syntax.as_str()) {
                assert_eq!(*syntax, instance.transfer_syntax, "{name}");
                assert!(*data_set == instance.data_set, "{name}: other bytes");
            } else {
                assert_eq!(syntax, otherwise, "{name}");
                let same = memchr::memmem::find(data_set, &self.pixels).is_some();
                assert!(same, "{name}: other samples");
                assert!(memchr::memmem::find(data_set, instance.sop_instance.as_bytes()).is_some(), "{name}");
            }
        }
    }
}

/// What destinations take, and what the others become.
fn table(all: &[Instance]) -> Vec<(Vec<&str>, &'static str)> {
    vec![
        (all.iter().map(|instance| instance.transfer_syntax.as_str()).collect(), ""),
        (vec![RLE, EXPLICIT_VR_LITTLE_ENDIAN], EXPLICIT_VR_LITTLE_ENDIAN),
        (vec![EXPLICIT_VR_LITTLE_ENDIAN], EXPLICIT_VR_LITTLE_ENDIAN),
        (vec![IMPLICIT_VR_LITTLE_ENDIAN], IMPLICIT_VR_LITTLE_ENDIAN),
    ]
}

#[test]
fn each_destination_gets_what_it_takes() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mixed) = mixed_study(folder.path()) else { return };
    for (taken, otherwise) in table(&mixed.instances) {
        let accepted: Vec<String> = taken.iter().map(|syntax| (*syntax).to_owned()).collect();
        let behaviour =
            Behaviour::default().accepting(move |_, syntax| accepted.iter().any(|taken| taken == syntax));
        let destination = Destination::start(behaviour);
        let Some(site) = Site::start(&KINDS[0], &destination.peer("STORAGE")) else { return };
        site.archive.fill(&mixed.instances);
        let mut mover = Retriever::open(site.daemon.dimse(), STUDY_ROOT_MOVE);
        let last = mover.move_to("STORAGE", &studies(&[STUDY])).last;
        assert_eq!((last.status(), last.counts()), (0x0000, (6, 0, 0)), "{taken:?}: {last:?}");
        let received = destination.received().into_iter();
        let came: Vec<_> =
            received.map(|one| (one.sop_instance, one.transfer_syntax, one.data_set)).collect();
        mixed.expect(&taken, otherwise, &came);

        let class = mixed.instances[0].sop_class.as_str();
        let offered: Vec<_> = taken.iter().map(|syntax| (class, *syntax)).collect();
        let mut getter = Retriever::open_to_get(site.daemon.dimse(), STUDY_ROOT_GET, &offered);
        let mut came = Vec::new();
        let last = getter
            .get(&studies(&[STUDY]), |one| {
                came.push((one.sop_instance.clone(), one.transfer_syntax.clone(), one.data_set.clone()));
                0x0000
            })
            .last;
        assert_eq!((last.status(), last.counts()), (0x0000, (6, 0, 0)), "{taken:?}: {last:?}");
        mixed.expect(&taken, otherwise, &came);
    }
}

#[test]
fn where_nothing_may_be_transcoded_the_others_fail() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mixed) = mixed_study(folder.path()) else { return };
    let destination = Destination::start(Behaviour::default().accepting(|_, syntax| syntax == RLE));
    let peer = destination.peer("STORAGE") + "retrieve = { transcode = false }\n";
    let Some(site) = Site::start(&KINDS[0], &peer) else { return };
    site.archive.fill(&mixed.instances);
    let mut mover = Retriever::open(site.daemon.dimse(), STUDY_ROOT_MOVE);
    let last = mover.move_to("STORAGE", &studies(&[STUDY])).last;
    assert_eq!((last.status(), last.counts()), (0xB000, (1, 5, 0)), "{last:?}");
    assert_eq!(last.failed_list().len(), 5);
    assert_eq!(destination.received()[0].transfer_syntax, RLE);
}
