//! What data sets need on every side: the bounded scan of a stream, character sets, DICOM JSON.
//!
//! This room is pure: bytes in, values out; no sockets, no files, no clock, no asynchronous code.
//! Only identifiers and the items of JSON, which are small, are held as a whole, and only what a
//! reader has bounded in depth is recursed on.
//!
//! - [`scan`] picks the identity and the attributes for routing and search from a passing stream,
//!   and checks small data sets before a library may see them.
//! - [`element`] splits a stream into data elements and writes them.
//! - [`character_set`] decodes and encodes text as (0008,0005) Specific Character Set says.
//! - [`json`] reads and writes the DICOM JSON Model.
//! - [`identifier`] reads and writes the identifiers of queries and their answers.
//! - [`matching`] holds answers against the keys of a query.
//! - [`document`] makes objects of documents, pictures and films.
//! - [`rewrite`] writes a passing data set in another encoding.

pub mod character_set;
pub mod document;
pub mod element;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod identifier;
mod inflate;
pub mod json;
pub mod matching;
pub mod rewrite;
pub mod scan;
