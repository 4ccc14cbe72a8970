//! Where a C-MOVE takes instances from: several archives at once, one archive for each AE title, and
//! archives that give only one instance at a time.

use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::destination::{Behaviour, Destination};
use tests::instances::Instance;
use tests::retrieve::{Retriever, STUDY_ROOT_MOVE, studies};
use tests::scripted_origin::{Holdings, Reply, ScriptedOrigin};
use tests::wait::eventually;

use crate::retrieve_site::{STORAGE, Site, expect_same, is_search};

fn archive_with(instances: &[Instance]) -> ScriptedOrigin {
    let origin = ScriptedOrigin::start([]);
    let holdings = Holdings::new(instances.to_vec());
    origin.ask(move |request| holdings.answer(request));
    origin
}

fn expect_received(destination: &Destination, instances: &[Instance]) {
    let received = destination.received();
    let came = received.iter().map(|one| (&*one.sop_instance, &*one.transfer_syntax, &*one.data_set));
    expect_same(came, instances);
}

#[test]
fn a_study_in_two_archives_is_moved_once_and_whole() {
    let instances = Instance::study(1, 6, 30_000);
    // Two of them are in both.
    let (first, second) = (archive_with(&instances[..4]), archive_with(&instances[2..]));
    let destination = Destination::start(Behaviour::default());
    let configuration = Configuration::new()
        .origin("first", &first.url())
        .origin("second", &second.url())
        .set("query", "origin = [\"first\", \"second\"]")
        .with("[[route]]\nstore = [\"first\"]\n")
        .with(&destination.peer(STORAGE));
    let home = Home::new(&configuration);
    let daemon = home.start();
    let mut mover = Retriever::open(daemon.dimse(), STUDY_ROOT_MOVE);
    let last = mover.move_to(STORAGE, &studies(&[&instances[0].study])).last;
    assert_eq!((last.status(), last.counts()), (0x0000, (6, 0, 0)), "{last:?}");
    expect_received(&destination, &instances);

    // One that does not answer searches makes the whole study uncertain.
    second.ask(|_| Some(Reply::status(500)));
    let last = mover.move_to(STORAGE, &studies(&[&instances[0].study])).last;
    assert_eq!(last.status(), 0xA701, "{last:?}");
}

#[test]
fn each_ae_title_has_its_own_archive_and_calls_under_its_own_name() {
    let (one, other) = (Instance::study(1, 2, 1000), Instance::study(2, 2, 1000));
    let (first, second) = (archive_with(&one), archive_with(&other));
    let destination = Destination::start(Behaviour::default());
    let configuration = Configuration::new()
        .origin("first", &first.url())
        .origin("second", &second.url())
        .set("query", "origin = \"first\"")
        .with("[[ae]]\ntitle = \"OTHER\"\nquery = [\"second\"]\n")
        .with("[[route]]\nstore = [\"first\"]\n")
        .with(&destination.peer(STORAGE));
    let home = Home::new(&configuration);
    let daemon = home.start();
    let both = studies(&[&one[0].study, &other[0].study]);
    let mut all = Vec::new();
    for (called, expected) in [("DIMSEWAY", &one), ("OTHER", &other)] {
        let mut mover = Retriever::open_with(daemon.dimse(), STUDY_ROOT_MOVE, |proposal| {
            called.clone_into(&mut proposal.called);
        });
        let last = mover.move_to(STORAGE, &both).last;
        assert_eq!((last.status(), last.counts()), (0x0000, (2, 0, 0)), "{called}: {last:?}");
        all.extend(expected.iter().cloned());
        expect_received(&destination, &all);
        assert_eq!(destination.associations().last().unwrap().calling, called);
    }
}

#[test]
fn an_archive_that_gives_one_instance_at_a_time_is_asked_for_several_at_once() {
    let instances = Instance::study(1, 12, 30_000);
    let site = Site::start_with(&instances, Behaviour::default(), |configuration| {
        configuration
            .set("retrieve", "requests = 4")
            .set("origin.archive.capabilities.retrieve", "whole_study = false")
            .set("origin.archive.capabilities.retrieve", "whole_series = false")
    });
    let holdings = Holdings::new(instances.clone());
    site.origin.ask(move |request| match is_search(request) {
        true => holdings.answer(request),
        false => Some(Reply::Stall),
    });
    let mut mover = site.mover();
    mover.begin_move(STORAGE, &studies(&[&instances[0].study]).bytes());
    eventually("four requests wait", || (site.origin.stalled() == 4).then_some(()));
    // They end without an answer, and are made again.
    let holdings = Holdings::new(instances.clone());
    site.origin.ask(move |request| holdings.answer(request));
    site.origin.release();
    let last = mover.rest(|_| unreachable!("no C-GET")).last;
    assert_eq!((last.status(), last.counts()), (0x0000, (12, 0, 0)), "{last:?}");
    site.expect_received(&instances);
    assert!(site.retrieves().iter().all(|target| target.contains("/instances/")), "{:?}", site.retrieves());
}
