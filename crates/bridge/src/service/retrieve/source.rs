//! Where the bytes of instances come from: an answer of an origin, or the spool.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use dicomweb::retrieve::Retrieve;
use futures::{StreamExt, stream::BoxStream};
use instance::part10::FileMeta;
use spool::EntryId;

use super::read_ahead::{Event, Interruption, ReadAhead};
use crate::{bridge::Core, memory::Reserved, snapshot::Origin};

/// A sequence of instances, or a single one, and its room in the memory budget.
pub(super) struct Source {
    kind: Kind,
    _reserved: Reserved,
}

enum Kind {
    /// Nothing more.
    Nothing,
    /// An answer of an origin.
    Origin(ReadAhead),
    /// An entry of the spool: what is to come before its bytes, and the bytes.
    Spool(Option<FileMeta>, BoxStream<'static, Result<Bytes, spool::Error>>),
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
    /// Makes a request, once there is room in the memory budget.
    pub(super) async fn request(request: &Request) -> Result<Self, dicomweb::Error> {
        let reserved = request.core.memory.retrieving().await;
        let mut source = Self { kind: Kind::Nothing, _reserved: reserved };
        source.replace(request).await?;
        Ok(source)
    }

    /// Reads an entry of the spool, once there is room in the memory budget.
    pub(super) async fn entry(core: &Core, entry_id: EntryId, length: u64, meta: FileMeta) -> Self {
        let reserved = core.memory.retrieving().await;
        let bytes = core.ports.payloads.read(entry_id, 0..length);
        Self { kind: Kind::Spool(Some(meta), bytes), _reserved: reserved }
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
            Kind::Spool(meta, bytes) => {
                if let Some(meta) = meta.take() {
                    return Ok(Some(Event::Instance(meta)));
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
    pub(super) async fn next_instance(&mut self) -> Result<Option<FileMeta>, Interruption> {
        loop {
            match self.next().await? {
                Some(Event::Instance(meta)) => return Ok(Some(meta)),
                Some(Event::Data(_) | Event::End) => {}
                None => return Ok(None),
            }
        }
    }

    /// Whether it was given up because the recipient took nothing.
    pub(super) fn is_stalled(&self) -> bool {
        matches!(&self.kind, Kind::Origin(answer) if answer.is_stalled())
    }
}
