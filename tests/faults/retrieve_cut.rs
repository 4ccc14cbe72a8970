//! Retrieves over lines that break, from archives that die, to destinations that are killed: what arrives
//! is whole, what is missing is named.

use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::dcmtk::Storescp;
use tests::destination::{Behaviour, Destination, Store};
use tests::embedded_origin::EmbeddedOrigin;
use tests::fault_proxy::{Fault, FaultProxy};
use tests::instances::Instance;
use tests::retrieve::{Retrieved, Retriever, STUDY_ROOT_GET, STUDY_ROOT_MOVE, pairs, studies};
use tests::sender::store_all;
use tests::wait::eventually;

const COUNT: u32 = 5;

/// More than all buffers between an archive and a destination hold.
const LARGE: usize = 12 << 20;

/// A study in an archive that a proxy stands before, and a daemon between that and a destination.
struct Site {
    folder: tempfile::TempDir,
    origin: EmbeddedOrigin,
    proxy: FaultProxy,
    destination: Destination,
    daemon: Daemon,
    _home: Home,
    instances: Vec<Instance>,
}

/// The destination stands still inside the third instance.
fn standing_still() -> Behaviour {
    Behaviour::default()
        .storing(|number, _| if number == 2 { Store::Held(1 << 20) } else { Store::Answered(0x0000) })
}

impl Site {
    fn start(behaviour: Behaviour) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let origin = EmbeddedOrigin::start(&folder.path().join("archive"));
        let proxy = FaultProxy::to(origin.authority().parse().unwrap());
        let destination = Destination::start(behaviour);
        let configuration = Configuration::new()
            .origin("archive", &format!("http://{}/dicom-web", proxy.address()))
            .set("retrieve", "stall = \"1h\"")
            .with(&destination.peer("STORAGE"));
        let home = Home::new(&configuration);
        let daemon = home.start();
        let instances = Instance::study(1, COUNT, LARGE);
        store_all(daemon.dimse(), &instances);
        eventually("the archive has the study", || (origin.count() == COUNT as usize).then_some(()));
        daemon.settle();
        Self { folder, origin, proxy, destination, daemon, _home: home, instances }
    }

    /// A C-MOVE of the study, up to where the destination stands still.
    fn begin_move(&self) -> Retriever {
        let mut mover = Retriever::open(self.daemon.dimse(), STUDY_ROOT_MOVE);
        mover.begin_move("STORAGE", &studies(&[&self.instances[0].study]).bytes());
        eventually("the destination stands still", || (self.destination.held() == 1).then_some(()));
        mover
    }

    /// What came is whole, whatever else is missing.
    fn expect_whole(&self) {
        for received in self.destination.received() {
            let sent = self.instances.iter().find(|sent| sent.sop_instance == received.sop_instance);
            assert!(received.data_set == sent.unwrap().data_set, "{} has other bytes", received.sop_instance);
        }
    }
}

fn end_of(mut mover: Retriever) -> Retrieved {
    mover.rest(|_| unreachable!("no C-GET"))
}

#[test]
fn a_cut_line_is_resumed_inside_the_instance() {
    let site = Site::start(standing_still());
    let mover = site.begin_move();
    site.proxy.cut();
    site.destination.release();
    let last = end_of(mover).last;
    assert_eq!((last.status(), last.counts()), (0x0000, (5, 0, 0)), "{last:?}");
    assert_eq!((site.destination.count(), site.destination.cut()), (5, 0), "each once, none cut");
    site.expect_whole();
    // Otherwise the line was not cut inside one.
    site.daemon.wait_for_line("resuming inside an instance");
}

#[test]
fn an_archive_that_was_restarted_gives_the_rest() {
    let mut site = Site::start(standing_still());
    let mover = site.begin_move();
    let (archive, authority) = (site.folder.path().join("archive"), site.origin.authority().to_owned());
    site.origin.kill();
    site.origin = EmbeddedOrigin::start_at(&archive, &authority);
    site.destination.release();
    let last = end_of(mover).last;
    assert_eq!((last.status(), last.counts()), (0x0000, (5, 0, 0)), "{last:?}");
    assert_eq!((site.destination.count(), site.destination.cut()), (5, 0), "each once, none cut");
    site.expect_whole();
}

