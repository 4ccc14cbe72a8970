//! C-FIND: a generated archive of 2,000 studies behind the bridge, and what is found in it.

mod expected;
mod keys;
mod matcher;
mod random;
mod requestors;
mod same_results;
mod table;
