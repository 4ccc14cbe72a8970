//! A C-MOVE that is cancelled, left alone, joined by many others, or overtaken by the end of the daemon.

use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::destination::{Behaviour, Destination, Entry, Store};
use tests::fault_proxy::{Fault, FaultProxy};
use tests::instances::Instance;
use tests::retrieve::{Incoming, Retriever, STUDY_ROOT_MOVE, studies};
use tests::scripted_origin::{Holdings, ScriptedOrigin};
use tests::sender::store_all;
use tests::wait::eventually;

use crate::retrieve_site::{STORAGE, Site};

/// A destination that stands still at its fourth instance.
fn slow() -> Behaviour {
    Behaviour::default()
        .storing(|number, _| if number == 3 { Store::NotAnswered } else { Store::Answered(0x0000) })
}

#[test]
fn a_cancelled_move_says_what_remains_and_the_association_goes_on() {
    let instances = Instance::study(1, 10, 50_000);
    let site = Site::start_with(&instances, slow(), |configuration| configuration);
    let mut mover = site.mover();
    let id = mover.begin_move(STORAGE, &studies(&[&instances[0].study]).bytes());
    eventually("the fourth is under way", || (site.destination.held() == 1).then_some(()));
    mover.cancel(id);
    site.destination.release();
    let last = mover.rest(|_| unreachable!("no C-GET")).last;
    let (completed, failed, warning) = last.counts();
    assert_eq!((last.status(), failed, warning), (0xFE00, 0, 0), "{last:?}");
    assert_eq!(completed + last.remaining.unwrap(), 10, "{last:?}");
    assert_eq!(usize::from(completed), site.destination.count(), "{last:?}");
    // A cancel of what is over, or never was, changes nothing.
    mover.cancel(id);
    mover.cancel(99);
    let last = mover.move_to(STORAGE, &studies(&[&instances[0].study])).last;
    assert_eq!((last.status(), last.counts()), (0x0000, (10, 0, 0)), "{last:?}");
    mover.release();
}

#[test]
fn a_destination_that_stands_still_does_not_hold_up_a_cancel() {
    let instances = Instance::study(1, 10, 50_000);
    let site = Site::start_with(&instances, slow(), |configuration| configuration);
    let mut mover = site.mover();
    let id = mover.begin_move(STORAGE, &studies(&[&instances[0].study]).bytes());
    eventually("the fourth is under way", || (site.destination.held() == 1).then_some(()));
    mover.cancel(id);
    let last = mover.rest(|_| unreachable!("no C-GET")).last;
    assert_eq!((last.status(), last.counts()), (0xFE00, (3, 0, 0)), "{last:?}");
    assert_eq!(last.remaining, Some(7), "{last:?}");
    mover.release();
}

#[test]
fn a_requestor_that_goes_away_ends_its_move() {
    let instances = Instance::study(1, 10, 50_000);
    let site = Site::start_with(&instances, slow(), |configuration| configuration);
    let mut mover = site.mover();
    mover.begin_move(STORAGE, &studies(&[&instances[0].study]).bytes());
    eventually("the fourth is under way", || (site.destination.held() == 1).then_some(()));
    mover.peer().close_sending();
    drop(mover);
    eventually("its association is over", || {
        (site.daemon.metrics().sum("dimseway_associations_open", &[]) == 0.0).then_some(())
    });
    site.destination.release();
    eventually("so is that to the destination", || (site.destination.open() == 0).then_some(()));
    assert!(site.destination.count() <= 5, "{} went on for nobody", site.destination.count());
}

#[test]
fn fifty_moves_at_once_all_end_well() {
    const MOVES: u32 = 50;
    let instances: Vec<_> = (1..=MOVES).flat_map(|study| Instance::study(study, 3, 20_000)).collect();
    let site = Site::start_with(&instances, Behaviour::default(), |configuration| {
        configuration.set("retrieve", "associations = 4")
    });
    std::thread::scope(|scope| {
        for study in instances.chunks(3) {
            let site = &site;
            scope.spawn(move || {
                let last = site.move_study(&study[0].study).last;
                assert_eq!((last.status(), last.counts()), (0x0000, (3, 0, 0)), "{last:?}");
            });
        }
    });
    site.expect_received(&instances);
    assert!(site.destination.open_most() <= 4, "{} at once", site.destination.open_most());
    eventually("all associations are released", || (site.destination.open() == 0).then_some(()));
    let ended = &[("service", "C-MOVE"), ("status", "0000")];
    assert_eq!(site.daemon.metrics().sum("dimseway_dimse_messages_total", ended), f64::from(MOVES));
}

