//! Straight to the origin: acknowledged when the origin has confirmed that very instance.
//!
//! One instance per request, of unknown length, never batched, exactly one destination. Any failure
//! after the first byte ends in a refusal: nothing is kept that could be sent again. An outcome that
//! stays open is looked up before the peer is answered.

use std::{
    pin::Pin,
    sync::Arc,
    time::{Instant, SystemTime},
};

use bytes::Bytes;
use dicomweb::{BoxError, Error as StoreError, InstanceOutcome, Presence, StoreAnswer, StorePart};
use dimse::Error;
use futures::{FutureExt, StreamExt, future::BoxFuture, stream};
use instance::{Identity, part10::FileMeta};
use sha2::{Digest, Sha256};
use spool::Destination;
use tokio::{io::AsyncRead, sync::mpsc, time::timeout};

use super::{Request, Stored, incoming::Incoming};
use crate::{
    association::Context,
    config::Duplicate,
    forward::{
        duplicate::{self, Comparison, Content},
        verdict::{self, IfNotAskable, Verdict},
    },
    routing::Resolved,
    service::{DestinationRefusal, Refusal},
    snapshot::Origin,
    trace::PassedThrough,
};

/// Fragments between the association and the request; each is at most one receive buffer.
const FRAGMENTS: usize = 2;

/// Part of a data set on its way. The end is said, never guessed: a channel that closes without it
/// is a data set that was cut, and the request is reset.
enum Passing {
    Fragment(Bytes),
    End,
}

/// The association or the data set ended too early.
#[derive(Debug, thiserror::Error)]
#[error("the data set was cut")]
struct Cut;

/// The origin that an instance passes through to, if it does: confirmed by exactly one destination,
/// which takes bodies of unknown length in this transfer syntax. What must be sent twice to overwrite the
/// origin's copy, or compared before it is sent, rests in the spool meanwhile.
pub(super) fn origin(resolved: &Resolved, request: &Request<'_>) -> Option<Arc<Origin>> {
    let ([destination], [confirming]) = (resolved.destinations.as_slice(), resolved.confirmed_by.as_slice())
    else {
        return None;
    };
    let origin = request.context.snapshot.origin(destination).filter(|_| destination == confirming)?;
    let profile = origin.client.profile();
    let takes = profile.unknown_length_accepted
        && !duplicate::need_the_spool(origin)
        && profile.transfer_syntaxes.accept(request.transfer_syntax);
    takes.then(|| Arc::clone(origin))
}

/// Streams a data set to `origin` while it arrives.
pub(super) async fn take<R>(
    request: &Request<'_>,
    incoming: &mut Incoming<'_, R>,
    identity: Identity,
    origin: Arc<Origin>,
) -> Result<Result<Stored, Refusal>, Error>
where
    R: AsyncRead + Unpin + Send,
{
    let was_there = match was_there(request.context, &origin, &identity).await {
        Ok(was_there) => was_there,
        Err(error) => return Ok(Err(Refusal::Destination(DestinationRefusal::Request(error)))),
    };
    let (sender, receiver) = mpsc::channel(FRAGMENTS);
    let part = part(request, &identity, receiver);
    let to = Arc::clone(&origin);
    let (started, sent) = (Instant::now(), SystemTime::now());
    let storing = async move { duplicate::store(&to, &to.client, vec![part]).await };
    let mut storing: BoxFuture<'static, _> = storing.boxed();
    let fed = tokio::select! {
        biased;
        answer = &mut storing => Fed::Answered(answer),
        fed = feed(incoming, sender) => Fed::Whole(fed?),
    };
    let sha256 = match fed {
        Fed::Whole(sha256) => sha256,
        // An answer before the end can only be a refusal; a success would be of half an instance.
        Fed::Answered(answer) => {
            let error = answer.as_ref().err();
            request.context.core.metrics.count_origin_request(&origin.name, "stow", started.elapsed(), error);
            incoming.drain().await?;
            if let Some(arrival) = request.arrival(&identity) {
                let bytes = incoming.received();
                arrival.passed_through(&PassedThrough { origin: &origin.name, sent, bytes }, false);
            }
            return Ok(Err(Refusal::Destination(too_early(answer))));
        }
    };
    let (arrival, bytes) = (request.arrival(&identity), incoming.received());
    let passing = Passed { context: Arc::clone(request.context), origin, identity, sha256, was_there };
    let done = async move {
        let settled = passing.conclude(storing, started).await;
        if let Some(arrival) = arrival {
            let request = PassedThrough { origin: &passing.origin.name, sent, bytes };
            arrival.passed_through(&request, settled.is_ok());
        }
        settled
    };
    let done = done.boxed();
    Ok(Ok(Stored { acknowledge: "stored", done }))
}

