//! Instances that go to more than one place: each destination on its own.

use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::embedded_origin::EmbeddedOrigin;
use tests::fault_proxy::{Fault, FaultProxy};
use tests::instances::Instance;
use tests::scripted_origin::ScriptedOrigin;
use tests::sender::{Sender, store_all};
use tests::wait::eventually;

#[test]
fn a_destination_that_comes_back_gets_what_the_other_has() {
    let folder = tempfile::tempdir().unwrap();
    let first = EmbeddedOrigin::start(&folder.path().join("first"));
    let second = EmbeddedOrigin::start(&folder.path().join("second"));
    let proxy = FaultProxy::to(second.authority().parse().unwrap());
    proxy.set(Fault::Refuse);
    let url = format!("http://{}/dicom-web", proxy.address());
    let configuration = Configuration::new()
        .origin("first", first.url())
        .origin("second", &url)
        .with("[[route]]\nstore = [\"first\", \"second\"]");
    let home = Home::new(&configuration);
    let daemon = home.start();
    let instances = Instance::study(1, 10, 50_000);
    store_all(daemon.dimse(), &instances);
    eventually("one destination is complete", || (first.count() == 10).then_some(()));
    assert_eq!(second.count(), 0);
    let open = daemon.queue("destination=second");
    assert!(open.len() == 10 && open.iter().all(|line| line["state"] != "held"), "{open:?}");
    proxy.set(Fault::None);
    eventually("the other is complete too", || (second.count() == 10).then_some(()));
    for instance in &instances {
        for origin in [&first, &second] {
            assert!(
                origin.data_set(instance).as_ref() == Some(&instance.data_set),
                "{}",
                instance.sop_instance
            );
        }
    }
    daemon.settle();
    assert_eq!(daemon.queue("state=delivered").len(), 20);
}

#[test]
fn sop_classes_choose_and_routes_add_up() {
    const MR_IMAGE_STORAGE: &str = "1.2.840.10008.5.1.4.1.1.4";
    let (ct, mr, all) = (ScriptedOrigin::start([]), ScriptedOrigin::start([]), ScriptedOrigin::start([]));
    let routes = "[[route]]\nstore = [\"all\"]\ncontinue = true\n\
        [[route]]\nmatch = { sop_class = \"1.2.840.10008.5.1.4.1.1.2\" }\nstore = [\"ct\"]\n\
        [[route]]\nmatch = { sop_class = \"1.2.840.10008.5.1.4.1.1.4*\" }\nstore = [\"mr\"]";
    let configuration = Configuration::new()
        .origin("ct", &ct.url())
        .origin("mr", &mr.url())
        .origin("all", &all.url())
        .with(routes);
    let home = Home::new(&configuration);
    let daemon = home.start();
    let instances = [Instance::ct(1, 1, 100), Instance::ct(1, 2, 100).of_class(MR_IMAGE_STORAGE)];
    let mut sender = Sender::open(daemon.dimse(), &instances);
    for instance in &instances {
        assert_eq!(sender.store(instance).expect("an answer").status, 0x0000);
    }
    sender.release();
    eventually("every place has its own", || {
        (ct.count() == 1 && mr.count() == 1 && all.count() == 2).then_some(())
    });
    assert!(ct.stored().contains_key(&instances[0].sop_instance));
    assert!(mr.stored().contains_key(&instances[1].sop_instance));
}

#[test]
fn a_peer_gets_what_an_archive_gets() {
    let archive = ScriptedOrigin::start([]);
    let behind = ScriptedOrigin::start([]);
    let other_home = Home::new(&Configuration::new().origin("archive", &behind.url()));
    let other = other_home.start();
    let configuration = Configuration::new()
        .origin("archive", &archive.url())
        .with(&format!("[[peer]]\nae_title = \"DIMSEWAY\"\naddress = \"{}\"", other.dimse()))
        .with("[[route]]\nstore = [\"archive\", \"peer:DIMSEWAY\"]");
    let home = Home::new(&configuration);
    let daemon = home.start();
    let instances = Instance::study(1, 4, 50_000);
    store_all(daemon.dimse(), &instances);
    eventually("both have all", || (archive.count() == 4 && behind.count() == 4).then_some(()));
    for instance in &instances {
        assert!(behind.stored()[&instance.sop_instance].ends_with(&instance.data_set));
    }
}
