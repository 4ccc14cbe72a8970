//! A C-MOVE or C-GET that is wrong in itself: its status is that of PS3.4 §C.4.2.1.5, the comment says
//! what is wrong, and the association goes on.

use instance::Tag;
use tests::find::Identifier;
use tests::instances::Instance;
use tests::retrieve::{
    PATIENT_ROOT_MOVE, Retriever, STUDY_ROOT_GET, STUDY_ROOT_MOVE, images, patient, series, studies,
};

use crate::retrieve_site::{STORAGE, Site};

const CHARACTER_SET: (u16, u16) = (0x0008, 0x0005);
const LEVEL: (u16, u16) = (0x0008, 0x0052);
const PATIENT_ID: (u16, u16) = (0x0010, 0x0020);
const STUDY: (u16, u16) = (0x0020, 0x000D);
const SERIES: (u16, u16) = (0x0020, 0x000E);
const INSTANCE: (u16, u16) = (0x0008, 0x0018);

fn tag((group, element): (u16, u16)) -> Tag {
    Tag(group, element)
}

/// A sequence in a sequence, and so on.
fn nested(depth: usize) -> Identifier {
    (0..depth)
        .fold(studies(&["1.2.3"]), |inner, _| studies(&["1.2.3"]).with_items(Tag(0x0008, 0x1110), &[inner]))
}

#[test]
fn an_identifier_that_names_nothing_is_refused_and_says_why() {
    let instances = Instance::study(1, 2, 1000);
    let site = Site::start(&instances);
    let study = instances[0].study.as_str();
    let (patient_root, study_root) = (PATIENT_ROOT_MOVE, STUDY_ROOT_MOVE);
    let without = |level: &str| Identifier::of_level(level);
    let of_study = |level: &str| without(level).with(tag(STUDY), "UI", study);
    let no_level = Identifier::default().with(tag(STUDY), "UI", study);
    let one_study_too_many = series(&format!("{study}\\1.2"), &["1.2.3"]);
    let one_series_too_many = images(study, "1.2\\1.3", &["1.2.3"]);
    let unknown_set = Identifier::of_level("PATIENT").with(tag(PATIENT_ID), "LO", b"M\xFCller");
    let unknown_set = unknown_set.with(tag(CHARACTER_SET), "CS", "ISO_IR 9999");
    let table: Vec<(&str, &'static str, Identifier, (u16, u16))> = vec![
        ("no level", study_root, no_level, LEVEL),
        ("another level", study_root, studies(&[study]).with(tag(LEVEL), "CS", "FRAME"), LEVEL),
        ("PATIENT in Study Root", study_root, patient("TEST-1"), LEVEL),
        ("no patient", patient_root, without("PATIENT"), PATIENT_ID),
        ("all patients", patient_root, patient("*"), PATIENT_ID),
        ("two patients", patient_root, patient("TEST-1\\TEST-2"), PATIENT_ID),
        ("a study without its patient", patient_root, studies(&[study]), PATIENT_ID),
        ("no study", study_root, without("STUDY"), STUDY),
        ("an empty study", study_root, studies(&[""]), STUDY),
        ("all studies", study_root, studies(&["*"]), STUDY),
        ("no UID", study_root, studies(&["1.2.three"]), STUDY),
        ("a series without its study", study_root, without("SERIES").with(tag(SERIES), "UI", "1.2"), STUDY),
        ("no series", study_root, of_study("SERIES"), SERIES),
        ("two studies at SERIES", study_root, one_study_too_many, STUDY),
        ("no image", study_root, of_study("IMAGE").with(tag(SERIES), "UI", "1.2"), INSTANCE),
        (
            "an image without its series",
            study_root,
            of_study("IMAGE").with(tag(INSTANCE), "UI", "1.2"),
            SERIES,
        ),
        ("two series at IMAGE", study_root, one_series_too_many, SERIES),
        ("an unknown character set", patient_root, unknown_set, CHARACTER_SET),
    ];
    let mut by_patient = Retriever::open(site.daemon.dimse(), PATIENT_ROOT_MOVE);
    let mut by_study = Retriever::open(site.daemon.dimse(), STUDY_ROOT_MOVE);
    for (name, model, identifier, offending) in table {
        let mover = if model == patient_root { &mut by_patient } else { &mut by_study };
        let last = mover.move_to(STORAGE, &identifier).last;
        assert_eq!(last.status(), 0xA900, "{name}: {last:?}");
        assert_eq!(last.response.offending_elements, [offending], "{name}: {last:?}");
        assert!(!last.response.error_comment.is_empty(), "{name}");
        assert!(last.failed_instances.is_none(), "{name}");
    }
    assert_eq!(site.origin.requests().len(), 0, "nothing of that is a question to the archive");
    // Both associations still work.
    let last = by_study.move_to(STORAGE, &studies(&[study])).last;
    assert_eq!((last.status(), last.counts()), (0x0000, (2, 0, 0)), "{last:?}");
    by_patient.release();
    by_study.release();
}