#[test]
fn destinations_that_hang_do_not_keep_the_daemon_from_ending() {
    let instances: Vec<_> = (1..=4).flat_map(|study| Instance::study(study, 3, 20_000)).collect();
    for (what, behaviour) in [
        ("no association", Behaviour::default().entering(|_| Entry::Stalled)),
        ("no response", Behaviour::default().storing(|_, _| Store::NotAnswered)),
    ] {
        let site = Site::start_with(&instances, behaviour, |configuration| {
            configuration.set("dimse", "drain_timeout = \"1s\"")
        });
        let begun = instances.chunks(3).map(|study| {
            let mut mover = site.mover();
            mover.begin_move(STORAGE, &studies(&[&study[0].study]).bytes());
            mover
        });
        let mut movers: Vec<_> = begun.collect();
        eventually("one waits for the destination, and the others for that", || {
            (site.destination.held() > 0).then_some(())
        });
        site.daemon.signal("TERM");
        let status = site.daemon.wait();
        assert!(status.success(), "{what}: {status}");
        for mover in &mut movers {
            // The requestor is told by the end of its association.
            while let Some(incoming) = mover.incoming() {
                let Incoming::Progress(progress) = incoming else { unreachable!("no C-GET") };
                assert_eq!(progress.status(), 0xFF00, "{what}: {progress:?}");
            }
        }
    }
}

#[test]
fn a_move_under_way_ends_in_order_when_the_daemon_is_told_to_end() {
    let instances = Instance::study(1, 10, 50_000);
    let site = Site::start_with(&instances, slow(), |configuration| configuration);
    let mut mover = site.mover();
    mover.begin_move(STORAGE, &studies(&[&instances[0].study]).bytes());
    eventually("the fourth is under way", || (site.destination.held() == 1).then_some(()));
    site.daemon.signal("TERM");
    eventually("it drains", || site.daemon.log().contains("new associations are rejected").then_some(()));
    site.destination.release();
    // What is in hand may be finished; if it is not, it is cancelled or the association aborted.
    loop {
        match mover.incoming() {
            Some(Incoming::Progress(progress)) if progress.status() == 0xFF00 => {}
            Some(Incoming::Progress(last)) => {
                let (completed, ..) = last.counts();
                let expected = [0x0000, 0xB000, 0xFE00, 0xA702];
                assert!(expected.contains(&last.status()), "{last:?}");
                assert!(last.status() != 0x0000 || completed == 10, "{last:?}");
                break;
            }
            Some(other) => panic!("{other:?}"),
            None => break,
        }
    }
    drop(mover);
    let Site { daemon, destination, .. } = site;
    let status = daemon.wait();
    assert!(status.success(), "{status}");
    for received in destination.received() {
        let sent = instances.iter().find(|sent| sent.sop_instance == received.sop_instance).unwrap();
        assert!(received.data_set == sent.data_set, "{}", received.sop_instance);
    }
}

#[test]
fn a_large_object_passes_through_without_being_held() {
    let instances = vec![Instance::ct(1, 1, 64 << 20)];
    let site = Site::start(&instances);
    let last = site.move_study(&instances[0].study).last;
    assert_eq!((last.status(), last.counts()), (0x0000, (1, 0, 0)), "{last:?}");
    let mut getter = site.getter(&instances);
    let last = getter.get(&studies(&[&instances[0].study]), |_| 0x0000).last;
    assert_eq!((last.status(), last.counts()), (0x0000, (1, 0, 0)), "{last:?}");
    site.expect_received(&instances);
    let peak = site.daemon.memory_peak_kib();
    assert!(peak < 64 * 1024, "{peak} KiB for an object of 64 MiB");
}

#[test]
fn what_was_just_stored_is_moved_from_the_spool() {
    let instances = Instance::study(1, 5, 100_000);
    let origin = ScriptedOrigin::start([]);
    let nothing = Holdings::default();
    origin.ask(move |request| nothing.answer(request));
    let proxy = FaultProxy::to(origin.address());
    proxy.set(Fault::Refuse);
    let destination = Destination::start(Behaviour::default());
    let configuration = Configuration::new()
        .origin("archive", &format!("http://{}/dicom-web", proxy.address()))
        .set("forward.back_off", "min = \"1m\"")
        .set("forward.back_off", "max = \"1m\"")
        .with(&destination.peer(STORAGE));
    let home = Home::new(&configuration);
    let daemon = home.start();
    store_all(daemon.dimse(), &instances);
    // Nothing is delivered, and the archive answers searches again: it has none of them.
    eventually("the delivery was tried", || {
        daemon.queue("").iter().any(|line| line["reason"].is_string()).then_some(())
    });
    proxy.set(Fault::None);
    let mut mover = Retriever::open(daemon.dimse(), STUDY_ROOT_MOVE);
    let last = mover.move_to(STORAGE, &studies(&[&instances[0].study])).last;
    assert_eq!((last.status(), last.counts()), (0x0000, (5, 0, 0)), "{last:?}");
    let received = destination.received();
    for instance in &instances {
        let came = received.iter().find(|came| came.sop_instance == instance.sop_instance).unwrap();
        assert!(came.data_set == instance.data_set, "{}", instance.sop_instance);
        assert_eq!(came.transfer_syntax, instance.transfer_syntax);
    }
}
