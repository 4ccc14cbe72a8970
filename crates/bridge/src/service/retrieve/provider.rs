//! The service class provider: lists the instances, sends them, and answers.

use std::{sync::Arc, time::Duration};

use dicomweb::Error;
use dimse::{
    Status,
    association::{Settings, Timers},
    command::{MoveOriginator, Priority, SubOperations},
};
use futures::StreamExt;
use tokio::{
    sync::mpsc,
    time::{Instant, Interval, MissedTickBehavior, interval_at, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    RetrieveRefusal,
    counts::Counts,
    environment::Environment,
    instances::{Instances, Work},
    keys::{Keys, Level},
    operation::Operation,
    outlined::Outlined,
    recipient::{Recipient, destination},
};
use crate::{
    config::{Peer, PeerAddress, Retrieve},
    mapping::status,
    service::{Invocation, Reply, query, query::QueryError},
};

/// How long sub-operations under way may go on after a C-CANCEL: an instance of the usual size is sent by
/// then, and a requestor that has cancelled should not wait for a large one.
const CANCEL_GRACE: Duration = Duration::from_secs(2);

/// How long a destination may take to answer our A-RELEASE-RQ; the requestor waits for it.
const RELEASE: Duration = Duration::from_secs(5);

/// How long a destination may take to close the connection behind our A-ABORT. Nothing depends on it but
/// the requestor, who waits, and so it is not the ARTIM time-out of our own callers.
const CLOSE: Duration = Duration::from_secs(1);

/// Where the instances go.
pub(super) enum Target {
    /// To a peer and its address.
    Destination(Box<Peer>, PeerAddress),
    /// Back to the requestor.
    Requestor,
}

impl Target {
    /// Where that is, for the log.
    pub(super) fn label(&self) -> &str {
        match self {
            Self::Destination(peer, _) => peer.ae_title.as_str(),
            Self::Requestor => "the requestor",
        }
    }
}

/// A retrieve that is provided.
pub(super) struct Provider {
    invocation: Invocation,
    priority: Priority,
    keys: Keys,
    target: Target,
    retrieve: Retrieve,
}

/// Why no instance was sent.
enum NotListed {
    Refused(RetrieveRefusal),
    Cancelled,
}

impl Provider {
    pub(super) fn new(invocation: Invocation, priority: Priority, keys: Keys, target: Target) -> Self {
        let retrieve = invocation.context.snapshot.config.retrieve.clone();
        let recipient = match &target {
            Target::Destination(peer, _) => Some(&**peer),
            Target::Requestor => invocation.peer(),
        };
        let retrieve = match recipient {
            Some(peer) => peer.retrieve.applied_to(retrieve),
            None => retrieve,
        };
        Self { invocation, priority, keys, target, retrieve }
    }

    /// Carries it out and answers. Ends early when nobody takes the replies any more.
    pub(super) async fn provide(self, replies: mpsc::Sender<Reply>) {
        let planned = match self.outline(&replies).await {
            Ok(None) => self.list(&replies).await.map(|all| all.plan(self.keys.level, self.lanes())),
            Ok(Some(work)) => Ok(work),
            Err(error) => Err(error),
        };
        let last = match planned {
            Ok(work) => self.send(work, &replies).await,
            Err(NotListed::Cancelled) => self.ended(Status::CANCEL, &Counts::default(), Some(0)),
            Err(NotListed::Refused(refusal)) => {
                tracing::warn!(cause = %refusal, "retrieve refused");
                let response = self.invocation.response(Status::SUCCESS);
                Reply::new(status::retrieve_refused(response, &refusal))
            }
        };
        // Whoever does not take it any more does not need it.
        let _ = replies.send(last).await;
    }

    /// What is to be done where the origin tells at once how many instances there are, and gives them without
    /// being told their names; nothing where only a list of them helps.
    async fn outline(&self, replies: &mpsc::Sender<Reply>) -> Result<Option<Work>, NotListed> {
        let context = &self.invocation.context;
        let origins = query::origins(context);
        // The requestor of a C-GET has named the SOP Classes that it takes, and the others must be known.
        let ([origin], Target::Destination(..)) = (&*origins, &self.target) else { return Ok(None) };
        if self.keys.level > Level::Series || !origin.client.profile().retrieve.whole_series {
            return Ok(None);
        }
        let scope = &self.keys.scope;
        let mut outlining = std::pin::pin!(query::outline(context, origin, scope));
        let mut pending = ticks(self.retrieve.pending_interval);
        let outlined = loop {
            tokio::select! {
                biased;
                () = self.invocation.cancelled.cancelled() => return Err(NotListed::Cancelled),
                () = replies.closed() => return Err(NotListed::Cancelled),
                _ = pending.tick() => self.searching(replies, 0),
                outlined = &mut outlining => break outlined,
            }
        };
        match outlined {
            Ok(series) => {
                Ok(series
                    .and_then(|series| Outlined::plan(origin, scope, series, self.retrieve.instances_max)))
            }
            // It may be this kind of search that the origin refuses.
            Err(QueryError::Origin { source: Error::Refused { .. } | Error::Profile(_), .. }) => Ok(None),
            Err(error) => Err(NotListed::Refused(error.into())),
        }
    }

    async fn list(&self, replies: &mpsc::Sender<Reply>) -> Result<Instances, NotListed> {
        let context = &self.invocation.context;
        let origins = query::origins(context);
        if origins.is_empty() {
            return Err(NotListed::Refused(QueryError::NoOrigin.into()));
        }
        let mut listed = query::list(context, origins, self.keys.scope.clone());
        let mut instances = Instances::default();
        let mut pending = ticks(self.retrieve.pending_interval);
        loop {
            let instance = tokio::select! {
                biased;
                () = self.invocation.cancelled.cancelled() => return Err(NotListed::Cancelled),
                () = replies.closed() => return Err(NotListed::Cancelled),
                _ = pending.tick() => {
                    self.searching(replies, instances.len());
                    continue;
                }
                instance = listed.next() => instance,
            };
            let Some(instance) = instance else { return Ok(instances) };
            instances.add(instance.map_err(|error| NotListed::Refused(error.into()))?);
            if instances.len() > self.retrieve.instances_max {
                let refusal = RetrieveRefusal::TooManyInstances(self.retrieve.instances_max);
                return Err(NotListed::Refused(refusal));
            }
        }
    }

    async fn send(&self, work: Work, replies: &mpsc::Sender<Reply>) -> Reply {
        let core = &self.invocation.context.core;
        let instances = work.len();
        let Work { wanted, tasks, foreseen, outlined } = work;
        tracing::info!(instances, level = ?self.keys.level, "retrieve begins");
        let environment = Environment {
            core: Arc::clone(core),
            context: Arc::clone(&self.invocation.context),
            recipient: self.recipient(),
            service: self.invocation.response(Status::SUCCESS).operation.name(),
            foreseen,
            stall: self.retrieve.stall,
            transcode: self.retrieve.transcode,
            move_originator: self.move_originator(),
            priority: self.priority,
            aborting: CancellationToken::new(),
        };
        let environment = Arc::new(environment);
        let mut operation =
            Operation::new(Arc::clone(&environment), wanted, outlined, tasks, self.retrieve.requests);
        operation.refuse_classes();
        let done = self.perform(&mut operation, &environment.recipient, replies).await;
        if !done {
            cut_short(&mut operation, &environment, replies).await;
        }
        let remaining = operation.remaining();
        let counts = &operation.counts;
        tracing::info!(counts.completed, counts.warning, counts.failed, remaining, "retrieve ended");
        let reply = if done {
            self.finished(&operation)
        } else {
            self.ended(Status::CANCEL, counts, Some(remaining))
        };
        if let Recipient::Destination(destination) = &environment.recipient {
            drop(operation);
            core.destinations.leave(destination).await;
        }
        reply
    }

    /// Performs sub-operations to the last; `false` where that was cancelled.
    async fn perform(
        &self,
        operation: &mut Operation,
        recipient: &Recipient,
        replies: &mpsc::Sender<Reply>,
    ) -> bool {
        let mut turn = std::pin::pin!(recipient.turn());
        let mut may_send = None;
        let mut pending = ticks(self.retrieve.pending_interval);
        let mut stall = ticks(self.retrieve.stall);
        if operation.remaining() > 0 {
            self.pending(replies, &operation.counts, operation.remaining());
        }
        loop {
            tokio::select! {
                biased;
                () = self.invocation.cancelled.cancelled() => return false,
                () = replies.closed() => return false,
                _ = pending.tick() => self.pending(replies, &operation.counts, operation.remaining()),
                _ = stall.tick() => operation.give_up_stalled(),
                permit = &mut turn, if may_send.is_none() => may_send = Some(permit),
                more = operation.step(), if may_send.is_some() => if !more { return true },
            }
        }
    }

    /// Sub-operations at the same time.
    fn lanes(&self) -> usize {
        match self.target {
            Target::Destination(..) => self.retrieve.associations,
            Target::Requestor => self.invocation.sub_operations.window(),
        }
    }

    fn recipient(&self) -> Recipient {
        let context = &self.invocation.context;
        match &self.target {
            Target::Requestor => Recipient::Requestor(self.invocation.sub_operations.clone()),
            Target::Destination(peer, address) => {
                let key = destination::Key {
                    called: peer.ae_title.clone(),
                    calling: self.invocation.called().clone(),
                    address: address.clone(),
                    associations: self.retrieve.associations,
                };
                let timers = &context.snapshot.config.timers;
                let standard = Timers::default();
                let timers = Timers {
                    artim: CLOSE,
                    associate: timers.message.min(standard.associate),
                    message: timers.message,
                    write: timers.message,
                    response: self.retrieve.response,
                    release: RELEASE,
                    ..standard
                };
                let settings = Settings { timers, ..context.core.association_settings.clone() };
                Recipient::Destination(context.core.destinations.join(key, settings))
            }
        }
    }

    fn move_originator(&self) -> Option<MoveOriginator> {
        match self.target {
            Target::Requestor => None,
            Target::Destination(..) => Some(MoveOriginator {
                ae_title: self.invocation.calling().clone(),
                message_id: self.invocation.message_id,
            }),
        }
    }

    /// Tells that the search goes on and has found so many. A Pending response must say how many sub-operations
    /// remain (PS3.4 §C.4.2.1.6), which nobody knows yet. One is the least that does not say that
    /// nothing is left to do, which a requestor may take for the end or divide by; archives that count
    /// before their first response are silent here, which is what the response is to prevent.
    fn searching(&self, replies: &mpsc::Sender<Reply>, found: usize) {
        self.pending(replies, &Counts::default(), found.max(1));
    }

    /// Tells how far it is, unless the requestor has not even taken what it was told before.
    fn pending(&self, replies: &mpsc::Sender<Reply>, counts: &Counts, remaining: usize) {
        let response = self.invocation.response(Status::PENDING);
        let reply = Reply::new(response.sub_operations(counts.sub_operations(Some(remaining))));
        let _ = replies.try_send(reply);
    }

    fn finished(&self, operation: &Operation) -> Reply {
        let counts = &operation.counts;
        let (status, comment) =
            status::sub_operations_ended(counts.completed, counts.warning, counts.failed, operation.cause());
        let mut reply = self.ended(status, counts, None);
        if let Some(comment) = comment {
            reply.response = reply.response.error_comment(comment);
        }
        reply
    }

    fn ended(&self, status: Status, counts: &Counts, remaining: Option<usize>) -> Reply {
        let sub_operations: SubOperations = counts.sub_operations(remaining);
        let response = self.invocation.response(status).sub_operations(sub_operations);
        let encoding = self.invocation.presentation_context.transfer_syntax.encoding();
        Reply { response, identifier: counts.identifier(encoding) }
    }
}

/// Ends what is under way: at once where nobody takes replies any more, otherwise after some grace.
async fn cut_short(operation: &mut Operation, environment: &Environment, replies: &mpsc::Sender<Reply>) {
    if replies.is_closed() || timeout(CANCEL_GRACE, operation.finish()).await.is_err() {
        environment.aborting.cancel();
        operation.finish().await;
    }
}

fn ticks(period: Duration) -> Interval {
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
