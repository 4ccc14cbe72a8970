//! Which results have been shown.

use std::{
    borrow::Cow,
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

use dataset::json::Item;
use instance::Tag;

use super::level::Level;

/// What tells patients apart where they have no ID.
const PATIENT_BIRTH_DATE: Tag = Tag(0x0010, 0x0030);

/// Results that have been shown, as 64 bits of a keyed hash each: about 20 bytes for a result. That two
/// of 100,000 have the same is less likely than 1 in 3,000,000,000.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    state: RandomState,
    hashes: HashSet<u64>,
}

impl Seen {
    /// Whether the result was not there before. Patients are the same by ID and issuer.
    pub(crate) fn insert(&mut self, level: Level, row: &Item) -> bool {
        let hash = self.hash(level, row);
        self.hashes.insert(hash)
    }

    /// Whether the result was there before.
    pub(crate) fn contains(&self, level: Level, row: &Item) -> bool {
        self.hashes.contains(&self.hash(level, row))
    }

    /// Whether a patient was there before whose origin does not tell issuers. One that is known from the
    /// spool, with its issuer, is the same.
    pub(crate) fn contains_of_any_issuer(&self, level: Level, row: &Item) -> bool {
        let id = row.text(level.unique_key()).filter(|_| level == Level::Patient);
        id.is_some_and(|id| self.hashes.contains(&self.state.hash_one((&id, None::<Cow<'_, str>>))))
    }

    fn hash(&self, level: Level, row: &Item) -> u64 {
        let id = row.text(level.unique_key());
        match (level, &id) {
            (Level::Patient, Some(id)) => self.state.hash_one((id, row.text(Tag::ISSUER_OF_PATIENT_ID))),
            (Level::Patient, None) => {
                self.state.hash_one((row.text(Tag::PATIENT_NAME), row.text(PATIENT_BIRTH_DATE)))
            }
            (_, id) => self.state.hash_one(id),
        }
    }
}
