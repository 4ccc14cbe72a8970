//! Into the spool: acknowledged when durable there, or when it was delivered from there.

use std::{sync::Arc, time::SystemTime};

use dimse::Error;
use futures::FutureExt;
use instance::Tag;
use spool::{EntryHeader, EntryTrailer, HeldReason, PayloadWriter};
use tokio::io::AsyncRead;

use super::{Request, Stored, confirmed, incoming::Incoming};
use crate::{routing::Resolved, service::Refusal};

/// Takes a data set into the spool. The commit is begun, not awaited.
pub(super) async fn take<R>(
    request: &Request<'_>,
    incoming: &mut Incoming<'_, R>,
) -> Result<Result<Stored, Refusal>, Error>
where
    R: AsyncRead + Unpin + Send,
{
    let writer = match write(request, incoming).await? {
        Ok(writer) => writer,
        Err(refusal) => return Ok(Err(refusal)),
    };
    Ok(commit(request, incoming, writer))
}

async fn write<R>(
    request: &Request<'_>,
    incoming: &mut Incoming<'_, R>,
) -> Result<Result<Box<dyn PayloadWriter>, Refusal>, Error>
where
    R: AsyncRead + Unpin + Send,
{
    let mut writer = match request.context.core.ports.payloads.begin(header(request)).await {
        Ok(writer) => writer,
        Err(error) => return Ok(Err(Refusal::Spool(error))),
    };
    while let Some(fragment) = incoming.next().await? {
        if let Some(refusal) = incoming.unreadable() {
            return Ok(Err(refusal));
        }
        if let Err(error) = writer.append(fragment).await {
            return Ok(Err(Refusal::Spool(error)));
        }
    }
    Ok(Ok(writer))
}

fn commit<R>(
    request: &Request<'_>,
    incoming: &mut Incoming<'_, R>,
    writer: Box<dyn PayloadWriter>,
) -> Result<Stored, Refusal>
where
    R: AsyncRead + Unpin + Send,
{
    let found = incoming.found()?;
    let (identity, resolved) = request.identify(found)?;
    let arrival = request.arrival(&identity);
    let Resolved { destinations, confirmed_by, held } = resolved;
    let trailer = EntryTrailer {
        identity,
        attributes: found.iter().map(|(tag, value)| (tag, value.to_vec())).collect(),
        character_set: found.get(Tag::SPECIFIC_CHARACTER_SET).unwrap_or_default().to_vec(),
        destinations,
        held: held.then_some(HeldReason::Unrouted),
    };
    // A task of its own, because the buffers stay until the commit has ended even where the association
    // does not. Those tasks are as many as the memory budget allows.
    let (committing, reserved) = (writer.commit(trailer), incoming.committing());
    let committed = tokio::spawn(async move {
        let committed = committing.await;
        drop(reserved);
        committed
    });
    let acknowledge = if confirmed_by.is_empty() { "spooled" } else { "stored" };
    let context = Arc::clone(request.context);
    let done = async move {
        let committed = committed.await.unwrap_or(Err(spool::Error::Closed)).map_err(Refusal::Spool)?;
        tracing::debug!(entry = %committed.entry_id, length = committed.length, "instance spooled");
        if held {
            tracing::warn!(entry = %committed.entry_id, "no route matches the instance; it is held for a person");
        }
        let durable = SystemTime::now();
        let confirmed = confirmed::wait(&context, committed.entry_id, confirmed_by).await;
        if let Some(arrival) = arrival {
            arrival.spooled(&committed, durable, confirmed.is_ok());
        }
        confirmed.map_err(Refusal::Destination)
    };
    Ok(Stored { acknowledge, done: done.boxed() })
}

fn header(request: &Request<'_>) -> EntryHeader {
    let context = request.context;
    EntryHeader {
        calling_ae_title: context.calling.clone(),
        called_ae_title: context.called.clone(),
        peer_address: context.peer_address,
        user: context.user.clone(),
        transfer_syntax: request.transfer_syntax.clone(),
        sop_class_uid: request.command.affected_sop_class_uid.clone(),
        sop_instance_uid: request.command.affected_sop_instance_uid.clone(),
        accepted_at: request.accepted_at,
    }
}
