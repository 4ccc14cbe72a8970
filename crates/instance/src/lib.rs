//! Names and bytes of one SOP Instance: unique identifiers, AE titles, transfer syntaxes, identity
//! and Part 10 framing.
//!
//! This room is pure: no sockets, no files, no clock, no asynchronous code.

pub mod ae_title;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod identity;
mod padding;
pub mod part10;
pub mod tag;
pub mod transfer_syntax;
pub mod uid;

pub use ae_title::AeTitle;
pub use identity::Identity;
pub use tag::Tag;
pub use transfer_syntax::{Encoding, TransferSyntax};
pub use uid::Uid;

/// Implementation Class UID of Dimseway (PS3.7 §D.3.3.2), sent in every association and written in
/// every File Meta Information. The form is derived from a UUID as PS3.5 §B.2 allows, so that it
/// needs no registered root.
pub const IMPLEMENTATION_CLASS_UID: &str = "2.25.68871587361234432567076829752326525006";

/// Implementation Version Name of Dimseway (PS3.7 §D.3.3.2): at most 16 characters, the same for
/// every release of one minor version because archives may compare File Meta Information.
pub const IMPLEMENTATION_VERSION_NAME: &str = "DIMSEWAY_0.1";
