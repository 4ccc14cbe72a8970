//! How far steps have come, as modalities report it by MPPS: the seam to that service.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwap;
use spool::Documents;
use tokio::sync::Mutex;

use super::EntryKey;

/// The kind of the documents, one for each step that is not as its source has it.
const KIND: &str = "worklist_step";

/// Documents that are read at a time.
const PAGE: usize = 500;

/// (0040,0020) Scheduled Procedure Step Status, as far as an MPPS changes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StepStatus {
    /// Not begun, whatever the source says.
    Scheduled,
    /// An MPPS is IN PROGRESS.
    Started,
    /// An MPPS is COMPLETED.
    Completed,
    /// An MPPS is DISCONTINUED.
    Discontinued,
}

/// The status of steps, kept in documents. Cloning gives another handle.
#[derive(Clone)]
pub struct State {
    documents: Arc<dyn Documents>,
    /// Read by every query, made anew for each MPPS.
    statuses: Arc<ArcSwap<HashMap<EntryKey, Kept>>>,
    /// Changes are made one after the other.
    turn: Arc<Mutex<()>>,
}

#[derive(Debug, Clone, Copy)]
struct Kept {
    status: StepStatus,
    since: SystemTime,
}

impl StepStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Scheduled, Self::Started, Self::Completed, Self::Discontinued];

    /// The value of (0040,0020) (PS3.3 §C.4.10).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "SCHEDULED",
            Self::Started => "STARTED",
            Self::Completed => "COMPLETED",
            Self::Discontinued => "DISCONTINUED",
        }
    }

    /// Reads a value of (0040,0020).
    pub(super) fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

impl State {
    pub(super) fn new(documents: Arc<dyn Documents>) -> Self {
        Self { documents, statuses: Arc::default(), turn: Arc::default() }
    }

    /// The status of a step; none where no MPPS told of it.
    #[must_use]
    pub fn status(&self, key: &EntryKey) -> Option<StepStatus> {
        self.statuses.load().get(key).map(|kept| kept.status)
    }

    /// Sets the status of a step. It is durable when this returns, and the next query goes by it.
    ///
    /// # Errors
    /// [`spool::Error::Full`] and the like; the status is as before.
    pub async fn set_status(&self, key: &EntryKey, status: StepStatus) -> Result<(), spool::Error> {
        let _turn = self.turn.lock().await;
        let name = key.to_string();
        loop {
            let version = self.documents.get(KIND, &name).await?.map(|document| document.version);
            match self.documents.put(KIND, &name, version, status.as_str().into()).await {
                // Another replica was faster; what is told last counts.
                Err(spool::Error::Conflict { .. }) => {}
                written => {
                    written?;
                    break;
                }
            }
        }
        let kept = Kept { status, since: SystemTime::now() };
        self.change(|statuses| _ = statuses.insert(key.clone(), kept));
        Ok(())
    }

    /// Reads what is kept, by this replica or another one.
    pub(super) async fn load(&self) -> Result<(), spool::Error> {
        let _turn = self.turn.lock().await;
        let (mut statuses, mut after) = (HashMap::new(), None::<String>);
        loop {
            let page = self.documents.documents(KIND, after.as_deref(), PAGE).await?;
            for document in &page {
                let Some((source, id)) = document.key.split_once('/') else { continue };
                let Some(status) = std::str::from_utf8(&document.value).ok().and_then(StepStatus::read)
                else {
                    continue;
                };
                statuses.insert(EntryKey::new(source, id), Kept { status, since: document.updated_at });
            }
            let Some(last) = page.into_iter().next_back() else { break };
            after = Some(last.key);
        }
        self.statuses.store(Arc::new(statuses));
        Ok(())
    }

    /// Forgets what is older than `retention` about steps of `source` that are not among `present`.
    pub(super) async fn prune(
        &self,
        source: &str,
        present: &HashSet<&EntryKey>,
        retention: Duration,
    ) -> Result<(), spool::Error> {
        let now = SystemTime::now();
        let is_old = |kept: &Kept| now.duration_since(kept.since).is_ok_and(|age| age > retention);
        let statuses = self.statuses.load_full();
        let gone = statuses
            .iter()
            .filter(|(key, kept)| *key.source == *source && is_old(kept) && !present.contains(key));
        for (key, _) in gone {
            let _turn = self.turn.lock().await;
            let name = key.to_string();
            if let Some(document) = self.documents.get(KIND, &name).await?
                && let Err(error) = self.documents.delete(KIND, &name, document.version).await
                && !matches!(error, spool::Error::Conflict { .. })
            {
                return Err(error);
            }
            self.change(|statuses| _ = statuses.remove(key));
        }
        Ok(())
    }

    fn change(&self, change: impl FnOnce(&mut HashMap<EntryKey, Kept>)) {
        let mut statuses = HashMap::clone(&self.statuses.load());
        change(&mut statuses);
        self.statuses.store(Arc::new(statuses));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::site::spool_in;

    #[tokio::test]
    async fn a_status_survives_a_restart_and_is_forgotten_with_its_step() {
        let directory = tempfile::tempdir().unwrap();
        let documents: Arc<dyn Documents> = Arc::new(spool_in(directory.path()).await);
        let state = State::new(Arc::clone(&documents));
        let keys = ["a", "b/c"].map(|id| EntryKey::new("ris", id));
        state.set_status(&keys[0], StepStatus::Started).await.unwrap();
        state.set_status(&keys[0], StepStatus::Completed).await.unwrap();
        state.set_status(&keys[1], StepStatus::Discontinued).await.unwrap();
        let again = State::new(documents);
        assert_eq!(again.status(&keys[0]), None);
        again.load().await.unwrap();
        assert_eq!(
            keys.each_ref().map(|key| again.status(key)),
            [Some(StepStatus::Completed), Some(StepStatus::Discontinued)]
        );
        again.prune("ris", &HashSet::from([&keys[0]]), Duration::ZERO).await.unwrap();
        assert_eq!((again.status(&keys[0]).is_some(), again.status(&keys[1])), (true, None));
        again.load().await.unwrap();
        assert_eq!(again.status(&keys[1]), None, "in the documents too");
    }
}
