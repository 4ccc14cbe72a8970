//! Worklists of an origin server: scheduled procedure steps of modalities (PS3.18 §14) and workitems (PS3.18
//! §11).
//!
//! Both are searched, page after page, as studies are; a result that cannot be read is left out and counted in
//! [`SearchReport::unreadable`](crate::SearchReport::unreadable), so that one bad entry does not take the
//! worklist from everybody.

mod search;
#[cfg(test)]
mod tests;
mod workitem;

pub use search::WorklistSearch;
