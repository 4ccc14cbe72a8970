//! The walls of the house: what the rooms may use, how large a file may grow, what a source may not say.
#![allow(clippy::expect_used, reason = "a test says what it expects")]

mod citations;
mod conformance_statement;
mod invariants;
mod links;
mod log_lines;
mod rooms;
mod sizes;
mod sources;
mod words;
