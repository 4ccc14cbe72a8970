//! From the words of one side to those of the other.

pub(crate) mod identifier_to_orders;
pub(crate) mod identifier_to_search;
pub mod status;
