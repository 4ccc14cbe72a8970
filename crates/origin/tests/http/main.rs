//! The origin as a client on a socket sees it.

mod retrieve;
mod search;
mod served;
mod store;
