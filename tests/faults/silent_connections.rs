//! Ten thousand connections that say nothing, while a modality is served as usual.

use std::net::TcpStream;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::instances::Instance;
use tests::scripted_origin::ScriptedOrigin;
use tests::sender::store_all;
use tests::wait::eventually;

const CONNECTIONS: usize = 10_000;

#[test]
fn a_modality_is_served_beside_them() {
    raise_open_files();
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()));
    let daemon = home.start();
    let silent: Vec<_> = (0..CONNECTIONS).filter_map(|_| TcpStream::connect(daemon.dimse()).ok()).collect();
    assert!(silent.len() > CONNECTIONS / 2, "{}", silent.len());
    store_all(daemon.dimse(), &Instance::study(1, 10, 50_000));
    eventually("all are in the archive", || (origin.count() == 10).then_some(()));
    assert!(daemon.memory_peak_kib() < 128 * 1024, "{} KiB", daemon.memory_peak_kib());
    assert_eq!(daemon.metrics().sum("dimseway_panics_total", &[]), 0.0);
    drop(silent);
}

fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("up to the hard limit");
}
