//! Reading the bytes of an entry back, verified block by block.

use std::{fs::File, ops::Range, os::unix::fs::FileExt, sync::Arc};

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};

use super::{
    Shared,
    format::{self, BLOCK, BLOCK_PAYLOAD, Footer, TailFound},
    index::query::{self, Location},
    lock,
    pool::Pin,
    segment,
};
use crate::{EntryId, Error};

/// Whether a read may wait for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// It may; on blocking threads only.
    Allowed,
    /// It gives what is in memory, or fails.
    Never,
}

/// The verified bytes of an entry in a file.
pub(crate) struct Payload {
    pub(crate) entry_id: EntryId,
    pub(crate) file: Arc<File>,
    pub(crate) location: Location,
}

impl Payload {
    /// Number of blocks, the remainder included.
    pub(crate) fn blocks(&self) -> u64 {
        self.location.length.div_ceil(BLOCK_PAYLOAD as u64)
    }

    /// The payload of block `index`. Blocks.
    pub(crate) fn block(&self, index: u64) -> Result<Bytes, Error> {
        self.block_as(index, Wait::Allowed)
    }

    /// The same where it is whole and in memory, as what was written a moment ago is: then it is there sooner
    /// than another thread would be awake.
    pub(crate) fn block_at_hand(&self, index: u64) -> Option<Bytes> {
        self.block_as(index, Wait::Never).ok()
    }

    fn block_as(&self, index: u64, wait: Wait) -> Result<Bytes, Error> {
        let at = self.location.start + self.location.header_bytes + index * BLOCK as u64;
        if index < self.location.length / BLOCK_PAYLOAD as u64 {
            self.full(index, at, wait)
        } else {
            self.remainder(at, wait)
        }
    }

    fn corrupt(&self, what: impl Into<String>) -> Error {
        Error::Corrupt { entry_id: self.entry_id, what: what.into() }
    }

    fn full(&self, index: u64, at: u64, wait: Wait) -> Result<Bytes, Error> {
        let mut block = vec![0; BLOCK];
        self.read(&mut block, at, wait)?;
        let number = u32::try_from(index).unwrap_or(u32::MAX);
        match format::read_footer(&block[BLOCK_PAYLOAD..], self.location.nonce, number) {
            Footer::Whole(sum) if format::payload_matches(&block[..BLOCK_PAYLOAD], sum) => {
                Ok(Bytes::from(block).slice(..BLOCK_PAYLOAD))
            }
            Footer::Whole(_) => Err(self.corrupt(format!("the checksum of block {index}"))),
            _ => Err(self.corrupt(format!("the footer of block {index}"))),
        }
    }

    fn remainder(&self, at: u64, wait: Wait) -> Result<Bytes, Error> {
        let found = read_tail_as(&self.file, at, self.location.nonce, wait)?;
        let TailFound::Whole(tail) = found else { return Err(self.corrupt("the tail")) };
        if tail.length != self.location.length || tail.entry_id != self.entry_id {
            return Err(self.corrupt("the length in the tail"));
        }
        let mut remainder = vec![0; tail.remainder_bytes as usize];
        self.read(&mut remainder, at + tail.remainder_at(), wait)?;
        if !format::payload_matches(&remainder, tail.remainder_crc) {
            return Err(self.corrupt("the checksum of the last block"));
        }
        Ok(remainder.into())
    }

    fn read(&self, to: &mut [u8], at: u64, wait: Wait) -> Result<(), Error> {
        if fill(&self.file, to, at, wait)? < to.len() {
            return Err(self.corrupt("the file is cut"));
        }
        Ok(())
    }
}

/// The tail of the entry `nonce` that is expected at `at`.
pub(crate) fn read_tail(file: &File, at: u64, nonce: u64) -> std::io::Result<TailFound> {
    read_tail_as(file, at, nonce, Wait::Allowed)
}

fn read_tail_as(file: &File, at: u64, nonce: u64, wait: Wait) -> std::io::Result<TailFound> {
    // Nearly every trailer fits in the first page; the whole is read only where that does not tell.
    for length in [format::PAGE as usize, format::TAIL_MAX] {
        let mut bytes = vec![0; length];
        let read = fill(file, &mut bytes, at, wait)?;
        let found = format::read_tail(&bytes[..read], nonce);
        let magic = bytes.starts_with(format::TAIL_MAGIC)
            || bytes.get(16..24) == Some(nonce.to_le_bytes().as_slice());
        if !magic || matches!(found, TailFound::Whole(_)) || length == format::TAIL_MAX {
            return Ok(found);
        }
    }
    Ok(TailFound::Foreign)
}

/// Fills `to` as far as the file goes.
pub(crate) fn read_up_to(file: &File, to: &mut [u8], at: u64) -> std::io::Result<usize> {
    fill(file, to, at, Wait::Allowed)
}