#[test]
fn an_identifier_that_cannot_be_read_is_refused() {
    let instances = Instance::study(1, 2, 1000);
    let site = Site::start(&instances);
    let identifier = studies(&[&instances[0].study]).bytes();
    let private = |length: usize| {
        let identifier = studies(&[&instances[0].study]);
        let junk = identifier.with(Tag(0x0021, 0x1000), "OB", vec![b'x'; length]);
        junk.bytes()
    };
    let mut cut = identifier.clone();
    cut.truncate(identifier.len() - 3);
    let mut longer = identifier;
    let length_at = longer.len() - 2 - instances[0].study.len().next_multiple_of(2);
    longer[length_at] = 0xF0;
    let table = [
        ("none at all", Vec::new(), [0xA900, 0xA900]),
        ("cut", cut, [0xA900, 0xC000]),
        ("a length beyond its end", longer, [0xA900, 0xC000]),
        ("no data set", b"GET / HTTP/1.1\r\n\r\n".to_vec(), [0xA900, 0xC000]),
        ("more than 1 MiB", private(2 << 20), [0xA900, 0xC000]),
        ("too deep", nested(500).bytes(), [0xA900, 0xC000]),
    ];
    let mut mover = site.mover();
    for (name, bytes, statuses) in table {
        mover.begin_move(STORAGE, &bytes);
        let last = mover.rest(|_| unreachable!("no C-GET")).last;
        assert!(statuses.contains(&last.status()), "{name}: {last:?}");
        assert!(!last.response.error_comment.is_empty(), "{name}: {last:?}");
    }
    // A large one and a deep one that can be read are none of that.
    for (name, bytes) in [("large", private(900_000)), ("deep", nested(10).bytes())] {
        mover.begin_move(STORAGE, &bytes);
        let last = mover.rest(|_| unreachable!("no C-GET")).last;
        assert_eq!(last.status(), 0x0000, "{name}: {last:?}");
    }
    mover.release();
}

#[test]
fn a_destination_that_is_not_configured_is_unknown() {
    let instances = Instance::study(1, 2, 1000);
    let without_address = "[[peer]]\nae_title = \"CALLER\"\n";
    let site =
        Site::start_with(&instances, Default::default(), |configuration| configuration.with(without_address));
    let mut mover = site.mover();
    for destination in ["NOBODY", "CALLER", "storage", "DIMSEWAY"] {
        let last = mover.move_to(destination, &studies(&[&instances[0].study])).last;
        assert_eq!(last.status(), 0xA801, "{destination}: {last:?}");
        assert!(!last.response.error_comment.is_empty(), "{destination}");
    }
    // Spaces around it do not count (PS3.5 §6.2).
    let last = mover.move_to(" STORAGE ", &studies(&[&instances[0].study])).last;
    assert_eq!(last.status(), 0x0000, "{last:?}");
    mover.release();
    assert_eq!(site.destination.count(), 2);
}

#[test]
fn who_may_not_retrieve_is_told_so() {
    let instances = Instance::study(1, 2, 1000);
    let site = Site::start_with(&instances, Default::default(), |configuration| {
        configuration.with("[[peer]]\nae_title = \"MODALITY\"\nallow = [\"echo\", \"store\", \"query\"]\n")
    });
    let last = site.mover().move_to(STORAGE, &studies(&[&instances[0].study])).last;
    assert_eq!(last.status(), 0x0124, "{last:?}");
    let mut getter = site.getter(&instances);
    let last = getter.get(&studies(&[&instances[0].study]), |_| 0x0000).last;
    assert_eq!(last.status(), 0x0124, "{last:?}");
    assert_eq!(site.origin.requests().len(), 0);
}

#[test]
fn a_workstation_that_bends_the_rules_is_served_where_it_may() {
    let instances = Instance::study(1, 2, 1000);
    let lenient = "[[peer]]\nae_title = \"MODALITY\"\nlenient = true\n";
    let site = Site::start_with(&instances, Default::default(), |configuration| configuration.with(lenient));
    let mut mover = Retriever::open(site.daemon.dimse(), PATIENT_ROOT_MOVE);
    let last = mover.move_to(STORAGE, &studies(&[&instances[0].study])).last;
    assert_eq!((last.status(), last.counts()), (0x0000, (2, 0, 0)), "a study without its patient: {last:?}");

    let relational = "[[peer]]\nae_title = \"MODALITY\"\nrelational = \"always\"\n";
    let site =
        Site::start_with(&instances, Default::default(), |configuration| configuration.with(relational));
    let without_study = Identifier::of_level("SERIES").with(tag(SERIES), "UI", &instances[0].series);
    let last = site.mover().move_to(STORAGE, &without_study).last;
    assert_eq!((last.status(), last.counts()), (0x0000, (2, 0, 0)), "a series without its study: {last:?}");
    site.expect_received(&instances);
}

#[test]
fn relational_retrieves_are_served_where_they_are_agreed_on() {
    let instances = Instance::study(1, 3, 1000);
    let site = Site::start(&instances);
    let mut identifier = Identifier::of_level("IMAGE");
    identifier = identifier.with(tag(INSTANCE), "UI", &instances[1].sop_instance);
    let mut mover = Retriever::open_with(site.daemon.dimse(), STUDY_ROOT_MOVE, |proposal| {
        proposal.extended_negotiations.push((STUDY_ROOT_MOVE.to_owned(), vec![1]));
    });
    let last = mover.move_to(STORAGE, &identifier).last;
    assert_eq!((last.status(), last.counts()), (0x0000, (1, 0, 0)), "{last:?}");
    site.expect_received(&instances[1..2]);
}

#[test]
fn what_is_beyond_the_limit_is_refused_before_anything_is_sent() {
    let instances = Instance::study(1, 6, 1000);
    let site = Site::start_with(&instances, Default::default(), |configuration| {
        configuration.set("retrieve", "instances_max = 5")
    });
    let last = site.move_study(&instances[0].study).last;
    assert_eq!(last.status(), 0xA701, "{last:?}");
    assert!(last.response.error_comment.contains('5'), "{last:?}");
    assert_eq!(site.destination.associations().len(), 0);
    let mut getter = Retriever::open_to_get(site.daemon.dimse(), STUDY_ROOT_GET, &[]);
    let last = getter.get(&studies(&[&instances[0].study]), |_| unreachable!("nothing is sent")).last;
    assert_eq!(last.status(), 0xA701, "{last:?}");
}
