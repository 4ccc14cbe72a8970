//! The loop against requestors that behave well and badly, with services that do what a test tells them.

mod broken;
mod query;
mod retrieve;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use dimse::{
    Status, abort_for,
    acse::{
        InformationModel, QueryRetrieveClass, QueryRetrieveOperation, RoleSelection, Roles, acceptor,
        sop_class,
    },
    association::{PresentationContext, Settings},
    command::{CFindRq, CGetRq, CMoveRq, Response, SubOperations as Counts},
    requestor::{self, Proposal, Received, RequestorAssociation},
};
use futures::{StreamExt, stream};
use instance::{TransferSyntax, Uid};
use tempfile::TempDir;
use tokio::{io::DuplexStream, task::JoinHandle};

use super::*;
use crate::{
    Bridge, Metrics, Ports,
    association::negotiate,
    config::Config,
    service::{Invocation, Replies, Reply, SubOperationError},
    snapshot::Snapshot,
    tests::site,
};

const CT: &str = "1.2.840.10008.5.1.4.1.1.2";

/// Answers every query and retrieve as a closure says.
struct Told<F>(F);

impl<F> QueryRetrieve for Told<F>
where
    F: Fn(Invocation, Bytes) -> Replies + Send + Sync,
{
    fn find(&self, invocation: Invocation, _: CFindRq, identifier: Bytes) -> Replies {
        (self.0)(invocation, identifier)
    }

    fn move_(&self, invocation: Invocation, _: CMoveRq, identifier: Bytes) -> Replies {
        (self.0)(invocation, identifier)
    }

    fn get(&self, invocation: Invocation, _: CGetRq, identifier: Bytes) -> Replies {
        (self.0)(invocation, identifier)
    }
}

/// Counts what is alive.
#[derive(Clone, Default)]
struct Alive(Arc<AtomicUsize>);

struct One(Alive);

