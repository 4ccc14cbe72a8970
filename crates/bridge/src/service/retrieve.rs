//! Retrieve (PS3.4 §C.4.2, §C.4.3): C-MOVE and C-GET as service class provider.

use bytes::Bytes;
use dimse::{
    Status,
    command::{CGetRq, CMoveRq},
};

use super::{Invocation, Replies, Reply};

/// C-MOVE.
pub(crate) fn move_(invocation: Invocation, _request: CMoveRq, _identifier: Bytes) -> Replies {
    Reply::new(invocation.response(Status::SOP_CLASS_NOT_SUPPORTED)).alone()
}

/// C-GET.
pub(crate) fn get(invocation: Invocation, _request: CGetRq, _identifier: Bytes) -> Replies {
    Reply::new(invocation.response(Status::SOP_CLASS_NOT_SUPPORTED)).alone()
}
