//! Real peers and real origins: DCMTK, pynetdicom, Orthanc, and the files of many makers.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test says what it expects")]
#![allow(clippy::print_stdout, reason = "the figures are for whoever looks at one run")]

mod bit_preservation;
mod metrics;
mod orthanc;
mod own_hands;
mod performed_procedure;
mod program;
mod pynetdicom;
mod query;
mod retrieve;
mod senders;
mod site;
mod test_files;
mod transcoding;
mod verification;
mod worklist;
