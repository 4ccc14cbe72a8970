//! A synthetic CT study on its way: sent, acknowledged, delivered, compared.

use crate::{
    daemon::Daemon,
    exit::{Exit, OrExit, fail},
    requestor::{self, Callee},
};
use anyhow::Context;
use futures::stream;
use instance::part10;
use origin::{
    Origin,
    synthetic::{Instance, Study},
};
use spool::Filter;
use std::{
    io::Read,
    time::{Duration, Instant},
};

/// The caller of the demonstration.
const CALLING: &str = "DEMO_CT";

/// Between two looks at the queue.
const POLL: Duration = Duration::from_millis(20);

/// Longest wait for the deliveries: minutes longer than the slowest machine needs.
const DELIVERY_TIMEOUT: Duration = Duration::from_secs(600);

/// Sends a study through the bridge and looks at what arrives.
///
/// # Errors
/// It does not arrive, or not as it was sent.
pub(super) async fn send(daemon: &Daemon, archive: &Origin, instances: u32) -> anyhow::Result<()> {
    // Each run sends another study, so that a kept directory shows no duplicates.
    let study = Study::new(rand::random(), instances);
    let megabytes = study.instance(0).data_set_length() * u64::from(instances) / 1_000_000;
    println!("\n1. A synthetic CT study: {instances} instances, {megabytes} MB, Explicit VR Little Endian.");

    let before = archive.instance_count().await?;
    let started = Instant::now();
    acknowledge(daemon, &study, started).await?;
    let took = started.elapsed();
    let rate = f64::from(instances) / took.as_secs_f64();
    println!(
        "3. Acknowledged {instances} instances in {took:.1?} ({rate:.0} per second): each was durable on disk before its answer."
    );

    deliver(daemon, archive, &study, before + u64::from(instances)).await?;
    println!("4. Delivered to the archive by STOW-RS, {:.1?} after the first byte.", started.elapsed());

    let compared = compare(archive, &study).await?;
    println!("5. Verified: {compared} data sets in the archive are the same bytes that were sent.");
    Ok(())
}

/// One association with one C-STORE for each instance.
async fn acknowledge(daemon: &Daemon, study: &Study, started: Instant) -> anyhow::Result<()> {
    let callee = Callee {
        called: super::AE_TITLE.parse()?,
        address: daemon.dimse.to_string(),
        calling: CALLING.parse()?,
    };
    let first = study.instance(0).file_meta();
    let contexts = [(first.sop_class_uid, first.transfer_syntax)];
    let mut association = requestor::open(&callee, &contexts).await?;
    println!("2. Association {CALLING} -> {callee} accepted in {:.1?}.", started.elapsed());
    for (instance, number) in study.instances().zip((1_u16..).cycle()) {
        let data_set = stream::iter(instance.data_set().map(Ok));
        let response = requestor::store(&mut association, number, &instance.file_meta(), data_set)
            .await
            .context("the association broke")
            .or_exit(Exit::Unavailable)?
            .context("CT Image Storage was not accepted")?;
        if !response.status.is_done() {
            let comment = response.error_comment.unwrap_or_default();
            return Err(fail(
                Exit::Unavailable,
                format!("C-STORE was answered {}: {comment}", response.status),
            ));
        }
    }
    association.release().await.context("the association was not released").or_exit(Exit::Unavailable)
}

/// Waits until the archive has everything and the spool knows it.
async fn deliver(daemon: &Daemon, archive: &Origin, study: &Study, expected: u64) -> anyhow::Result<()> {
    let pending = async {
        while archive.instance_count().await? < expected || undelivered(daemon, study).await? {
            tokio::time::sleep(POLL).await;
        }
        anyhow::Ok(())
    };
    let in_time = tokio::time::timeout(DELIVERY_TIMEOUT, pending).await;
    in_time.map_err(|_| fail(Exit::Unavailable, "the study was not delivered; see `dimseway queue list`"))?
}

async fn undelivered(daemon: &Daemon, study: &Study) -> anyhow::Result<bool> {
    for state in spool::State::ALL {
        if state == spool::State::Delivered {
            continue;
        }
        let filter = Filter {
            state: Some(state),
            study_instance_uid: Some(study.study_instance_uid()),
            ..Filter::default()
        };
        if !daemon.ports.deliveries.list(&filter, None, 1).await?.lines.is_empty() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Compares every stored file with what was sent.
async fn compare(archive: &Origin, study: &Study) -> anyhow::Result<usize> {
    let mut compared = 0;
    for instance in study.instances() {
        let uid = instance.identity().sop_instance_uid.clone();
        let stored = archive.instance(&uid).await?.with_context(|| format!("{uid} is not in the archive"))?;
        let same = tokio::task::spawn_blocking(move || same_data_set(&stored.path, &instance)).await??;
        if !same {
            return Err(fail(Exit::Internal, format!("{uid} is not what was sent")));
        }
        compared += 1;
    }
    Ok(compared)
}

/// Whether the file at `path` holds exactly the data set of `instance`.
fn same_data_set(path: &std::path::Path, instance: &Instance) -> anyhow::Result<bool> {
    let mut stored = std::fs::File::open(path)?;
    let mut head = Vec::new();
    stored.by_ref().take(4096).read_to_end(&mut head)?;
    let (_, offset) = part10::read(&head)?;
    let mut stored = Read::chain(&head[offset..], stored);
    let mut buffer = Vec::new();
    for chunk in instance.data_set() {
        buffer.resize(chunk.len(), 0);
        if stored.read_exact(&mut buffer).is_err() || buffer != chunk {
            return Ok(false);
        }
    }
    Ok(stored.read(&mut [0])? == 0)
}
