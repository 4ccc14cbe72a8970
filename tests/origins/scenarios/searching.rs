//! Searches, retrieves and deletions, with the stand-in.

use std::collections::BTreeMap;

use instance::Tag;
use origin::synthetic::archive::large_study_uids;
use tests::find::{Finder, Found, Identifier, STUDY_ROOT_FIND};
use tests::instances::{EXPLICIT_VR_LITTLE_ENDIAN, Instance, element};
use tests::retrieve::{self, Retriever, STUDY_ROOT_GET, pairs};

use super::service::{LARGE, LARGE_INSTANCES, Service, replaced};

const PATIENT_NAME: Tag = Tag(0x0010, 0x0010);
const PATIENT_ID: Tag = Tag(0x0010, 0x0020);
const PATIENT_SEX: Tag = Tag(0x0010, 0x0040);
const STUDY_DATE: Tag = Tag(0x0008, 0x0020);
const STUDY_DESCRIPTION: Tag = Tag(0x0008, 0x1030);
const MODALITIES_IN_STUDY: Tag = Tag(0x0008, 0x0061);
const STUDY_INSTANCE_UID: Tag = Tag(0x0020, 0x000D);
const SERIES_INSTANCE_UID: Tag = Tag(0x0020, 0x000E);
const SOP_INSTANCE_UID: Tag = Tag(0x0008, 0x0018);

/// RLE Lossless (PS3.5 §A.4.2).
const RLE_LOSSLESS: &str = "1.2.840.10008.1.2.5";

fn find(service: &Service, identifier: &Identifier) -> Found {
    let mut finder = Finder::open(service.daemon.dimse(), STUDY_ROOT_FIND);
    let found = finder.find(identifier);
    finder.release();
    found
}

/// Studies that match, which the service is asked for without being refused.
fn studies(service: &Service, identifier: Identifier) -> Vec<String> {
    let refused = service.requests("search", "reject");
    let found = find(service, &identifier.with_unless_there(STUDY_INSTANCE_UID, "UI"));
    assert_eq!(found.last.status, 0x0000, "{:?}", found.last);
    assert_eq!(service.requests("search", "reject"), refused, "a search was refused");
    let uids = found.answers.iter().map(|answer| {
        assert_eq!(answer.status & 0xFFFE, 0xFF00);
        answer.elements.text(STUDY_INSTANCE_UID).unwrap_or_default().to_owned()
    });
    uids.collect()
}

/// C-FIND of the series of a study.
pub(super) fn series_of(service: &Service, study: &str) -> Found {
    let identifier = Identifier::of_level("SERIES").with(STUDY_INSTANCE_UID, "UI", study);
    find(service, &identifier.with(SERIES_INSTANCE_UID, "UI", ""))
}

/// Stores a study of one instance whose patient has this name, in the character set of its data set.
fn patient(service: &Service, study: u32, id: &str, name: &[u8]) -> Instance {
    let [name_before, id_before] =
        [element(0x0010, 0x0010, "PN", b"Test^Patient"), element(0x0010, 0x0020, "LO", b"TEST-1")];
    let instance = replaced(&Instance::ct(study, 1, 64), &name_before, &element(0x0010, 0x0010, "PN", name));
    let further =
        [element(0x0010, 0x0020, "LO", id.as_bytes()), element(0x0010, 0x0040, "CS", b"F")].concat();
    let instance = replaced(&instance, &id_before, &further);
    assert_eq!(service.store_and_wait(&instance), 0x0000);
    instance
}

pub(super) fn unsupported_tag(service: &Service) {
    let instance = patient(service, 201, "SEX-1", b"Some^Body");
    let of_sex = |sex: &str| {
        let identifier = Identifier::of_level("STUDY").with(PATIENT_ID, "LO", "SEX-1");
        studies(service, identifier.with(PATIENT_SEX, "CS", sex))
    };
    assert_eq!(of_sex("F"), [instance.study]);
    assert_eq!(of_sex("M"), Vec::<String>::new());
}

pub(super) fn no_match(service: &Service) {
    let nobody = Identifier::of_level("STUDY").with(PATIENT_ID, "LO", "NOBODY");
    assert_eq!(studies(service, nobody), Vec::<String>::new());
}

/// C-FIND by a name in ISO_IR 100.
fn named(service: &Service, name: &[u8]) -> Vec<String> {
    let identifier = Identifier::of_level("STUDY").with(Tag(0x0008, 0x0005), "CS", "ISO_IR 100");
    studies(service, identifier.with(PATIENT_NAME, "PN", name))
}

pub(super) fn name_in_another_case(service: &Service) {
    let instance = patient(service, 202, "CASE-1", b"Joe^M\xFCller");
    assert_eq!(named(service, b"Joe^M\xFCller"), [instance.study.as_str()]);
    assert_eq!(named(service, b"JOE^M\xDCLLER"), [instance.study]);
}

