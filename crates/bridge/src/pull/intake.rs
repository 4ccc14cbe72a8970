//! One instance from an origin into the spool, as a stream.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use dataset::scan::{Attributes, Progress, ScanLimits, Scanner, Wanted};
use dicomweb::{Accept, Retrieve, RetrievedInstance};
use futures::StreamExt;
use instance::{AeTitle, Tag, Uid};
use spool::{EntryHeader, EntryTrailer};

use super::fault::Fault;
use super::known;
use super::round::Job;
use crate::bridge::Core;
use crate::config::Pull;
use crate::service::storage::ATTRIBUTES;
use crate::snapshot::{Origin, Snapshot};
use crate::trace::Arrival;

/// An instance at the origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanting {
    pub(super) study: Uid,
    pub(super) series: Uid,
    pub(super) instance: Uid,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pulled {
    /// It is durable in the spool.
    Taken,
    /// It is not of a wanted modality.
    Unwanted,
}

/// Streams an instance into the spool; it is durable there when this returns. That it is not there is a fault like
/// others: it was listed, and where it has been deleted since, it is not listed the next time.
pub(super) async fn take(
    core: &Arc<Core>,
    snapshot: &Snapshot,
    origin: &Origin,
    pull: &Pull,
    job: &Job,
) -> Result<Pulled, Fault> {
    let wanting = &job.wanting;
    let _reserved = core.memory.receiving().await;
    let retrieve = Retrieve {
        study: wanting.study.clone(),
        series: Some(wanting.series.clone()),
        instance: Some(wanting.instance.clone()),
        transfer_syntax: Accept::Any,
    };
    let began = Instant::now();
    let retrieved = origin.bulk.retrieve(&retrieve).await;
    core.metrics.count_origin_request(&origin.name, "wado", began.elapsed(), retrieved.as_ref().err());
    let Some(instance) = retrieved?.next_part().await? else {
        return Err(Fault::Instance("the answer holds no instance".to_owned()));
    };
    spool(core, snapshot, pull, job, instance).await
}

async fn spool(
    core: &Core,
    snapshot: &Snapshot,
    pull: &Pull,
    job: &Job,
    instance: RetrievedInstance,
) -> Result<Pulled, Fault> {
    let unreadable = |error| Fault::Instance(format!("the data set cannot be read: {error}"));
    let RetrievedInstance { file_meta, mut data_set, .. } = instance;
    let encoding = file_meta.transfer_syntax.encoding();
    let mut scanner = Some(Scanner::new(encoding, Wanted::identity().and(ATTRIBUTES), ScanLimits::default()));
    let mut found: Option<Attributes> = None;
    let title = snapshot.config.served.first().map(|served| served.title.clone());
    let title = title.ok_or_else(|| Fault::Instance("no AE title is served".to_owned()))?;
    let header = header(pull, job, title, &file_meta);
    let mut writer = core.ports.payloads.begin(header.clone()).await?;
    let mut length = 0;
    while let Some(bytes) = data_set.next().await {
        let bytes = bytes?;
        length += bytes.len() as u64;
        if let Some(mut running) = scanner.take() {
            match running.push(&bytes).map_err(unreadable)? {
                Progress::NeedMore => scanner = Some(running),
                Progress::Done => found = Some(running.finish().map_err(unreadable)?),
            }
            let modality = found.as_ref().and_then(|found| found.text(Tag::MODALITY));
            if found.is_some() && !pull.wants(modality.as_deref()) {
                return Ok(Pulled::Unwanted);
            }
        }
        writer.append(bytes).await?;
    }
    let found = match (found, scanner) {
        (Some(found), _) => found,
        (None, Some(scanner)) => scanner.finish().map_err(unreadable)?,
        (None, None) => return Err(Fault::Instance("the data set has no identity".to_owned())),
    };
    if !pull.wants(found.text(Tag::MODALITY).as_deref()) {
        return Ok(Pulled::Unwanted);
    }
    let trailer = trailer(pull, &found)?;
    // Its File Meta Information may say what it likes: it is delivered by what it says itself.
    if trailer.identity.sop_instance_uid != job.wanting.instance {
        return Err(Fault::Instance("the answer holds another instance".to_owned()));
    }
    let arrival = Arrival::pulled(&pull.origin, &trailer.identity, &header);
    let committed = writer.commit(trailer).await?;
    if let Some(arrival) = arrival {
        arrival.spooled(&committed, SystemTime::now(), true);
    }
    core.metrics.pull_bytes.with_label_values(&[&pull.name]).inc_by(length);
    Ok(Pulled::Taken)
}

/// No association brought it: the bridge's own title stands for the peer's, and the pull for the user.
fn header(pull: &Pull, job: &Job, title: AeTitle, meta: &instance::part10::FileMeta) -> EntryHeader {
    EntryHeader {
        calling_ae_title: title.clone(),
        called_ae_title: title,
        peer_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        user: Some(known::user(pull, job.changed)),
        transfer_syntax: meta.transfer_syntax.clone(),
        sop_class_uid: meta.sop_class_uid.clone(),
        sop_instance_uid: job.wanting.instance.clone(),
        accepted_at: SystemTime::now(),
    }
}

fn trailer(pull: &Pull, found: &Attributes) -> Result<EntryTrailer, Fault> {
    let identity = found.identity().map_err(|error| Fault::Instance(error.to_string()))?;
    Ok(EntryTrailer {
        identity,
        attributes: found.iter().map(|(tag, value)| (tag, value.to_vec())).collect(),
        character_set: found.get(Tag::SPECIFIC_CHARACTER_SET).unwrap_or_default().to_vec(),
        destinations: pull.to.clone(),
        held: None,
    })
}
