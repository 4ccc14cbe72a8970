//! A completed `fdatasync` stands before each C-STORE-RSP, as `strace` sees it.

use std::path::PathBuf;

use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::instances::Instance;
use tests::scripted_origin::ScriptedOrigin;
use tests::sender::store_all;
use tests::skip;
use tests::wait::eventually;

const COUNT: u32 = 20;

#[test]
fn every_success_follows_a_sync() {
    let Some(strace) = skip::program("strace") else { return };
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()));
    let trace: PathBuf = home.path().join("trace");
    let daemon = home.start_under(Some(&[
        strace.to_str().unwrap(),
        // The tracer stands aside, so that the daemon is the process that gets the signal.
        "-D",
        "-f",
        "-qq",
        "-xx",
        "-s",
        "400",
        "-e",
        "trace=fdatasync,fsync,sendto,sendmsg,write,writev",
        "-o",
        trace.to_str().unwrap(),
    ]));
    store_all(daemon.dimse(), &Instance::study(1, COUNT, 50_000));
    daemon.signal("TERM");
    let _ = daemon.wait();
    // Status 0000 of a C-STORE-RSP: command field 8001, then the status element with a zero value.
    let response = "\\x00\\x00\\x00\\x01\\x02\\x00\\x00\\x00\\x01\\x80";
    let success = "\\x00\\x00\\x00\\x09\\x02\\x00\\x00\\x00\\x00\\x00";
    let is_success = |line: &str| line.contains(response) && line.contains(success);
    let text = eventually("the trace has all answers", || {
        let text = std::fs::read_to_string(&trace).unwrap();
        (text.lines().filter(|line| is_success(line)).count() >= COUNT as usize).then_some(text)
    });
    let (mut synced, mut responses) = (0_u32, 0_u32);
    for line in text.lines() {
        let finished = line.ends_with("= 0");
        if finished && (line.contains("fdatasync(") || line.contains("fdatasync resumed")) {
            synced += 1;
        } else if is_success(line) {
            responses += 1;
            // One association waits for each answer, so each instance has a sync of its own.
            assert!(synced >= responses, "answer {responses} after {synced} syncs:\n{line}");
        }
    }
    assert_eq!(responses, COUNT, "all answers were seen");
}
