//! How far a step was delivered to a sink. Kept apart from the calls, which vanish when they are made.

use instance::Uid;
use serde::{Deserialize, Serialize};
use spool::Documents;

use super::PROGRESS;

/// How far a step was delivered to a sink.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// Reports that were delivered.
    pub(super) delivered: u32,
    /// The report whose call was begun and whose outcome is not known. It is written before anything is sent, so
    /// that a process that dies in the middle does not repeat what may have been done.
    pub(super) begun: Option<u32>,
    /// Refusals of the report at hand that were counted.
    pub(super) refusals: u32,
}

/// The progress of one step and sink, and the version of its document.
pub(super) struct Kept<'a> {
    documents: &'a dyn Documents,
    key: String,
    version: Option<u64>,
    pub(super) progress: Progress,
}

impl<'a> Kept<'a> {
    pub(super) async fn load(
        documents: &'a dyn Documents,
        sop_instance_uid: &Uid,
        sink: &str,
    ) -> Result<Self, spool::Error> {
        let key = key(sop_instance_uid, sink);
        let document = documents.get(PROGRESS, &key).await?;
        let progress = document.as_ref().and_then(|document| serde_json::from_slice(&document.value).ok());
        let version = document.map(|document| document.version);
        Ok(Self { documents, key, version, progress: progress.unwrap_or_default() })
    }

    /// Writes what changed. Only the holder of the lease does so, thus a conflict is a lease that was lost.
    pub(super) async fn write(&mut self, progress: Progress) -> Result<(), spool::Error> {
        let value = serde_json::to_vec(&progress).unwrap_or_default();
        self.version = Some(self.documents.put(PROGRESS, &self.key, self.version, value).await?);
        self.progress = progress;
        Ok(())
    }
}

/// The key of a step and a sink; those of one step stand together.
pub(super) fn key(sop_instance_uid: &Uid, sink: &str) -> String {
    format!("{}/{sink}", sop_instance_uid.as_str())
}
