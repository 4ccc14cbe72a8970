//! What the end-to-end tests stand on: a real daemon on port 0, peers and origins that follow a
//! script, real peers and origins from Debian, a network and a disk that fail on purpose.
//!
//! Nothing here shares code with the rooms under test but the names of `instance`: what goes over
//! the wire is put together and read by other hands, so that a mistake cannot cancel itself out.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test says what it expects"
)]

pub mod account;
pub mod campaign;
pub mod configuration;
pub mod daemon;
pub mod dcmtk;
pub mod destination;
pub mod embedded_origin;
pub mod fault_proxy;
pub mod find;
pub mod http;
pub mod instances;
pub mod metrics;
pub mod orthanc;
pub mod power_cut;
pub mod pydicom;
pub mod recorder;
pub mod retrieve;
pub mod scripted_origin;
pub mod scripted_peer;
pub mod sender;
pub mod skip;
pub mod step_origin;
pub mod tls;
pub mod wait;
pub mod wire;
pub mod worklist;
