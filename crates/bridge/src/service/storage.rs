//! Storage (PS3.4 §B): C-STORE as service class provider.
//!
//! The data set's fragments go into the spool as they arrive, while a scan picks up the identity.
//! Where a route wants the destination's own confirmation the instance passes through instead, if
//! the head of the data set decides so. Whatever fails, the rest of the data set is read and thrown
//! away, the request is answered, and nothing half-stored remains.

mod confirmed;
mod incoming;
mod pace;
mod pass_through;
mod spooled;

use std::{sync::Arc, time::SystemTime};

use dataset::scan::Attributes;
use dimse::{Error, Message, MessageReceiver, command::CStoreRq};
use futures::{FutureExt, future::BoxFuture};
use instance::{Identity, Tag, TransferSyntax};
use tokio::io::AsyncRead;

pub(crate) use self::incoming::ATTRIBUTES;
use self::incoming::Incoming;
use super::Refusal;
use crate::{
    association::Context,
    config::Service,
    routing::{Decision, Facts, Modality, Resolved},
    trace::Arrival,
};

/// A C-STORE whose data set was received.
pub(crate) struct Stored {
    /// What the answer waits for, as a label in metrics.
    pub(crate) acknowledge: &'static str,
    /// Resolves when the request can be answered.
    pub(crate) done: BoxFuture<'static, Result<(), Refusal>>,
}

/// One C-STORE request and the association that it came on.
struct Request<'a> {
    command: &'a CStoreRq,
    transfer_syntax: &'a TransferSyntax,
    context: &'a Arc<Context>,
    accepted_at: SystemTime,
}

/// Receives the data set of a C-STORE request to its last fragment.
///
/// # Errors
/// The association is lost; nothing was stored.
pub(crate) async fn receive<R>(
    receiver: &mut MessageReceiver<R>,
    message: &Message,
    command: &CStoreRq,
    context: &Arc<Context>,
) -> Result<Stored, Error>
where
    R: AsyncRead + Unpin + Send,
{
    let request = Request {
        command,
        transfer_syntax: &message.presentation_context.transfer_syntax,
        context,
        accepted_at: SystemTime::now(),
    };
    let reserved = context.core.memory.receiving().await;
    let mut incoming = Incoming::new(receiver, request.transfer_syntax, context, reserved);
    let done = match request.check(message) {
        Ok(()) => request.take(&mut incoming).await?,
        Err(refusal) => Err(refusal),
    };
    let stored = match done {
        Ok(stored) => stored,
        Err(refusal) => {
            incoming.drain().await?;
            Stored::refused(refusal)
        }
    };
    incoming.count();
    Ok(stored)
}

impl Stored {
    fn refused(refusal: Refusal) -> Self {
        Self { acknowledge: "refused", done: std::future::ready(Err(refusal)).boxed() }
    }
}

impl Request<'_> {
    /// What can be refused before the data set is looked at.
    fn check(&self, message: &Message) -> Result<(), Refusal> {
        if self.command.affected_sop_class_uid != message.presentation_context.abstract_syntax {
            return Err(Refusal::SopClassNotOfContext);
        }
        if !self.context.allowed.contains(Service::Store) {
            return Err(Refusal::NotAllowed);
        }
        if !message.has_data_set {
            return Err(Refusal::NoDataSet);
        }
        Ok(())
    }

    /// Chooses between spool and pass-through, and takes the data set in.
    async fn take<R>(&self, incoming: &mut Incoming<'_, R>) -> Result<Result<Stored, Refusal>, Error>
    where
        R: AsyncRead + Unpin + Send,
    {
        let may_pass_through = match self.resolve(Modality::NotYetKnown) {
            Decision::Refused => return Ok(Err(Refusal::Unrouted)),
            Decision::NeedsModality { may_pass_through } => may_pass_through,
            Decision::Resolved(resolved) => pass_through::origin(&resolved, self).is_some(),
        };
        if may_pass_through {
            let decided = match incoming.look_ahead().await? {
                Ok(decided) => decided,
                Err(refusal) => return Ok(Err(refusal)),
            };
            if let Some((identity, resolved)) = match decided.map(|found| self.identify(&found)).transpose() {
                Ok(known) => known,
                Err(refusal) => return Ok(Err(refusal)),
            } && let Some(origin) = pass_through::origin(&resolved, self)
            {
                return pass_through::take(self, incoming, identity, origin).await;
            }
        }
        spooled::take(self, incoming).await
    }

    /// The identity that the data set states, checked against the command, and where it goes.
    fn identify(&self, found: &Attributes) -> Result<(Identity, Resolved), Refusal> {
        let identity = found.identity().map_err(|error| Refusal::IdentityUnusable(error.tag()))?;
        if identity.sop_class_uid != self.command.affected_sop_class_uid {
            return Err(Refusal::IdentityDiffers(Tag::SOP_CLASS_UID));
        }
        if identity.sop_instance_uid != self.command.affected_sop_instance_uid {
            return Err(Refusal::IdentityDiffers(Tag::SOP_INSTANCE_UID));
        }
        let modality = found.text(Tag::MODALITY).unwrap_or_default();
        match self.resolve(Modality::Known(&modality)) {
            Decision::Resolved(resolved) => Ok((identity, resolved)),
            // With the modality known a route matches or does not.
            Decision::Refused | Decision::NeedsModality { .. } => Err(Refusal::Unrouted),
        }
    }

    /// What a trace begins with, once the last byte was received, where somebody makes traces.
    fn arrival(&self, identity: &Identity) -> Option<Arrival> {
        let titles = (&self.context.calling, &self.context.called);
        Arrival::stored(titles, identity, self.transfer_syntax, self.accepted_at)
    }

    fn resolve(&self, modality: Modality<'_>) -> Decision {
        self.context.snapshot.routing.resolve(&Facts {
            calling_ae: &self.context.calling,
            called_ae: &self.context.called,
            sop_class: &self.command.affected_sop_class_uid,
            modality,
        })
    }
}
