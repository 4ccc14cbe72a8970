//! Query (PS3.4 §C.4.1): C-FIND as service class provider, and what exists for C-MOVE and C-GET.
//!
//! - [`listing`] lists the instances below what a retrieve names.

mod error;
pub(crate) mod listing;
mod origins;

use bytes::Bytes;
use dimse::{Status, command::CFindRq};

pub(crate) use self::{
    error::QueryError,
    listing::{ListedInstance, Scope, Source, list},
    origins::origins,
};
use super::{Invocation, Replies, Reply};

/// C-FIND: the matches as pending replies, and the final one.
pub(crate) fn find(invocation: Invocation, _request: CFindRq, _identifier: Bytes) -> Replies {
    Reply::new(invocation.response(Status::SOP_CLASS_NOT_SUPPORTED)).alone()
}
