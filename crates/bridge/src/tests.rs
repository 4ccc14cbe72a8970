//! The bridge as a whole: a real listener, a real spool in a temporary directory, an origin that
//! does what a test tells it to.

mod answers_of_azure;
mod at_azure;
mod delivering;
mod memory;
mod origin;
mod pacing;
mod passing_through;
mod postdicom;
mod pulling;
mod querying;
mod re_encoding;
mod receiving;
mod reporting;
mod retrieving;
pub(crate) mod site;
mod stopping;
mod tokens;
mod worklist;
