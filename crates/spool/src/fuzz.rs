//! What a fuzzer does with the bytes that this room finds on its disk, and a plain test with the corpus.

pub use crate::local::fuzz::{TARGETS, Target};

#[cfg(test)]
#[path = "../../../tests/fuzz/replay.rs"]
mod replay;
