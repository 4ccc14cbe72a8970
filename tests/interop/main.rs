//! Real peers and real origins: DCMTK, pynetdicom, Orthanc, and the files of many makers.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test says what it expects")]

mod bit_preservation;
mod metrics;
mod orthanc;
mod own_hands;
mod program;
mod senders;
mod site;
mod test_files;
mod verification;
