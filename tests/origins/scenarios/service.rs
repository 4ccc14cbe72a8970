//! The stand-in for the service with a daemon in front of it.

use std::path::Path;

use origin::synthetic::archive::large_study;
use origin::{Origin, Personality};
use serde_json::Value;
use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::instances::Instance;
use tests::sender::Sender;

use crate::archive::{Archive, kind};

/// Seed of the study of 250 instances that the service has from the beginning.
pub(crate) const LARGE: u64 = 1;
/// Instances of that study.
pub(crate) const LARGE_INSTANCES: u32 = 250;

/// A daemon whose only origin is the service. Who calls as `WAITS` is answered after the delivery.
pub(crate) struct Service {
    pub(crate) archive: Archive,
    pub(crate) home: Home,
    pub(crate) daemon: Daemon,
}

/// Deliveries that wait for the service, but for a calling AE title that waits itself.
pub(crate) const ROUTES: &str = "[[route]]\nmatch = { calling_ae = \"WAITS\" }\nstore = [\"archive\"]\n\
                                 acknowledge = \"stored\"\n\n[[route]]\nstore = [\"archive\"]\n";

impl Service {
    /// Starts both, with a large study in the service.
    pub(crate) fn start(folder: &Path) -> Self {
        let filled = Origin::open(folder.join("archive"), Personality::Standard).unwrap();
        filled.add_all(large_study(LARGE, LARGE_INSTANCES)).unwrap();
        drop(filled);
        let archive = Archive::start(kind("azure"), folder).unwrap();
        let home = Home::new(&archive.configured(Configuration::new()).with(ROUTES));
        let daemon = home.start();
        Self { archive, home, daemon }
    }

    /// What another daemon in front of it is configured with.
    pub(crate) fn configured(&self) -> Configuration {
        self.archive.configured(Configuration::new()).with(ROUTES)
    }

    /// The status that a modality gets.
    pub(crate) fn store(&self, instance: &Instance) -> u16 {
        store(&self.daemon, "MODALITY", instance)
    }

    /// The status that a modality gets which waits for the service.
    pub(crate) fn store_and_wait(&self, instance: &Instance) -> u16 {
        store(&self.daemon, "WAITS", instance)
    }

    /// Requests to the service by name and outcome.
    pub(crate) fn requests(&self, service: &str, outcome: &str) -> f64 {
        requests(&self.daemon, service, outcome)
    }

    /// Deliveries of an instance, the oldest first.
    pub(crate) fn deliveries(&self, instance: &Instance) -> Vec<Value> {
        deliveries(&self.daemon, instance)
    }
}

/// The status that a C-STORE gets.
pub(crate) fn store(daemon: &Daemon, calling: &str, instance: &Instance) -> u16 {
    let mut sender = Sender::open_as(daemon.dimse(), calling, "DIMSEWAY", [instance]);
    let response = sender.store(instance).expect("an answer");
    sender.release();
    response.status
}

/// Requests of a daemon to its origin by name and outcome.
pub(crate) fn requests(daemon: &Daemon, service: &str, outcome: &str) -> f64 {
    let labels = [("origin", "archive"), ("service", service), ("outcome", outcome)];
    daemon.metrics().sum("dimseway_origin_requests_total", &labels)
}

/// Deliveries of an instance once nothing is left to try, the oldest first.
pub(crate) fn deliveries(daemon: &Daemon, instance: &Instance) -> Vec<Value> {
    daemon.settle();
    let mut lines = daemon.queue("");
    lines.retain(|line| line["instance"] == instance.sop_instance.as_str());
    lines
}

/// The only delivery of an instance: state, attempts and reason.
pub(crate) fn only(lines: &[Value]) -> (&str, u64, &str) {
    assert_eq!(lines.len(), 1, "{lines:?}");
    let line = &lines[0];
    let text = |name: &str| line[name].as_str().unwrap_or_default();
    (text("state"), line["attempts"].as_u64().unwrap_or_default(), text("reason"))
}

/// The instance with other bytes in the place of these.
pub(crate) fn replaced(instance: &Instance, old: &[u8], new: &[u8]) -> Instance {
    let at =
        instance.data_set.windows(old.len()).position(|bytes| bytes == old).expect("the bytes to replace");
    let mut other = instance.clone();
    other.data_set.splice(at..at + old.len(), new.iter().copied());
    other
}

/// One worker takes all that is due.
pub(crate) fn one_at_a_time(configuration: Configuration) -> Configuration {
    configuration.set("origin.archive", "workers = 1")
}

/// Puts instances into the spool while deliveries have no hours, in this order, and starts a daemon for which they
/// have: all of them are due then and none was tried, so that those of one study go in one request.
pub(crate) fn spooled(home: &Home, configuration: &Configuration, instances: &[&Instance]) -> Daemon {
    let closed = configuration.clone().set("origin.archive.rate_limit", "deliveries = false");
    home.configure(&closed);
    let daemon = home.start();
    instances.iter().for_each(|instance| assert_eq!(store(&daemon, "MODALITY", instance), 0x0000));
    daemon.kill();
    home.configure(configuration);
    home.start()
}
