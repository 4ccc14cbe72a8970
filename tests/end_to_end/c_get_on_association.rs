//! C-GET: instances come back on the association that asks for them, under the same rules as C-MOVE
//! (PS3.4 §C.4.3).

use tests::instances::{EXPLICIT_VR_LITTLE_ENDIAN, Instance};
use tests::retrieve::{Incoming, Retriever, STUDY_ROOT_GET, Stored, images, series, studies};
use tests::scripted_origin::{MULTIPART, Reply, part};
use tests::scripted_peer::ScriptedPeer;
use tests::wait::eventually;
use tests::wire::{self, Proposal};

use crate::retrieve_site::{Bytes, Site, expect_same, is_search, uids};

const MR_IMAGE_STORAGE: &str = "1.2.840.10008.5.1.4.1.1.4";

fn bytes(stored: &Stored) -> Bytes<'_> {
    (&stored.sop_instance, &stored.transfer_syntax, &stored.data_set)
}

#[test]
fn every_level_gets_what_it_names_byte_for_byte() {
    let all: Vec<_> = [1, 2].iter().flat_map(|study| Instance::study(*study, 4, 150_000)).collect();
    let site = Site::start(&all);
    let (study, its_series) = (all[0].study.as_str(), all[0].series.as_str());
    let one = images(study, its_series, &[&all[1].sop_instance, &all[2].sop_instance]);
    let table = [
        ("a study", studies(&[study]), 0..4),
        ("studies", studies(&[study, &all[4].study]), 0..8),
        ("a series", series(study, &[its_series]), 0..4),
        ("images", one, 1..3),
        ("nothing", studies(&["2.25.404"]), 0..0),
    ];
    let mut getter = site.getter(&all);
    for (name, identifier, expected) in table {
        let mut came = Vec::new();
        let retrieved = getter.get(&identifier, |stored| {
            came.push(stored.clone());
            0x0000
        });
        let count = u16::try_from(expected.len()).unwrap();
        let last = retrieved.last;
        assert_eq!((last.status(), last.counts()), (0x0000, (count, 0, 0)), "{name}: {last:?}");
        expect_same(came.iter().map(bytes), &all[expected]);
    }
    getter.release();
}

#[test]
fn each_answer_counts_as_the_standard_says() {
    let all = Instance::study(1, 6, 50_000);
    let site = Site::start(&all);
    let mut getter = site.getter(&all);
    let two = |uid: &str| uid.ends_with(".2") || uid.ends_with(".5");
    let some = [all[1].clone(), all[4].clone()];
    let table = [
        (0xA700, true, 0xB000, (4, 2, 0), &some[..]),
        (0xC000, true, 0xB000, (4, 2, 0), &some[..]),
        (0xB007, true, 0xB000, (4, 0, 2), &[]),
        (0xA700, false, 0xA702, (0, 6, 0), &all[..]),
    ];
    for (answer, only_two, status, counts, failed) in table {
        let retrieved = getter.get(&studies(&[&all[0].study]), |stored| {
            if !only_two || two(&stored.sop_instance) { answer } else { 0x0000 }
        });
        let last = retrieved.last;
        assert_eq!((last.status(), last.counts()), (status, counts), "{answer:04X}: {last:?}");
        assert_eq!(last.failed_list(), uids(failed), "{answer:04X}");
    }
}

#[test]
fn classes_that_the_requestor_does_not_take_fail_alone() {
    let mut all = Instance::study(1, 6, 50_000);
    for instance in all.iter_mut().skip(4) {
        *instance = instance.of_class(MR_IMAGE_STORAGE);
    }
    let site = Site::start(&all);
    let mut getter = site.getter(&all[..4]);
    let mut came = Vec::new();
    let last = getter
        .get(&studies(&[&all[0].study]), |stored| {
            came.push(stored.clone());
            0x0000
        })
        .last;
    assert_eq!((last.status(), last.counts()), (0xB000, (4, 2, 0)), "{last:?}");
    assert_eq!(last.failed_list(), uids(&all[4..]));
    expect_same(came.iter().map(bytes), &all[..4]);
}

#[test]
fn without_the_role_of_provider_nothing_is_sent() {
    let all = Instance::study(1, 3, 1000);
    let site = Site::start(&all);
    let mut getter = Retriever::open_with(site.daemon.dimse(), STUDY_ROOT_GET, |proposal| {
        let syntaxes = vec![EXPLICIT_VR_LITTLE_ENDIAN.to_owned()];
        proposal.contexts.push((all[0].sop_class.clone(), syntaxes));
    });
    let last = getter.get(&studies(&[&all[0].study]), |stored| panic!("{stored:?} came")).last;
    assert_eq!((last.status(), last.counts()), (0xA702, (0, 3, 0)), "{last:?}");
    assert!(!last.response.error_comment.is_empty(), "{last:?}");
    getter.release();
}

