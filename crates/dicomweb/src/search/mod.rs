//! Search: QIDO-RS (PS3.18 §10.6), and whether an instance is there.

mod pages;
pub(crate) mod parameters;
mod presence;
mod request;
mod stream;
#[cfg(test)]
mod tests;
mod warning;

pub use presence::Presence;
pub(crate) use request::Listing;
pub use request::{Level, MatchValue, Resource, Search, SearchLimits};
pub use stream::{SearchReport, SearchStream};
