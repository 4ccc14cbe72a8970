//! Where instances go.

use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::dcmtk::free_port;
use tests::instances::Instance;
use tests::scripted_origin::ScriptedOrigin;
use tests::sender::{Sender, store_all};
use tests::wait::eventually;

#[test]
fn of_two_destinations_one_may_be_down() {
    let up = ScriptedOrigin::start([]);
    let nobody = format!("http://127.0.0.1:{}/dicom-web", free_port());
    let route = "[[route]]\nstore = [\"up\", \"down\"]";
    let configuration = Configuration::new().origin("up", &up.url()).origin("down", &nobody).with(route);
    let home = Home::new(&configuration);
    let daemon = home.start();
    let instances = Instance::study(1, 6, 20_000);
    store_all(daemon.dimse(), &instances);
    eventually("one destination has all", || (up.count() == 6).then_some(()));
    let delivered = daemon.queue("destination=up&state=delivered").len();
    eventually("delivered to one", || {
        (daemon.queue("destination=up&state=delivered").len() == 6).then_some(delivered)
    });
    let waiting = daemon.queue("destination=down");
    assert_eq!(waiting.len(), 6);
    assert!(
        waiting.iter().all(|line| line["state"] != "delivered" && line["state"] != "held"),
        "{waiting:?}"
    );
}

#[test]
fn titles_and_modalities_choose() {
    let (first, second) = (ScriptedOrigin::start([]), ScriptedOrigin::start([]));
    let routes = "[[route]]\nmatch = { calling_ae = \"CT*\", modality = \"CT\" }\nstore = [\"first\"]\n\
        [[route]]\nmatch = { called_ae = \"OTHER\" }\nstore = [\"second\"]\n\
        [[ae]]\ntitle = \"OTHER\"";
    let configuration =
        Configuration::new().origin("first", &first.url()).origin("second", &second.url()).with(routes);
    let home = Home::new(&configuration);
    let daemon = home.start();
    for (calling, called, instance) in [
        ("CT1", "DIMSEWAY", Instance::ct(1, 1, 100)),
        ("MR1", "OTHER", Instance::ct(1, 2, 100)),
        ("MR1", "DIMSEWAY", Instance::ct(1, 3, 100)),
    ] {
        let mut sender = Sender::open_as(daemon.dimse(), calling, called, [&instance]);
        assert_eq!(sender.store(&instance).expect("an answer").status, 0x0000);
        sender.release();
    }
    eventually("both have one", || (first.count() == 1 && second.count() == 1).then_some(()));
    assert!(first.stored().contains_key("2.25.90001.1.1"));
    assert!(second.stored().contains_key("2.25.90001.1.2"));
    let held = daemon.wait_for("held", 1);
    assert_eq!(held[0]["instance"], "2.25.90001.1.3", "what no route takes is kept and shown");
}

#[test]
fn what_no_route_takes_is_refused_where_the_file_says_so() {
    let origin = ScriptedOrigin::start([]);
    let configuration = Configuration::new()
        .origin("archive", &origin.url())
        .set("routing", "unrouted = \"reject\"")
        .with("[[route]]\nmatch = { modality = \"MR\" }\nstore = [\"archive\"]");
    let home = Home::new(&configuration);
    let daemon = home.start();
    let instance = Instance::ct(1, 1, 100);
    let mut sender = Sender::open(daemon.dimse(), [&instance]);
    assert_eq!(sender.store(&instance).expect("an answer").status, 0x0110);
    sender.release();
    assert_eq!(daemon.queue(""), Vec::<serde_json::Value>::new());
}
