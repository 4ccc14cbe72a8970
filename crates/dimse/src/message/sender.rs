//! The writing half of an association.

use bytes::Bytes;
use futures::Stream;
use tokio::io::AsyncWrite;

use crate::{
    Abort, Error,
    association::{Negotiated, Settings},
    command::Command,
};

/// Sends messages: command and data set in separate PDUs, fragments at the peer's maximum length.
///
/// A PDU once begun is finished: a send that is dropped half-way leaves the rest of its PDU behind, which
/// the next call writes first. A message once begun and not finished cannot be followed by another
/// one; then every call but [`Self::abort`] gives [`Error::Unfinished`].
#[derive(Debug)]
pub struct MessageSender<W> {
    writer: W,
}

impl<W> MessageSender<W>
where
    W: AsyncWrite,
{
    pub(crate) fn new(writer: W, negotiated: &Negotiated, settings: &Settings) -> Self {
        let _ = (negotiated, settings);
        Self { writer }
    }
}

impl<W> MessageSender<W>
where
    W: AsyncWrite + Unpin,
{
    /// Sends a message without a data set.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Timeout`] of write, [`Error::Unfinished`], [`Error::Ended`].
    pub async fn send_command(
        &mut self,
        presentation_context_id: u8,
        command: &Command,
    ) -> Result<(), Error> {
        let _ = (presentation_context_id, command, &self.writer);
        Err(Error::Closed)
    }

    /// Sends a message with its data set. The last fragment is marked as such only when the stream has
    /// ended well; when it fails, the object stays cut and [`Error::Source`] is returned: the caller aborts.
    ///
    /// # Errors
    /// As [`Self::send_command`], and [`Error::Source`].
    pub async fn send<D>(
        &mut self,
        presentation_context_id: u8,
        command: &Command,
        data_set: D,
    ) -> Result<(), Error>
    where
        D: Stream<Item = std::io::Result<Bytes>> + Send,
    {
        let _ = (presentation_context_id, command, data_set);
        Err(Error::Closed)
    }

    /// Sends A-RELEASE-RP (AR-4) and closes our direction of the connection.
    ///
    /// # Errors
    /// As [`Self::send_command`].
    pub async fn release_response(&mut self) -> Result<(), Error> {
        Err(Error::Closed)
    }

    /// Sends A-RELEASE-RQ (AR-1).
    ///
    /// # Errors
    /// As [`Self::send_command`].
    pub async fn release_request(&mut self) -> Result<(), Error> {
        Err(Error::Closed)
    }

    /// Sends A-ABORT if that is still possible (AA-1, AA-8) and closes our direction of the connection.
    /// It takes at most the write timer, and never fails: the association is over in any case.
    pub async fn abort(&mut self, abort: Abort) {
        let _ = abort;
    }
}
