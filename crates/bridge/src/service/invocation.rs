//! A query or a retrieve that a peer has invoked, and the replies to it.

use std::sync::Arc;

use bytes::Bytes;
use dimse::{
    Category, Status,
    acse::{InformationModel, QueryRetrieveClass, QueryRetrieveOperation, QueryRetrieveOptions},
    association::PresentationContext,
    command::{CFindRq, CGetRq, CMoveRq, Operation, Response},
};
use futures::{StreamExt, stream::BoxStream};
use instance::AeTitle;
use tokio_util::sync::CancellationToken;

use super::{SubOperations, query, retrieve, worklist};
use crate::{association::Context, config::Peer};

/// Everything that a service needs to know of a C-FIND, C-MOVE or C-GET beside its command and its
/// identifier.
pub(crate) struct Invocation {
    /// (0000,0110) Message ID of the request.
    pub(crate) message_id: u16,
    /// Where the request came on; replies use its transfer syntax for their identifiers.
    pub(crate) presentation_context: PresentationContext,
    /// The SOP Class of the request, which is the abstract syntax of the presentation context.
    pub(crate) class: QueryRetrieveClass,
    /// What was negotiated for that class (PS3.4 §C.5).
    pub(crate) options: QueryRetrieveOptions,
    /// Cancelled by C-CANCEL, by a release, and when the association or the operation has ended. A C-FIND
    /// need not look at it: its replies are dropped and it is answered FE00. A C-MOVE or C-GET starts no
    /// further sub-operation then and ends its replies with FE00 and its counts (PS3.4 §C.4.2.3.1).
    pub(crate) cancelled: CancellationToken,
    /// The association.
    pub(crate) context: Arc<Context>,
    /// C-STORE sub-operations of a C-GET, on this very association.
    pub(crate) sub_operations: SubOperations,
}

impl Invocation {
    /// Calling AE title.
    pub(crate) fn calling(&self) -> &AeTitle {
        &self.context.calling
    }

    /// Called AE title: the one of those served under which the peer called.
    pub(crate) fn called(&self) -> &AeTitle {
        &self.context.called
    }

    /// The calling peer, if it is in the configuration that the association began with.
    pub(crate) fn peer(&self) -> Option<&Peer> {
        self.context.snapshot.peer(&self.context.calling)
    }

    /// A response to the request, its SOP Class named.
    pub(crate) fn response(&self, status: Status) -> Response {
        let operation = match self.class.operation {
            QueryRetrieveOperation::Find => Operation::CFind,
            QueryRetrieveOperation::Move => Operation::CMove,
            QueryRetrieveOperation::Get => Operation::CGet,
        };
        Response::new(operation, self.message_id, status)
            .affected_sop_class(&self.presentation_context.abstract_syntax)
    }
}

/// Who carries queries and retrieves out.
pub(crate) trait QueryRetrieve: Send + Sync {
    /// Answers a C-FIND.
    fn find(&self, invocation: Invocation, request: CFindRq, identifier: Bytes) -> Replies;

    /// Answers a C-MOVE.
    fn move_(&self, invocation: Invocation, request: CMoveRq, identifier: Bytes) -> Replies;

    /// Answers a C-GET.
    fn get(&self, invocation: Invocation, request: CGetRq, identifier: Bytes) -> Replies;
}

/// The services of this bridge.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Services;

impl QueryRetrieve for Services {
    fn find(&self, invocation: Invocation, request: CFindRq, identifier: Bytes) -> Replies {
        match invocation.class.model {
            InformationModel::ModalityWorklist => worklist::find(invocation, identifier),
            _ => query::find(invocation, request, identifier),
        }
    }

    fn move_(&self, invocation: Invocation, request: CMoveRq, identifier: Bytes) -> Replies {
        retrieve::move_(invocation, request, identifier)
    }

    fn get(&self, invocation: Invocation, request: CGetRq, identifier: Bytes) -> Replies {
        retrieve::get(invocation, request, identifier)
    }
}

/// One response and the identifier that goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    /// The response; whether a data set follows is written as `identifier` says.
    pub(crate) response: Response,
    /// The identifier, encoded in the transfer syntax of the presentation context.
    pub(crate) identifier: Option<Bytes>,
}

/// The replies to one request: any number of pending ones and then exactly one that is final. They are
/// polled as fast as the peer takes them and no faster, so whoever makes them needs no limit of its own,
/// and dropped with the association. What comes behind the final one is not sent; where it is missing
/// the request is answered 0110.
pub(crate) type Replies = BoxStream<'static, Reply>;

impl Reply {
    /// A reply without an identifier.
    pub(crate) const fn new(response: Response) -> Self {
        Self { response, identifier: None }
    }

    /// A reply with an identifier.
    pub(crate) const fn with_identifier(response: Response, identifier: Bytes) -> Self {
        Self { response, identifier: Some(identifier) }
    }

    /// Whether no other reply follows.
    pub(crate) fn is_final(&self) -> bool {
        self.response.status.category() != Category::Pending
    }

    /// This one as all replies to a request.
    pub(crate) fn alone(self) -> Replies {
        futures::stream::iter([self]).boxed()
    }
}
