//! Which segment the next entry is written to: one that is open and idle, a spare one, a new one.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    Shared,
    format::{LARGE, PAGE, PREWRITTEN, SegmentHeader},
    lock,
    recent::Recent,
    segment,
    segment::Segment,
};
use crate::Error;

/// A segment with less room than this is not kept open: 512 KiB, about one CT slice.
const ROOM_MIN: u64 = 512 * 1024;

/// Bytes that a large entry reserves at once: 64 MiB, so that a 4 GB object needs sixty-four steps.
pub(crate) const LARGE_STEP: u64 = 64 * 1024 * 1024;

/// Open segments that no one writes to, at most, for each spare one: 4, so 64 by default, one for each
/// of 64 associations.
const IDLE_FACTOR: usize = 4;

/// Segments that are not in the hands of a writer.
#[derive(Default)]
pub(crate) struct Pool {
    /// Open segments with room, and where their next entry begins; the last used is last.
    idle: Vec<(Arc<Segment>, u64)>,
    /// Segments that hold nothing.
    pub(crate) spares: Vec<Arc<Segment>>,
    /// Readers by segment.
    pins: HashMap<u64, usize>,
    /// Segments that are about to be recycled: not to be read any more.
    recycling: HashSet<u64>,
    /// Segments that would be recycled, were they not read.
    awaited: HashSet<u64>,
    /// Where the entries are that were committed last.
    pub(crate) recent: Recent,
    /// The number of the next new segment.
    next_number: u64,
    /// Bytes promised to segments that are being made.
    in_creation: u64,
    /// Length of the entry committed last, a guess at the next one's.
    last_length: u64,
    /// Bytes and number of all segment files.
    pub(crate) disk_bytes: u64,
    pub(crate) files: u64,
}

impl Pool {
    /// The pool of a spool whose segments have numbers up to `last_number`.
    pub(crate) fn after_recovery(last_number: u64, files: u64, disk_bytes: u64) -> Self {
        Self { next_number: last_number, files, disk_bytes, ..Self::default() }
    }

    /// One reader less; true where it was the last one of a segment that is to be recycled.
    fn unpin(&mut self, number: u64) -> bool {
        let Some(count) = self.pins.get_mut(&number) else { return false };
        *count -= 1;
        if *count > 0 {
            return false;
        }
        self.pins.remove(&number);
        self.awaited.remove(&number)
    }
}

/// A segment in the hands of a writer, and where it may write.
pub(crate) struct Held {
    pub(crate) segment: Arc<Segment>,
    pub(crate) at: u64,
    /// End of what is reserved.
    pub(crate) end: u64,
}

/// Keeps a segment from being recycled.
pub(crate) struct Pin {
    shared: Arc<Shared>,
    number: u64,
}

impl Drop for Pin {
    fn drop(&mut self) {
        let awaited = lock(&self.shared.pool).unpin(self.number);
        if awaited {
            self.shared.upkeep.wake();
        }
    }
}

impl Shared {
    /// A segment with room for `need` bytes: the open one used last, else a spare, else a new one.
    pub(crate) fn take_segment(&self, need: u64) -> Result<Held, Error> {
        {
            let mut pool = lock(&self.pool);
            pool.idle.retain(|(segment, _)| !segment.has_failed());
            let wanted = need.max(pool.last_length.min(self.config.segment_bytes / 8));
            let fits = |(segment, at): &(Arc<Segment>, u64)| segment.header.bytes - at >= wanted;
            if let Some(position) = pool.idle.iter().rposition(fits) {
                let (segment, at) = pool.idle.remove(position);
                let end = segment.header.bytes;
                return Ok(Held { segment, at, end });
            }
        }
        self.take_fresh_segment()
    }

    /// A segment that holds nothing.
    pub(crate) fn take_fresh_segment(&self) -> Result<Held, Error> {
        let spare = lock(&self.pool).spares.pop();
        self.upkeep.wake();
        let segment = match spare {
            Some(segment) => segment,
            None => {
                self.counters.created_late();
                match self.create_segment(0, self.config.segment_bytes) {
                    Err(full @ Error::Full { .. }) => {
                        self.seal_idle_segments();
                        self.refuse_full(&full);
                        return Err(full);
                    }
                    made => made?,
                }
            }
        };
        let end = segment.header.bytes;
        Ok(Held { segment, at: PAGE, end })
    }

    /// A segment for one large entry, which grows in steps of [`LARGE_STEP`].
    pub(crate) fn take_large_segment(&self, need: u64) -> Result<Held, Error> {
        let bytes = need.div_ceil(LARGE_STEP) * LARGE_STEP;
        let segment = self.create_segment(LARGE, bytes)?;
        Ok(Held { segment, at: PAGE, end: bytes })
    }

