//! SIGKILL at any moment of a transfer: what was acknowledged arrives, whole, and nothing else does.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::mpsc;

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use tests::campaign::{self, Variable};
use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::embedded_origin::EmbeddedOrigin;
use tests::instances::Instance;
use tests::sender::Sender;
use tests::wait::eventually;

/// Kills in one run of CI; the campaign runs hundreds.
const KILLS: u32 = 30;
/// Associations that send at the same time.
const SENDERS: u32 = 3;
/// The seed of the moments.
const SEED: u64 = 20_260_102;

#[test]
fn every_acknowledged_instance_arrives_and_none_is_corrupted() {
    let mut random = SmallRng::seed_from_u64(campaign::seed(SEED));
    let kills = Variable::Kills.count_or(KILLS);
    let bar = campaign::progress("kill", u64::from(kills));
    let folder = tempfile::tempdir().unwrap();
    let origin = EmbeddedOrigin::start(&folder.path().join("archive"));
    let home =
        Home::new(&Configuration::new().origin("archive", origin.url()).set("log", "level = \"info\""));
    let acknowledged = Mutex::new(Vec::new());
    for round in 0..kills {
        bar.inc(1);
        let daemon = home.start();
        let address = daemon.dimse();
        // The moment is a number of answers, so it depends on the seed and not on the machine's speed.
        let moment = random.random_range(0..25);
        let bytes_before_kill = random.random_range(0..120_000);
        let (answered, answers) = mpsc::sync_channel(1024);
        std::thread::scope(|scope| {
            for sender in 0..SENDERS {
                let (answered, acknowledged) = (answered.clone(), &acknowledged);
                scope.spawn(move || {
                    for slice in 1.. {
                        let instance = Instance::ct(round * SENDERS + sender, slice, 60_000);
                        let Some(mut association) = associate(address, &instance) else { return };
                        match association.store(&instance) {
                            Some(response) => {
                                assert_eq!(response.status, 0x0000, "{response:?}");
                                acknowledged.lock().unwrap().push(instance);
                            }
                            None => return,
                        }
                        if answered.try_send(()).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(answered);
            for _ in 0..moment {
                answers.recv().unwrap();
            }
            // One more association is in the middle of an object when the end comes.
            let cut = Instance::ct(1_000_000 + round, 1, 120_000);
            let mut association = associate(address, &cut).expect("the daemon is still there");
            association.send_request(&cut);
            association.send_data_set(&cut, bytes_before_kill, false);
            daemon.kill();
            drop(answers);
        });
    }
    bar.finish_and_clear();
    let acknowledged = acknowledged.into_inner().unwrap();
    let few = kills as usize * 3;
    assert!(acknowledged.len() > few, "only {} were acknowledged", acknowledged.len());
    let daemon = home.start();
    eventually("the queue is empty", || {
        let metrics = daemon.metrics();
        let open: f64 = ["due", "delivering", "deferred"]
            .iter()
            .map(|state| metrics.sum("dimseway_spool_entries", &[("state", state)]))
            .sum();
        (open == 0.0).then_some(())
    });
    for instance in &acknowledged {
        let found = origin.data_set(instance);
        assert!(found.as_ref() == Some(&instance.data_set), "{} is lost or corrupted", instance.sop_instance);
    }
    assert_eq!(daemon.queue("state=quarantined"), Vec::<serde_json::Value>::new());
    assert_eq!(daemon.queue("state=held"), Vec::<serde_json::Value>::new());
    let distinct: BTreeSet<_> = acknowledged.iter().map(|instance| &instance.sop_instance).collect();
    // At each kill every sender may have one more that was safe and whose answer was lost.
    let most = distinct.len() + (kills * SENDERS) as usize;
    assert!((distinct.len()..=most).contains(&origin.count()), "{} of {}", origin.count(), distinct.len());
    let figure = format!("{} acknowledged, all of them delivered whole; {kills} kills", distinct.len());
    campaign::figure("SIGKILL, spooled", &figure);
}

/// An association, or nothing where the daemon is gone.
fn associate(address: std::net::SocketAddr, instance: &Instance) -> Option<Sender> {
    Sender::try_open(address, instance)
}
