//! Crashes, power cuts, full disks and broken networks: nothing acknowledged is lost.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test says what it expects")]

mod archive_down;
mod backlog;
mod disk_full;
mod fdatasync_before_response;
mod killed;
mod killed_in_pass_through;
mod killed_with_two_destinations;
mod kills;
mod power_cut;
mod power_cut_disk;
mod retrieve_cut;
mod silent_connections;
