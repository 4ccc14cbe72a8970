//! An association that ends in the middle of an object: nothing is half-stored.

use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::instances::Instance;
use tests::scripted_origin::ScriptedOrigin;
use tests::sender::{Sender, store_all};
use tests::wait::eventually;

/// Ways to end an association.
const ENDS: [fn(Sender); 2] = [Sender::reset, Sender::abort];

#[test]
fn a_cut_object_is_never_stored() {
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()));
    let daemon = home.start();
    let instance = Instance::ct(1, 1, 400_000);
    let lengths = [0, 1, 60, 200, 70_000, 400_000, instance.data_set.len()];
    for end in ENDS {
        for length in lengths {
            let mut sender = Sender::open(daemon.dimse(), [&instance]);
            assert!(sender.send_request(&instance));
            // The last fragment is never marked as the last one.
            sender.send_data_set(&instance, length, false);
            end(sender);
        }
    }
    eventually("all associations are over", || {
        (daemon.metrics().sum("dimseway_associations_open", &[]) == 0.0).then_some(())
    });
    assert_eq!(daemon.queue(""), Vec::<serde_json::Value>::new());
    assert_eq!(origin.count(), 0);
    store_all(daemon.dimse(), std::slice::from_ref(&instance));
    eventually("the whole object is in the archive", || (origin.count() == 1).then_some(()));
    assert_eq!(origin.stored()[&instance.sop_instance].len(), {
        let (_, start) = instance::part10::read(&origin.stored()[&instance.sop_instance]).unwrap();
        start + instance.data_set.len()
    });
}

#[test]
fn a_cut_object_of_a_passed_through_route_never_reaches_the_archive_as_a_whole() {
    let origin = ScriptedOrigin::start([]);
    let route = "[[route]]\nstore = [\"archive\"]\nacknowledge = \"stored\"";
    let home = Home::new(&Configuration::new().origin("archive", &origin.url()).with(route));
    let daemon = home.start();
    let instance = Instance::ct(1, 1, 400_000);
    for end in ENDS {
        for length in [200, 70_000, instance.data_set.len()] {
            let mut sender = Sender::open(daemon.dimse(), [&instance]);
            assert!(sender.send_request(&instance));
            sender.send_data_set(&instance, length, false);
            end(sender);
        }
    }
    eventually("all associations are over", || {
        (daemon.metrics().sum("dimseway_associations_open", &[]) == 0.0).then_some(())
    });
    store_all(daemon.dimse(), std::slice::from_ref(&instance));
    assert_eq!(origin.times_stored(&instance.sop_instance), 1);
}
