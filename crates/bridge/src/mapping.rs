//! From the words of one side to those of the other.

pub mod status;
