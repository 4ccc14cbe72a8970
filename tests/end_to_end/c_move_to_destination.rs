//! C-MOVE in both roots, at all levels, with one UID or several: what arrives, and what the requestor is
//! told on the way.

use instance::Tag;
use tests::destination::{Behaviour, Store};
use tests::find::Identifier;
use tests::instances::Instance;
use tests::retrieve::{
    Incoming, PATIENT_ROOT_MOVE, PATIENT_STUDY_ONLY_MOVE, Progress, Retriever, STUDY_ROOT_MOVE, images,
    patient, series, studies,
};
use tests::wait::eventually;

use crate::retrieve_site::{STORAGE, Site};

const PATIENT_ID: Tag = Tag(0x0010, 0x0020);

/// Two studies of one patient with four slices each.
fn two_studies() -> Vec<Instance> {
    [1, 2].iter().flat_map(|study| Instance::study(*study, 4, 3000)).collect()
}

fn below_patient(identifier: Identifier) -> Identifier {
    identifier.with(PATIENT_ID, "LO", "TEST-1")
}

#[test]
fn every_level_of_both_roots_moves_what_it_names() {
    let all = two_studies();
    let site = Site::start(&all);
    let first = &all[0];
    let (study, its_series) = (first.study.as_str(), first.series.as_str());
    let one = images(study, its_series, &[&all[1].sop_instance]);
    let two = images(study, its_series, &[&all[1].sop_instance, &all[3].sop_instance]);
    let both = studies(&[study, &all[4].study]);
    let table: [(&str, &'static str, Identifier, Vec<usize>); 12] = [
        ("a patient", PATIENT_ROOT_MOVE, patient("TEST-1"), (0..8).collect()),
        ("a study", PATIENT_ROOT_MOVE, below_patient(studies(&[study])), (0..4).collect()),
        ("studies", PATIENT_ROOT_MOVE, below_patient(both.clone()), (0..8).collect()),
        ("a series", PATIENT_ROOT_MOVE, below_patient(series(study, &[its_series])), (0..4).collect()),
        ("an image", PATIENT_ROOT_MOVE, below_patient(one.clone()), vec![1]),
        ("a study", STUDY_ROOT_MOVE, studies(&[study]), (0..4).collect()),
        ("studies", STUDY_ROOT_MOVE, both, (0..8).collect()),
        ("a series", STUDY_ROOT_MOVE, series(study, &[its_series, "2.25.1"]), (0..4).collect()),
        ("an image", STUDY_ROOT_MOVE, one, vec![1]),
        ("images", STUDY_ROOT_MOVE, two, vec![1, 3]),
        ("a patient", PATIENT_STUDY_ONLY_MOVE, patient("TEST-1"), (0..8).collect()),
        ("a study", PATIENT_STUDY_ONLY_MOVE, below_patient(studies(&[study])), (0..4).collect()),
    ];
    let mut before = 0;
    for (name, model, identifier, expected) in table {
        let mut mover = Retriever::open(site.daemon.dimse(), model);
        let retrieved = mover.move_to(STORAGE, &identifier);
        mover.release();
        let count = u16::try_from(expected.len()).unwrap();
        let last = retrieved.last;
        assert_eq!((last.status(), last.counts()), (0x0000, (count, 0, 0)), "{name}, {model}: {last:?}");
        assert!(last.remaining.is_none() && last.failed_instances.is_none(), "{name}, {model}: {last:?}");
        let mut came: Vec<_> = site.destination.received().split_off(before);
        before += came.len();
        came.sort_by(|one, other| one.sop_instance.cmp(&other.sop_instance));
        assert_eq!(came.len(), expected.len(), "{name}, {model}");
        for (came, at) in came.iter().zip(expected) {
            assert_eq!(came.sop_instance, all[at].sop_instance, "{name}, {model}");
            assert!(came.data_set == all[at].data_set, "{name}, {model}: {}", came.sop_instance);
        }
    }
    let completed = &[("service", "C-MOVE"), ("outcome", "completed")];
    let counted = site.daemon.metrics().sum("dimseway_sub_operations_total", completed);
    assert_eq!(counted, f64::from(u32::try_from(before).unwrap()));
    assert!(!site.daemon.log().contains("TEST-1"), "a patient in the log");
}

#[test]
fn what_does_not_exist_is_moved_with_success() {
    let site = Site::start(&two_studies());
    let nothing = [
        studies(&["2.25.404"]),
        series("2.25.90001", &["2.25.404"]),
        images("2.25.90001", "2.25.90001.1", &["2.25.404"]),
    ];
    for identifier in nothing {
        let last = site.mover().move_to(STORAGE, &identifier).last;
        assert_eq!((last.status(), last.counts()), (0x0000, (0, 0, 0)), "{last:?}");
    }
    assert_eq!(site.destination.associations().len(), 0, "an association for nothing");
}

#[test]
fn the_destination_learns_who_asked_and_a_study_needs_one_association() {
    let instances = Instance::study(1, 12, 20_000);
    let site = Site::start(&instances);
    let mut mover = Retriever::open_with(site.daemon.dimse(), STUDY_ROOT_MOVE, |proposal| {
        proposal.calling = "WORKSTATION".to_owned();
    });
    // The first message has another id than the second.
    mover.move_to(STORAGE, &studies(&["2.25.404"]));
    let retrieved = mover.move_to(STORAGE, &studies(&[&instances[0].study]));
    assert_eq!(retrieved.last.status(), 0x0000, "{:?}", retrieved.last);
    site.expect_received(&instances);
    for received in site.destination.received() {
        assert_eq!(received.move_originator.as_deref(), Some("WORKSTATION"));
        assert_eq!(received.move_message_id, Some(2));
        assert_eq!(received.association, 0);
    }
    let associations = site.destination.associations();
    assert_eq!(associations.len(), 1, "{associations:?}");
    assert_eq!((&*associations[0].called, &*associations[0].calling), (STORAGE, "DIMSEWAY"));
    for (class, syntaxes) in &associations[0].contexts {
        assert_eq!(syntaxes.len(), 1, "one context for each pair, so that each is answered: {class}");
    }
    eventually("the association is released in order", || (site.destination.orderly() == 1).then_some(()));
    assert_eq!(site.retrieves(), [format!("/dicom-web/studies/{}", instances[0].study)]);
}

#[test]
fn pending_responses_go_on_while_the_destination_files_an_instance() {
    let instances = Instance::study(1, 5, 2000);
    let behaviour = Behaviour::default()
        .storing(|number, _| if number == 2 { Store::NotAnswered } else { Store::Answered(0x0000) });
    let site = Site::start_with(&instances, behaviour, |configuration| configuration);
    let mut mover = site.mover();
    let id = mover.begin_move(STORAGE, &studies(&[&instances[0].study]).bytes());
    let mut next = || match mover.incoming() {
        Some(Incoming::Progress(progress)) => progress,
        other => panic!("{other:?}"),
    };
    // Two are done, one is with the destination; that is told again and again.
    let is_there = |progress: &Progress| progress.counts() == (2, 0, 0);
    let mut told = 0;
    let mut before = 0;
    while told < 4 {
        let progress = next();
        assert_eq!((progress.status(), progress.response.message_id), (0xFF00, id), "{progress:?}");
        // A search that takes longer than the interval: nothing is known yet, and nothing was sent.
        if before == 0 && progress.remaining == Some(1) && progress.counts() == (0, 0, 0) {
            continue;
        }
        let (completed, failed, warning) = progress.counts();
        assert_eq!((failed, warning), (0, 0));
        assert_eq!(progress.remaining.unwrap() + completed, 5, "{progress:?}");
        assert!(completed >= before, "{completed} after {before}");
        before = completed;
        told += usize::from(is_there(&progress));
    }
    site.destination.release();
    let last = loop {
        let progress = next();
        if progress.status() != 0xFF00 {
            break progress;
        }
    };
    assert_eq!((last.status(), last.counts()), (0x0000, (5, 0, 0)), "{last:?}");
    site.expect_received(&instances);
}

#[test]
fn several_associations_share_a_study_and_one_is_enough_for_several_requests() {
    let instances: Vec<_> = (1..=6).flat_map(|study| Instance::study(study, 5, 10_000)).collect();
    let named: Vec<_> = (0..6).map(|study| instances[study * 5].study.as_str()).collect();
    let wide = Site::start_with(&instances, Behaviour::default(), |configuration| {
        configuration.set("retrieve", "associations = 3")
    });
    let last = wide.mover().move_to(STORAGE, &studies(&named)).last;
    assert_eq!((last.status(), last.counts()), (0x0000, (30, 0, 0)), "{last:?}");
    wide.expect_received(&instances);
    assert!(wide.destination.open_most() <= 3, "{} associations", wide.destination.open_most());

    let narrow = Site::start(&instances);
    let last = narrow.mover().move_to(STORAGE, &studies(&named)).last;
    assert_eq!((last.status(), last.counts()), (0x0000, (30, 0, 0)), "{last:?}");
    narrow.expect_received(&instances);
    assert_eq!(narrow.destination.associations().len(), 1);
}

#[test]
fn the_instances_of_one_series_are_shared_by_the_associations() {
    let instances = Instance::study(1, 5, 100_000);
    let behaviour = Behaviour::default()
        .storing(|number, _| if number == 0 { Store::NotAnswered } else { Store::Answered(0x0000) });
    let site = Site::start_with(&instances, behaviour, |configuration| {
        configuration.set("retrieve", "associations = 2")
    });
    let mut mover = site.mover();
    mover.begin_move(STORAGE, &studies(&[&instances[0].study]).bytes());
    eventually("the others arrive while the first one is filed", || {
        (site.destination.received().len() == instances.len()).then_some(())
    });
    site.destination.release();
    let last = mover.rest(|_| unreachable!("no C-GET")).last;
    assert_eq!((last.status(), last.counts()), (0x0000, (5, 0, 0)), "{last:?}");
    site.expect_received(&instances);
    assert_eq!(site.destination.associations().len(), 2);
    assert_eq!(site.retrieves().len(), 1, "one answer of the archive for both: {:?}", site.retrieves());
}
