//! Search: QIDO-RS (PS3.18 §10.6), and whether an instance is there.

mod pages;
mod presence;
mod request;
mod stream;

pub use presence::Presence;
pub use request::{Level, MatchValue, Resource, Search, SearchLimits};
pub use stream::{SearchReport, SearchStream};
