//! What keeps the daemon from starting is said in one line, with the exit code that fits.

use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::scripted_origin::ScriptedOrigin;

/// What `serve` said before it ended, and its exit code.
fn serve(home: &Home) -> (String, Option<i32>) {
    let output = home.run(&["serve"]);
    (String::from_utf8_lossy(&output.stderr).into_owned(), output.status.code())
}

#[test]
fn files_that_are_named_and_not_there_are_configuration_faults() {
    let good = Configuration::new().origin("archive", "https://localhost:9/dicom-web");
    let table = [
        ("tls = { ca = \"missing.pem\" }", "missing.pem"),
        ("tls = { ca = \"empty.pem\" }", "empty.pem"),
        ("tls = { certificate = \"missing.pem\", key = \"missing.key\" }", "missing"),
        ("auth = { type = \"basic\", username = \"u\", password_file = \"missing\" }", "missing"),
        (
            "auth = { type = \"basic\", username = \"u\", password_env = \"NO_SUCH_VARIABLE\" }",
            "NO_SUCH_VARIABLE",
        ),
        ("auth = { type = \"bearer\", token_file = \"missing\" }", "missing"),
        ("auth = { type = \"bearer\", token_file = \"empty.pem\" }", "empty.pem"),
        ("headers = { X-Api-Key = { value_file = \"missing\" } }", "missing"),
    ];
    for (line, named) in table {
        let home = Home::new(&good.clone().set("origin.archive", line));
        std::fs::write(home.path().join("empty.pem"), "").unwrap();
        let (said, code) = serve(&home);
        assert_eq!(code, Some(78), "{line}: {said}");
        assert!(said.lines().any(|text| text.contains(named)), "{line}: {said}");
        assert!(!home.path().join("spool").exists(), "{line}: nothing was opened");
        let check = home.run(&["check"]);
        assert_eq!(check.status.code(), Some(78), "{line}: check says the same");
    }
}

#[test]
fn a_spool_that_cannot_be_written_is_named() {
    let home = Home::new(&Configuration::new());
    std::fs::write(home.path().join("occupied"), "a file where a folder should be").unwrap();
    let configuration = Configuration::new().origin("archive", "http://127.0.0.1:9/dicom-web");
    home.configure(&configuration.set("spool", "directory = \"occupied/spool\""));
    let (said, code) = serve(&home);
    assert_eq!(code, Some(78), "{said}");
    let named = |line: &str| line.contains("spool.directory:") && line.contains("occupied/spool");
    assert!(said.lines().any(named), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    let check = home.run(&["check", "--connect"]);
    assert_ne!(check.status.code(), Some(0), "check finds it too");
}

#[test]
fn a_spool_that_another_daemon_uses_is_left_alone() {
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()));
    let daemon = home.start();
    let (said, code) = serve(&home);
    assert_eq!(code, Some(69), "{said}");
    assert!(said.contains("spool") && said.contains(&daemon.pid().to_string()), "names who has it: {said}");
    assert_eq!(daemon.get("/readyz").status, 200);
}

#[test]
fn an_address_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for table in ["dimse", "admin"] {
        let configuration = Configuration::new().origin("archive", "http://127.0.0.1:9/dicom-web");
        let home = Home::new(&configuration.set(table, &format!("listen = \"{address}\"")));
        let (said, code) = serve(&home);
        assert_eq!(code, Some(69), "{table}: {said}");
        assert!(said.contains(&address), "{table}: {said}");
    }
}
