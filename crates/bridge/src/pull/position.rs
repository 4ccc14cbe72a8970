//! How far a pull has come, kept in a document of the spool.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use spool::{Documents, Error};

use super::fault::Fault;
use super::held::HeldInstances;

/// The kind of the documents, one for each pull.
const KIND: &str = "pull";

/// Most studies that are remembered. 20,000: the week of a large hospital, in two of the four megabytes of
/// a document.
pub(super) const STUDIES_MAX: usize = 20_000;

/// What is written down.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Position {
    /// The origin that it is about. That of another one says nothing.
    pub(super) origin: String,
    /// The last change that was done with.
    pub(super) change: Option<LastChange>,
    /// Studies that were done with; none before the first round.
    pub(super) studies: Option<BTreeMap<String, Seen>>,
    /// When the last search began that everything came of, in seconds since 1970 by the origin's clock.
    pub(super) searched: Option<i64>,
    /// Since when that stays where it is because of studies that cannot be had, in seconds since 1970, where all
    /// others are done with.
    pub(super) kept_back: Option<i64>,
    /// Instances that could not be had while others could, and are asked for again now and then.
    pub(super) held: HeldInstances,
}

/// A place in a list of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LastChange {
    pub(super) timestamp: Timestamp,
    pub(super) sequence: u64,
}

/// A study that was done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    /// (0020,1208) Number of Study Related Instances at that time, where the origin gave it.
    pub(super) instances: Option<i64>,
    /// When it was first seen, in seconds since 1970.
    pub(super) since: i64,
    /// Whether it was there before the pull began, and was not pulled.
    #[serde(default)]
    pub(super) before: bool,
    /// Whether its instances were listed since it has stopped growing.
    #[serde(default)]
    pub(super) grown: bool,
}

/// A position and its document.
pub(super) struct Kept {
    documents: Arc<dyn Documents>,
    name: String,
    version: Option<u64>,
    written: Position,
    pub(super) position: Position,
}

impl Kept {
    /// Reads the position of a pull from an origin; a new one where there is none.
    ///
    /// # Errors
    /// The own spool; a position that cannot be read: a new one would pass over what came since the old one.
    pub(super) async fn read(documents: Arc<dyn Documents>, name: &str, origin: &str) -> Result<Self, Fault> {
        let document = documents.get(KIND, name).await?;
        let version = document.as_ref().map(|document| document.version);
        let read = document.map(|document| serde_json::from_slice::<Position>(&document.value)).transpose();
        let unreadable = "how far the pull has come cannot be read, and nothing is passed over on a guess: give it \
                          another `name`, and `since` a day from which on all is to be looked at";
        let read = read
            .map_err(|_| Fault::List(unreadable.to_owned()))?
            .filter(|position| position.origin == origin);
        let position = read.unwrap_or_else(|| Position { origin: origin.to_owned(), ..Position::default() });
        Ok(Self { documents, name: name.to_owned(), version, written: position.clone(), position })
    }

    /// Writes the position down, durable when the call returns, where it has changed.
    ///
    /// # Errors
    /// [`Error::Conflict`] where somebody else runs the same pull.
    pub(super) async fn write(&mut self) -> Result<(), Error> {
        if self.position == self.written && self.version.is_some() {
            return Ok(());
        }
        let value = serde_json::to_vec(&self.position).map_err(|error| Error::Index(error.to_string()))?;
        let version = self.documents.put(KIND, &self.name, self.version, value).await?;
        self.version = Some(version);
        self.written = self.position.clone();
        Ok(())
    }
}

impl Serialize for LastChange {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (self.timestamp.to_string(), self.sequence).serialize(to)
    }
}

impl<'de> Deserialize<'de> for LastChange {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let (timestamp, sequence) = <(String, u64)>::deserialize(from)?;
        let timestamp = timestamp.parse().map_err(serde::de::Error::custom)?;
        Ok(Self { timestamp, sequence })
    }
}

#[cfg(test)]
mod tests {
    use super::super::held::tests::job;
    use super::*;
    use crate::tests::site::spool_in;

    #[tokio::test]
    async fn a_position_is_found_again_and_belongs_to_its_origin() {
        let directory = tempfile::tempdir().unwrap();
        let documents: Arc<dyn Documents> = Arc::new(spool_in(directory.path()).await);
        let read = |origin: &'static str| Kept::read(Arc::clone(&documents), "back", origin);
        let mut kept = read("cloud").await.unwrap();
        let change =
            LastChange { timestamp: "2026-11-22T10:00:00.1234567Z".parse().unwrap(), sequence: u64::MAX };
        kept.position.change = Some(change);
        let seen = Seen { instances: Some(7), since: 1_700_000_000, before: false, grown: true };
        kept.position.studies = Some(BTreeMap::from([("1.2.3".to_owned(), seen)]));
        assert!(kept.position.held.hold(&job(1), "refused".to_owned(), Timestamp::now()));
        kept.write().await.unwrap();
        let again = read("cloud").await.unwrap();
        assert_eq!(again.position, kept.position);
        assert_eq!(read("other").await.unwrap().position.change, None);

        kept.position.change = None;
        kept.write().await.unwrap();
        let mut late = again;
        late.position.studies = None;
        assert!(matches!(late.write().await, Err(Error::Conflict { .. })), "two that run the same pull");
    }

    #[tokio::test]
    async fn a_position_that_cannot_be_read_is_no_beginning() {
        let directory = tempfile::tempdir().unwrap();
        let documents: Arc<dyn Documents> = Arc::new(spool_in(directory.path()).await);
        documents.put(KIND, "back", None, b"{\"change\":7}".to_vec()).await.unwrap();
        assert!(Kept::read(Arc::clone(&documents), "back", "cloud").await.is_err());
        assert!(Kept::read(documents, "other", "cloud").await.is_ok());
    }
}
