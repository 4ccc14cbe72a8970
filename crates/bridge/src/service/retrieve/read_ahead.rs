//! Reading an answer of an origin ahead of the recipient, without holding its connection hostage.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use dicomweb::retrieve::Retrieved;
use futures::StreamExt;
use instance::part10::FileMeta;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::timeout,
};
use tokio_util::task::AbortOnDropHandle;

/// Bytes that are read ahead of the recipient: 256 KiB. While a recipient files one instance the next
/// one arrives; the kernel's buffers hold as much again.
const READ_AHEAD: u32 = 256 * 1024;

/// Pieces that are read ahead, so that an answer in tiny pieces is bounded too.
const PIECES_MAX: usize = 64;

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
    events: mpsc::Receiver<(Event, Option<OwnedSemaphorePermit>)>,
    reading: Option<AbortOnDropHandle<Result<(), Interruption>>>,
}

impl ReadAhead {
    /// Begins to read `retrieved`, and gives it up when its bytes are not taken for `stall`.
    pub(super) fn new(retrieved: Retrieved, stall: Duration) -> Self {
        let (events, receiver) = mpsc::channel(PIECES_MAX);
        let room = Arc::new(Semaphore::new(READ_AHEAD as usize));
        let taker = Taker { events, room, stall };
        let reading = Some(AbortOnDropHandle::new(tokio::spawn(read(retrieved, taker))));
        Self { events: receiver, reading }
    }

    /// What comes next; `None` behind the last instance of a whole answer.
    pub(super) async fn next(&mut self) -> Result<Option<Event>, Interruption> {
        if let Some((event, _room)) = self.events.recv().await {
            return Ok(Some(event));
        }
        match self.reading.take() {
            Some(reading) => reading.await.unwrap_or(Err(Interruption::Panic)).map(|()| None),
            None => Ok(None),
        }
    }
}

async fn read(mut retrieved: Retrieved, taker: Taker) -> Result<(), Interruption> {
    while let Some(instance) = retrieved.next_part().await? {
        taker.hand_on(Event::Instance((instance.file_meta, instance.length))).await?;
        let mut data_set = instance.data_set;
        while let Some(bytes) = data_set.next().await {
            taker.hand_on(Event::Data(bytes?)).await?;
        }
        taker.hand_on(Event::End).await?;
    }
    Ok(())
}

/// Whoever takes what is read.
struct Taker {
    events: mpsc::Sender<(Event, Option<OwnedSemaphorePermit>)>,
    room: Arc<Semaphore>,
    stall: Duration,
}

impl Taker {
    async fn hand_on(&self, event: Event) -> Result<(), Interruption> {
        let taken = timeout(self.stall, async {
            let permit = match &event {
                Event::Data(bytes) => {
                    let length = u32::try_from(bytes.len()).unwrap_or(READ_AHEAD).min(READ_AHEAD);
                    // The semaphore is never closed, so there always is a permit.
                    Arc::clone(&self.room).acquire_many_owned(length).await.ok()
                }
                Event::Instance(_) | Event::End => None,
            };
            // Whoever has dropped the receiver has aborted this task too.
            let _ = self.events.send((event, permit)).await;
        });
        taken.await.map_err(|_| Interruption::Stalled)
    }
}
