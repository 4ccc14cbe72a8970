//! The scan of a stream.

use instance::{Encoding, Tag};

use super::{Attributes, Progress, ScanError, ScanLimits, Wanted};
use crate::{
    element::{Event, Limits, Mode, Reader},
    inflate::Inflater,
};

/// Scans one data set, piece by piece. However the data set is cut into pieces, the result is the
/// same.
///
/// It tolerates what installed devices send: odd and zero lengths, undefined lengths, UN of
/// undefined length, stray or missing delimiters, NULs behind the data set, groups 0000 and 0002
/// in it, private data of any size before (0020,000D), explicit VR where implicit was declared and
/// the reverse, also in the other byte order. Sequences of defined length are not entered.
#[derive(Debug)]
pub struct Scanner {
    inflater: Option<Inflater>,
    scan: Scan,
}

#[derive(Debug)]
struct Scan {
    reader: Reader,
    wanted: Wanted,
    limits: ScanLimits,
    attributes: Attributes,
    kept_bytes: usize,
    keeping: Option<Tag>,
    required_missing: usize,
    done: bool,
}

impl Scanner {
    /// A scan of a data set in `encoding`.
    #[must_use]
    pub fn new(encoding: Encoding, wanted: Wanted, limits: ScanLimits) -> Self {
        let deflated = encoding == Encoding::DeflatedExplicitVrLittleEndian;
        let reader_limits = Limits { depth_max: limits.depth_max, elements_max: limits.elements_max };
        let scan = Scan {
            reader: Reader::new(encoding.into(), Mode::SkipSequences, reader_limits),
            required_missing: wanted.required_count(),
            wanted,
            limits,
            attributes: Attributes::default(),
            kept_bytes: 0,
            keeping: None,
            done: false,
        };
        Self { inflater: deflated.then(|| Inflater::new(limits.inflate_ratio_max)), scan }
    }

    /// Looks at the next bytes of the data set. After [`Progress::Done`] this costs nothing.
    ///
    /// # Errors
    /// Bytes that are no data set, or that break a limit; the scan is over then.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Progress, ScanError> {
        let mut rest = bytes;
        match &mut self.inflater {
            None => self.scan.push(bytes)?,
            Some(inflater) => {
                while !self.scan.done
                    && let Some(piece) = inflater.next(&mut rest)?
                {
                    self.scan.push(piece)?;
                }
            }
        }
        Ok(if self.scan.done { Progress::Done } else { Progress::NeedMore })
    }

    /// Whether the scan has seen all that it wanted.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.scan.done
    }

    /// Ends the scan, whether or not it was done, and gives what it found. A data set that was cut
    /// behind the last wanted attribute passes, as installed archives accept it.
    ///
    /// # Errors
    /// A data set cut inside a wanted attribute or before the last of them, or one that shows none
    /// of them and ends inside an element.
    pub fn finish(self) -> Result<Attributes, ScanError> {
        let Scan { reader, wanted, attributes, done, .. } = self.scan;
        let whole = reader.may_end() && self.inflater.is_none_or(|inflater| inflater.ended());
        let at = reader.top_level().unwrap_or(Tag(0, 0));
        let cut_behind = at > wanted.last() && !attributes.values.is_empty();
        if done || whole || cut_behind { Ok(attributes) } else { Err(ScanError::Truncated(at)) }
    }
}

impl Scan {
    fn push(&mut self, bytes: &[u8]) -> Result<(), ScanError> {
        let mut rest = bytes;
        while !self.done {
            let Some(event) = self.reader.next(&mut rest)? else {
                break;
            };
            match event {
                Event::Element(header) if self.reader.depth() == 0 => self.element(header.tag),
                Event::SequenceStart(header) | Event::FragmentsStart(header) if self.reader.depth() == 1 => {
                    self.pass(header.tag);
                }
                Event::Value(piece) => self.keep(piece),
                Event::ValueEnd => self.end_of_value(),
                _ => {}
            }
        }
        Ok(())
    }

    /// A top-level element begins. Of an element that occurs twice the first one counts.
    fn element(&mut self, tag: Tag) {
        self.pass(tag);
        if !self.done && self.wanted.contains(tag) && !self.attributes.values.contains_key(&tag) {
            self.attributes.values.insert(tag, Vec::new());
            self.keeping = Some(tag);
        }
    }

    /// Ends the scan at the first tag beyond the last wanted one, unless a required one is missing.
    fn pass(&mut self, tag: Tag) {
        self.done = tag > self.wanted.last() && self.required_missing == 0;
    }

    fn keep(&mut self, piece: &[u8]) {
        let Some(value) = self.keeping.and_then(|tag| self.attributes.values.get_mut(&tag)) else {
            return;
        };
        let room = self.limits.value_length_max.saturating_sub(value.len());
        let room = room.min(self.limits.kept_bytes_max.saturating_sub(self.kept_bytes));
        let piece = &piece[..piece.len().min(room)];
        value.extend_from_slice(piece);
        self.kept_bytes += piece.len();
    }

    fn end_of_value(&mut self) {
        let Some(tag) = self.keeping.take() else {
            return;
        };
        if self.wanted.is_required(tag) {
            self.required_missing -= 1;
        }
        self.done = tag == self.wanted.last() && self.required_missing == 0;
    }
}
