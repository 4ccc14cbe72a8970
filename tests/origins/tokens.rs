//! Tokens that end, or are taken back, in the middle of a transfer.

use std::future::pending;
use std::path::{Path, PathBuf};

use origin::{Options, Origin, Personality};
use serde_json::json;
use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::embedded_origin;
use tests::instances::{EXPLICIT_VR_LITTLE_ENDIAN, Instance};
use tests::retrieve::{Retriever, STUDY_ROOT_GET, pairs, studies};
use tests::wait::eventually;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::archive::{Archive, Auth, kind};
use crate::curl;
use crate::study::store;

/// Instances of one transfer.
const COUNT: u32 = 64;

/// One request per instance, and the archive is far away, so that the transfer outlives several tokens.
const ONE_BY_ONE: &str = "request_instances_max = 1";

fn write(folder: &Path, instances: &[Instance]) -> Vec<PathBuf> {
    let paths = instances.iter().zip(1..).map(|(instance, number)| {
        let path = folder.join(format!("{number:03}.dcm"));
        instance.write(&path);
        path
    });
    paths.collect()
}

/// All are delivered, and none needed a second attempt.
fn expect_first_attempts(daemon: &Daemon) {
    daemon.settle();
    let delivered = daemon.queue("state=delivered");
    assert_eq!(delivered.len(), COUNT as usize, "{:?}", daemon.queue("state=held"));
    let burnt: Vec<_> = delivered.iter().filter(|line| line["attempts"] != 1).collect();
    assert!(burnt.is_empty(), "{burnt:?}");
}

fn tokens_given(daemon: &Daemon) -> f64 {
    daemon.metrics().sum("dimseway_token_requests_total", &[])
}

#[test]
fn tokens_that_live_a_second_fail_no_instance() {
    if !curl::and_dcmtk_are_here() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let options = embedded_origin::Options {
        answer_delay: "200ms",
        arguments: &["--token-life-time", "1s"],
        ..embedded_origin::Options::default()
    };
    let archive = Archive::start_with(kind("azure"), folder.path(), options).unwrap();
    let configuration =
        archive.configured(Configuration::new()).set("origin.archive.capabilities", ONE_BY_ONE);
    let home = Home::new(&configuration);
    let daemon = home.start();
    let instances = Instance::study(1, COUNT, 4_000);
    store(daemon.dimse(), "-xe", &write(folder.path(), &instances)).unwrap();
    expect_first_attempts(&daemon);
    let given = tokens_given(&daemon);
    assert!(given >= 3.0, "the transfer saw {given} tokens");

    // What is brought back meets the next ones.
    let mut getter = Retriever::open_to_get(daemon.dimse(), STUDY_ROOT_GET, &pairs(&instances));
    let mut came = Vec::new();
    let last = getter
        .get(&studies(&[&instances[0].study]), |one| {
            came.push((one.sop_instance.clone(), one.data_set.clone()));
            0x0000
        })
        .last;
    assert_eq!((last.status(), last.counts()), (0x0000, (64, 0, 0)), "{last:?}");
    came.sort();
    let mut sent: Vec<_> =
        instances.iter().map(|one| (one.sop_instance.clone(), one.data_set.clone())).collect();
    sent.sort();
    assert!(came == sent);
    assert!(!daemon.log().contains("Bearer "), "a token is never logged");
}

/// An origin of Azure in this process, whose tokens can be taken back.
struct Cloud {
    origin: Origin,
    runtime: Runtime,
    configuration: Configuration,
    folder: tempfile::TempDir,
}

impl Cloud {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let mut options = Options::new(folder.path().join("cloud"), Personality::Azure);
        options.answer_delay = std::time::Duration::from_millis(20);
        let tokens = options.tokens.clone().unwrap();
        let ready = json!({
            "token_url": options.token_addresses(address).unwrap().token_url,
            "client_id": tokens.client_id,
            "client_secret": tokens.client_secret,
        });
        let url = options.url(address);
        let origin = Origin::open_with(options).unwrap();
        let served = origin.clone();
        runtime.spawn(async move { origin::serve(listener, &served, pending()).await });
        let configuration = Configuration::new()
            .origin("archive", &url)
            .set("origin.archive", "profile = \"azure\"")
            .set("origin.archive", &Auth::ClientCredentials.table(folder.path(), &ready))
            .set("origin.archive.capabilities", ONE_BY_ONE);
        Self { origin, runtime, configuration, folder }
    }

    fn count(&self) -> u64 {
        self.runtime.block_on(self.origin.instance_count()).unwrap()
    }
}

#[test]
fn tokens_that_are_taken_back_fail_no_instance() {
    if !curl::and_dcmtk_are_here() {
        return;
    }
    let cloud = Cloud::start();
    let home = Home::new(&cloud.configuration);
    let daemon = home.start();
    let instances = Instance::study(1, COUNT, 4_000);
    assert!(instances.iter().all(|one| one.transfer_syntax == EXPLICIT_VR_LITTLE_ENDIAN));
    let files = write(cloud.folder.path(), &instances);
    let revoked = std::thread::scope(|scope| {
        let sent = scope.spawn(|| store(daemon.dimse(), "-xe", &files).unwrap());
        let mut revoked = 0_u32;
        for stored in (8..u64::from(COUNT)).step_by(8) {
            eventually("some more are stored", || (cloud.count() >= stored).then_some(()));
            cloud.origin.revoke_tokens();
            revoked += 1;
        }
        sent.join().unwrap();
        revoked
    });
    expect_first_attempts(&daemon);
    assert_eq!(cloud.count(), u64::from(COUNT));
    let given = tokens_given(&daemon);
    println!("{revoked} times all tokens were taken back, {given} were given");
    assert!(given >= f64::from(revoked), "{given} tokens");
}