fn fill(file: &File, to: &mut [u8], at: u64, wait: Wait) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < to.len() {
        let read = match wait {
            Wait::Allowed => file.read_at(&mut to[filled..], at + filled as u64),
            Wait::Never => read_at_hand(file, &mut to[filled..], at + filled as u64),
        };
        match read {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Reads what the page cache has, and fails where it has nothing.
#[cfg(target_os = "linux")]
fn read_at_hand(file: &File, to: &mut [u8], at: u64) -> std::io::Result<usize> {
    let mut parts = [std::io::IoSliceMut::new(to)];
    Ok(rustix::io::preadv2(file, &mut parts, at, rustix::io::ReadWriteFlags::NOWAIT)?)
}

/// Other systems do not tell.
#[cfg(not(target_os = "linux"))]
fn read_at_hand(_: &File, _: &mut [u8], _: u64) -> std::io::Result<usize> {
    Err(std::io::ErrorKind::WouldBlock.into())
}

/// An entry that is being read.
struct Reading {
    payload: Payload,
    _pin: Pin,
    shared: Arc<Shared>,
    at: u64,
    end: u64,
}

/// The bytes `range` of an entry as a stream.
pub(crate) fn read(
    shared: Arc<Shared>,
    entry_id: EntryId,
    range: Range<u64>,
) -> BoxStream<'static, Result<Bytes, Error>> {
    let opened = async move {
        let recent = lock(&shared.pool).recent.find(entry_id);
        if let Some((location, file)) = recent {
            return begin(&shared, Payload { entry_id, file, location }, range);
        }
        let opened = tokio::task::spawn_blocking(move || open(&shared, entry_id, range)).await;
        opened.unwrap_or_else(|error| Err(Error::Io(std::io::Error::other(error))))
    };
    stream::once(opened)
        .flat_map(|opened| match opened {
            Ok(reading) => stream::unfold(Some(reading), chunk).boxed(),
            Err(error) => stream::once(async { Err(error) }).boxed(),
        })
        .boxed()
}

fn open(shared: &Arc<Shared>, entry_id: EntryId, range: Range<u64>) -> Result<Reading, Error> {
    let locate = || shared.query(|connection| query::location(connection, entry_id));
    let location = match locate() {
        // What was committed a moment ago may still be on its way to the index.
        Err(Error::NotFound(_)) => {
            shared.index.ask_blocking(false, |_| Ok(()))?;
            locate()?
        }
        located => located?,
    };
    let number = location.segment.ok_or(Error::PayloadGone(entry_id))?;
    // Pinned before it is opened, so that it is not opened as what it is recycled to.
    let _pin = shared.pin(number).ok_or(Error::PayloadGone(entry_id))?;
    let file = match File::open(segment::path(&shared.segments, number)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let what = "the file of its segment is missing".to_owned();
            return Err(gone_or(shared, Error::Corrupt { entry_id, what }));
        }
        other => other?,
    };
    begin(shared, Payload { entry_id, file: Arc::new(file), location }, range)
}

fn begin(shared: &Arc<Shared>, payload: Payload, range: Range<u64>) -> Result<Reading, Error> {
    let Payload { entry_id, location, .. } = payload;
    if range.start > range.end || range.end > location.length {
        let Range { start, end } = range;
        return Err(Error::Range { entry_id, start, end, length: location.length });
    }
    let pin = location.segment.and_then(|number| shared.pin(number)).ok_or(Error::PayloadGone(entry_id))?;
    Ok(Reading { payload, _pin: pin, shared: Arc::clone(shared), at: range.start, end: range.end })
}

impl Reading {
    /// Number of the block that is next.
    const fn index(&self) -> u64 {
        self.at / BLOCK_PAYLOAD as u64
    }

    /// What is wanted of that block; the one behind it is next.
    fn take(&mut self, block: &Bytes) -> Bytes {
        let begins = self.index() * BLOCK_PAYLOAD as u64;
        let from = (self.at - begins) as usize;
        let to = block.len().min((self.end - begins) as usize);
        self.at = begins + to as u64;
        block.slice(from..to)
    }
}

async fn chunk(reading: Option<Reading>) -> Option<(Result<Bytes, Error>, Option<Reading>)> {
    let mut reading = reading.filter(|reading| reading.at < reading.end)?;
    if let Some(block) = reading.payload.block_at_hand(reading.index()) {
        return Some((Ok(reading.take(&block)), Some(reading)));
    }
    let read = tokio::task::spawn_blocking(move || {
        let block = reading.payload.block(reading.index());
        let block = block.map_err(|error| gone_or(&reading.shared, error))?;
        Ok((reading.take(&block), reading))
    })
    .await;
    match read {
        Ok(Ok((bytes, reading))) => Some((Ok(bytes), Some(reading))),
        Ok(Err(error)) => Some((Err(error), None)),
        Err(error) => Some((Err(Error::Io(std::io::Error::other(error))), None)),
    }
}

/// Bytes that do not match may simply have been recycled between the look-up and the reading.
fn gone_or(shared: &Shared, error: Error) -> Error {
    let Error::Corrupt { entry_id, .. } = &error else { return error };
    match shared.query(|connection| query::location(connection, *entry_id)) {
        Ok(Location { segment: None, .. }) => Error::PayloadGone(*entry_id),
        _ => error,
    }
}