pub(super) fn name_without_its_accent(service: &Service) {
    let instance = patient(service, 203, "ACCENT-1", b"Ann^Ozg\xFCr");
    assert_eq!(named(service, b"Ann^Ozg\xFCr"), [instance.study]);
    assert_eq!(named(service, b"Ann^Ozgur"), Vec::<String>::new());
}

pub(super) fn more_than_a_page(service: &Service) {
    let refused = service.requests("search", "reject");
    let (study, series) = large_study_uids(LARGE);
    let identifier = Identifier::of_level("IMAGE").with(STUDY_INSTANCE_UID, "UI", study.as_str());
    let identifier =
        identifier.with(SERIES_INSTANCE_UID, "UI", series.as_str()).with(SOP_INSTANCE_UID, "UI", "");
    let found = find(service, &identifier);
    assert_eq!(found.last.status, 0x0000, "{:?}", found.last);
    assert_eq!(found.answers.len(), LARGE_INSTANCES as usize);
    assert_eq!(service.requests("search", "reject"), refused);
}

pub(super) fn as_a_viewer(service: &Service) {
    let identifier = Identifier::of_level("STUDY")
        .with(STUDY_DATE, "DA", "20200201-20200301")
        .with(STUDY_DESCRIPTION, "LO", "")
        .with(MODALITIES_IN_STUDY, "CS", "");
    let (study, _) = large_study_uids(LARGE);
    assert_eq!(studies(service, identifier), [study.to_string()]);
}

/// A CT slice in RLE Lossless, one fragment that nobody decodes.
fn packed(study: u32, slice: u32) -> Instance {
    let plain = Instance::ct(study, slice, 64);
    let pixels = plain.data_set.windows(4).rposition(|bytes| bytes == [0xE0, 0x7F, 0x10, 0x00]).unwrap();
    let mut data_set = plain.data_set[..pixels].to_vec();
    data_set.extend_from_slice(b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\0\0\0\0");
    data_set.extend_from_slice(b"\xfe\xff\0\xe0\x04\0\0\0abcd\xfe\xff\xdd\xe0\0\0\0\0");
    Instance { transfer_syntax: RLE_LOSSLESS.to_owned(), data_set, ..plain }
}

pub(super) fn mixed_syntaxes(service: &Service) {
    let sent = [Instance::ct(204, 1, 64), packed(204, 2)];
    sent.iter().for_each(|instance| assert_eq!(service.store_and_wait(instance), 0x0000));
    let refused = service.requests("wado", "reject");
    let mut getter = Retriever::open_to_get(service.daemon.dimse(), STUDY_ROOT_GET, &pairs(&sent));
    let mut came = BTreeMap::new();
    let got = getter.get(&retrieve::studies(&[&sent[0].study]), |one| {
        came.insert(one.sop_instance.clone(), (one.transfer_syntax.clone(), one.data_set.clone()));
        0x0000
    });
    getter.release();
    assert_eq!((got.last.status(), got.last.counts()), (0x0000, (2, 0, 0)));
    for one in sent {
        assert!(came[&one.sop_instance] == (one.transfer_syntax, one.data_set), "{}", one.sop_instance);
    }
    assert_eq!(service.requests("wado", "reject"), refused);
}

pub(super) fn unknown_study(service: &Service) {
    let unknown = retrieve::studies(&["2.25.1234567890"]);
    let pairs = [(tests::instances::CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN)];
    let mut getter = Retriever::open_to_get(service.daemon.dimse(), STUDY_ROOT_GET, &pairs);
    let got = getter.get(&unknown, |one| panic!("{one:?} of an unknown study")).last;
    getter.release();
    assert_eq!((got.status(), got.counts()), (0x0000, (0, 0, 0)));
}

/// Deletes twice, and finds nothing in between: nothing that was found before is remembered.
pub(super) fn deleted_for_the_second_time(service: &Service) {
    let instance = Instance::ct(205, 1, 64);
    assert_eq!(service.store_and_wait(&instance), 0x0000);
    assert_eq!(series_of(service, &instance.study).answers.len(), 1);
    let delete = || service.home.run(&["delete", "study", &instance.study, "--yes"]).status.code();
    assert_eq!(delete(), Some(0));
    let found = series_of(service, &instance.study);
    assert_eq!((found.last.status, found.answers.len()), (0x0000, 0));
    assert_eq!(delete(), Some(65));
}

pub(super) fn deletion_of_an_invalid_uid(service: &Service) {
    let output = service.home.run(&["delete", "study", &"1".repeat(65), "--yes"]);
    assert_eq!(output.status.code(), Some(64), "{}", String::from_utf8_lossy(&output.stderr));
}
