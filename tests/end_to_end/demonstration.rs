//! `dimseway demo`: the first thing that anybody runs.

use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::embedded_origin::EmbeddedOrigin;

const ANYWHERE: [&str; 6] = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--origin", "127.0.0.1:0"];

#[test]
fn the_demonstration_ends_well_once_the_study_is_in_the_archive() {
    let home = Home::new(&Configuration::new());
    let mut arguments = vec!["demo", "--exit-after-send", "--instances", "7", "--directory", "trial"];
    arguments.extend(ANYWHERE);
    let output = home.run(&arguments);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("7 data sets in the archive are the same bytes that were sent"), "{said}");
    let archive = EmbeddedOrigin::start(&home.path().join("trial/archive"));
    assert_eq!(archive.count(), 7, "what was asked to be kept is kept");
}

#[test]
fn a_port_that_is_asked_for_and_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let home = Home::new(&Configuration::new());
    let output = home.run(&["demo", "--exit-after-send", "--listen", &address]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(69), "{said}");
    assert!(said.contains("--listen") && said.contains(&address), "{said}");
}