impl Alive {
    fn one(&self) -> One {
        self.0.fetch_add(1, Ordering::SeqCst);
        One(self.clone())
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Waits until `count` are.
    async fn become_(&self, count: usize) {
        let reached = async {
            while self.count() != count {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), reached).await.unwrap();
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn class(operation: QueryRetrieveOperation) -> QueryRetrieveClass {
    QueryRetrieveClass { model: InformationModel::StudyRoot, operation }
}

fn explicit() -> TransferSyntax {
    TransferSyntax::new(instance::transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN.parse().unwrap())
}

fn implicit() -> TransferSyntax {
    TransferSyntax::new(instance::transfer_syntax::IMPLICIT_VR_LITTLE_ENDIAN.parse().unwrap())
}

/// A final reply.
fn done(invocation: &Invocation, status: Status) -> Reply {
    Reply::new(invocation.response(status))
}

/// Pending replies without end, numbered in their identifiers behind that of the request.
fn endless(invocation: Invocation, identifier: Bytes, guard: One) -> Replies {
    let pending = move |number: u32| {
        let _alive = &guard;
        let numbered = [&identifier[..], &number.to_be_bytes()].concat();
        Reply::with_identifier(invocation.response(Status::PENDING), numbered.into())
    };
    stream::iter(0..).map(pending).boxed()
}

/// An association with a bridge behind it, which runs until it ends.
struct Site {
    association: RequestorAssociation<DuplexStream>,
    served: JoinHandle<Result<End, Error>>,
    bridge: Bridge,
    _directory: TempDir,
}

/// How a test differs from the usual.
struct Setting {
    config: Config,
    proposal: Proposal,
    /// Bytes between the two ends.
    transport: usize,
}

impl Setting {
    fn new() -> Self {
        let config = site::config(&[("archive", "127.0.0.1:1".parse().unwrap())]);
        let proposal = Proposal::new("DIMSEWAY".parse().unwrap(), "WS1".parse().unwrap());
        let mut contexts: Vec<_> = QueryRetrieveClass::ALL
            .into_iter()
            .filter(|class| class.model == InformationModel::StudyRoot)
            .map(|class| (class.uid(), vec![explicit()]))
            .collect();
        contexts.push((sop_class::VERIFICATION.parse().unwrap(), vec![implicit()]));
        contexts.push((CT.parse().unwrap(), vec![implicit(), explicit()]));
        let role =
            RoleSelection { sop_class_uid: CT.parse().unwrap(), roles: Roles { scu: false, scp: true } };
        let proposal = Proposal { presentation_contexts: contexts, role_selections: vec![role], ..proposal };
        Self { config, proposal, transport: 1 << 16 }
    }

    fn window(mut self, invoked: u16, performed: u16) -> Self {
        (self.proposal.operations_invoked, self.proposal.operations_performed) = (invoked, performed);
        self
    }

    async fn connect<F>(self, answer: F) -> Site
    where
        F: Fn(Invocation, Bytes) -> Replies + Send + Sync + 'static,
    {
        let (ours, theirs) = tokio::io::duplex(self.transport);
        let (bridge, directory, served) = serve(self.config, theirs, answer).await;
        let association = requestor::request(ours, &self.proposal, Settings::default()).await.unwrap();
        Site { association, served, bridge, _directory: directory }
    }
}

/// Serves one association on `stream`, as [`super::super::serve`] does.
async fn serve<F>(
    config: Config,
    stream: DuplexStream,
    answer: F,
) -> (Bridge, TempDir, JoinHandle<Result<End, Error>>)
where
    F: Fn(Invocation, Bytes) -> Replies + Send + Sync + 'static,
{
    let directory = tempfile::tempdir().unwrap();
    let spool = site::spool_in(directory.path()).await;
    let ports = Ports::of(&spool);
    let bridge = Bridge::new(config.clone(), ports, Arc::new(Metrics::new().unwrap())).unwrap();
    let core = Arc::clone(&bridge.core);
    let snapshot = Arc::new(Snapshot::new(config).unwrap());
    let served = tokio::spawn(async move {
        let requested = acceptor::read_associate_request(stream, Settings::default()).await?;
        let address = "192.0.2.1".parse().unwrap();
        let acceptable = negotiate::decide(requested.request(), address, &snapshot).unwrap();
        let context = Arc::new(Context {
            core,
            snapshot,
            calling: acceptable.calling,
            called: acceptable.called,
            peer_address: address,
            user: None,
            allowed: acceptable.allowed,
            label: "other".to_owned(),
        });
        let association = requested.accept(acceptable.accept).await?;
        let negotiated = association.negotiated().clone();
        let (mut receiver, mut sender) = association.split();
        let services = Arc::new(Told(answer));
        let end = exchange(&mut receiver, &mut sender, &context, negotiated, services).await;
        match &end {
            Ok(End::Released) => sender.release_response().await?,
            Ok(_) => sender.abort(dimse::Abort::SERVICE_USER).await,
            Err(error) => {
                if let Some(abort) = abort_for(error) {
                    sender.abort(abort).await;
                }
            }
        }
        end
    });
    (bridge, directory, served)
}

impl Site {
    fn context(&self, uid: &str) -> PresentationContext {
        let context = self.association.contexts().iter().find(|c| c.abstract_syntax.as_str() == uid);
        context.unwrap_or_else(|| panic!("{uid} was not accepted")).clone()
    }

    fn of(&self, operation: QueryRetrieveOperation) -> PresentationContext {
        self.context(class(operation).as_str())
    }

    async fn begin_find(&mut self, identifier: &'static [u8]) -> u16 {
        let context = self.of(QueryRetrieveOperation::Find);
        self.association.begin_find(&context, Bytes::from_static(identifier)).await.unwrap()
    }

    async fn begin_get(&mut self) -> u16 {
        let context = self.of(QueryRetrieveOperation::Get);
        self.association.begin_get(&context, Bytes::from_static(b"study")).await.unwrap()
    }

    /// The next response and its identifier.
    async fn response(&mut self) -> (Response, Option<Bytes>) {
        match self.association.next_received().await.unwrap() {
            Received::Response(response, identifier) => (response, identifier),
            Received::Store(request) => panic!("a sub-operation: {request:?}"),
        }
    }

    /// The final response of the only operation, and how many pending ones stood before it.
    async fn last(&mut self) -> (Response, usize) {
        for pendings in 0.. {
            let (response, _) = self.response().await;
            if response.status != Status::PENDING {
                return (response, pendings);
            }
        }
        unreachable!("the range has no end")
    }
}
