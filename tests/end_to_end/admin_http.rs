//! Health, metrics and the queue over HTTP.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::json;
use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::dcmtk::free_port;
use tests::instances::Instance;
use tests::scripted_origin::ScriptedOrigin;
use tests::sender::store_all;
use tests::skip;
use tests::wait::eventually;

#[test]
fn a_daemon_that_serves_is_alive_and_ready() {
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()));
    let daemon = home.start();
    assert_eq!(daemon.get("/healthz").status, 200);
    assert_eq!(daemon.get("/readyz").status, 200);
    assert_eq!(daemon.get("/nothing").status, 404);
}

#[test]
fn promtool_finds_no_fault_in_the_metrics() {
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()));
    let daemon = home.start();
    store_all(daemon.dimse(), &Instance::study(1, 3, 1000));
    eventually("all are in the archive", || (origin.count() == 3).then_some(()));
    let Some(promtool) = skip::program("promtool") else { return };
    let mut child = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&daemon.get("/metrics").body).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.trim().is_empty(), "{said}");
}

#[test]
fn a_person_can_hold_release_and_reroute() {
    let origin = ScriptedOrigin::start([]);
    let nobody = format!("http://127.0.0.1:{}/dicom-web", free_port());
    let route = "[[route]]\nstore = [\"down\"]";
    let configuration = Configuration::new().origin("up", &origin.url()).origin("down", &nobody).with(route);
    let home = Home::new(&configuration);
    let daemon = home.start();
    let instances = Instance::study(1, 3, 1000);
    store_all(daemon.dimse(), &instances);
    eventually("all are listed", || (daemon.queue("destination=down").len() == 3).then_some(()));
    let study = instances[0].study.as_str();
    let held = eventually("all are held", || {
        let answer =
            daemon.request("POST", "/api/v1/queue/hold", &json!({"study": study, "reason": "wait for me"}));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let held = daemon.queue("state=held");
        (held.len() == 3).then_some(held)
    });
    assert!(held[0]["reason"].as_str().unwrap().contains("wait for me"), "{}", held[0]);
    let answer = daemon.request("POST", "/api/v1/queue/reroute", &json!({"study": study, "to": "TYPO"}));
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert!(answer.text().contains("up"), "{}", answer.text());
    assert_eq!(daemon.queue("destination=down").len(), 3, "nothing was changed");
    let answer = daemon.request("POST", "/api/v1/queue/reroute", &json!({"study": study, "to": "up"}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = daemon.request("POST", "/api/v1/queue/release", &json!({"study": study}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    eventually("all are in the other archive", || (origin.count() == 3).then_some(()));
}

#[test]
fn the_command_line_sees_the_queue_of_a_running_and_of_a_stopped_daemon() {
    let nobody = format!("http://127.0.0.1:{}/dicom-web", free_port());
    let home = Home::new(&Configuration::new().origin("archive", &nobody));
    let daemon = home.start();
    let instances = Instance::study(1, 3, 1000);
    store_all(daemon.dimse(), &instances);
    let lists_all = || {
        let output = home.run(&["queue", "list", "--json"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(instances.iter().all(|instance| text.contains(&instance.sop_instance)), "{text}");
    };
    daemon.kill();
    lists_all();
    let output = home.run(&["queue", "reroute", "--study", &instances[0].study, "--to", "TYPO"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(64), "{said}");
    assert!(said.contains("TYPO") && said.contains("the configuration has archive"), "{said}");
    let out = home.path().join("out");
    let output =
        home.run(&["queue", "export", "--study", &instances[0].study, "--to", out.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut exported: Vec<_> = std::fs::read_dir(&out)
        .unwrap()
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .map(|file| file[instance::part10::read(&file).unwrap().1..].to_vec())
        .collect();
    let mut expected: Vec<_> = instances.iter().map(|instance| instance.data_set.clone()).collect();
    exported.sort();
    expected.sort();
    assert!(exported == expected, "the exported data sets are those that were sent");
}
