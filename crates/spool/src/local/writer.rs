//! Writing one entry: gathered in blocks on the caller's side, hashed and written on blocking threads.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;
use sha2::{Digest, Sha256};
use tokio::{sync::oneshot, task::JoinHandle};

use super::{
    Shared, fields,
    format::{self, BLOCK, BLOCK_PAYLOAD, LARGE, PAGE, TailFacts},
    index::NewEntry,
    pool::Held,
    segment::{Waiting, settle},
};
use crate::{
    Committed, Destination, EntryHeader, EntryTrailer, Error, PayloadWriter, entry::EntryTrailer as Trailer,
};

/// The writer that [`super::LocalSpool`] hands out: one block that fills and at most one that is being
/// written.
pub(crate) struct LocalWriter {
    shared: Arc<Shared>,
    filling: Vec<u8>,
    work: Work,
}

enum Work {
    Idle(Box<Core>),
    Writing(JoinHandle<Result<Box<Core>, Error>>),
    Failed,
}

/// What the blocking side knows of the entry.
struct Core {
    shared: Arc<Shared>,
    header: EntryHeader,
    nonce: u64,
    hash: Sha256,
    length: u64,
    blocks: u32,
    /// The segment, once the first bytes are written.
    place: Option<Place>,
}

struct Place {
    held: Held,
    /// Where the entry begins.
    offset: u64,
    /// Bytes of its header.
    header_bytes: u64,
}

impl LocalWriter {
    pub(crate) fn new(shared: Arc<Shared>, header: EntryHeader) -> Self {
        let core = Core {
            shared: Arc::clone(&shared),
            header,
            nonce: super::nonce(),
            hash: Sha256::new(),
            length: 0,
            blocks: 0,
            place: None,
        };
        Self { shared, filling: Vec::new(), work: Work::Idle(Box::new(core)) }
    }

    /// The blocking side, once it has written what it was given.
    async fn core(&mut self) -> Result<Box<Core>, Error> {
        match std::mem::replace(&mut self.work, Work::Failed) {
            Work::Idle(core) => Ok(core),
            Work::Writing(task) => joined(task.await),
            Work::Failed => Err(Error::Closed),
        }
    }
}

fn joined<T>(ended: Result<Result<T, Error>, tokio::task::JoinError>) -> Result<T, Error> {
    ended.unwrap_or_else(|error| Err(Error::Io(std::io::Error::other(error))))
}

#[async_trait]
impl PayloadWriter for LocalWriter {
    async fn append(&mut self, mut data: Bytes) -> Result<(), Error> {
        while !data.is_empty() {
            if self.filling.capacity() < BLOCK {
                self.filling = self.shared.buffers.take();
            }
            let take = data.len().min(BLOCK_PAYLOAD - self.filling.len());
            self.filling.extend_from_slice(&data.split_to(take));
            if self.filling.len() == BLOCK_PAYLOAD {
                let mut core = self.core().await?;
                let block = std::mem::take(&mut self.filling);
                self.work = Work::Writing(tokio::task::spawn_blocking(move || {
                    core.write_block(block)?;
                    Ok(core)
                }));
            }
        }
        Ok(())
    }

    fn commit(mut self: Box<Self>, trailer: EntryTrailer) -> BoxFuture<'static, Result<Committed, Error>> {
        let (reply, answer) = oneshot::channel();
        let rest = std::mem::take(&mut self.filling);
        match std::mem::replace(&mut self.work, Work::Failed) {
            Work::Failed => drop(reply.send(Err(Error::Closed))),
            Work::Idle(core) => drop(tokio::task::spawn_blocking(move || core.finish(rest, &trailer, reply))),
            // The block before is still being written, and the end must follow it.
            Work::Writing(task) => drop(tokio::spawn(async move {
                match joined(task.await) {
                    Ok(core) => {
                        drop(tokio::task::spawn_blocking(move || core.finish(rest, &trailer, reply)).await);
                    }
                    Err(error) => drop(reply.send(Err(error))),
                }
            })),
        }
        Box::pin(async move { answer.await.unwrap_or(Err(Error::Closed)) })
    }
}

