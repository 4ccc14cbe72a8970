//! Every archive, through the same bridge: one suite for all of them, the tutorial of Azure, tokens that
//! end in the middle of a transfer, and what comes back from the cloud.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test says what it expects")]
#![allow(clippy::print_stdout, reason = "the figures are for whoever looks at one run")]

mod archive;
mod curl;
mod page;
mod pull;
mod requestor;
mod scenarios;
mod study;
mod suite;
mod tokens;
mod tutorial;
