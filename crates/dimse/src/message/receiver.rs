//! The reading half of an association.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    time::timeout,
};

use super::Event;
use crate::{
    Error, Timer,
    association::{Negotiated, Settings, Timers},
    pdu::Header,
    pdv::{Assembler, Step},
};

/// Bytes that are read at once while no data set is in flight: more than a usual command set.
const COMMAND_READ_LENGTH: usize = 4096;

/// Receives messages, whatever way the peer packs them into PDUs.
///
/// The buffer is there only while a message or PDU is in flight.
#[derive(Debug)]
pub struct MessageReceiver<R> {
    reader: R,
    assembler: Assembler,
    buffer: BytesMut,
    buffer_length: usize,
    timers: Timers,
    /// The timer that runs between two messages.
    between: (Timer, Duration),
    state: State,
}

/// What the receiver still takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// The peer has asked for release, so it may send nothing more (PS3.8 §9.2.3, Sta8).
    Released,
    /// An error was reported; the stream of PDUs cannot be relied on any more.
    Ended,
}

impl<R> MessageReceiver<R>
where
    R: AsyncRead,
{
    pub(crate) fn new(reader: R, negotiated: &Negotiated, settings: &Settings) -> Self {
        Self {
            reader,
            assembler: Assembler::new(negotiated.contexts.clone(), negotiated.own_max_pdu_length),
            buffer: BytesMut::new(),
            buffer_length: settings.receive_buffer_length.max(COMMAND_READ_LENGTH),
            timers: settings.timers,
            between: (Timer::Idle, settings.timers.idle),
            state: State::Open,
        }
    }
}

impl<R> MessageReceiver<R>
where
    R: AsyncRead + Unpin,
{
    /// The next message or the peer's release. What is left of the current data set is read and thrown away.
    ///
    /// Cancel-safe: dropping the future loses nothing, a later call goes on where it was. The idle timer
    /// starts with each call.
    ///
    /// # Errors
    /// [`Error::Closed`], [`Error::Aborted`], [`Error::Timeout`] of idle or message, [`Error::Io`],
    /// [`Error::PeerMisbehaved`]. All are final; [`crate::abort_for`] says what to send.
    pub async fn next_message(&mut self) -> Result<Event, Error> {
        loop {
            match self.next_step().await? {
                Step::Message(message) => return Ok(Event::Message(message)),
                Step::ReleaseRequest => {
                    self.state = State::Released;
                    return Ok(Event::Release);
                }
                Step::ReleaseResponse => return Err(self.unexpected_release_response()),
                Step::Fragment(_) | Step::DataSetEnd => {}
            }
        }
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
        if self.state == State::Open && !self.assembler.is_in_data_set() {
            return Ok(None);
        }
        match self.next_step().await? {
            Step::Fragment(fragment) => Ok(Some(fragment)),
            // Within a data set the assembler reports nothing else.
            _ => Ok(None),
        }
    }

    /// Sets the idle timer, from the next call of [`Self::next_message`] on: a peer that awaits an answer is
    /// silent with good reason, for however long that takes.
    pub const fn set_idle(&mut self, idle: Duration) {
        self.set_between(Timer::Idle, idle);
    }

    /// Awaits the peer's close of the connection under ARTIM and throws away what still comes (Sta13), so
    /// that the last PDU that was sent is not lost to a reset. To be called after a release response
    /// or an abort was sent, before the halves are dropped.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Timeout`] of ARTIM, for the log.
    pub async fn await_close(&mut self) -> Result<(), Error> {
        self.state = State::Ended;
        self.buffer = BytesMut::new();
        await_close(&mut self.reader, self.timers.artim).await
    }

    /// The peer's A-RELEASE-RP, or its A-RELEASE-RQ in a collision (Sta7). Messages that were on their way
    /// are thrown away: PS3.8 §7.2 lets a requestor ignore them.
    pub(crate) async fn next_release(&mut self) -> Result<ReleasePdu, Error> {
        loop {
            match self.next_step().await? {
                Step::ReleaseRequest => return Ok(ReleasePdu::Request),
                Step::ReleaseResponse => return Ok(ReleasePdu::Response),
                Step::Message(_) | Step::Fragment(_) | Step::DataSetEnd => {}
            }
        }
    }

    #[cfg(test)]
    pub(super) fn buffered_capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// Sets the timer that runs between two messages.
    pub(crate) const fn set_between(&mut self, timer: Timer, duration: Duration) {
        self.between = (timer, duration);
    }

    async fn next_step(&mut self) -> Result<Step, Error> {
        let step = self.advance().await;
        if step.is_err() {
            self.state = State::Ended;
            self.buffer = BytesMut::new();
        }
        step
    }

    async fn advance(&mut self) -> Result<Step, Error> {
        if self.state == State::Ended {
            return Err(Error::Ended);
        }
        loop {
            let step = self.assembler.step(&mut self.buffer)?;
            match (step, self.state) {
                (Some(_), State::Released) => {
                    return Err(Error::PeerMisbehaved(crate::Misbehaviour::UnexpectedPdu(
                        crate::pdu::P_DATA_TF,
                    )));
                }
                (Some(step), _) => return Ok(step),
                (None, _) => self.fill().await?,
            }
        }
    }

    /// Reads once. All state is in `self`, so a cancelled read has lost nothing.
    async fn fill(&mut self) -> Result<(), Error> {
        let read = if self.buffer.is_empty() && self.assembler.is_idle() {
            self.buffer = BytesMut::new();
            let mut first = [0; 512];
            let (timer, duration) = self.between;
            let read = timeout(duration, self.reader.read(&mut first)).await;
            let read = read.map_err(|_| Error::Timeout(timer))??;
            if let Some(first) = first.get(..read) {
                self.buffer.reserve(COMMAND_READ_LENGTH);
                self.buffer.extend_from_slice(first);
            }
            read
        } else {
            let wanted =
                if self.assembler.is_in_data_set() { self.buffer_length } else { COMMAND_READ_LENGTH };
            if self.buffer.capacity() - self.buffer.len() < wanted / 4 {
                self.buffer.reserve(wanted);
            }
            let read = timeout(self.timers.message, self.reader.read_buf(&mut self.buffer)).await;
            read.map_err(|_| Error::Timeout(Timer::Message))??
        };
        if read == 0 { Err(Error::Closed) } else { Ok(()) }
    }

    fn unexpected_release_response(&mut self) -> Error {
        self.state = State::Ended;
        Header { pdu_type: crate::pdu::RELEASE_RP, length: 0 }.unexpected()
    }
}

/// The PDUs that end an association in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReleasePdu {
    Request,
    Response,
}

/// Reads and discards until the peer closes, under ARTIM (Sta13).
pub(crate) async fn await_close<R>(reader: &mut R, artim: Duration) -> Result<(), Error>
where
    R: AsyncRead + Unpin,
{
    let drain = async {
        let mut sink = [0; 512];
        while reader.read(&mut sink).await? > 0 {}
        Ok(())
    };
    timeout(artim, drain).await.map_err(|_| Error::Timeout(Timer::Artim))?
}
