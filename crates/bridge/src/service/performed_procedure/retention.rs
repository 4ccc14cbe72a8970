//! Forgetting steps that nobody needs any more.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use instance::Uid;
use spool::{Document, Documents};
use tokio_util::sync::CancellationToken;

use super::{PROGRESS, STEP, WORKLIST, progress::Kept, sink, step::Step};
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
            swept = sweep(&*documents, &mpps, SystemTime::now()) => match swept {
                Ok(0) => {}
                Ok(steps) => tracing::info!(steps, "performed procedure steps forgotten"),
                Err(error) => tracing::warn!(%error, "performed procedure steps were not looked through"),
            }
        }
    }
}

/// Deletes what is older than the retention and was delivered to every sink; tells how many.
pub(super) async fn sweep(
    documents: &dyn Documents,
    mpps: &Mpps,
    now: SystemTime,
) -> Result<usize, spool::Error> {
    let (mut after, mut deleted) = (None::<String>, 0);
    loop {
        let page = documents.documents(STEP, after.as_deref(), PAGE).await?;
        for document in &page {
            let age = now.duration_since(document.updated_at).unwrap_or_default();
            if age > mpps.retention && is_delivered(documents, mpps, document).await? {
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

async fn is_delivered(
    documents: &dyn Documents,
    mpps: &Mpps,
    document: &Document,
) -> Result<bool, spool::Error> {
    // What is no step is of no use either.
    let (Ok(step), Ok(uid)) = (Step::read(&document.value), document.key.parse::<Uid>()) else {
        return Ok(true);
    };
    for sink in sinks(mpps) {
        let kept = Kept::load(documents, &uid, sink).await?;
        // A sink that was configured later was never told.
        if kept.exists() && kept.progress.delivered < step.reports {
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