#[test]
fn a_truncated_object_ends_the_association_and_never_arrives() {
    let all = Instance::study(1, 3, 2 << 20);
    let begun = part(&all[1])[..1 << 20].to_vec();
    let site = Site::start_scripted(
        &all,
        move |request| {
            let whole = !is_search(request) && !request.target.contains("/instances/");
            let is_it = request.target.ends_with("/2.25.90001.1.2");
            match is_it {
                true => Some(Reply::Cut(MULTIPART, begun.clone())),
                false => whole.then(|| Reply::status(500)),
            }
        },
        Default::default(),
        |configuration| configuration,
    );
    let mut getter = site.getter(&all);
    getter.begin_get(&studies(&[&all[0].study]).bytes());
    let mut came = Vec::new();
    // Whether a final response comes or the association just ends: the object is never whole.
    while let Some(incoming) = getter.incoming() {
        match incoming {
            Incoming::Store(stored) => {
                getter.answer(&stored, 0x0000);
                came.push(stored);
            }
            Incoming::Progress(progress) if progress.status() == 0xFF00 => {}
            Incoming::Progress(last) => panic!("{last:?} behind an object that was cut"),
        }
    }
    for stored in &came {
        let sent = all.iter().find(|sent| sent.sop_instance == stored.sop_instance).unwrap();
        assert!(!stored.sop_instance.ends_with(".2"), "the object that was cut arrived");
        assert!(stored.data_set == sent.data_set, "{}", stored.sop_instance);
    }
    eventually("the association is over", || {
        (site.daemon.metrics().sum("dimseway_associations_open", &[]) == 0.0).then_some(())
    });
}

#[test]
fn a_cancelled_get_says_what_remains() {
    let all = Instance::study(1, 40, 20_000);
    let site = Site::start(&all);
    let mut getter = site.getter(&all);
    let id = getter.begin_get(&studies(&[&all[0].study]).bytes());
    let mut came = 0_u16;
    let retrieved = loop {
        match getter.incoming().expect("an answer") {
            Incoming::Store(stored) => {
                came += 1;
                if came == 3 {
                    getter.cancel(id);
                }
                getter.answer(&stored, 0x0000);
            }
            Incoming::Progress(progress) if progress.status() == 0xFF00 => {}
            Incoming::Progress(last) => break last,
        }
    };
    let (completed, failed, warning) = retrieved.counts();
    assert_eq!((retrieved.status(), failed, warning), (0xFE00, 0, 0), "{retrieved:?}");
    assert_eq!(completed, came, "{retrieved:?}");
    assert_eq!(completed + retrieved.remaining.unwrap(), 40, "{retrieved:?}");
    assert!(completed < 40, "nothing was left to cancel");
    // The association goes on.
    let last = getter.get(&studies(&[&all[0].study]), |_| 0x0000).last;
    assert_eq!((last.status(), last.counts()), (0x0000, (40, 0, 0)), "{last:?}");
    getter.release();
}

#[test]
fn an_echo_is_answered_while_instances_come() {
    let all = Instance::study(1, 4, 50_000);
    let site = Site::start(&all);
    let class = all[0].sop_class.as_str();
    let syntaxes: &[&str] = &[EXPLICIT_VR_LITTLE_ENDIAN];
    let mut proposal =
        Proposal::new(&[(STUDY_ROOT_GET, syntaxes), (class, syntaxes), (wire::VERIFICATION, syntaxes)]);
    proposal.provided.push(class.to_owned());
    proposal.operations_invoked = Some(4);
    let mut peer = ScriptedPeer::associate(site.daemon.dimse(), &proposal);
    peer.send(&wire::p_data(1, true, true, &wire::get_request(7, STUDY_ROOT_GET)));
    peer.send(&wire::p_data(1, false, true, &studies(&[&all[0].study]).bytes()));
    // The first sub-operation waits for its answer meanwhile.
    let store = loop {
        let message = peer.next_message().unwrap();
        if message.command[&0x0100] == [0x01, 0x00] {
            break message;
        }
    };
    peer.send(&wire::p_data(5, true, true, &wire::echo_request(8)));
    let echoed = loop {
        let message = peer.next_message().unwrap();
        assert_ne!(message.command[&0x0100], [0x01, 0x00], "a second sub-operation before the first answer");
        if message.command[&0x0100] == [0x30, 0x80] {
            break message;
        }
    };
    assert_eq!((&echoed.command[&0x0120][..], &echoed.command[&0x0900][..]), (&[8, 0][..], &[0, 0][..]));
    assert_eq!(store.context, 3);
}

#[test]
fn a_requestor_that_goes_away_ends_its_retrieve() {
    let all = Instance::study(1, 30, 500_000);
    let site = Site::start(&all);
    let mut getter = site.getter(&all);
    getter.begin_get(&studies(&[&all[0].study]).bytes());
    loop {
        if matches!(getter.incoming(), Some(Incoming::Store(_))) {
            break;
        }
    }
    drop(getter);
    eventually("the association and its retrieve are over", || {
        (site.daemon.metrics().sum("dimseway_associations_open", &[]) == 0.0).then_some(())
    });
    let last = site.move_study(&all[0].study).last;
    assert_eq!((last.status(), last.counts()), (0x0000, (30, 0, 0)), "{last:?}");
}
