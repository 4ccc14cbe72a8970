//! The targets of `instance`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::run(instance::fuzz::TARGETS, bytes));

/// Without the flags of `cargo xtask fuzz` there is nothing to run.
#[cfg(not(fuzzing))]
fn main() {}
