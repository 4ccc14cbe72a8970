//! PS3.18 user agent: store, search, retrieve; authentication; multipart.
//!
//! This room speaks HTTP and knows no DIMSE status. It states what an origin server answered about
//! each instance ([`store::InstanceOutcome`]) and what can be done about an error
//! ([`error::Remedy`]); what follows from that for the spool or for a modality is decided elsewhere.

mod answer;
pub mod auth;
pub mod change_feed;
pub mod client;
pub mod delete;
pub mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod media_type;
pub mod multipart;
pub mod pace;
mod patience;
pub mod performed_procedure;
pub mod probe;
pub mod profile;
pub mod proxy;
pub mod retrieve;
pub mod search;
mod single;
pub mod store;
#[cfg(test)]
mod testing;
pub mod timeouts;
pub mod tls;
mod transport;
pub mod url;
pub mod worklist;

pub use auth::Credentials;
pub use client::{Client, ClientConfig};
pub use delete::{Delete, Deleted};
pub use error::{Error, Remedy};
pub use pace::{Pace, Precedence, RateLimit};
pub use probe::Examination;
pub use profile::Profile;
pub use proxy::Proxy;
pub use retrieve::{Accept, Retrieve, Retrieved, RetrievedInstance};
pub use search::{Level, MatchValue, Presence, Resource, Search, SearchLimits, SearchReport, SearchStream};
pub use store::{AnswerBody, InstanceOutcome, StoreAnswer, StorePart};
pub use timeouts::Timeouts;
pub use tls::Tls;
pub use url::BaseUrl;
pub use worklist::WorklistSearch;

/// An error of a stream that this room only passes on.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
