//! C-ECHO of real peers, and what they print of a refusal.

use std::process::{Command, Output};

use tests::configuration::Configuration;
use tests::daemon::Daemon;
use tests::{dcmtk, skip};

use crate::site::{Site, said};

/// One caller is known, everybody else is rejected.
fn start() -> Site {
    let known = "[[peer]]\nae_title = \"MODALITY\"\nfrom = [\"127.0.0.0/8\"]";
    Site::start_with(Configuration::new().set("dimse", "unknown_peers = \"reject\"").with(known))
}

/// `echoscu` with AE titles.
fn echoscu(daemon: &Daemon, calling: &str, called: &str, nodelay: bool) -> Option<Output> {
    let mut command = dcmtk::program("echoscu")?;
    if !nodelay {
        command.env_remove("TCP_NODELAY");
    }
    command.args(["-v", "-aet", calling, "-aec", called]);
    command.arg(daemon.dimse().ip().to_string()).arg(daemon.dimse().port().to_string());
    Some(command.output().unwrap())
}

/// pynetdicom's `echoscu` with AE titles, and with the PDUs that it receives in its log: a rejection that
/// arrives before its thread has seen the connection stand is read by another thread, and the first one
/// then says no more than that it aborts.
fn pynetdicom(daemon: &Daemon, calling: &str, called: &str) -> Option<Output> {
    let mut command = Command::new(skip::python()?);
    command.args(["-m", "pynetdicom", "echoscu", "-d", "-aet", calling, "-aec", called]);
    command.arg(daemon.dimse().ip().to_string()).arg(daemon.dimse().port().to_string());
    Some(command.output().unwrap())
}

#[test]
fn echoscu_is_answered() {
    let site = start();
    for nodelay in [false, true] {
        let Some(output) = echoscu(&site.daemon, "MODALITY", "DIMSEWAY", nodelay) else { return };
        assert!(output.status.success(), "{}", said(&output));
        assert!(said(&output).contains("Received Echo Response (Success)"), "{}", said(&output));
    }
    let Some(output) =
        dcmtk::run("echoscu", site.daemon.dimse(), &["--repeat", "20", "--propose-ts", "3"], &[])
    else {
        return;
    };
    assert!(output.status.success(), "{}", said(&output));
    let answered = site.daemon.metrics().sum("dimseway_dimse_messages_total", &[("service", "C-ECHO")]);
    assert_eq!(answered, 22.0);
}

#[test]
fn echoscu_names_the_reason_of_a_rejection() {
    let site = start();
    let table = [
        ("MODALITY", "SOMEBODY", "Called AE Title Not Recognized"),
        ("STRANGER", "DIMSEWAY", "Calling AE Title Not Recognized"),
    ];
    for (calling, called, reason) in table {
        let Some(output) = echoscu(&site.daemon, calling, called, true) else { return };
        assert!(!output.status.success(), "{}", said(&output));
        assert!(said(&output).contains("Association Rejected"), "{}", said(&output));
        assert!(
            said(&output).contains("Result: Rejected Permanent, Source: Service User"),
            "{}",
            said(&output)
        );
        assert!(said(&output).contains(reason), "{}", said(&output));
    }
}

#[test]
fn pynetdicom_is_answered_and_names_the_reason_of_a_rejection() {
    let site = start();
    let table = [
        ("MODALITY", "DIMSEWAY", "Received Echo Response (Status: 0x0000 - Success)"),
        ("MODALITY", "SOMEBODY", "Reason:    Called AE title not recognised"),
        ("STRANGER", "DIMSEWAY", "Reason:    Calling AE title not recognised"),
    ];
    for (calling, called, expected) in table {
        let Some(output) = pynetdicom(&site.daemon, calling, called) else { return };
        assert!(said(&output).contains(expected), "{}", said(&output));
    }
}

#[test]
fn every_association_that_is_aborted_ends() {
    let site = start();
    let Some(output) = dcmtk::run("echoscu", site.daemon.dimse(), &["--abort"], &[]) else { return };
    assert!(output.status.success(), "{}", said(&output));
    tests::wait::eventually("no association is open", || {
        (site.daemon.metrics().sum("dimseway_associations_open", &[]) == 0.0).then_some(())
    });
}
