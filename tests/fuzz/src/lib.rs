//! What stands between libFuzzer and the targets of a room: which target runs, and what it may allocate.
#![cfg(fuzzing)]

use std::alloc::System;
use std::sync::OnceLock;

use cap::Cap;

/// A target and its name.
pub type Target = (&'static str, fn(&[u8]));

/// Names the target of this process.
const VARIABLE: &str = "DIMSEWAY_FUZZ_TARGET";
/// Bytes that a target may hold beyond what it held before, whatever its input: 4 MiB, for the buffers that
/// readers make before they look.
const ALLOCATION_MAX: usize = 4 << 20;
/// Bytes that it may hold for each byte of its input: 256. JSON takes some 50 times its length at worst, and
/// targets read their input several times.
const ALLOCATION_PER_BYTE_MAX: usize = 256;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// Runs the target that the environment names. Where it allocates beyond its limit, the process ends.
pub fn run(targets: &'static [Target], bytes: &[u8]) {
    static CHOSEN: OnceLock<fn(&[u8])> = OnceLock::new();
    let target = CHOSEN.get_or_init(|| {
        let name = std::env::var(VARIABLE).unwrap_or_default();
        let found = targets.iter().find(|(known, _)| *known == name);
        found.unwrap_or_else(|| panic!("{VARIABLE}={name} names no target of this room")).1
    });
    let limit = ALLOCATION_MAX + ALLOCATION_PER_BYTE_MAX * bytes.len();
    // A limit that is set below what is held already would end the process at once.
    let _ = ALLOCATOR.set_limit(ALLOCATOR.allocated() + limit);
    target(bytes);
    let _ = ALLOCATOR.set_limit(usize::MAX);
}
