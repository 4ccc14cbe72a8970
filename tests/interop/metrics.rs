//! `/metrics` after traffic, good and bad, as Prometheus' own checker sees it.

use std::io::Write as _;
use std::process::{Command, Stdio};

use tests::configuration::Configuration;
use tests::dcmtk::{self, free_port};
use tests::instances::Instance;
use tests::sender::{Sender, store_all};
use tests::skip;
use tests::wait::eventually;

use crate::site::Site;

#[test]
fn promtool_finds_no_fault_after_traffic() {
    let Some(promtool) = skip::program("promtool") else { return };
    let nobody = format!("http://127.0.0.1:{}/dicom-web", free_port());
    let routes = "[[route]]\nmatch = { calling_ae = \"LOST\" }\nstore = [\"down\"]\n\
        [[route]]\nmatch = { calling_ae = \"MODALITY\" }\nstore = [\"archive\"]\n";
    let site = Site::start_with(Configuration::new().origin("down", &nobody).with(routes));
    let address = site.daemon.dimse();
    let instances = Instance::study(1, 3, 10_000);
    store_all(address, &instances);
    let _ = dcmtk::run("echoscu", address, &[], &[]);
    let _ = dcmtk::run("echoscu", address, &["-aec", "SOMEBODY"], &[]);
    // Down, held for want of a route, aborted, cut.
    for calling in ["LOST", "STRANGER"] {
        let instance = Instance::ct(2, 1, 1000);
        let mut sender = Sender::open_as(address, calling, "DIMSEWAY", [&instance]);
        assert_eq!(sender.store(&instance).unwrap().status, 0);
        sender.release();
    }
    Sender::open(address, &instances).abort();
    Sender::open(address, &instances).reset();
    eventually("the dead archive was tried", || {
        let line = site.daemon.queue("destination=down").pop()?;
        line["reason"].is_string().then_some(())
    });
    eventually("no association is open", || {
        (site.daemon.metrics().sum("dimseway_associations_open", &[]) == 0.0).then_some(())
    });
    let scrape = site.daemon.get("/metrics");
    let mut child = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&scrape.body).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = crate::site::said(&output);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
    let metrics = site.daemon.metrics();
    for name in ["dimseway_associations_rejected_total", "dimseway_dimse_messages_total"] {
        assert!(metrics.sum(name, &[]) > 0.0, "{name}");
    }
    assert!(!scrape.text().contains("Patient"));
}
