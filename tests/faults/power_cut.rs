//! The power goes while modalities send: after it, every acknowledged instance is there, whole.

use std::sync::Mutex;

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use tests::campaign::{self, Variable};
use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::instances::Instance;
use tests::power_cut::PowerCutDisk;
use tests::scripted_origin::ScriptedOrigin;
use tests::sender::Sender;
use tests::wait::eventually;

/// Machines of one run of CI, each with a seed of its own.
const MACHINES: u64 = 12;

#[test]
fn what_was_acknowledged_survives_the_cut() {
    let machines = Variable::PowerCuts.or(MACHINES);
    let first = Variable::Seed.or(0);
    let bar = campaign::progress("cut the power", machines);
    let mut acknowledged = 0;
    for seed in first..first + machines {
        println!("seed {seed}");
        bar.inc(1);
        let Some(disk) = PowerCutDisk::mount(seed) else { return };
        acknowledged += one_machine(seed, disk);
    }
    bar.finish_and_clear();
    let figure = format!("{acknowledged} acknowledged, all of them delivered whole; {} cuts", 3 * machines);
    campaign::figure("power cuts", &figure);
}

/// Cuts the power of one machine three times; how many instances were acknowledged.
fn one_machine(seed: u64, mut disk: PowerCutDisk) -> usize {
    let mut random = SmallRng::seed_from_u64(seed);
    let origin = ScriptedOrigin::start([]);
    let spool = format!("directory = \"{}\"", disk.join("spool").display());
    let configuration = Configuration::new()
        .origin("archive", &origin.url())
        .set("spool", &spool)
        .set("spool", "segment_size = \"1MiB\"")
        .set("spool", "spare_segments = 2")
        .set("spool", "reserve = \"1MiB\"");
    let home = Home::new(&configuration);
    let acknowledged = Mutex::new(Vec::new());
    for round in 0..3 {
        let daemon = home.start();
        let address = daemon.dimse();
        let count = random.random_range(3..12);
        std::thread::scope(|scope| {
            for sender in 0..3_u32 {
                let acknowledged = &acknowledged;
                scope.spawn(move || {
                    for slice in 1..=count {
                        let instance = Instance::ct(round * 3 + sender, slice, 30_000);
                        let Some(mut association) = Sender::try_open(address, &instance) else { return };
                        match association.store(&instance).map(|response| response.status) {
                            Some(0x0000) => acknowledged.lock().unwrap().push(instance),
                            _ => return,
                        }
                    }
                });
            }
            let enough = (round as usize) * 3 + random.random_range(1..9);
            eventually("some are acknowledged", || {
                (acknowledged.lock().unwrap().len() >= enough).then_some(())
            });
            disk.cut();
            daemon.kill();
        });
        disk.restore();
    }
    let daemon = home.start();
    let acknowledged = acknowledged.into_inner().unwrap();
    for instance in &acknowledged {
        eventually(&format!("seed {seed}: {} is in the archive", instance.sop_instance), || {
            origin.stored().contains_key(&instance.sop_instance).then_some(())
        });
    }
    for instance in &acknowledged {
        let file = &origin.stored()[&instance.sop_instance];
        assert!(file.ends_with(&instance.data_set), "seed {seed}: {} is corrupted", instance.sop_instance);
    }
    // An entry whose last bytes reached the disk before those in its middle cannot be told from damage,
    // so it is kept for a person; but it can only be one that was never acknowledged.
    for line in daemon.queue("state=quarantined") {
        let known = acknowledged.iter().any(|instance| line["instance"] == *instance.sop_instance);
        assert!(!known, "seed {seed}: an acknowledged instance is quarantined: {line}");
    }
    drop(daemon);
    acknowledged.len()
}
