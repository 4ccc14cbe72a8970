//! An archive behind TLS with a private authority, and one that lets nobody in without a certificate.

use std::path::Path;

use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::instances::Instance;
use tests::scripted_origin::ScriptedOrigin;
use tests::sender::store_all;
use tests::tls::{Authority, TlsFront};
use tests::wait::eventually;

fn configuration(front: &TlsFront, tls: &str) -> Configuration {
    let configuration = Configuration::new().origin("archive", &front.url());
    if tls.is_empty() { configuration } else { configuration.set("origin.archive", tls) }
}

/// A home with the files of an authority and of a client that it knows.
fn home(authority: &Authority) -> Home {
    let home = Home::new(&Configuration::new());
    let _ = authority.write(&home.path().join("ca.pem"));
    authority.write_client(home.path(), "client");
    home
}

const CA: &str = "tls = { ca = \"ca.pem\" }";
const CA_AND_CLIENT: &str = "tls = { ca = \"ca.pem\", certificate = \"client.pem\", key = \"client.key\" }";

#[test]
fn a_private_authority_and_a_client_certificate_lead_to_the_archive() {
    for (asks_client, tls) in [(false, CA), (true, CA_AND_CLIENT)] {
        let (authority, origin) = (Authority::new(), ScriptedOrigin::start([]));
        let front = TlsFront::to(origin.address(), &authority, asks_client);
        let home = home(&authority);
        home.configure(&configuration(&front, tls));
        let daemon = home.start();
        let instances = Instance::study(1, 3, 100_000);
        store_all(daemon.dimse(), &instances);
        eventually("all are in the archive", || (origin.count() == 3).then_some(()));
        for instance in &instances {
            assert!(origin.stored()[&instance.sop_instance].ends_with(&instance.data_set));
        }
    }
}

#[test]
fn nothing_is_sent_to_a_server_that_cannot_be_trusted_or_does_not_trust_us() {
    // Not known here, known here but signed by another authority, and a client without a certificate.
    for (name, asks_client, tls) in [
        ("an authority that is not named", false, "tls = { ca = \"other.pem\" }"),
        ("no certificate of ours", true, CA),
    ] {
        let (authority, origin) = (Authority::new(), ScriptedOrigin::start([]));
        let front = TlsFront::to(origin.address(), &authority, asks_client);
        let home = home(&authority);
        let _ = Authority::new().write(&home.path().join("other.pem"));
        home.configure(&configuration(&front, tls));
        let daemon = home.start();
        store_all(daemon.dimse(), &Instance::study(1, 2, 1000));
        eventually(&format!("{name}: the archive counts as down"), || {
            (daemon.metrics().sum("dimseway_destination_down", &[]) >= 1.0).then_some(())
        });
        assert!(front.refused() > 0, "{name}");
        assert!(origin.requests().is_empty(), "{name}: not a byte of a request");
        // Once the files are right, what waited is delivered.
        let (ca, right) = (home.path().join("right.pem"), "tls = { ca = \"right.pem\"");
        let _ = authority.write(&ca);
        let client = ", certificate = \"client.pem\", key = \"client.key\" }";
        home.configure(&configuration(&front, &format!("{right}{client}")));
        daemon.signal("HUP");
        eventually(&format!("{name}: all are in the archive"), || (origin.count() == 2).then_some(()));
    }
}

#[test]
fn check_says_what_is_wrong_with_a_certificate() {
    let (authority, origin) = (Authority::new(), ScriptedOrigin::start([]));
    let front = TlsFront::to(origin.address(), &authority, true);
    let home = home(&authority);
    home.configure(&configuration(&front, CA_AND_CLIENT));
    let check = |home: &Home| {
        let output = home.run(&["check", "--connect"]);
        (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code())
    };
    let (said, code) = check(&home);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("ok       certificate for origin archive: valid until"), "{said}");
    replace_authority(home.path());
    let (said, code) = check(&home);
    assert_eq!(code, Some(69), "{said}");
    assert!(said.contains("FAILED   origin archive"), "{said}");
}

fn replace_authority(folder: &Path) {
    let _ = Authority::new().write(&folder.join("ca.pem"));
}
