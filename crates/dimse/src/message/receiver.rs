//! The reading half of an association.

use bytes::Bytes;
use tokio::io::AsyncRead;

use super::Event;
use crate::{
    Error,
    association::{Negotiated, Settings},
};

/// Receives messages, whatever way the peer packs them into PDUs.
#[derive(Debug)]
pub struct MessageReceiver<R> {
    reader: R,
}

impl<R> MessageReceiver<R>
where
    R: AsyncRead,
{
    pub(crate) fn new(reader: R, negotiated: &Negotiated, settings: &Settings) -> Self {
        let _ = (negotiated, settings);
        Self { reader }
    }
}

impl<R> MessageReceiver<R>
where
    R: AsyncRead + Unpin,
{
    /// The next message or the peer's release. What is left of the current data set is read and thrown away.
    ///
    /// Cancel-safe: dropping the future loses nothing, a later call goes on where it was.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Aborted`], [`Error::Timeout`] of idle or message, [`Error::Io`],
    /// [`Error::PeerMisbehaved`]. All are final; [`crate::abort_for`] says what to send.
    pub async fn next_message(&mut self) -> Result<Event, Error> {
        let _ = &self.reader;
        Err(Error::Closed)
    }

    /// The next piece of the current message's data set, of any length but never empty; `None` once the
    /// last fragment was handed out (or where no data set belongs to the message). The pieces are slices
    /// of the receive buffer: whoever keeps many small ones should copy them.
    ///
    /// Cancel-safe, as [`Self::next_message`].
    ///
    /// # Errors
    /// As [`Self::next_message`]. A data set is complete only when this returned `Ok(None)`.
    pub async fn next_fragment(&mut self) -> Result<Option<Bytes>, Error> {
        Err(Error::Closed)
    }
}