    /// Reserves the next step of a large segment.
    pub(crate) fn grow_large_segment(&self, held: &mut Held, need: u64) -> Result<(), Error> {
        let step = need.div_ceil(LARGE_STEP) * LARGE_STEP;
        let _promise = self.promise(step)?;
        self.disk.reserve(&held.segment.file, held.end, step)?;
        held.end += step;
        lock(&self.pool).disk_bytes += step;
        Ok(())
    }

    /// Gives a segment back after an entry of `length` bytes was written whole, or abandoned at `at`.
    pub(crate) fn give_back(&self, held: Held, length: Option<u64>) {
        let Held { segment, at, end } = held;
        let mut sealed = Vec::new();
        {
            let mut pool = lock(&self.pool);
            if let Some(length) = length {
                pool.last_length = length;
            }
            if segment.header.is(LARGE) || end - at < ROOM_MIN {
                sealed.push(segment);
            } else if !segment.has_failed() {
                pool.idle.push((segment, at));
                let over = pool.idle.len().saturating_sub(IDLE_FACTOR * self.config.spare_segments.max(1));
                sealed.extend(pool.idle.drain(..over).map(|(segment, _)| segment));
            }
        }
        for segment in sealed {
            segment.seal(self);
        }
    }

    /// Seals all but as many open segments as there are spares: in calm moments, because an open segment
    /// keeps what is finished in it.
    pub(crate) fn trim_idle_segments(&self) {
        let trimmed: Vec<_> = {
            let mut pool = lock(&self.pool);
            let over = pool.idle.len().saturating_sub(self.config.spare_segments.max(1));
            pool.idle.drain(..over).collect()
        };
        for (segment, _) in trimmed {
            segment.seal(self);
        }
    }

    /// Seals open segments that no one writes to, so that finished ones give their room back.
    pub(crate) fn seal_idle_segments(&self) {
        let idle = std::mem::take(&mut lock(&self.pool).idle);
        for (segment, _) in idle {
            segment.seal(self);
        }
    }

    /// A new segment file, durable with its name. A pre-written one costs no allocation when entries
    /// are synced; one that is needed at once is only reserved.
    pub(crate) fn create_segment(&self, flags: u32, bytes: u64) -> Result<Arc<Segment>, Error> {
        let _promise = self.promise(bytes)?;
        let number = {
            let mut pool = lock(&self.pool);
            pool.next_number += 1;
            pool.next_number
        };
        let path = segment::path(&self.segments, number);
        let header = SegmentHeader {
            number,
            generation: self.next_id().0,
            nonce: super::nonce(),
            flags,
            bytes: if flags & LARGE == 0 { bytes } else { 0 },
        };
        let make = || {
            let file = self.disk.create(&path)?;
            if flags & PREWRITTEN == 0 {
                self.disk.reserve(&file, 0, bytes)?;
            } else {
                self.disk.write_zeros(&file, 0, bytes)?;
            }
            self.disk.write_at(&file, &header.write(), 0)?;
            self.disk.sync(&file)?;
            self.disk.sync_directory(&self.segments)?;
            Ok(file)
        };
        match make() {
            Ok(file) => {
                let mut pool = lock(&self.pool);
                pool.disk_bytes += bytes;
                pool.files += 1;
                Ok(Arc::new(Segment::new(header, file)))
            }
            Err(error) => {
                let _ = self.disk.remove(&path);
                Err(self.refuse_intake(&error))
            }
        }
    }

    /// Whether `bytes` may be taken from the file system, counting what others are about to take.
    fn promise(&self, bytes: u64) -> Result<Promise<'_>, Error> {
        let free = self.disk.free_bytes(&self.config.directory)?;
        let mut pool = lock(&self.pool);
        let needed = bytes + pool.in_creation + self.config.minimum_free_bytes;
        if free < needed {
            return Err(Error::Full { needed, free });
        }
        pool.in_creation += bytes;
        Ok(Promise { shared: self, bytes })
    }

    /// Keeps a segment from being recycled; `None` where it already is.
    pub(crate) fn pin(self: &Arc<Self>, number: u64) -> Option<Pin> {
        let mut pool = lock(&self.pool);
        if pool.recycling.contains(&number) {
            return None;
        }
        *pool.pins.entry(number).or_default() += 1;
        Some(Pin { shared: Arc::clone(self), number })
    }

    /// Whether a segment may be recycled now; from then on it cannot be pinned.
    pub(crate) fn begin_recycling(&self, number: u64) -> bool {
        let mut pool = lock(&self.pool);
        let free = !pool.pins.contains_key(&number);
        if free {
            pool.recycling.insert(number);
        } else {
            pool.awaited.insert(number);
        }
        free
    }

    pub(crate) fn end_recycling(&self, number: u64) {
        lock(&self.pool).recycling.remove(&number);
    }
}

/// Bytes that are being taken from the file system.
struct Promise<'a> {
    shared: &'a Shared,
    bytes: u64,
}

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        lock(&self.shared.pool).in_creation -= self.bytes;
    }
}
