//! Writing one entry: hashed as the bytes come and gathered in blocks on the caller's side, written on
//! blocking threads.

use std::{
    mem,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use bytes::Bytes;
use crc32fast::Hasher as Crc;
use futures::future::BoxFuture;
use sha2::{Digest, Sha256};
use tokio::{sync::oneshot, task::JoinHandle};

use super::{
    Shared, fields,
    format::{self, BLOCK, BLOCK_PAYLOAD, LARGE, PAGE, TailFacts},
    index::NewEntry,
    lock,
    pool::Held,
    segment::{Waiting, settle},
};
use crate::{
    Committed, Destination, EntryHeader, EntryTrailer, Error, PayloadWriter, entry::EntryTrailer as Trailer,
};

/// The writer that [`super::LocalSpool`] hands out: one block that fills and at most one that is being
/// written.
///
/// The hashes are taken here and not on a blocking thread: most of the work is then done while the
/// peer still sends, and behind the last byte there is nothing left of it.
pub(crate) struct LocalWriter {
    shared: Arc<Shared>,
    filling: Vec<u8>,
    /// Of the bytes in `filling`.
    filling_crc: Crc,
    hash: Sha256,
    length: u64,
    work: Work,
}

enum Work {
    Idle(Box<Core>),
    Writing(JoinHandle<()>, Arc<Mutex<Handover>>),
    Failed,
}

/// What the blocking side finds when a block is written, or leaves there.
enum Handover {
    /// Nothing yet, on either side.
    Open,
    /// The entry ends behind the block: the thread that wrote the block goes on with that.
    End(Box<End>),
    /// The block is written, or was not.
    Written(Result<Box<Core>, Error>),
    Taken,
}

/// A block's worth of the data set, or less at its end.
struct Payload {
    bytes: Vec<u8>,
    crc: u32,
}

/// What the end of an entry is made of.
struct End {
    remainder: Payload,
    sha256: [u8; 32],
    length: u64,
    trailer: EntryTrailer,
    reply: oneshot::Sender<Result<Committed, Error>>,
}

/// What the blocking side knows of the entry.
struct Core {
    shared: Arc<Shared>,
    header: EntryHeader,
    nonce: u64,
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
        let core =
            Core { shared: Arc::clone(&shared), header, nonce: super::nonce(), blocks: 0, place: None };
        Self {
            shared,
            filling: Vec::new(),
            filling_crc: Crc::new(),
            hash: Sha256::new(),
            length: 0,
            work: Work::Idle(Box::new(core)),
        }
    }

    /// The blocking side, once it has written what it was given.
    async fn core(&mut self) -> Result<Box<Core>, Error> {
        match mem::replace(&mut self.work, Work::Failed) {
            Work::Idle(core) => Ok(core),
            Work::Writing(task, handover) => {
                task.await.map_err(|error| Error::Io(std::io::Error::other(error)))?;
                match mem::replace(&mut *lock(&handover), Handover::Taken) {
                    Handover::Written(written) => written,
                    _ => Err(Error::Closed),
                }
            }
            Work::Failed => Err(Error::Closed),
        }
    }

    fn filled(&mut self) -> Payload {
        Payload { bytes: mem::take(&mut self.filling), crc: mem::take(&mut self.filling_crc).finalize() }
    }
}

#[async_trait]
impl PayloadWriter for LocalWriter {
    async fn append(&mut self, mut data: Bytes) -> Result<(), Error> {
        while !data.is_empty() {
            if self.filling.capacity() < BLOCK {
                self.filling = self.shared.buffers.take();
            }
            let taken = data.split_to(data.len().min(BLOCK_PAYLOAD - self.filling.len()));
            self.filling.extend_from_slice(&taken);
            self.filling_crc.update(&taken);
            self.hash.update(&taken);
            self.length += taken.len() as u64;
            if self.filling.len() == BLOCK_PAYLOAD {
                let core = self.core().await?;
                let block = self.filled();
                let handover = Arc::new(Mutex::new(Handover::Open));
                let task = tokio::task::spawn_blocking({
                    let handover = Arc::clone(&handover);
                    move || core.write_and_hand_over(block, &handover)
                });
                self.work = Work::Writing(task, handover);
            }
        }
        Ok(())
    }