impl Drop for LocalWriter {
    fn drop(&mut self) {
        self.shared.buffers.give(std::mem::take(&mut self.filling));
    }
}

impl Core {
    fn write_block(&mut self, mut block: Vec<u8>) -> Result<(), Error> {
        self.hash.update(&block);
        self.length += block.len() as u64;
        let footer = format::write_footer(self.nonce, self.blocks, &block);
        block.extend_from_slice(&footer);
        self.blocks = self.blocks.checked_add(1).ok_or(Error::TooLarge {
            what: "the data set",
            length: self.length,
            limit: u64::from(u32::MAX) * BLOCK_PAYLOAD as u64,
        })?;
        self.write(&block)?;
        self.shared.buffers.give(block);
        Ok(())
    }

    /// Writes the next bytes of the entry, wherever there is room.
    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.make_room(bytes.len() as u64)?;
        let Some(place) = &mut self.place else { return Err(Error::Closed) };
        if let Err(error) = self.shared.disk.write_at(&place.held.segment.file, bytes, place.held.at) {
            place.held.segment.fail(&self.shared);
            return Err(self.shared.refuse_intake(&error));
        }
        place.held.at += bytes.len() as u64;
        Ok(())
    }

    fn make_room(&mut self, need: u64) -> Result<(), Error> {
        let Some(place) = &mut self.place else {
            let header_bytes = format::pages(fields::write_header(&self.header).len() as u64 + 64);
            let held = self.shared.take_segment(header_bytes + need)?;
            return self.begin(held);
        };
        if place.held.end - place.held.at >= need {
            return Ok(());
        }
        if place.held.segment.header.is(LARGE) {
            return self.shared.grow_large_segment(&mut place.held, need);
        }
        let used = place.held.at - place.offset;
        let fits_fresh = place.offset > PAGE && PAGE + used + need <= self.shared.config.segment_bytes;
        let held = if fits_fresh {
            self.shared.take_fresh_segment()?
        } else {
            self.shared.take_large_segment(PAGE + used + need)?
        };
        self.relocate(held)
    }

    /// Writes the header at the beginning of the room.
    fn begin(&mut self, mut held: Held) -> Result<(), Error> {
        let fields = fields::write_header(&self.header);
        let header = format::write_entry_header(&held.segment.header, self.nonce, &fields);
        let offset = held.at;
        let written = self.shared.disk.write_at(&held.segment.file, &header, offset);
        held.at += header.len() as u64;
        let place = self.place.insert(Place { held, offset, header_bytes: header.len() as u64 });
        written.map_err(|error| {
            place.held.segment.fail(&self.shared);
            self.shared.refuse_intake(&error)
        })
    }

    /// Moves what is written so far, at most one segment of it, to a place with more room.
    fn relocate(&mut self, held: Held) -> Result<(), Error> {
        let Some(old) = self.place.take() else { return self.begin(held) };
        let begun = self.begin(held);
        let moved = begun.and_then(|()| {
            let Some(new) = &mut self.place else { return Err(Error::Closed) };
            let mut block = self.shared.buffers.take();
            block.resize(BLOCK, 0);
            for index in 0..(old.held.at - old.offset - old.header_bytes) / BLOCK as u64 {
                let from = old.offset + old.header_bytes + index * BLOCK as u64;
                std::os::unix::fs::FileExt::read_exact_at(&old.held.segment.file, &mut block, from)?;
                if let Err(error) = self.shared.disk.write_at(&new.held.segment.file, &block, new.held.at) {
                    new.held.segment.fail(&self.shared);
                    return Err(self.shared.refuse_intake(&error));
                }
                new.held.at += BLOCK as u64;
            }
            self.shared.buffers.give(block);
            Ok(())
        });
        let abandoned = Held { at: old.offset, ..old.held };
        self.shared.give_back(abandoned, None);
        moved
    }

    /// Writes the tail, gives the segment back, and sees to the sync.
    fn finish(
        mut self: Box<Self>,
        rest: Vec<u8>,
        trailer: &EntryTrailer,
        reply: oneshot::Sender<Result<Committed, Error>>,
    ) {
        let entry = match self.write_tail(&rest, trailer) {
            Ok(entry) => entry,
            Err(error) => return drop(reply.send(Err(error))),
        };
        self.shared.buffers.give(rest);
        let Some(Place { held, .. }) = self.place.take() else { return };
        let segment = Arc::clone(&held.segment);
        let length = entry.length;
        let leads = segment.wait(Waiting { entry, reply });
        // The next writer may go on in this segment while its entries are synced.
        self.shared.give_back(held, Some(length));
        if leads {
            settle(&self.shared, &segment);
        }
    }

    fn write_tail(&mut self, rest: &[u8], trailer: &EntryTrailer) -> Result<Box<NewEntry>, Error> {
        bounded(trailer)?;
        self.hash.update(rest);
        self.length += rest.len() as u64;
        let trailer_fields = fields::write_trailer(trailer);
        let need = format::tail_bytes(trailer_fields.len(), rest.len());
        // The room is found first: the number of the entry must not be older than that of an entry
        // that was committed while this one waited for a segment.
        self.make_room(need)?;
        let entry_id = self.shared.next_id();
        let sha256 = format::finish(std::mem::take(&mut self.hash));
        let facts = TailFacts {
            nonce: self.nonce,
            entry_id,
            length: self.length,
            sha256,
            blocks: self.blocks,
            fields: &trailer_fields,
        };
        self.write(&format::write_tail(&facts, rest))?;
        let Some(place) = &self.place else { return Err(Error::Closed) };
        Ok(Box::new(NewEntry {
            entry_id,
            segment: place.held.segment.header,
            offset: place.offset,
            header_bytes: place.header_bytes,
            nonce: self.nonce,
            length: self.length,
            sha256,
            header_fields: fields::write_header(&self.header),
            trailer_fields,
            accepted_at: self.header.accepted_at,
            trailer: trailer.clone(),
            damaged: None,
        }))
    }
}

