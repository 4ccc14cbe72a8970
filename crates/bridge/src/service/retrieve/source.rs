//! Where the bytes of instances come from: an answer of an origin, or the spool.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use dicomweb::retrieve::Retrieve;
use futures::{StreamExt, stream::BoxStream};
use instance::part10::FileMeta;
use spool::EntryId;

use super::read_ahead::{Event, Head, Interruption, ReadAhead};
use crate::{bridge::Core, memory::Reserved, snapshot::Origin};

/// A sequence of instances, or a single one, and its room in the memory budget.
pub(super) struct Source {
    kind: Kind,
    room: Room,
}

/// Room in the memory budget, for one answer and for every sub-operation whose instance came with it: the answer
/// goes on in it on the next association once an instance was read to its end, while the recipient files that one.
/// An instance that is sent anew, or asked for in another transfer syntax, is read in it too, even beside the
/// answer: who waited for more while others wait for it would lock up. So an answer may take its room once more
/// for each association that the retrieve has, where all of them fail at the same time.
pub(super) type Room = Arc<Reserved>;

enum Kind {
    /// Nothing more.
    Nothing,
    /// An answer of an origin.
    Origin(ReadAhead),
    /// An entry of the spool: what is to come before its bytes, and the bytes.
    Spool(Option<Head>, BoxStream<'static, Result<Bytes, spool::Error>>),
}

/// A request to an origin, which may be made again.
#[derive(Clone)]
pub(super) struct Request {
    pub(super) core: Arc<Core>,
    pub(super) origin: Arc<Origin>,
    pub(super) retrieve: Retrieve,
    /// How long the recipient may take nothing of the answer.
    pub(super) stall: Duration,
}

impl Source {
    /// Makes a request, in `room` or once there is some.
    pub(super) async fn request(request: &Request, room: Option<Room>) -> Result<Self, dicomweb::Error> {
        let over_tls = request.origin.client.base_url().is_tls();
        let mut source = Self { kind: Kind::Nothing, room: reserved(&request.core, room, over_tls).await };
        source.replace(request).await?;
        Ok(source)
    }

    /// Reads an entry of the spool, in `room` or once there is some.
    pub(super) async fn entry(
        core: &Core,
        entry_id: EntryId,
        length: u64,
        meta: FileMeta,
        room: Option<Room>,
    ) -> Self {
        let room = reserved(core, room, false).await;
        let bytes = core.ports.payloads.read(entry_id, 0..length);
        Self { kind: Kind::Spool(Some((meta, Some(length))), bytes), room }
    }

    /// The room that it has.
    pub(super) fn room(&self) -> Room {
        Arc::clone(&self.room)
    }

    /// Gives up what it reads and makes a request instead, with the room that it has.
    pub(super) async fn replace(&mut self, request: &Request) -> Result<(), dicomweb::Error> {
        self.kind = Kind::Nothing;
        let Request { core, origin, retrieve, stall } = request;
        let began = std::time::Instant::now();
        let retrieved = origin.client.retrieve(retrieve).await;
        core.metrics.count_origin_request(&origin.name, "wado", began.elapsed(), retrieved.as_ref().err());
        self.kind = Kind::Origin(ReadAhead::new(retrieved?, *stall));
        Ok(())
    }

    /// What comes next; `None` behind the last instance.
    pub(super) async fn next(&mut self) -> Result<Option<Event>, Interruption> {
        match &mut self.kind {
            Kind::Nothing => Ok(None),
            Kind::Origin(answer) => answer.next().await,
            Kind::Spool(head, bytes) => {
                if let Some(head) = head.take() {
                    return Ok(Some(Event::Instance(head)));
                }
                if let Some(bytes) = bytes.next().await {
                    return Ok(Some(Event::Data(bytes?)));
                }
                self.kind = Kind::Nothing;
                Ok(Some(Event::End))
            }
        }
    }

    /// The next instance; what is left of the one before is read and dropped.
    pub(super) async fn next_instance(&mut self) -> Result<Option<Head>, Interruption> {
        loop {
            match self.next().await? {
                Some(Event::Instance(head)) => return Ok(Some(head)),
                Some(Event::Data(_) | Event::End) => {}
                None => return Ok(None),
            }
        }
    }
}

async fn reserved(core: &Core, room: Option<Room>, over_tls: bool) -> Room {
    match room {
        Some(room) => room,
        None => Arc::new(core.memory.retrieving(over_tls).await),
    }
}