/// Whether an origin that does not report duplicates has an instance of this UID already, so that its
/// word does not confirm the one that is to be sent.
async fn was_there(context: &Context, origin: &Origin, identity: &Identity) -> Result<bool, StoreError> {
    if !duplicate::go_unreported(origin) {
        return Ok(false);
    }
    let started = Instant::now();
    let presence = origin.client.find_instance(identity).await;
    let error = presence.as_ref().err();
    context.core.metrics.count_origin_request(&origin.name, "qido", started.elapsed(), error);
    Ok(presence? == Presence::Present)
}

enum Fed {
    Whole([u8; 32]),
    Answered(Result<StoreAnswer, StoreError>),
}

/// Feeds the request to the last fragment and gives the SHA-256 of all. When the request has ended
/// before, it waits for that to be noticed.
async fn feed<R>(incoming: &mut Incoming<'_, R>, sender: mpsc::Sender<Passing>) -> Result<[u8; 32], Error>
where
    R: AsyncRead + Unpin + Send,
{
    let mut hash = Sha256::new();
    while let Some(fragment) = incoming.next().await? {
        hash.update(&fragment);
        if sender.send(Passing::Fragment(fragment)).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
    if sender.send(Passing::End).await.is_err() {
        std::future::pending::<()>().await;
    }
    Ok(hash.finalize().into())
}

fn part(request: &Request<'_>, identity: &Identity, receiver: mpsc::Receiver<Passing>) -> StorePart {
    let data = stream::unfold(Some(receiver), |receiver| async move {
        let mut receiver = receiver?;
        match receiver.recv().await {
            Some(Passing::Fragment(fragment)) => Some((Ok(fragment), Some(receiver))),
            Some(Passing::End) => None,
            None => Some((Err(BoxError::from(Cut)), None)),
        }
    });
    StorePart {
        meta: FileMeta {
            sop_class_uid: identity.sop_class_uid.clone(),
            sop_instance_uid: identity.sop_instance_uid.clone(),
            transfer_syntax: request.transfer_syntax.clone(),
        },
        source: Some(request.context.calling.clone()),
        length: None,
        data: data.boxed(),
    }
}

fn too_early(answer: Result<StoreAnswer, StoreError>) -> DestinationRefusal {
    match answer {
        Err(error) => DestinationRefusal::Request(error),
        Ok(answer) => answer
            .instances
            .first()
            .and_then(DestinationRefusal::from_outcome)
            .unwrap_or(DestinationRefusal::OutcomeUnknown),
    }
}

/// An instance whose last byte was handed to the request.
struct Passed {
    context: Arc<Context>,
    origin: Arc<Origin>,
    identity: Identity,
    sha256: [u8; 32],
    /// See [`was_there`].
    was_there: bool,
}

type Storing = Pin<Box<dyn Future<Output = Result<StoreAnswer, StoreError>> + Send>>;

impl Passed {
    /// Awaits the origin's answer, finds out what it leaves open, and says what the peer is told.
    async fn conclude(&self, storing: Storing, started: Instant) -> Result<(), Refusal> {
        let settled = timeout(self.context.snapshot.config.timers.stored, async {
            let answer = storing.await;
            self.count("stow", started, answer.as_ref().err());
            self.settle(answer).await
        });
        let settled = settled.await.unwrap_or(Err(DestinationRefusal::NotInTime));
        settled.map_err(Refusal::Destination)
    }

    async fn settle(&self, answer: Result<StoreAnswer, StoreError>) -> Result<(), DestinationRefusal> {
        let profile = self.origin.client.profile();
        match answer {
            Ok(answer) => {
                let Some(outcome) = answer.instances.first() else {
                    return self.look_up(IfNotAskable::Held).await;
                };
                match verdict::of_instance(&answer, outcome, profile) {
                    Verdict::Delivered(_) if self.was_there => self.of_duplicate().await,
                    Verdict::Delivered(_) => Ok(()),
                    Verdict::Duplicate => self.of_duplicate().await,
                    Verdict::Unknown(_, otherwise) => self.look_up(otherwise).await,
                    Verdict::Refused(_) => Err(refusal(outcome)),
                    Verdict::Later(words, _) => Err(DestinationRefusal::Busy(words)),
                }
            }
            Err(error) => match verdict::of_request(&error, 1, profile).0 {
                verdict::Whole::Each(Verdict::Duplicate) => self.of_duplicate().await,
                verdict::Whole::Each(Verdict::Unknown(..)) => {
                    tracing::warn!(cause = verdict::failure_in_words(&error), "looking the instance up");
                    self.look_up(IfNotAskable::SentAgain).await
                }
                _ => Err(DestinationRefusal::Request(error)),
            },
        }
    }

    async fn look_up(&self, otherwise: IfNotAskable) -> Result<(), DestinationRefusal> {
        let started = Instant::now();
        let presence = self.origin.client.find_instance(&self.identity).await;
        self.count("qido", started, presence.as_ref().err());
        match (presence, otherwise) {
            // The request broke: what is found may be an older instance, and only its content tells.
            (Ok(Presence::Present), IfNotAskable::SentAgain) => match self.compare().await {
                Comparison::Equal(_) => Ok(()),
                Comparison::Different | Comparison::NotNow(_) => Err(DestinationRefusal::OutcomeUnknown),
            },
            (Ok(Presence::Present), _) if self.was_there => self.of_duplicate().await,
            (Ok(Presence::Present), _) | (Ok(Presence::NotAskable), IfNotAskable::Delivered) => Ok(()),
            (Ok(Presence::Absent | Presence::NotAskable) | Err(_), _) => {
                Err(DestinationRefusal::OutcomeUnknown)
            }
        }
    }

    async fn of_duplicate(&self) -> Result<(), DestinationRefusal> {
        match self.origin.duplicate {
            Duplicate::Success => Ok(()),
            Duplicate::Reject | Duplicate::Overwrite => Err(DestinationRefusal::Duplicate),
            Duplicate::Verify => match self.compare().await {
                Comparison::Equal(_) => Ok(()),
                Comparison::Different => Err(DestinationRefusal::Duplicate),
                Comparison::NotNow(_) => Err(DestinationRefusal::OutcomeUnknown),
            },
        }
    }

    async fn compare(&self) -> Comparison {
        let destination = Destination::Origin(self.origin.name.clone());
        let deliveries = &*self.context.core.ports.deliveries;
        let content = Content { sha256: &self.sha256, changed_from: None };
        duplicate::compare(&self.identity, content, &destination, deliveries, &self.origin.client).await
    }

    fn count(&self, service: &str, started: Instant, error: Option<&StoreError>) {
        let metrics = &self.context.core.metrics;
        metrics.count_origin_request(&self.origin.name, service, started.elapsed(), error);
    }
}

fn refusal(outcome: &InstanceOutcome) -> DestinationRefusal {
    DestinationRefusal::from_outcome(outcome).unwrap_or(DestinationRefusal::OutcomeUnknown)
}
