//! Nobody reads the log: it waits for its reader, and nothing waits for it.

use std::io::pipe;

use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::instances::Instance;
use tests::scripted_origin::ScriptedOrigin;
use tests::sender::store_all;
use tests::wait::eventually;

/// Associations of one C-STORE each: at level debug their lines fill a pipe (64 KiB) several times.
const ASSOCIATIONS: u32 = 400;

#[test]
fn a_modality_is_served_and_the_daemon_ends() {
    let origin = ScriptedOrigin::start([]);
    let configuration = Configuration::new().origin("archive", &origin.url());
    let home = Home::new(&configuration.set("log", "level = \"debug\""));
    let (unread, log) = pipe().expect("a pipe");
    let daemon = home.start_logging_to(log);
    for number in 1..=ASSOCIATIONS {
        store_all(daemon.dimse(), &[Instance::ct(1, number, 100)]);
    }
    assert_eq!(daemon.get("/readyz").status, 200);
    let lost = daemon.metrics().sum("dimseway_log_lines_lost_total", &[]);
    assert_eq!(lost, 0.0, "there is room for more than the pipe takes");
    eventually("all are in the archive", || (origin.count() == ASSOCIATIONS as usize).then_some(()));
    daemon.signal("TERM");
    let status = daemon.wait();
    assert!(status.success(), "{status}");
    drop(unread);
}
