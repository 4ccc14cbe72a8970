//! `acknowledge = "stored"`: success only when the archive has confirmed that very instance.

use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::instances::Instance;
use tests::scripted_origin::{Answer, ScriptedOrigin};
use tests::sender::Sender;

const ROUTE: &str = "[[route]]\nstore = [\"archive\"]\nacknowledge = \"stored\"";

#[test]
fn success_follows_the_archive() {
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()).with(ROUTE));
    let daemon = home.start();
    let instances = Instance::study(1, 4, 300_000);
    let mut sender = Sender::open(daemon.dimse(), &instances);
    for (number, instance) in instances.iter().enumerate() {
        assert_eq!(sender.store(instance).expect("an answer").status, 0x0000);
        assert_eq!(origin.count(), number + 1, "in the archive before the answer");
        assert!(origin.stored()[&instance.sop_instance].ends_with(&instance.data_set));
    }
    sender.release();
}

#[test]
fn what_the_archive_does_not_confirm_is_no_success() {
    let instance = Instance::ct(1, 1, 300_000);
    let uid = instance.sop_instance.clone();
    let refused = |status| Answer::Refused(status, Vec::new(), "no");
    let table = [
        ("503", refused(503)),
        ("500", refused(500)),
        ("401", refused(401)),
        ("413", refused(413)),
        ("409 with a reason", Answer::AllBut(uid, 0xA900)),
        ("a page for people", Answer::LoginPage),
        ("a cut request", Answer::CutRequest(50_000)),
    ];
    for (name, answer) in table {
        let origin = ScriptedOrigin::start(std::iter::repeat_n(answer, 8));
        let home = Home::new(&Configuration::new().origin("archive", &origin.url()).with(ROUTE));
        let daemon = home.start();
        let mut sender = Sender::open(daemon.dimse(), [&instance]);
        let response = sender.store(&instance).expect("an answer");
        assert_ne!(response.status, 0x0000, "{name}");
        assert!(!response.error_comment.is_empty(), "{name}");
        assert_eq!(origin.count(), 0, "{name}");
    }
}
