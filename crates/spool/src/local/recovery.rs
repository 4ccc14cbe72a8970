//! What is found when a spool is opened: entries that the index does not know, segments that hold
//! nothing, and what a crash left unfinished.

use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
};

use rusqlite::Connection;

use super::{
    RecoveryReport, fields,
    format::{self, EntryFrame, LARGE, PAGE, SegmentHeader, TailFound},
    index::{self, NewEntry, Retired, SegmentRow, SegmentState, query},
    reader::{Payload, read_tail, read_up_to},
    segment,
};
use crate::{EntryId, Error, State};

/// What recovery hands to the running spool.
#[derive(Default)]
pub(crate) struct Recovered {
    pub(crate) report: RecoveryReport,
    /// Segments that nothing needs.
    pub(crate) retired: Vec<Retired>,
    /// Segments that hold nothing, ready to be written.
    pub(crate) spares: Vec<(SegmentHeader, PathBuf)>,
    pub(crate) last_number: u64,
    /// The highest number seen in entries and generations.
    pub(crate) last_id: u64,
    pub(crate) disk_bytes: u64,
    pub(crate) files: u64,
}

/// What a segment turned out to hold.
#[derive(Default)]
struct Scanned {
    entries: Vec<NewEntry>,
    incomplete: u64,
    /// Tails that were written whole and cannot be read any more.
    unreadable: u64,
}

/// Bytes that a file takes, with what is reserved behind its end.
pub(crate) fn bytes_on_disk(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(metadata) * 512
}

/// Files of segments by number.
fn files(directory: &Path) -> Result<BTreeMap<u64, PathBuf>, Error> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if let Some(number) = segment::number(&entry.file_name()) {
            files.insert(number, entry.path());
        }
    }
    Ok(files)
}

/// Brings the index up to what the segments hold. Reads only segments that the index does not know to
/// be complete. With `verify` every block of a found entry is checked at once, otherwise (a lost
/// index, the whole spool to read) when it is delivered.
pub(crate) fn recover(connection: &Connection, directory: &Path, rebuilt: bool) -> Result<Recovered, Error> {
    let mut recovered = Recovered { last_id: query::last_id(connection)?, ..Recovered::default() };
    recovered.report.index_rebuilt = rebuilt;
    let files = files(directory)?;
    let rows: BTreeMap<u64, SegmentRow> =
        index::segments(connection)?.into_iter().map(|row| (row.number, row)).collect();
    for (number, path) in &files {
        recovered.files += 1;
        recovered.last_number = *number;
        recovered.disk_bytes += bytes_on_disk(&std::fs::metadata(path)?);
        recover_segment(connection, *number, path, rows.get(number), !rebuilt, &mut recovered)?;
    }
    for row in rows.values().filter(|row| !files.contains_key(&row.number)) {
        recovered.last_number = recovered.last_number.max(row.number);
        recover_missing(connection, row, &mut recovered)?;
    }
    let (interrupted, _) = index::transact(connection, |changes| changes.interrupt_all())?;
    recovered.report.deliveries_interrupted = interrupted;
    Ok(recovered)
}

