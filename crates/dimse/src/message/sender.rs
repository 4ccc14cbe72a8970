//! The writing half of an association.

use std::{collections::VecDeque, io, io::IoSlice, pin::pin, time::Duration};

use bytes::{Buf, Bytes, BytesMut};
use futures::{FutureExt, Stream, StreamExt};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    time::timeout,
};

use crate::{
    Abort, Error, Timer,
    association::{Negotiated, Settings},
    command::Command,
    pdu,
};

/// Slices handed to one vectored write: a PDU of 16 KiB whose content comes in pieces of 8 KiB has four, and
/// small messages are one each.
const SLICES_MAX: usize = 128;
/// Bytes of a data set up to which pieces that are at hand are written together: 256 KiB.
const TOGETHER_LENGTH: usize = 256 * 1024;
/// Bytes of a message that is copied behind others: below that, copying costs less than a slice.
const COPIED_LENGTH_MAX: usize = 4096;
/// Message control header: a command fragment (PS3.8 §E.2).
const COMMAND: u8 = 1;
/// Message control header: the last fragment (PS3.8 §E.2).
const LAST: u8 = 2;

/// Sends messages: command and data set in separate PDUs, fragments at the peer's maximum length.
///
/// A PDU once begun is finished: a send that is dropped half-way leaves the rest of its PDU behind, which
/// the next call writes first. A message once begun and not finished cannot be followed by another
/// one; then every call but [`Self::abort`] gives [`Error::Unfinished`].
#[derive(Debug)]
pub struct MessageSender<W> {
    writer: W,
    /// Bytes of PDUs that were begun, in order.
    unwritten: VecDeque<Bytes>,
    /// Small messages behind those, joined.
    small: BytesMut,
    /// Bytes of content that one P-DATA-TF PDU carries, even (PS3.8 §9.3.5.1 has one value per PDU here).
    content_length: usize,
    write_timer: Duration,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    InMessage,
    Ended,
}