    fn commit(mut self: Box<Self>, trailer: EntryTrailer) -> BoxFuture<'static, Result<Committed, Error>> {
        let (reply, answer) = oneshot::channel();
        let remainder = self.filled();
        let sha256 = format::finish(mem::take(&mut self.hash));
        let end = Box::new(End { remainder, sha256, length: self.length, trailer, reply });
        match mem::replace(&mut self.work, Work::Failed) {
            Work::Failed => drop(end.reply.send(Err(Error::Closed))),
            Work::Idle(core) => drop(tokio::task::spawn_blocking(move || core.finish(end))),
            // The block before may still be on its way, and the end must follow it.
            Work::Writing(_, handover) => {
                let mut handover = lock(&handover);
                match mem::replace(&mut *handover, Handover::Taken) {
                    Handover::Open => *handover = Handover::End(end),
                    Handover::Written(Ok(core)) => {
                        drop(tokio::task::spawn_blocking(move || core.finish(end)));
                    }
                    Handover::Written(Err(error)) => drop(end.reply.send(Err(error))),
                    Handover::End(_) | Handover::Taken => drop(end.reply.send(Err(Error::Closed))),
                }
            }
        }
        Box::pin(async move { answer.await.unwrap_or(Err(Error::Closed)) })
    }
}

impl Drop for LocalWriter {
    fn drop(&mut self) {
        self.shared.buffers.give(mem::take(&mut self.filling));
    }
}

impl Core {
    /// Writes a block, and the end of the entry too where that has come meanwhile.
    fn write_and_hand_over(mut self: Box<Self>, block: Payload, handover: &Mutex<Handover>) {
        let written = self.write_block(block);
        let mut handover = lock(handover);
        match (mem::replace(&mut *handover, Handover::Taken), written) {
            (Handover::End(end), Ok(())) => {
                drop(handover);
                self.finish(end);
            }
            (Handover::End(end), Err(error)) => drop(end.reply.send(Err(error))),
            (_, written) => *handover = Handover::Written(written.map(|()| self)),
        }
    }

    fn write_block(&mut self, block: Payload) -> Result<(), Error> {
        let Payload { mut bytes, crc } = block;
        let footer = format::write_footer(self.nonce, self.blocks, bytes.len() as u32, crc);
        bytes.extend_from_slice(&footer);
        self.blocks = self.blocks.checked_add(1).ok_or(Error::TooLarge {
            what: "the data set",
            length: (u64::from(u32::MAX) + 1) * BLOCK_PAYLOAD as u64,
            limit: u64::from(u32::MAX) * BLOCK_PAYLOAD as u64,
        })?;
        self.write(&[&bytes])?;
        self.shared.buffers.give(bytes);
        Ok(())
    }

    /// Writes the next bytes of the entry, wherever there is room.
    fn write(&mut self, parts: &[&[u8]]) -> Result<(), Error> {
        let length = parts.iter().map(|part| part.len() as u64).sum();
        self.make_room(length)?;
        let Some(place) = &mut self.place else { return Err(Error::Closed) };
        if let Err(error) = self.shared.disk.write_parts_at(&place.held.segment.file, parts, place.held.at) {
            place.held.segment.fail(&self.shared);
            return Err(self.shared.refuse_intake(&error));
        }
        place.held.at += length;
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
                std::os::unix::fs::FileExt::read_exact_at(&*old.held.segment.file, &mut block, from)?;
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
    fn finish(mut self: Box<Self>, end: Box<End>) {
        let entry = match self.write_tail(&end) {
            Ok(entry) => entry,
            Err(error) => return drop(end.reply.send(Err(error))),
        };
        let End { remainder, reply, .. } = *end;
        self.shared.buffers.give(remainder.bytes);
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

    fn write_tail(&mut self, end: &End) -> Result<Box<NewEntry>, Error> {
        let End { remainder, sha256, length, trailer, .. } = end;
        bounded(trailer)?;
        let trailer_fields = fields::write_trailer(trailer);
        let need = format::tail_bytes(trailer_fields.len(), remainder.bytes.len());
        // The room is found first: the number of the entry must not be older than that of an entry
        // that was committed while this one waited for a segment.
        self.make_room(need)?;
        let entry_id = self.shared.next_id();
        let facts = TailFacts {
            nonce: self.nonce,
            entry_id,
            length: *length,
            sha256: *sha256,
            blocks: self.blocks,
            remainder_bytes: remainder.bytes.len() as u32,
            remainder_crc: remainder.crc,
            fields: &trailer_fields,
        };
        // The remainder is not copied between the two, since the peer waits.
        let (before, behind) = format::write_tail(&facts);
        self.write(&[&before, &remainder.bytes, &behind])?;
        let Some(place) = &self.place else { return Err(Error::Closed) };
        Ok(Box::new(NewEntry {
            entry_id,
            segment: place.held.segment.header,
            offset: place.offset,
            header_bytes: place.header_bytes,
            nonce: self.nonce,
            length: *length,
            sha256: *sha256,
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