#[test]
fn an_archive_that_stays_away_fails_what_is_missing_and_nothing_arrives_in_part() {
    let site = Site::start(standing_still());
    let mover = site.begin_move();
    site.proxy.set(Fault::Refuse);
    site.proxy.cut();
    site.destination.release();
    let last = end_of(mover).last;
    assert_eq!(last.status(), 0xB000, "{last:?}");
    let (completed, failed, warning) = last.counts();
    assert_eq!((u32::from(completed + failed), warning), (COUNT, 0), "{last:?}");
    assert!(failed >= 2, "{last:?}");
    assert_eq!(last.failed_list().len(), usize::from(failed));
    assert_eq!(site.destination.count(), usize::from(completed), "what came is what is counted");
    site.expect_whole();
    site.proxy.set(Fault::None);
    let mut again = Retriever::open(site.daemon.dimse(), STUDY_ROOT_MOVE);
    let last = again.move_to("STORAGE", &studies(&[&site.instances[0].study])).last;
    assert_eq!((last.status(), last.counts()), (0x0000, (5, 0, 0)), "{last:?}");
}

#[test]
fn a_line_that_is_cut_again_and_again_still_carries_a_get() {
    let site = Site::start(Behaviour::default());
    let mut getter = Retriever::open_to_get(site.daemon.dimse(), STUDY_ROOT_GET, &pairs(&site.instances));
    let mut came = Vec::new();
    let last = getter
        .get(&studies(&[&site.instances[0].study]), |stored| {
            site.proxy.cut();
            came.push(stored.clone());
            0x0000
        })
        .last;
    assert_eq!((last.status(), last.counts()), (0x0000, (5, 0, 0)), "{last:?}");
    for stored in came {
        let sent = site.instances.iter().find(|sent| sent.sop_instance == stored.sop_instance).unwrap();
        assert!(stored.data_set == sent.data_set, "{} has other bytes", stored.sop_instance);
    }
}

#[test]
fn a_killed_daemon_leaves_no_object_that_looks_whole() {
    let site = Site::start(standing_still());
    let mover = site.begin_move();
    let Site { daemon, destination, instances, .. } = site;
    daemon.kill();
    drop(mover);
    destination.release();
    eventually("the destination sees the end", || (destination.open() == 0).then_some(()));
    assert_eq!((destination.count(), destination.cut()), (2, 1));
    for received in destination.received() {
        let sent = instances.iter().find(|sent| sent.sop_instance == received.sop_instance).unwrap();
        assert!(received.data_set == sent.data_set, "{} has other bytes", received.sop_instance);
    }
}

#[test]
fn a_killed_storescp_fails_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let Some(storescp) = Storescp::start(&folder.path().join("received"), &[]) else { return };
    let before = FaultProxy::to(storescp.address());
    before.set(Fault::StallAfter(2_500_000));
    let origin = EmbeddedOrigin::start(&folder.path().join("archive"));
    let peer = format!("[[peer]]\nae_title = \"STORAGE\"\naddress = \"{}\"\n", before.address());
    let home = Home::new(&Configuration::new().origin("archive", origin.url()).with(&peer));
    let daemon = home.start();
    let instances = Instance::study(1, 6, 1_000_000);
    store_all(daemon.dimse(), &instances);
    eventually("the archive has the study", || (origin.count() == 6).then_some(()));
    let mut mover = Retriever::open(daemon.dimse(), STUDY_ROOT_MOVE);
    mover.begin_move("STORAGE", &studies(&[&instances[0].study]).bytes());
    eventually("two are there, and the third is on its way", || {
        let sub_operations = daemon.metrics().sum("dimseway_sub_operations_total", &[]);
        (sub_operations >= 2.0).then_some(())
    });
    drop(storescp);
    before.cut();
    before.set(Fault::None);
    let last = end_of(mover).last;
    assert_eq!((last.status(), last.counts()), (0xB000, (2, 4, 0)), "{last:?}");
    assert_eq!(last.failed_list().len(), 4);
}