impl<W> MessageSender<W>
where
    W: AsyncWrite,
{
    pub(crate) fn new(writer: W, negotiated: &Negotiated, settings: &Settings) -> Self {
        let cap = settings.sent_pdu_length_max.max(Negotiated::PEER_MAX_PDU_LENGTH_MIN);
        let length = match negotiated.peer_max_pdu_length {
            0 => cap,
            peer => peer.min(cap),
        };
        Self {
            writer,
            unwritten: VecDeque::new(),
            small: BytesMut::new(),
            content_length: usize::try_from(length.saturating_sub(6) & !1).unwrap_or(2).max(2),
            write_timer: settings.timers.write,
            state: State::Open,
        }
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
        self.begin()?;
        self.push_command(presentation_context_id, command.write(false));
        self.state = State::Open;
        self.write_unwritten().await
    }

    /// Takes a message whose data set, if any, is at hand, to be written by [`Self::flush`]: many small ones
    /// go out with one write then. The caller keeps an eye on [`Self::pushed_length`].
    ///
    /// # Errors
    /// [`Error::Unfinished`], [`Error::Ended`].
    pub fn push(
        &mut self,
        presentation_context_id: u8,
        command: &Command,
        data_set: Option<Bytes>,
    ) -> Result<(), Error> {
        self.begin()?;
        let bytes = command.write(data_set.is_some());
        let data_set_length = data_set.as_ref().map_or(0, Bytes::len);
        if bytes.len().max(data_set_length) <= self.content_length
            && bytes.len() + data_set_length <= COPIED_LENGTH_MAX
        {
            self.push_small(presentation_context_id, &bytes, data_set.as_deref());
            self.state = State::Open;
            return Ok(());
        }
        self.push_command(presentation_context_id, bytes);
        if let Some(data_set) = data_set {
            let mut content = Content::default();
            content.push(data_set);
            while content.length > self.content_length {
                self.push_value(presentation_context_id, 0, &mut content);
            }
            self.push_value(presentation_context_id, LAST, &mut content);
        }
        self.state = State::Open;
        Ok(())
    }

    /// Takes a message of two PDUs at most behind those that are joined already.
    fn push_small(&mut self, context: u8, command: &[u8], data_set: Option<&[u8]>) {
        if self.small.is_empty() {
            self.small.reserve(COPIED_LENGTH_MAX);
        }
        let both = [(COMMAND | LAST, Some(command)), (LAST, data_set)];
        for (control, content) in both {
            let Some(content) = content else { continue };
            self.small.extend_from_slice(&head(context, control, content.len()));
            self.small.extend_from_slice(content);
        }
    }

    /// Puts the small messages behind what is to be written; before anything else follows them.
    fn end_small(&mut self) {
        if !self.small.is_empty() {
            self.unwritten.push_back(std::mem::take(&mut self.small).freeze());
        }
    }

    /// Bytes that were pushed, or begun, and not written yet.
    #[must_use]
    pub fn pushed_length(&self) -> usize {
        self.small.len() + self.unwritten.iter().map(Bytes::len).sum::<usize>()
    }

    /// Writes what was pushed. Dropped half-way, it is gone on with by the next call.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Timeout`] of write.
    pub async fn flush(&mut self) -> Result<(), Error> {
        self.write_unwritten().await
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
        D: Stream<Item = io::Result<Bytes>> + Send,
    {
        self.begin()?;
        self.push_command(presentation_context_id, command.write(true));
        let mut data_set = pin!(data_set.fuse());
        let mut content = Content::default();
        // The command goes out with the first bytes where they are at hand, so that it does not wake the peer
        // by itself.
        let mut next = data_set.next().now_or_never();
        if next.is_none() {
            self.write_unwritten().await?;
        }
        while let Some(piece) = match next.take() {
            Some(piece) => piece,
            None => data_set.next().await,
        } {
            content.push(piece.map_err(Error::Source)?);
            // What is at hand goes out with one write: archives send pieces of a few kilobytes.
            while content.length < TOGETHER_LENGTH
                && let Some(Some(piece)) = data_set.next().now_or_never()
            {
                content.push(piece.map_err(Error::Source)?);
            }
            // More than one PDU's worth must be there, so that the last fragment is never sent before
            // the stream has said that it ends.
            while content.length > self.content_length {
                self.push_value(presentation_context_id, 0, &mut content);
            }
            self.write_unwritten().await?;
        }
        self.push_value(presentation_context_id, LAST, &mut content);
        self.state = State::Open;
        self.write_unwritten().await
    }

    /// Sends A-RELEASE-RP (AR-4) and closes our direction of the connection.
    ///
    /// # Errors
    /// As [`Self::send_command`].
    pub async fn release_response(&mut self) -> Result<(), Error> {
        self.control(pdu::release_rp()).await?;
        self.state = State::Ended;
        self.shutdown().await
    }

    /// Sends A-RELEASE-RQ (AR-1). Only release or abort may follow.
    ///
    /// # Errors
    /// As [`Self::send_command`].
    pub(crate) async fn release_request(&mut self) -> Result<(), Error> {
        self.control(pdu::release_rq()).await
    }

    /// Sends A-ABORT if that is still possible (AA-1, AA-8) and closes our direction of the connection.
    /// It never fails: the association is over in any case. A write that makes no progress ends it after
    /// the write timer.
    pub async fn abort(&mut self, abort: Abort) {
        if self.state == State::Ended {
            return;
        }
        self.state = State::Ended;
        self.end_small();
        self.unwritten.push_back(Bytes::copy_from_slice(&pdu::abort(abort)));
        if self.write_unwritten().await.is_ok() {
            // A failed shutdown leaves nothing to do but to drop the connection, which the caller does.
            let _ = self.shutdown().await;
        }
    }

    /// A release response of ours that does not end the connection, for a release collision (AR-9).
    pub(crate) async fn release_response_in_collision(&mut self) -> Result<(), Error> {
        self.control(pdu::release_rp()).await
    }

    pub(crate) async fn shutdown(&mut self) -> Result<(), Error> {
        let shutdown = timeout(self.write_timer, self.writer.shutdown()).await;
        shutdown.map_err(|_| Error::Timeout(Timer::Write))?.map_err(Error::Io)
    }

    fn begin(&mut self) -> Result<(), Error> {
        match self.state {
            State::Open => {
                self.state = State::InMessage;
                Ok(())
            }
            State::InMessage => Err(Error::Unfinished),
            State::Ended => Err(Error::Ended),
        }
    }

    async fn control(&mut self, pdu: [u8; 10]) -> Result<(), Error> {
        self.begin()?;
        self.end_small();
        self.unwritten.push_back(Bytes::copy_from_slice(&pdu));
        self.state = State::Open;
        self.write_unwritten().await
    }

    fn push_command(&mut self, context: u8, command: Vec<u8>) {
        let mut content = Content::default();
        content.push(Bytes::from(command));
        while content.length > self.content_length {
            self.push_value(context, COMMAND, &mut content);
        }
        self.push_value(context, COMMAND | LAST, &mut content);
    }

    /// One P-DATA-TF PDU with one presentation data value (PS3.8 §9.3.5), taken from the front of `content`.
    fn push_value(&mut self, context: u8, control: u8, content: &mut Content) {
        let length = content.length.min(self.content_length);
        let head = head(context, control, length);
        self.end_small();
        self.unwritten.push_back(Bytes::copy_from_slice(&head));
        content.move_to(length, &mut self.unwritten);
    }

    /// Writes what was begun. The write timer starts anew with every write that makes progress.
    async fn write_unwritten(&mut self) -> Result<(), Error> {
        self.end_small();
        while !self.unwritten.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let mut used = 0;
            for (slice, bytes) in slices.iter_mut().zip(&self.unwritten) {
                *slice = IoSlice::new(bytes);
                used += 1;
            }
            let write = timeout(self.write_timer, self.writer.write_vectored(&slices[..used])).await;
            let mut written = write.map_err(|_| Error::Timeout(Timer::Write))??;
            if written == 0 {
                return Err(Error::Io(io::ErrorKind::WriteZero.into()));
            }
            while let Some(first) = self.unwritten.front_mut() {
                if first.len() > written {
                    first.advance(written);
                    break;
                }
                written -= first.len();
                self.unwritten.pop_front();
            }
        }
        let flush = timeout(self.write_timer, self.writer.flush()).await;
        flush.map_err(|_| Error::Timeout(Timer::Write))?.map_err(Error::Io)
    }
}

/// What stands before `length` bytes of a message in a P-DATA-TF PDU (PS3.8 §9.3.5).
fn head(context: u8, control: u8, length: usize) -> [u8; 12] {
    // A PDU is never longer than `sent_pdu_length_max`, a u32.
    let field = |extra: usize| u32::try_from(length + extra).unwrap_or(u32::MAX).to_be_bytes();
    let mut head = [0; 12];
    head[0] = pdu::P_DATA_TF;
    head[2..6].copy_from_slice(&field(6));
    head[6..10].copy_from_slice(&field(2));
    head[10] = context;
    head[11] = control;
    head
}

/// Content that awaits its PDU: pieces as they came, not copied.
#[derive(Debug, Default)]
struct Content {
    pieces: VecDeque<Bytes>,
    length: usize,
}

impl Content {
    fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.length += piece.len();
            self.pieces.push_back(piece);
        }
    }

    fn move_to(&mut self, mut length: usize, to: &mut VecDeque<Bytes>) {
        self.length -= length;
        while let Some(mut piece) = self.pieces.pop_front() {
            if piece.len() > length {
                to.push_back(piece.split_to(length));
                self.pieces.push_front(piece);
                return;
            }
            length -= piece.len();
            to.push_back(piece);
        }
    }
}
