//! SIGTERM finishes what is in hand; SIGHUP and a changed file bring a new configuration.

use serde_json::json;
use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::dcmtk::free_port;
use tests::instances::Instance;
use tests::scripted_origin::ScriptedOrigin;
use tests::sender::{Sender, store_all};
use tests::wait::eventually;

#[test]
fn the_message_in_hand_is_answered_before_the_end() {
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()));
    let daemon = home.start();
    let instance = Instance::ct(1, 1, 200_000);
    let mut sender = Sender::open(daemon.dimse(), [&instance]);
    assert!(sender.send_request(&instance));
    // Half of the data set is on its way when the signal comes.
    let half = instance.data_set.len() / 2;
    let first = Instance { data_set: instance.data_set[..half].to_vec(), ..instance.clone() };
    let rest = Instance { data_set: instance.data_set[half..].to_vec(), ..instance.clone() };
    assert!(sender.send_data_set(&first, half, false));
    daemon.signal("TERM");
    eventually("it drains", || daemon.log().contains("new associations are rejected").then_some(()));
    // Whoever balances load asks before it sends somebody.
    let ready = daemon.get("/readyz");
    assert_eq!((ready.status, ready.text().as_str()), (503, "draining\n"));
    assert_eq!(daemon.get("/healthz").status, 200);
    assert!(sender.send_data_set(&rest, rest.data_set.len(), true));
    assert_eq!(sender.response().expect("an answer").status, 0x0000);
    let status = daemon.wait();
    assert!(status.success(), "{status}");
    let daemon = home.start();
    eventually("it arrives, now or after the restart", || (origin.count() == 1).then_some(()));
    assert!(origin.stored()[&instance.sop_instance].ends_with(&instance.data_set));
    drop(daemon);
}

#[test]
fn a_new_file_is_read_and_a_wrong_one_is_not() {
    let (first, second) = (ScriptedOrigin::start([]), ScriptedOrigin::start([]));
    let configuration = |url: &str| Configuration::new().origin("archive", url);
    let home = Home::new(&configuration(&first.url()));
    let daemon = home.start();
    store_all(daemon.dimse(), &[Instance::ct(1, 1, 100)]);
    eventually("the first archive has it", || (first.count() == 1).then_some(()));

    home.configure(&configuration(&second.url()).set("dimse", "nonsense = 1"));
    daemon.signal("HUP");
    eventually("the wrong file is counted", || {
        let rejected =
            daemon.metrics().sum("dimseway_configuration_reloads_total", &[("outcome", "rejected")]);
        (rejected >= 1.0).then_some(())
    });
    store_all(daemon.dimse(), &[Instance::ct(1, 2, 100)]);
    eventually("the first archive is still used", || (first.count() == 2).then_some(()));

    home.configure(&configuration(&second.url()));
    daemon.signal("HUP");
    eventually("the second archive is used", || {
        store_all(daemon.dimse(), &[Instance::ct(1, 3, 100)]);
        eventually("somebody has it", || (first.count() == 3 || second.count() > 0).then_some(()));
        (second.count() > 0).then_some(())
    });
}

/// A pipe would be waited for, and a device read without end.
#[test]
fn what_is_no_file_is_refused_and_the_next_file_is_read() {
    let origin = ScriptedOrigin::start([]);
    let configuration = Configuration::new().origin("archive", &origin.url());
    let home = Home::new(&configuration);
    let daemon = home.start();
    let reloads = |outcome: &str, least: f64| {
        daemon.signal("HUP");
        eventually(&format!("{least} reloads are {outcome}"), || {
            let count = daemon.metrics().sum("dimseway_configuration_reloads_total", &[("outcome", outcome)]);
            (count >= least).then_some(())
        });
    };
    let file = home.path().join("dimseway.toml");
    std::fs::remove_file(&file).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &file,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    reloads("rejected", 1.0);
    std::fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &file).unwrap();
    reloads("rejected", 2.0);
    std::fs::remove_file(&file).unwrap();
    home.configure(&configuration);
    reloads("accepted", 1.0);
    assert!(daemon.memory_peak_kib() < 200 * 1024, "{} KiB", daemon.memory_peak_kib());
}

/// Kubernetes changes files and sends no signal.
#[test]
fn a_file_that_changes_is_read_without_a_signal() {
    let new = ScriptedOrigin::start([]);
    let configuration = |name: &str, url: &str| {
        Configuration::new().origin(name, url).with(&format!("[[route]]\nstore = [\"{name}\"]"))
    };
    let nobody = format!("http://127.0.0.1:{}/dicom-web", free_port());
    let home = Home::new(&configuration("old", &nobody));
    let daemon = home.start();
    let instances: Vec<_> = (1..=3).map(|number| Instance::ct(1, number, 100)).collect();
    let store = |sender: &mut Sender, instance| {
        assert_eq!(sender.store(instance).expect("an answer").status, 0x0000);
    };
    let mut sender = Sender::open(daemon.dimse(), &instances);
    store(&mut sender, &instances[0]);
    home.configure(&configuration("new", &new.url()));
    // What has no destination any more is kept, and says so.
    let held = daemon.wait_for("held", 1);
    let reason = held[0]["reason"].as_str().unwrap();
    assert!(reason.contains("not configured"), "{reason}");
    // An association keeps to what was in force when it began.
    store(&mut sender, &instances[1]);
    eventually("both wait for the old archive", || {
        (daemon.queue("destination=old").len() == 2).then_some(())
    });
    sender.release();
    store_all(daemon.dimse(), &instances[2..]);
    eventually("the new archive has what came since", || (new.count() == 1).then_some(()));
    let study = instances[0].study.as_str();
    for (action, body) in [
        ("hold", json!({"study": study})),
        ("reroute", json!({"study": study, "to": "new"})),
        ("release", json!({"study": study})),
    ] {
        let answer = daemon.request("POST", &format!("/api/v1/queue/{action}"), &body);
        assert_eq!(answer.status, 200, "{action}: {}", answer.text());
    }
    eventually("and what was rerouted", || (new.count() == 3).then_some(()));
}