fn recover_segment(
    connection: &Connection,
    number: u64,
    path: &Path,
    row: Option<&SegmentRow>,
    verify: bool,
    recovered: &mut Recovered,
) -> Result<(), Error> {
    if let Some(SegmentRow { state: SegmentState::Sealed, .. }) = row {
        return Ok(());
    }
    let file = File::open(path)?;
    let mut page = vec![0; PAGE as usize];
    let read = read_up_to(&file, &mut page, 0)?;
    let header = SegmentHeader::read(&page[..read])
        .map_err(|version| Error::Unsupported(format!("segment {number} has version {version}")))?
        .filter(|header| header.number == number);
    if let Some(header) = header {
        recovered.last_id = recovered.last_id.max(header.generation);
    }
    if let Some(SegmentRow { state: SegmentState::Retired, generation, poisoned, .. }) = row
        && header.is_none_or(|header| header.generation <= *generation)
    {
        recovered.retired.push(Retired { number, poisoned: *poisoned });
        return Ok(());
    }
    let known = row.filter(|row| header.is_none_or(|header| header.generation == row.generation));
    let header = header.or_else(|| {
        known.map(|row| SegmentHeader {
            number,
            generation: row.generation,
            nonce: row.nonce,
            flags: 0,
            bytes: 0,
        })
    });
    recovered.report.segments_scanned += 1;
    let scanned = Scan { connection, file: &file, number, header, verify }.run()?;
    recovered.report.entries_incomplete += scanned.incomplete;
    recovered.report.entries_quarantined += scanned.unreadable;
    let untouched = scanned.entries.is_empty() && scanned.incomplete == 0 && scanned.unreadable == 0;
    match header {
        Some(header) if untouched && known.is_none() && !header.is(LARGE) => {
            recovered.spares.push((header, path.to_owned()));
            return Ok(());
        }
        None if untouched => {
            // The making of the file was cut short.
            recovered.retired.push(Retired { number, poisoned: true });
            return Ok(());
        }
        _ => {}
    }
    let header = header.or_else(|| scanned.entries.first().map(|entry| entry.segment));
    let header = header.unwrap_or(SegmentHeader { number, generation: 0, nonce: 0, flags: 0, bytes: 0 });
    adopt(connection, header, &scanned, known.is_some(), recovered)
}

/// Tells the index what a segment holds; from now on it is complete.
fn adopt(
    connection: &Connection,
    header: SegmentHeader,
    scanned: &Scanned,
    known: bool,
    recovered: &mut Recovered,
) -> Result<(), Error> {
    let lost: Vec<EntryId> = if known {
        let found: std::collections::BTreeSet<u64> =
            scanned.entries.iter().map(|entry| entry.offset).collect();
        let entries = query::entries_of_segment(connection, header.number)?;
        entries.into_iter().filter(|(_, start)| !found.contains(start)).map(|(id, _)| id).collect()
    } else {
        Vec::new()
    };
    if scanned.unreadable > 0 {
        tracing::error!(
            segment = header.number,
            "a segment holds an entry whose description is damaged; it is kept"
        );
    }
    let ((added, damaged), retired) = index::transact(connection, |changes| {
        let (mut added, mut damaged) = (0, 0);
        for entry in &scanned.entries {
            if changes.insert(entry)? {
                if entry.damaged.is_some() { damaged += 1 } else { added += 1 }
            }
        }
        for entry_id in &lost {
            damaged += changes.quarantine(*entry_id, "the entry is not found in its segment")? as u64;
        }
        if scanned.unreadable > 0 {
            changes.set_aside(&header)?;
        }
        changes.seal(&header, false)?;
        Ok((added, damaged))
    })?;
    recovered.report.entries_recovered += added;
    recovered.report.entries_quarantined += damaged;
    recovered.retired.extend(retired);
    let newest = scanned.entries.iter().map(|entry| entry.entry_id.0).max();
    recovered.last_id = recovered.last_id.max(newest.unwrap_or(0));
    Ok(())
}

/// A segment whose file is gone: deleted on purpose, or lost.
fn recover_missing(
    connection: &Connection,
    row: &SegmentRow,
    recovered: &mut Recovered,
) -> Result<(), Error> {
    let lost = query::entries_of_segment(connection, row.number)?;
    let (damaged, _) = index::transact(connection, |changes| {
        let mut damaged = 0;
        for (entry_id, _) in &lost {
            damaged += changes.quarantine(*entry_id, "the file of its segment is missing")? as u64;
        }
        changes.forget_segment(row.number)?;
        Ok(damaged)
    })?;
    recovered.report.entries_quarantined += damaged;
    Ok(())
}

