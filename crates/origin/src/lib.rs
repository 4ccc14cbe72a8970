//! A small DICOMweb origin server on a folder, for `dimseway demo`, `dimseway origin` and tests.
//!
//! It stores what it receives byte for byte, finds it again by QIDO-RS, gives it back by WADO-RS and
//! deletes it on demand (PS3.18 §10). Beside the archive it has worklists: scheduled and performed procedure
//! steps of modalities (PS3.18 §14, §15) and workitems (PS3.18 §11); as [`Personality::PostDicom`] it keeps
//! [`postdicom`] orders instead. As [`Personality::Azure`] and [`Personality::Google`] it takes bearer tokens, for
//! which it has [`token`] end points; as [`Personality::Aws`] signed ones ([`aws`]). It is never in the bridge's path. It answers requests truthfully, but it is not
//! a safe archive: it does not wait for the disk before it says "stored".

mod authentication;
pub mod aws;
pub mod azure;
mod connections;
mod error;
mod fault;
pub mod google;
mod index;
mod limits;
mod media;
mod personality;
pub mod postdicom;
mod routes;
mod server;
mod storage;
pub mod synthetic;
pub mod token;
mod worklist;

pub use authentication::Credentials;
pub use error::Error;
pub use fault::{Fault, Faults, Throttle, TokenFault, UnknownFault};
pub use limits::Limits;
pub use personality::{Personality, UnknownPersonality};
pub use server::{BASE_PATH, Options, Origin, base_url, serve};
pub use storage::StoredInstance;
