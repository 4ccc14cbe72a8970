//! C-STORE in, STOW-RS out, byte for byte.

use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::embedded_origin::EmbeddedOrigin;
use tests::instances::Instance;
use tests::sender::{Sender, store_all};
use tests::wait::eventually;

#[test]
fn a_study_arrives_in_the_archive_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let origin = EmbeddedOrigin::start(&folder.path().join("archive"));
    let home = Home::new(&Configuration::new().origin("archive", origin.url()));
    let daemon = home.start();
    let mut instances = Instance::study(1, 12, 100_000);
    instances.push(Instance::ct(1, 13, 0));
    instances.push(Instance::ct(1, 14, 3_000_000));
    store_all(daemon.dimse(), &instances);
    eventually("all are in the archive", || (origin.count() == instances.len()).then_some(()));
    for instance in &instances {
        assert!(
            origin.data_set(instance).as_ref() == Some(&instance.data_set),
            "{} has other bytes",
            instance.sop_instance
        );
    }
    daemon.settle();
    let metrics = daemon.metrics();
    let stored = metrics.sum("dimseway_dimse_messages_total", &[("service", "C-STORE"), ("status", "0000")]);
    assert_eq!(stored, 14.0);
    assert_eq!(metrics.sum("dimseway_panics_total", &[]), 0.0);
}

#[test]
fn associations_that_store_at_once_do_not_mix() {
    let folder = tempfile::tempdir().unwrap();
    let origin = EmbeddedOrigin::start(&folder.path().join("archive"));
    let home = Home::new(&Configuration::new().origin("archive", origin.url()));
    let daemon = home.start();
    let studies: Vec<_> = (1..=16).map(|study| Instance::study(study, 4, 60_000)).collect();
    std::thread::scope(|scope| {
        for study in &studies {
            let address = daemon.dimse();
            scope.spawn(move || store_all(address, study));
        }
    });
    eventually("all are in the archive", || (origin.count() == 64).then_some(()));
    for instance in studies.iter().flatten() {
        assert!(origin.data_set(instance).as_ref() == Some(&instance.data_set), "{}", instance.sop_instance);
    }
}

#[test]
fn our_own_send_stores_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let origin = EmbeddedOrigin::start(&folder.path().join("archive"));
    let home = Home::new(&Configuration::new().origin("archive", origin.url()));
    let daemon = home.start();
    let files = folder.path().join("files");
    std::fs::create_dir(&files).unwrap();
    let instances = Instance::study(1, 5, 50_000);
    for (number, instance) in instances.iter().enumerate() {
        instance.write(&files.join(format!("{number}.dcm")));
    }
    let to = format!("DIMSEWAY@{}", daemon.dimse());
    let output = home.run(&["send", files.to_str().unwrap(), "--to", &to]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    eventually("all are in the archive", || (origin.count() == 5).then_some(()));
    for instance in &instances {
        assert!(origin.data_set(instance).as_ref() == Some(&instance.data_set), "{}", instance.sop_instance);
    }
}

#[test]
fn a_released_association_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let origin = EmbeddedOrigin::start(&folder.path().join("archive"));
    let home = Home::new(&Configuration::new().origin("archive", origin.url()));
    let daemon = home.start();
    let instance = Instance::ct(1, 1, 1000);
    for _ in 0..3 {
        Sender::open(daemon.dimse(), [&instance]).release();
        Sender::open(daemon.dimse(), [&instance]).abort();
        Sender::open(daemon.dimse(), [&instance]).reset();
    }
    eventually("no association is open", || {
        (daemon.metrics().sum("dimseway_associations_open", &[]) == 0.0).then_some(())
    });
}
