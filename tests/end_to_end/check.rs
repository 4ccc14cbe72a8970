//! `dimseway check`: what is wrong is found before a modality finds it.

use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::dcmtk::free_port;
use tests::scripted_origin::ScriptedOrigin;

/// What `check` said and its exit code.
fn check(home: &Home, option: &str) -> (String, Option<i32>) {
    let output = home.run(&["check", option]);
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    (said.into_owned(), output.status.code())
}

fn peer(title: &str, address: &str) -> String {
    format!("[[peer]]\nae_title = \"{title}\"\naddress = \"{address}\"")
}

#[test]
fn everything_that_answers_is_told_line_by_line() {
    let origin = ScriptedOrigin::start([]);
    let other_home = Home::new(&Configuration::new().origin("archive", &origin.url()));
    let other = other_home.start();
    let configuration = Configuration::new()
        .origin("archive", &origin.url())
        .with(&peer("DIMSEWAY", &other.dimse().to_string()))
        .with("[[peer]]\nae_title = \"CALLS_ONLY\"");
    let (said, code) = check(&Home::new(&configuration), "--connect");
    assert_eq!(code, Some(0), "{said}");
    for subject in
        ["ok       spool", "ok       origin archive", "ok       peer DIMSEWAY", "skipped  peer CALLS_ONLY"]
    {
        assert!(said.contains(subject), "{subject}: {said}");
    }
}

#[test]
fn each_that_does_not_answer_is_named_and_the_others_are_still_tried() {
    let up = ScriptedOrigin::start([]);
    let locked = ScriptedOrigin::start([]);
    locked.demand(Some("Basic c29tZWJvZHk6ZWxzZQ=="));
    let nobody = free_port();
    let configuration = Configuration::new()
        .origin("up", &up.url())
        .origin("locked", &locked.url())
        .origin("down", &format!("http://127.0.0.1:{nobody}/dicom-web"))
        .with("[[route]]\nstore = [\"up\", \"locked\", \"down\"]")
        .with(&peer("NOBODY", &format!("127.0.0.1:{nobody}")));
    let (said, code) = check(&Home::new(&configuration), "--connect");
    assert_eq!(code, Some(69), "{said}");
    for subject in
        ["ok       origin up", "FAILED   origin locked", "FAILED   origin down", "FAILED   peer NOBODY"]
    {
        assert!(said.contains(subject), "{subject}: {said}");
    }
    let locked = said.lines().find(|line| line.contains("origin locked")).unwrap();
    assert!(locked.contains("401") && locked.contains("auth"), "says what to look at: {locked}");
}

#[test]
fn readiness_is_that_of_the_running_daemon() {
    let origin = ScriptedOrigin::start([]);
    let admin = format!("listen = \"127.0.0.1:{}\"", free_port());
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()).set("admin", &admin));
    let (said, code) = check(&home, "--ready");
    assert_eq!(code, Some(69), "nothing runs: {said}");
    let daemon = home.start();
    let (said, code) = check(&home, "--ready");
    assert_eq!(code, Some(0), "{said}");
    daemon.signal("TERM");
    assert!(daemon.wait().success());
    assert_eq!(check(&home, "--ready").1, Some(69), "it has ended");
}
