//! While something waits, the queue says in words what it waits for.

use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::instances::Instance;
use tests::scripted_origin::{Answer, ScriptedOrigin};
use tests::sender::store_all;
use tests::wait::eventually;

/// The reason that the queue gives for the only entry, once it has one of these words.
fn reason(name: &str, home: &Home, daemon: &Daemon, words: &[&str]) -> String {
    eventually(&format!("{name}: the queue says one of {words:?}"), || {
        let line = daemon.queue("").pop()?;
        let shown = home.run(&["queue", "show", line["entry"].as_str()?]);
        let text = String::from_utf8_lossy(&shown.stdout).into_owned();
        words.iter().any(|word| text.contains(word)).then_some(text)
    })
}

#[test]
fn each_answer_of_an_archive_has_its_words() {
    let refused = |status| Answer::Refused(status, Vec::new(), "");
    let later = |seconds: &str| Answer::Refused(429, vec![("retry-after", seconds.to_owned())], "");
    let table: [(&str, Answer, &[&str]); 11] = [
        ("401", refused(401), &["401"]),
        ("403", refused(403), &["403"]),
        ("409", refused(409), &["409"]),
        ("413", refused(413), &["413"]),
        ("429", later("3600"), &["429"]),
        ("500", refused(500), &["500"]),
        ("503", refused(503), &["503"]),
        ("a login page", Answer::LoginPage, &["HTML"]),
        ("an empty answer", Answer::EmptyBody { stored: false }, &["empty", "not there", "absent"]),
        ("cut in mid-body", Answer::CutRequest(300), &["connection"]),
        ("a stall", Answer::Stall, &["time"]),
    ];
    for (name, answer, words) in table {
        let origin = ScriptedOrigin::start(std::iter::repeat_n(answer, 1000));
        let configuration = Configuration::new().origin("archive", &origin.url());
        let home = Home::new(&configuration.set("origin.archive", "answer_timeout = \"500ms\""));
        let daemon = home.start();
        store_all(daemon.dimse(), &[Instance::ct(1, 1, 1000)]);
        let text = reason(name, &home, &daemon, words);
        assert!(!text.contains("Test^Patient"), "{name}: {text}");
        assert_eq!(origin.count(), 0, "{name}");
        assert_eq!(daemon.queue("state=delivered").len(), 0, "{name}");
    }
}

#[test]
fn an_archive_that_is_not_there_has_its_words() {
    let nobody = format!("http://127.0.0.1:{}/dicom-web", tests::dcmtk::free_port());
    let home = Home::new(&Configuration::new().origin("archive", &nobody));
    let daemon = home.start();
    store_all(daemon.dimse(), &[Instance::ct(1, 1, 1000)]);
    let _ = reason("refused", &home, &daemon, &["no connection"]);
}

#[test]
fn what_comes_while_an_archive_is_down_says_so_too() {
    let nobody = format!("http://127.0.0.1:{}/dicom-web", tests::dcmtk::free_port());
    let home = Home::new(&Configuration::new().origin("archive", &nobody));
    let daemon = home.start();
    store_all(daemon.dimse(), &[Instance::ct(1, 1, 1000)]);
    eventually("the archive counts as down", || {
        (daemon.metrics().sum("dimseway_destination_down", &[("destination", "archive")]) > 0.0).then_some(())
    });
    store_all(daemon.dimse(), &[Instance::ct(1, 2, 1000)]);
    eventually("both instances say what they wait for", || {
        let lines = daemon.queue("");
        let told = lines.iter().filter(|line| line["reason"].is_string()).count();
        (lines.len() == 2 && told == 2).then_some(())
    });
}
