//! The archive is away for the whole transfer and comes back later: all is delivered, and nobody did anything.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use tests::campaign::{self, Variable};
use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::embedded_origin::EmbeddedOrigin;
use tests::fault_proxy::{Fault, FaultProxy};
use tests::instances::Instance;
use tests::scripted_origin::ScriptedOrigin;
use tests::sender::store_all;
use tests::wait::eventually;

/// Faults on the line in one run of CI: one of each kind.
const FAULTS: u32 = 4;
/// The seed of what comes behind them in a campaign.
const SEED: u64 = 20_260_105;

#[test]
fn an_archive_that_comes_back_gets_everything() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("archive");
    let origin = EmbeddedOrigin::start(&archive);
    let (url, authority) = (origin.url().to_owned(), origin.authority().to_owned());
    origin.stop();
    let home = Home::new(&Configuration::new().origin("archive", &url));
    let daemon = home.start();
    let instances = Instance::study(1, 40, 50_000);
    store_all(daemon.dimse(), &instances);
    eventually("the archive counts as down", || {
        (daemon.metrics().sum("dimseway_destination_down", &[]) >= 1.0).then_some(())
    });
    let origin = EmbeddedOrigin::start_at(&archive, &authority);
    eventually("all are in the archive", || (origin.count() == 40).then_some(()));
    for instance in &instances {
        assert!(origin.data_set(instance).as_ref() == Some(&instance.data_set), "{}", instance.sop_instance);
    }
    daemon.settle();
    let worst = daemon.queue("state=delivered").iter().map(|line| line["attempts"].as_u64().unwrap()).max();
    assert!(worst.unwrap() <= 10, "an archive that is down burns no attempts: {worst:?}");
}

#[test]
fn an_archive_that_dies_in_the_middle_gets_the_rest_later() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("archive");
    let origin = EmbeddedOrigin::start(&archive);
    let (url, authority) = (origin.url().to_owned(), origin.authority().to_owned());
    let home = Home::new(&Configuration::new().origin("archive", &url));
    let daemon = home.start();
    let instances = Instance::study(1, 60, 100_000);
    let (first, second) = instances.split_at(30);
    store_all(daemon.dimse(), first);
    origin.stop();
    store_all(daemon.dimse(), second);
    let origin = EmbeddedOrigin::start_at(&archive, &authority);
    eventually("all are in the archive", || (origin.count() == 60).then_some(()));
    daemon.settle();
    for instance in &instances {
        assert!(origin.data_set(instance).as_ref() == Some(&instance.data_set), "{}", instance.sop_instance);
    }
}

#[test]
fn a_line_that_breaks_and_stalls_loses_nothing() {
    let origin = ScriptedOrigin::start([]);
    let proxy = FaultProxy::to(origin.address());
    let url = format!("http://{}/dicom-web", proxy.address());
    let configuration = Configuration::new()
        .origin("archive", &url)
        .set("origin.archive", "send_timeout = \"2s\"")
        .set("origin.archive", "answer_timeout = \"2s\"")
        .set("origin.archive", "read_timeout = \"2s\"");
    let home = Home::new(&configuration);
    let daemon = home.start();
    let mut random = SmallRng::seed_from_u64(campaign::seed(SEED));
    let rounds = Variable::OriginFaults.count_or(FAULTS);
    let bar = campaign::progress("break the line", u64::from(rounds));
    for round in 0..rounds {
        bar.inc(1);
        let fault = fault(round, &mut random);
        let expected = (round as usize + 1) * 5;
        proxy.cut();
        proxy.set(fault);
        store_all(daemon.dimse(), &Instance::study(round, 5, 60_000));
        eventually("the fault is felt", || {
            let metrics = daemon.metrics();
            let failed = metrics.sum("dimseway_destination_down", &[]) > 0.0
                || metrics.sum("dimseway_spool_entries", &[("state", "deferred")]) > 0.0;
            (failed || origin.count() == expected).then_some(())
        });
        proxy.set(Fault::None);
        eventually(&format!("all are in the archive behind {fault:?}"), || {
            (origin.count() == expected).then_some(())
        });
        daemon.settle();
    }
    bar.finish_and_clear();
    campaign::figure("broken lines", &format!("{} delivered behind {rounds} faults", origin.count()));
}

/// One of each, and then what the seed says.
fn fault(round: u32, random: &mut SmallRng) -> Fault {
    match round {
        0 => Fault::CutAfter(30_000),
        1 => Fault::Refuse,
        2 => Fault::StallAfter(100_000),
        3 => Fault::CutAfter(0),
        _ => match random.random_range(0..8) {
            0 => Fault::Refuse,
            1 => Fault::StallAfter(random.random_range(0..310_000)),
            2 => Fault::Delay(Duration::from_millis(random.random_range(1..50))),
            _ => Fault::CutAfter(random.random_range(0..310_000)),
        },
    }
}
