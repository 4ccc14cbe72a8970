//! Crashes, power cuts, full disks and broken networks: nothing acknowledged is lost.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test says what it expects")]

mod power_cut_disk;