impl Drop for Core {
    /// An entry that was not finished leaves its room to the next one.
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.shared.give_back(Held { at: place.offset, ..place.held }, None);
        }
    }
}

fn bounded(trailer: &EntryTrailer) -> Result<(), Error> {
    let attributes: usize = trailer.attributes.iter().map(|(_, value)| value.len()).sum();
    let too_large = |what, length: usize, limit: usize| {
        Err(Error::TooLarge { what, length: length as u64, limit: limit as u64 })
    };
    if attributes + trailer.character_set.len() > Trailer::ATTRIBUTES_BYTES_MAX {
        return too_large("the attributes", attributes, Trailer::ATTRIBUTES_BYTES_MAX);
    }
    if trailer.attributes.len() > ATTRIBUTES_MAX {
        return too_large("the list of attributes", trailer.attributes.len(), ATTRIBUTES_MAX);
    }
    if trailer.destinations.len() > Trailer::DESTINATIONS_MAX {
        return too_large("the list of destinations", trailer.destinations.len(), Trailer::DESTINATIONS_MAX);
    }
    let longest = trailer.destinations.iter().map(|to| to.to_string().len()).max().unwrap_or(0);
    if longest > Destination::LENGTH_MAX || trailer.destinations.iter().any(|to| to.to_string().is_empty()) {
        return too_large("the name of a destination", longest, Destination::LENGTH_MAX);
    }
    Ok(())
}

/// Attributes of one entry: 1000, so that their names cannot outgrow their values.
const ATTRIBUTES_MAX: usize = 1000;
