//! Forgetting steps that nobody needs any more.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use spool::{Document, Documents, Outbox};
use tokio_util::sync::CancellationToken;

use super::{CALL, PROGRESS, STEP, WORKLIST, sink};
use crate::{config::Mpps, snapshot::Snapshot};

/// From one look at all steps to the next. 1 h: the documents are read one by one.
const EVERY: Duration = Duration::from_secs(3600);

/// Steps that are read at a time. 4: each may have some megabytes.
const PAGE: usize = 4;

/// Entries of the worklist that are read at a time. 100: each has some kilobytes at most.
const ENTRIES_PAGE: usize = 100;

/// Deletes steps whose time is over, until it is told to stop.
pub(crate) async fn run(
    documents: Arc<dyn Documents>,
    outbox: Arc<dyn Outbox>,
    snapshot: Arc<ArcSwap<Snapshot>>,
    stop: CancellationToken,
) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let Some(mpps) = snapshot.load().config.mpps.clone() else { continue };
        tokio::select! {
            () = stop.cancelled() => return,
            swept = sweep(&*documents, &*outbox, &mpps, SystemTime::now()) => match swept {
                Ok(0) => {}
                Ok(steps) => tracing::info!(steps, "performed procedure steps forgotten"),
                Err(error) => tracing::warn!(%error, "performed procedure steps were not looked through"),
            }
        }
    }
}

/// Deletes what is older than the retention and of which no report waits; tells how many.
pub(super) async fn sweep(
    documents: &dyn Documents,
    outbox: &dyn Outbox,
    mpps: &Mpps,
    now: SystemTime,
) -> Result<usize, spool::Error> {
    let (mut after, mut deleted) = (None::<String>, 0);
    loop {
        let page = documents.documents(STEP, after.as_deref(), PAGE).await?;
        for document in &page {
            let age = now.duration_since(document.updated_at).unwrap_or_default();
            if age > mpps.retention && is_over(outbox, mpps, &document.key).await? {
                delete(documents, mpps, document).await?;
                deleted += 1;
            }
        }
        let Some(last) = page.into_iter().next_back() else { break };
        after = Some(last.key);
    }
    sweep_entries(documents, mpps, now).await?;
    Ok(deleted)
}

/// Forgets which steps belonged to entries of the worklist that are long over.
async fn sweep_entries(documents: &dyn Documents, mpps: &Mpps, now: SystemTime) -> Result<(), spool::Error> {
    let mut after = None::<String>;
    loop {
        let page = documents.documents(sink::BY_ENTRY, after.as_deref(), ENTRIES_PAGE).await?;
        for document in &page {
            if now.duration_since(document.updated_at).unwrap_or_default() > mpps.retention {
                forget(documents, sink::BY_ENTRY, &document.key).await?;
            }
        }
        let Some(last) = page.into_iter().next_back() else { return Ok(()) };
        after = Some(last.key);
    }
}

fn sinks(mpps: &Mpps) -> impl Iterator<Item = &str> {
    let names = mpps.sinks.iter().map(|sink| sink.name.as_str());
    names.chain(mpps.update_worklist.then_some(WORKLIST))
}

/// Whether every report of a step was delivered or discarded.
async fn is_over(outbox: &dyn Outbox, mpps: &Mpps, sop_instance_uid: &str) -> Result<bool, spool::Error> {
    for sink in sinks(mpps) {
        if outbox.first_call(CALL, &format!("{sink}/{sop_instance_uid}")).await?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn delete(documents: &dyn Documents, mpps: &Mpps, document: &Document) -> Result<(), spool::Error> {
    for name in sinks(mpps) {
        let key = format!("{}/{name}", document.key);
        forget(documents, PROGRESS, &key).await?;
    }
    forget(documents, sink::ENTRIES, &document.key).await?;
    match documents.delete(STEP, &document.key, document.version).await {
        // It was changed in this moment, and stays.
        Err(spool::Error::Conflict { .. }) => Ok(()),
        deleted => deleted,
    }
}

async fn forget(documents: &dyn Documents, kind: &str, key: &str) -> Result<(), spool::Error> {
    let Some(document) = documents.get(kind, key).await? else { return Ok(()) };
    match documents.delete(kind, key, document.version).await {
        Err(spool::Error::Conflict { .. }) => Ok(()),
        deleted => deleted,
    }
}
