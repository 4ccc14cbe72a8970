//! Reading an answer of an origin ahead of the recipient, without holding its connection hostage.

use std::{collections::VecDeque, pin::Pin, sync::Arc, time::Duration};

use bytes::Bytes;
use dicomweb::retrieve::Retrieved;
use futures::{StreamExt, stream::BoxStream};
use instance::part10::FileMeta;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Instant, Sleep, sleep, timeout},
};
use tokio_util::task::AbortOnDropHandle;

/// Bytes that are read ahead of the recipient: 256 KiB. While a recipient files one instance the next
/// one arrives; the kernel's buffers hold as much again.
const READ_AHEAD: u32 = 256 * 1024;

/// Bytes that are handed on together: 128 KiB. Answers without a length, as Orthanc's, come in pieces of 8 KiB, and
/// each would wake whoever sends them, who would wake the recipient for a PDU or none.
const TOGETHER: usize = 128 * 1024;

/// Pieces that are handed on together, so that an answer in tiny pieces is bounded too: 32.
const PIECES_TOGETHER_MAX: usize = 32;

/// How long what has come waits for more of it: 10 ms.
const HELD_BACK: Duration = Duration::from_millis(10);

/// Batches of pieces that are read ahead: 8.
const BATCHES_MAX: usize = 8;

/// What is known of an instance before its data set: its File Meta Information, and the bytes of the data
/// set where they were announced.
pub(super) type Head = (FileMeta, Option<u64>);

/// What an answer consists of.
#[derive(Debug)]
pub(super) enum Event {
    /// An instance begins.
    Instance(Head),
    /// Bytes of its data set.
    Data(Bytes),
    /// Its data set ended, whole.
    End,
}

/// Why an answer did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Interruption {
    /// The origin or the line.
    #[error("{0}")]
    Origin(#[from] dicomweb::Error),
    /// The recipient took nothing for too long, so the request was reset.
    #[error("the recipient took nothing for too long, so the answer was given up")]
    Stalled,
    /// The data set came to an end that cannot be its own.
    #[error("the instance is cut")]
    Cut,
    /// The spool.
    #[error("{0}")]
    Spool(#[from] spool::Error),
    /// A defect of ours.
    #[error("reading ended by a panic")]
    Panic,
}

/// An answer that is being read. Dropping it resets the request at once.
#[derive(Debug)]
pub(super) struct ReadAhead {
    batches: mpsc::Receiver<Batch>,
    /// What was taken last.
    at_hand: VecDeque<Event>,
    reading: Option<AbortOnDropHandle<Result<(), Interruption>>>,
}

/// What is handed on together, never nothing, and its room in what is read ahead.
#[derive(Debug)]
struct Batch {
    events: VecDeque<Event>,
    _room: Option<OwnedSemaphorePermit>,
}

impl ReadAhead {
    /// Begins to read `retrieved`, and gives it up when its bytes are not taken for `stall`.
    pub(super) fn new(retrieved: Retrieved, stall: Duration) -> Self {
        let (batches, receiver) = mpsc::channel(BATCHES_MAX);
        let reading = Some(AbortOnDropHandle::new(tokio::spawn(read(retrieved, Taker::new(batches, stall)))));
        Self { batches: receiver, at_hand: VecDeque::new(), reading }
    }

    /// What comes next; `None` behind the last instance of a whole answer.
    pub(super) async fn next(&mut self) -> Result<Option<Event>, Interruption> {
        if self.at_hand.is_empty() {
            let Some(batch) = self.batches.recv().await else {
                return match self.reading.take() {
                    Some(reading) => reading.await.unwrap_or(Err(Interruption::Panic)).map(|()| None),
                    None => Ok(None),
                };
            };
            // Its room is free again: while this is sent, as much is read.
            self.at_hand = batch.events;
        }
        Ok(self.at_hand.pop_front())
    }
}

async fn read(retrieved: Retrieved, mut taker: Taker) -> Result<(), Interruption> {
    let read = read_all(retrieved, &mut taker).await;
    // What came before an answer broke is not asked for again.
    taker.hand_on().await?;
    read
}

async fn read_all(mut retrieved: Retrieved, taker: &mut Taker) -> Result<(), Interruption> {
    while let Some(instance) = retrieved.next_part().await? {
        taker.take(Event::Instance((instance.file_meta, instance.length))).await?;
        let mut data_set = instance.data_set;
        while let Some(bytes) = taker.next_of(&mut data_set).await? {
            taker.take(Event::Data(bytes)).await?;
        }
        taker.take(Event::End).await?;
    }
    Ok(())
}

/// A data set as it comes.
type DataSet = BoxStream<'static, Result<Bytes, dicomweb::Error>>;

/// Whoever takes what is read.
struct Taker {
    batches: mpsc::Sender<Batch>,
    room: Arc<Semaphore>,
    stall: Duration,
    /// What is to be handed on.
    held: VecDeque<Event>,
    held_length: usize,
    /// Ends when what is held is to be handed on in any case.
    holding: Pin<Box<Sleep>>,
}

impl Taker {
    fn new(batches: mpsc::Sender<Batch>, stall: Duration) -> Self {
        let room = Arc::new(Semaphore::new(READ_AHEAD as usize));
        let holding = Box::pin(sleep(HELD_BACK));
        Self { batches, room, stall, held: VecDeque::new(), held_length: 0, holding }
    }

    /// Takes what was read, and hands it on where it is enough, or an instance has ended.
    async fn take(&mut self, event: Event) -> Result<(), Interruption> {
        if self.held.is_empty() {
            self.holding.as_mut().reset(Instant::now() + HELD_BACK);
        }
        let is_end = matches!(event, Event::End);
        if let Event::Data(bytes) = &event {
            self.held_length += bytes.len();
        }
        self.held.push_back(event);
        let is_enough = self.held_length >= TOGETHER || self.held.len() >= PIECES_TOGETHER_MAX;
        if is_end || is_enough { self.hand_on().await } else { Ok(()) }
    }

    /// The next bytes of a data set. Where none come for a while, what is held is handed on.
    async fn next_of(&mut self, data_set: &mut DataSet) -> Result<Option<Bytes>, Interruption> {
        loop {
            tokio::select! {
                biased;
                bytes = data_set.next() => return Ok(bytes.transpose()?),
                () = &mut self.holding, if !self.held.is_empty() => self.hand_on().await?,
            }
        }
    }

    /// Hands on what is held.
    async fn hand_on(&mut self) -> Result<(), Interruption> {
        if self.held.is_empty() {
            return Ok(());
        }
        let events = std::mem::take(&mut self.held);
        let length = std::mem::take(&mut self.held_length);
        let taken = timeout(self.stall, async {
            let length = u32::try_from(length).unwrap_or(READ_AHEAD).min(READ_AHEAD);
            // The semaphore is never closed, so there always is a permit.
            let room = Arc::clone(&self.room).acquire_many_owned(length).await.ok();
            // Whoever has dropped the receiver has aborted this task too.
            let _ = self.batches.send(Batch { events, _room: room }).await;
        });
        taken.await.map_err(|_| Interruption::Stalled)
    }
}
