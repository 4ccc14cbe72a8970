//! Whatever happens, no name and no patient identifier leaves the data set: not into a log, a metric,
//! an error comment or a listing. What is refused is logged and counted all the same.

use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::instances::Instance;
use tests::scripted_origin::{Answer, ScriptedOrigin};
use tests::sender::{Sender, store_all};
use tests::wait::eventually;

/// Name and identifier that every instance of the tests carries.
const PATIENT: [&str; 2] = ["Test^Patient", "TEST-1"];

#[test]
fn logs_metrics_comments_and_listings_name_nobody() {
    let culprit = Instance::ct(1, 2, 1000);
    let origin = ScriptedOrigin::start([Answer::AllBut(culprit.sop_instance.clone(), 0xC000)]);
    let configuration = Configuration::new().origin("archive", &origin.url());
    let home = Home::new(&configuration.set("log", "level = \"trace\""));
    let daemon = home.start();
    let good = Instance::ct(1, 1, 1000);
    store_all(daemon.dimse(), &[good.clone(), culprit.clone()]);
    let mut comments = Vec::new();
    let mut sender = Sender::open(daemon.dimse(), [&good]);
    let mut without_series = good.clone();
    let series = without_series.data_set.windows(4).position(|tag| tag == [0x20, 0, 0x0E, 0]).unwrap();
    without_series.data_set.truncate(series);
    for (instance, named) in [
        (without_series, &good.sop_instance),
        (Instance { sop_instance: "1.2.3.4".to_owned(), ..good.clone() }, &"1.2.3.4".to_owned()),
        (Instance { data_set: good.data_set[..100].to_vec(), ..good.clone() }, &good.sop_instance),
    ] {
        let response = sender.store(&instance).expect("an answer");
        assert!(matches!(response.status, 0xA900 | 0xC000..=0xCFFF), "{response:?}");
        comments.push(response.error_comment);
        eventually("the refusal is in the log", || {
            let log = daemon.log();
            let line =
                log.lines().find(|line| line.contains("instance refused") && line.contains(named.as_str()));
            line.map(|_| ())
        });
    }
    sender.reset();
    let held = daemon.wait_for("held", 1);
    let metrics = daemon.get("/metrics").text();
    let refused = ["A900", "C000"].map(|status| {
        daemon.metrics().sum("dimseway_dimse_messages_total", &[("service", "C-STORE"), ("status", status)])
    });
    assert_eq!(refused.iter().sum::<f64>(), 3.0, "each refusal is counted");
    let entry = held[0]["entry"].as_str().unwrap();
    let said = |arguments: &[&str]| String::from_utf8_lossy(&home.run(arguments).stdout).into_owned();
    let listing = said(&["queue", "list"]) + &said(&["queue", "show", entry]);
    assert!(listing.contains(entry) && listing.contains(&culprit.sop_instance), "{listing}");
    for (place, text) in
        [("log", daemon.log()), ("metrics", metrics), ("comments", comments.join("\n")), ("listing", listing)]
    {
        for word in PATIENT {
            assert!(!text.contains(word), "{word} is in the {place}");
        }
    }
}
