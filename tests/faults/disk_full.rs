//! The disk fills in the middle of parallel objects: A700, and the queue still drains.

use std::sync::atomic::{AtomicUsize, Ordering};

use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::instances::Instance;
use tests::power_cut::PowerCutDisk;
use tests::scripted_origin::{Answer, ScriptedOrigin};
use tests::sender::{Sender, store_all};
use tests::wait::eventually;

fn start(disk: &PowerCutDisk, origin: &ScriptedOrigin) -> (Home, Daemon) {
    let spool = format!("directory = \"{}\"", disk.join("spool").display());
    let configuration = Configuration::new()
        .origin("archive", &origin.url())
        .set("spool", &spool)
        .set("spool", "segment_size = \"1MiB\"")
        .set("spool", "spare_segments = 1")
        .set("spool", "reserve = \"1MiB\"")
        .set("spool", "minimum_free = \"1MiB\"");
    let home = Home::new(&configuration);
    let daemon = home.start();
    (home, daemon)
}

#[test]
fn parallel_objects_are_refused_and_the_queue_drains() {
    let Some(disk) = PowerCutDisk::mount(1) else { return };
    // The archive holds its breath, so that nothing leaves the spool while it fills.
    let origin = ScriptedOrigin::start(vec![Answer::Stall; 64]);
    let (_home, daemon) = start(&disk, &origin);
    disk.limit(disk.used() + (12 << 20));
    let (stored, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for sender in 0..20 {
            let (address, stored, refused) = (daemon.dimse(), &stored, &refused);
            scope.spawn(move || {
                for slice in 1..=3 {
                    let instance = Instance::ct(sender, slice, 800_000);
                    let mut association = Sender::open(address, [&instance]);
                    match association.store(&instance).expect("an answer").status {
                        0x0000 => stored.fetch_add(1, Ordering::Relaxed),
                        0xA700..=0xA7FF => refused.fetch_add(1, Ordering::Relaxed),
                        other => panic!("status {other:04X}"),
                    };
                    association.release();
                }
            });
        }
    });
    let (stored, refused) = (stored.into_inner(), refused.into_inner());
    assert!(stored > 0 && refused > 0 && stored + refused == 60, "{stored} stored, {refused} refused");
    origin.release();
    eventually("the queue drains", || (origin.count() >= stored).then_some(()));
    daemon.settle();
    assert_eq!(origin.count(), stored, "what was refused is nowhere");
    eventually("intake opens again", || {
        let instance = Instance::ct(99, 1, 100_000);
        let mut association = Sender::open(daemon.dimse(), [&instance]);
        let status = association.store(&instance).expect("an answer").status;
        association.release();
        (status == 0x0000).then_some(())
    });
}

#[test]
fn a_failed_sync_is_no_success() {
    let Some(disk) = PowerCutDisk::mount(2) else { return };
    let origin = ScriptedOrigin::start([]);
    let (_home, daemon) = start(&disk, &origin);
    store_all(daemon.dimse(), &[Instance::ct(1, 1, 1000)]);
    daemon.settle();
    disk.fail_syncs(1);
    let statuses: Vec<_> = (2..=4)
        .map(|slice| {
            let instance = Instance::ct(1, slice, 1000);
            let mut association = Sender::open(daemon.dimse(), [&instance]);
            let status = association.store(&instance).expect("an answer").status;
            association.release();
            (instance.sop_instance, status)
        })
        .collect();
    assert!(statuses.iter().all(|(_, status)| matches!(status, 0x0000 | 0xA700..=0xA7FF)), "{statuses:04X?}");
    daemon.settle();
    for (uid, status) in &statuses {
        if *status == 0x0000 {
            eventually("what was acknowledged arrives", || origin.stored().contains_key(uid).then_some(()));
        }
    }
    eventually("intake opens again", || {
        let instance = Instance::ct(2, 1, 1000);
        let mut association = Sender::open(daemon.dimse(), [&instance]);
        let status = association.store(&instance).expect("an answer").status;
        association.release();
        (status == 0x0000).then_some(())
    });
}
