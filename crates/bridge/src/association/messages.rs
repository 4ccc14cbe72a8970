//! The loop of an association, in three parts that run side by side: [`receive`] takes requests in the
//! order in which they arrive and hands them to the services; [`answer`] polls the operations under way,
//! each in its turn; [`mod@write`] alone writes to the peer: replies, and the sub-operations of a C-GET.
//!
//! Each part hands on through a short channel, so a peer that takes its answers slowly makes the
//! operations wait, while C-CANCEL and the answers to sub-operations are still received.

mod answer;
mod identifier;
mod normalized;
mod operations;
mod receive;
mod write;

use std::{pin::pin, sync::Arc};

use dimse::{Error, MessageReceiver, MessageSender, association::Negotiated};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc,
};

use self::{operations::Operations, receive::Receiving};
use super::Context;
use crate::service::{Outstanding, QueryRetrieve, SubOperations};

/// Replies between the operations and the writer: enough for one write to carry many small ones, and no
/// more than these follow a C-CANCEL.
const REPLIES: usize = 64;

/// How the exchange of messages ended in good order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The peer asks for the release, and everything is answered.
    Released,
    /// The bridge stops, and everything is answered.
    Drained,
    /// The bridge stops and could not wait any longer.
    CutShort,
}

/// Exchanges messages until one side ends it. As many operations may be outstanding as were negotiated and
/// the configuration allows.
pub(super) async fn exchange<R, W>(
    receiver: &mut MessageReceiver<R>,
    sender: &mut MessageSender<W>,
    context: &Arc<Context>,
    negotiated: Negotiated,
    services: Arc<dyn QueryRetrieve>,
) -> Result<End, Error>
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send,
{
    let config = &context.snapshot.config;
    let window = config.limits.max_operations_invoked;
    let operations = Operations::new(match negotiated.operations_invoked_max {
        0 => window,
        invoked => invoked.min(window),
    });
    let outstanding = Outstanding::default();
    let _ending = EndOnDrop(outstanding.clone());
    let (sub_operations, to_perform) = SubOperations::new(&negotiated, window, config.retrieve.response);
    let (received, in_flight) = mpsc::channel(1);
    let (replies, to_write) = mpsc::channel(REPLIES);
    let in_flight_max = operations.outstanding_max();
    let receiving = Receiving { context, negotiated, services, operations, outstanding: outstanding.clone() };
    let receive = receiving.run(receiver, received, sub_operations);
    let answer = answer::run(in_flight, in_flight_max, replies);
    let write = write::run(sender, to_write, to_perform, &outstanding, context);
    let mut respond = pin!(async {
        let mut write = pin!(write);
        tokio::select! {
            written = &mut write => written,
            // What is left to write is in the channel.
            () = answer => write.await,
        }
    });
    let both = async {
        let end = tokio::select! {
            end = receive => end?,
            // It ends early only when nothing can be written any more.
            written = &mut respond => return written.and(Err(Error::Ended)),
        };
        respond.await?;
        Ok(end)
    };
    tokio::select! {
        biased;
        () = context.core.phases.aborting.cancelled() => Ok(End::CutShort),
        end = both => end,
    }
}

/// Tells those who wait for a sub-operation that none is answered any more.
struct EndOnDrop(Outstanding);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end();
    }
}

#[cfg(test)]
mod tests;
