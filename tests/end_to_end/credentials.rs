//! Passwords and tokens: sent as configured, read again when they change, never shown.

use std::fs;

use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::instances::Instance;
use tests::scripted_origin::ScriptedOrigin;
use tests::sender::store_all;
use tests::wait::eventually;

/// "dimseway:open sesame" and "dimseway:changed" in base64 (RFC 7617).
const OPEN_SESAME: &str = "Basic ZGltc2V3YXk6b3BlbiBzZXNhbWU=";
const CHANGED: &str = "Basic ZGltc2V3YXk6Y2hhbmdlZA==";

fn home_with(origin: &ScriptedOrigin, auth: &str, file: &str, secret: &str) -> Home {
    let home = Home::new(&Configuration::new());
    fs::write(home.path().join(file), secret).unwrap();
    home.configure(&Configuration::new().origin("archive", &origin.url()).set("origin.archive", auth));
    home
}

fn wait_until_refused(daemon: &Daemon, origin: &ScriptedOrigin) {
    eventually("the archive refuses the credentials and counts as down", || {
        (daemon.metrics().sum("dimseway_destination_down", &[]) >= 1.0).then_some(())
    });
    assert_eq!(origin.count(), 0);
    assert_eq!(daemon.queue("state=held").len(), 0, "no instance is at fault");
}

#[test]
fn a_password_from_a_file_opens_the_archive() {
    let origin = ScriptedOrigin::start([]);
    origin.demand(Some(OPEN_SESAME));
    let auth = "auth = { type = \"basic\", username = \"dimseway\", password_file = \"password\" }";
    let home = home_with(&origin, auth, "password", "open sesame\n");
    let daemon = home.start();
    store_all(daemon.dimse(), &Instance::study(1, 3, 1000));
    eventually("all are in the archive", || (origin.count() == 3).then_some(()));
    assert!(!daemon.log().contains("sesame"), "a secret is never logged");
}

#[test]
fn a_password_that_is_put_right_delivers_what_waited() {
    let origin = ScriptedOrigin::start([]);
    origin.demand(Some(CHANGED));
    let auth = "auth = { type = \"basic\", username = \"dimseway\", password_file = \"password\" }";
    let home = home_with(&origin, auth, "password", "open sesame\n");
    let daemon = home.start();
    store_all(daemon.dimse(), &Instance::study(1, 3, 1000));
    wait_until_refused(&daemon, &origin);
    fs::write(home.path().join("password"), "changed\n").unwrap();
    daemon.signal("HUP");
    eventually("all are in the archive", || (origin.count() == 3).then_some(()));
}

#[test]
fn a_token_that_is_replaced_is_used_without_a_restart() {
    let origin = ScriptedOrigin::start([]);
    origin.demand(Some("Bearer first"));
    let auth = "auth = { type = \"bearer\", token_file = \"token\" }";
    let home = home_with(&origin, auth, "token", "first\n");
    let daemon = home.start();
    store_all(daemon.dimse(), &[Instance::ct(1, 1, 1000)]);
    eventually("the first token opens", || (origin.count() == 1).then_some(()));
    // The archive forgets the first token before anybody has written the second one.
    origin.demand(Some("Bearer second"));
    store_all(daemon.dimse(), &[Instance::ct(1, 2, 1000)]);
    eventually("the archive counts as down", || {
        (daemon.metrics().sum("dimseway_destination_down", &[]) >= 1.0).then_some(())
    });
    fs::write(home.path().join("token"), "second\n").unwrap();
    eventually("the second token opens", || (origin.count() == 2).then_some(()));
    daemon.settle();
    assert_eq!(daemon.queue("state=held"), Vec::<serde_json::Value>::new());
    let log = daemon.log();
    assert!(!log.contains("Bearer first") && !log.contains("Bearer second"), "a secret is never logged");
}

#[test]
fn a_token_that_is_replaced_in_time_costs_no_attempt() {
    let origin = ScriptedOrigin::start([]);
    origin.demand(Some("Bearer first"));
    let auth = "auth = { type = \"bearer\", token_file = \"token\" }";
    let home = home_with(&origin, auth, "token", "first\n");
    let daemon = home.start();
    store_all(daemon.dimse(), &[Instance::ct(1, 1, 1000)]);
    let _ = daemon.wait_for("delivered", 1);
    fs::write(home.path().join("token"), "second, and longer\n").unwrap();
    origin.demand(Some("Bearer second, and longer"));
    store_all(daemon.dimse(), &[Instance::ct(1, 2, 1000)]);
    let delivered = daemon.wait_for("delivered", 2);
    assert!(delivered.iter().all(|line| line["attempts"] == 1), "{delivered:?}");
}
