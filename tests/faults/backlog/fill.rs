//! Entries made by the spool's own writer, many at a time, as modalities would.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use instance::{Identity, Tag, Uid};
use spool::local::{Config, LocalSpool};
use spool::{Deliveries as _, EntryHeader, EntryTrailer, LeaseRequest, Payloads as _, RetrySchedule};
use tests::campaign;
use tests::instances::Instance;

use super::figures::Figures;

/// Instances of one study: a CT of the chest.
const STUDY: u64 = 500;
/// Bytes of Pixel Data: with the attributes before it an instance has about 1.5 KiB.
const PIXELS: usize = 1_200;
/// Entries that are committed at the same time, which share their syncs.
const AT_ONCE: usize = 256;

/// An instance of the backlog.
pub(super) fn instance(number: u64) -> Instance {
    let study = u32::try_from(number / STUDY).expect("fewer studies");
    // Devices number their studies each in their own way: those that follow each other stand far apart.
    Instance::ct(
        study.wrapping_mul(2_654_435_761),
        u32::try_from(number % STUDY).expect("few slices"),
        PIXELS,
    )
}

/// Its SOP Instance UID.
pub(super) fn uid(number: u64) -> String {
    let study = u32::try_from(number / STUDY).expect("fewer studies").wrapping_mul(2_654_435_761);
    format!("2.25.9000{study}.1.{}", number % STUDY)
}

fn config(directory: &Path) -> Config {
    Config { segment_bytes: 8 << 20, minimum_free_bytes: 16 << 20, ..Config::new(directory) }
}

/// Commits so many entries to a new spool, and closes it.
pub(super) fn fill(directory: &Path, entries: u64, figures: &Figures) {
    let begun = Instant::now();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (spool, _) = LocalSpool::open(config(directory)).expect("a new spool");
    let bar = campaign::progress("fill the spool", entries);
    runtime.block_on(async {
        let commits = stream::iter(0..entries).map(|number| commit(&spool, number));
        let mut commits = commits.buffer_unordered(AT_ONCE);
        while commits.next().await.is_some() {
            bar.inc(1);
        }
    });
    bar.finish_and_clear();
    let statistics = runtime.block_on(spool.statistics()).expect("statistics");
    figures.time("fill the spool", begun.elapsed());
    figures.say("syncs per entry", &format!("{:.3}", statistics.syncs as f64 / entries as f64));
    spool.close().expect("a clean end");
}

async fn commit(spool: &LocalSpool, number: u64) {
    let instance = instance(number);
    let of = |text: &str| text.parse::<Uid>().expect("a UID");
    let header = EntryHeader {
        calling_ae_title: "CT1".parse().expect("an AE title"),
        called_ae_title: "DIMSEWAY".parse().expect("an AE title"),
        peer_address: std::net::Ipv4Addr::LOCALHOST.into(),
        user: None,
        transfer_syntax: of(&instance.transfer_syntax).into(),
        sop_class_uid: of(&instance.sop_class),
        sop_instance_uid: of(&instance.sop_instance),
        accepted_at: SystemTime::now(),
    };
    let trailer = EntryTrailer {
        identity: Identity {
            sop_class_uid: of(&instance.sop_class),
            sop_instance_uid: of(&instance.sop_instance),
            study_instance_uid: of(&instance.study),
            series_instance_uid: of(&instance.series),
        },
        attributes: vec![(Tag::PATIENT_ID, format!("P{}", number / STUDY).into_bytes())],
        character_set: b"ISO_IR 100".to_vec(),
        destinations: vec!["archive".parse().expect("a destination")],
        held: None,
    };
    let mut writer = spool.begin(header).await.expect("room for an entry");
    writer.append(Bytes::from(instance.data_set)).await.expect("room for its bytes");
    writer.commit(trailer).await.expect("a durable entry");
}

/// Opens the spool, leases one batch as the forwarder does, and drops both as a crash would.
pub(super) fn lease_one_batch(directory: &Path, figures: &Figures) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let begun = Instant::now();
    let (spool, _) = LocalSpool::open(config(directory)).expect("the spool");
    figures.time("open the spool after a clean end", begun.elapsed());
    let request = LeaseRequest {
        destination: "archive".parse().expect("a destination"),
        owner: "backlog".to_owned(),
        entries_max: 50,
        workers: 1,
        bytes_max: u64::MAX,
        ttl: Duration::from_secs(3600),
        same_study: true,
        retry: RetrySchedule { first: Duration::ZERO, max: Duration::ZERO },
    };
    let begun = Instant::now();
    let leases = runtime.block_on(spool.lease(request)).expect("leases").leases;
    figures.time("lease of a batch", begun.elapsed());
    assert_eq!(leases.len(), 50);
    drop(spool);
    let begun = Instant::now();
    let (spool, report) = LocalSpool::open(config(directory)).expect("the spool");
    figures.time("open the spool after a crash", begun.elapsed());
    assert_eq!(report.deliveries_interrupted, 50);
    spool.close().expect("a clean end");
}
