//! Transfers that end with SIGKILL, and what the modality knew when they did.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::mpsc;

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use tests::campaign;
use tests::daemon::Home;
use tests::instances::Instance;
use tests::sender::Sender;

/// Associations that send at the same time.
const SENDERS: u32 = 3;
/// Bytes of Pixel Data of each instance.
const PIXELS: usize = 60_000;

/// What was sent in all rounds.
pub(crate) struct Sent {
    /// Instances that were answered with success.
    pub(crate) acknowledged: Vec<Instance>,
    /// Instances that were not, because the end came first: each may be stored whole or not at all.
    pub(crate) open: Vec<Instance>,
}

/// Starts the daemon again and again, and kills it after a number of answers that the seed decides,
/// with one more association in the middle of an object.
pub(crate) fn rounds(home: &Home, rounds: u32, seed: u64) -> Sent {
    let mut random = SmallRng::seed_from_u64(seed);
    let acknowledged = Mutex::new(Vec::new());
    let open = Mutex::new(Vec::new());
    let bar = campaign::progress("kill", u64::from(rounds));
    for round in 0..rounds {
        bar.inc(1);
        let daemon = home.start();
        let address = daemon.dimse();
        let answers_before_kill = random.random_range(0..12);
        let bytes_before_kill = random.random_range(0..PIXELS);
        let (answered, answers) = mpsc::sync_channel(1024);
        std::thread::scope(|scope| {
            for sender in 0..SENDERS {
                let (answered, acknowledged, open) = (answered.clone(), &acknowledged, &open);
                scope.spawn(move || {
                    for slice in 1.. {
                        let instance = Instance::ct(round * SENDERS + sender, slice, PIXELS);
                        if !is_stored(address, &instance) {
                            open.lock().unwrap().push(instance);
                            return;
                        }
                        acknowledged.lock().unwrap().push(instance);
                        if answered.try_send(()).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(answered);
            for _ in 0..answers_before_kill {
                answers.recv().unwrap();
            }
            let cut = Instance::ct(1_000_000 + round, 1, PIXELS);
            let mut association = Sender::try_open(address, &cut).expect("the daemon is still there");
            association.send_request(&cut);
            association.send_data_set(&cut, bytes_before_kill, false);
            daemon.kill();
            drop(answers);
            open.lock().unwrap().push(cut);
        });
    }
    bar.finish_and_clear();
    Sent { acknowledged: acknowledged.into_inner().unwrap(), open: open.into_inner().unwrap() }
}

/// True where success was answered, false where the end came before the answer.
fn is_stored(address: SocketAddr, instance: &Instance) -> bool {
    let Some(mut association) = Sender::try_open(address, instance) else { return false };
    let Some(response) = association.store(instance) else { return false };
    assert_eq!(response.status, 0x0000, "{response:?}");
    true
}
