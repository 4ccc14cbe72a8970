//! Worklists beside the archive: workitems (PS3.18 §11), scheduled procedure steps of modalities (PS3.18 §14)
//! and performed procedure steps (PS3.18 §15), each in the database of the index and found again after a
//! restart.
//!
//! The standard personality has all three; the limited one has workitems alone, with the keys, the verbs and the
//! statuses of a large cloud.

mod attributes;
mod body;
mod origin;
mod performed;
mod query;
pub(crate) mod routes;
mod rules;
mod scheduled;
mod search;
mod store;
mod workitems;

pub(crate) use rules::{DCM4CHEE, LIMITED, Rules, STANDARD};
pub(crate) use store::Store;
