//! AWS HealthImaging: DICOMweb below `/datastore/{id}`, with requests signed by AWS Signature Version 4, and
//! where access keys come from.
//!
//! From its Developer Guide, "Using DICOMweb":
//!
//! - Six search resources with the keys that the guide lists; `limit` is 1 to 1000, `offset` up to 1,000,000.
//! - Retrieves of one instance at a time, as a single part: in Explicit VR Little Endian unless the request
//!   names another transfer syntax, or `*` for the one it is stored in. Metadata of a series or an instance.
//!   No whole studies or series, no DELETE.
//! - Store requests of up to 1 GB, whose data may come in chunks with a signature each.
//! - An instance that does not fit to its study or series, or whose UID is there with other content, is named as
//!   stored and goes to an image set of its own, where only a request finds it that names the image set.
//!
//! The real service keeps frames that came without loss in HTJ2K. This one keeps each instance as it came and
//! changes native data alone, so that a compressed instance is given as it is stored, or not at all (406); and
//! what would go to another image set it does not keep.
//!
//! Signatures are checked by code that shares nothing with the client's.

mod body;
mod canonical;
mod fault;
mod keys;
mod options;
mod retrieve;
mod routes;
mod security_token_service;
mod signature;

pub use options::{Addresses, Options};
pub(crate) use routes::{Gate, router};

/// Path below which the DICOMweb resources of the data store stand.
pub(crate) const BASE_PATH: &str = "/datastore/d9a2a515ab294163a2d2f4069eed584c";
