//! The targets of `spool`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::run(spool::fuzz::TARGETS, bytes));

/// Without the flags of `cargo xtask fuzz` there is nothing to run.
#[cfg(not(fuzzing))]
fn main() {}
