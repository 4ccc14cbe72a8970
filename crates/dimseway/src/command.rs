//! What each command of the command line does.

pub(crate) mod api;
pub(crate) mod calls;
pub(crate) mod check;
pub(crate) mod config;
pub(crate) mod delete;
pub(crate) mod demo;
pub(crate) mod echo;
pub(crate) mod folders;
pub(crate) mod orders;
pub(crate) mod origin;
pub(crate) mod queue;
pub(crate) mod send;
pub(crate) mod serve;
mod spool_owner;
pub(crate) mod tags;
pub(crate) mod transcode;
pub(crate) mod worklist;