/// The reading of one segment.
struct Scan<'a> {
    connection: &'a Connection,
    file: &'a File,
    number: u64,
    /// `None` where it is unreadable and the index has nothing of the segment: any generation counts,
    /// there was only one.
    header: Option<SegmentHeader>,
    verify: bool,
}

/// What stands at a place where an entry may begin.
enum Found {
    Entry(Box<NewEntry>, u64),
    Incomplete,
    Unreadable,
}

impl Scan<'_> {
    fn run(&self) -> Result<Scanned, Error> {
        let mut scanned = Scanned::default();
        let end = self.file.metadata()?.len();
        let mut at = PAGE;
        while at < end {
            let Some((begins, frame)) = self.next_header(at, end)? else { break };
            at = begins;
            match self.entry(at, frame)? {
                Found::Entry(entry, next) => {
                    scanned.entries.push(*entry);
                    at = next;
                    continue;
                }
                Found::Incomplete => scanned.incomplete += 1,
                Found::Unreadable => scanned.unreadable += 1,
            }
            if self.header.is_some_and(|header| header.is(LARGE)) {
                break;
            }
            // Where a chain is broken the next entry is looked for on every page. Pixel data cannot
            // pass for one: no peer knows the segment's nonce.
            at += PAGE;
        }
        Ok(scanned)
    }

    /// The first header of an entry at or behind `at`.
    fn next_header(&self, mut at: u64, end: u64) -> Result<Option<(u64, EntryFrame)>, Error> {
        // Nearly always the next entry stands right here.
        let mut page = [0; PAGE as usize];
        let read = read_up_to(self.file, &mut page, at)?;
        if let Some(frame) = format::read_entry_header(&page[..read]).filter(|frame| self.belongs(frame)) {
            return Ok(Some((at, frame)));
        }
        let mut window = vec![0; 1 << 20];
        while at < end {
            let read = read_up_to(self.file, &mut window, at)?;
            for page in (0..read).step_by(PAGE as usize) {
                let begins = at + page as u64;
                if !window[page..read].starts_with(format::ENTRY_MAGIC) {
                    continue;
                }
                let frame = match format::read_entry_header(&window[page..read]) {
                    Some(frame) => Some(frame),
                    None => self.long_header(begins)?,
                };
                if let Some(frame) = frame.filter(|frame| self.belongs(frame)) {
                    return Ok(Some((begins, frame)));
                }
            }
            at += window.len() as u64;
        }
        Ok(None)
    }

    /// A header that reaches over the end of the window.
    fn long_header(&self, at: u64) -> Result<Option<EntryFrame>, Error> {
        let mut bytes = vec![0; format::FIELDS_MAX + PAGE as usize];
        let read = read_up_to(self.file, &mut bytes, at)?;
        Ok(format::read_entry_header(&bytes[..read]))
    }

    fn belongs(&self, frame: &EntryFrame) -> bool {
        let current = self.header.is_none_or(|header| {
            header.generation == frame.generation && header.nonce == frame.segment_nonce
        });
        frame.segment == self.number && current
    }

    /// Follows an entry from its header to its tail.
    fn entry(&self, at: u64, frame: EntryFrame) -> Result<Found, Error> {
        let data = at + frame.frame_bytes;
        let mut damaged = None;
        let mut blocks: u32 = 0;
        let tail = loop {
            let begins = data + u64::from(blocks) * format::BLOCK as u64;
            let mut footer = [0; format::FOOTER];
            let read = read_up_to(self.file, &mut footer, begins + format::BLOCK_PAYLOAD as u64)?;
            let footer = format::read_footer(&footer[..read], frame.nonce, blocks);
            if !matches!(footer, format::Footer::Whole(_)) {
                match read_tail(self.file, begins, frame.nonce)? {
                    TailFound::Whole(tail) if tail.blocks == blocks => break tail,
                    TailFound::Damaged => return Ok(Found::Unreadable),
                    _ if footer == format::Footer::Damaged => {
                        damaged.get_or_insert_with(|| format!("the footer of block {blocks}"));
                    }
                    _ => return Ok(Found::Incomplete),
                }
            }
            blocks += 1;
        };
        let tail_at = data + u64::from(blocks) * format::BLOCK as u64;
        let next = tail_at + tail.frame_bytes;
        let (Some(header), Some(trailer)) =
            (fields::read_header(&frame.fields), fields::read_trailer(&tail.fields))
        else {
            return Ok(Found::Unreadable);
        };
        let location = query::Location {
            segment: Some(self.number),
            start: at,
            header_bytes: frame.frame_bytes,
            nonce: frame.nonce,
            length: tail.length,
        };
        if !query::knows(self.connection, tail.entry_id)? {
            let payload =
                Payload { entry_id: tail.entry_id, file: Arc::new(self.file.try_clone()?), location };
            match self.check(&payload, &tail, tail_at)? {
                Check::Whole => {}
                Check::Torn => return Ok(Found::Incomplete),
                Check::Damaged(what) => damaged = Some(what),
            }
        }
        let segment = self.header.unwrap_or(SegmentHeader {
            number: self.number,
            generation: frame.generation,
            nonce: frame.segment_nonce,
            flags: 0,
            bytes: 0,
        });
        let entry = NewEntry {
            entry_id: tail.entry_id,
            segment,
            offset: at,
            header_bytes: frame.frame_bytes,
            nonce: frame.nonce,
            length: tail.length,
            sha256: tail.sha256,
            header_fields: frame.fields,
            accepted_at: header.accepted_at,
            trailer,
            trailer_fields: tail.fields,
            damaged,
        };
        Ok(Found::Entry(Box::new(entry), next))
    }

    fn check(&self, payload: &Payload, tail: &format::Tail, tail_at: u64) -> Result<Check, Error> {
        let all = payload.blocks();
        let full = u64::from(tail.blocks);
        for index in (if self.verify { 0 } else { full })..all {
            match payload.block(index) {
                Ok(_) => {}
                Err(Error::Corrupt { what, .. }) => {
                    let mut stamp = [0; 8];
                    let read = read_up_to(self.file, &mut stamp, tail_at + tail.frame_bytes - 8)?;
                    // The end of a tail that was torn was never synced, so never acknowledged.
                    let torn = index == full && !format::stamp_matches(&stamp[..read], tail.nonce);
                    return Ok(if torn { Check::Torn } else { Check::Damaged(what) });
                }
                Err(other) => return Err(other),
            }
        }
        Ok(Check::Whole)
    }
}

enum Check {
    Whole,
    Torn,
    Damaged(String),
}

impl index::Changes<'_> {
    /// Quarantines what is pending of an entry whose bytes are lost or damaged; returns how many.
    fn quarantine(&mut self, entry_id: EntryId, what: &str) -> Result<usize, Error> {
        let mut changed = 0;
        for mut row in self.deliveries_of(entry_id)? {
            if row.state.is_pending() || row.state == State::Held {
                let from = row.state;
                row.state = State::Quarantined;
                row.reason = Some(what.to_owned());
                self.change(&row, from)?;
                changed += 1;
            }
        }
        Ok(changed)
    }
}

/// What the fuzzer looks at.
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz {
    use super::*;

    /// The entries of a segment: number, SHA-256, and whether all bytes match their checksums.
    pub(crate) fn entries(
        connection: &Connection,
        file: &File,
        header: SegmentHeader,
    ) -> Result<Vec<(EntryId, [u8; 32], bool)>, Error> {
        let scan = Scan { connection, file, number: header.number, header: Some(header), verify: true };
        let entries = scan.run()?.entries;
        Ok(entries.into_iter().map(|entry| (entry.entry_id, entry.sha256, entry.damaged.is_none())).collect())
    }
}
