//! The one place that writes to the peer.

use dimse::{Error, MessageSender, command::Command};
use tokio::{io::AsyncWrite, sync::mpsc};

use super::answer::Outgoing;
use crate::{
    association::Context,
    mapping::status,
    service::{Outstanding, Reply, SubOperation},
};

/// Bytes of replies that one write begins to carry: 64 KiB, beyond which it costs no less for each.
const BATCH: usize = 64 * 1024;

/// Writes replies and sub-operations as they come, until no more replies can come. A reply never waits
/// for others to share its write.
pub(super) async fn run<W>(
    sender: &mut MessageSender<W>,
    mut replies: mpsc::Receiver<Outgoing>,
    mut to_perform: mpsc::Receiver<SubOperation>,
    outstanding: &Outstanding,
    context: &Context,
) -> Result<(), Error>
where
    W: AsyncWrite + Unpin + Send,
{
    loop {
        tokio::select! {
            reply = replies.recv() => match reply {
                Some(reply) => write_replies(sender, reply, &mut replies, context).await?,
                None => return Ok(()),
            },
            Some(sub_operation) = to_perform.recv() => perform(sender, sub_operation, outstanding).await?,
        }
    }
}

/// Writes a reply, and with it those that are there already.
async fn write_replies<W>(
    sender: &mut MessageSender<W>,
    first: Outgoing,
    others: &mut mpsc::Receiver<Outgoing>,
    context: &Context,
) -> Result<(), Error>
where
    W: AsyncWrite + Unpin + Send,
{
    // Operations are over when the answer is written.
    let mut answered = Vec::new();
    let mut next = Some(first);
    while let Some(outgoing) = next {
        let Outgoing { presentation_context_id, reply: Reply { response, identifier }, operation } = outgoing;
        let labels = [response.operation.name(), status::label(response.status)];
        context.core.metrics.messages.with_label_values(&labels).inc();
        sender.push(presentation_context_id, &Command::Rsp(response), identifier)?;
        answered.extend(operation);
        next = if sender.pushed_length() < BATCH { others.try_recv().ok() } else { None };
    }
    sender.flush().await
}

/// Sends the C-STORE of a sub-operation to its last byte. A data set that fails in the middle is the end of
/// the association, since what was sent of it must not pass for the whole.
async fn perform<W>(
    sender: &mut MessageSender<W>,
    sub_operation: SubOperation,
    outstanding: &Outstanding,
) -> Result<(), Error>
where
    W: AsyncWrite + Unpin + Send,
{
    let Some(begun) = outstanding.begin(sub_operation) else { return Ok(()) };
    sender.send(begun.presentation_context_id, &Command::CStoreRq(begun.request), begun.data_set).await?;
    // Who has given up waiting need not be told.
    let _ = begun.sent.send(());
    Ok(())
}
