//! Where the entries are that were committed last.

use std::{collections::VecDeque, fs::File, sync::Arc};

use super::{format::LARGE, index::query::Location, segment::Segment};
use crate::EntryId;

/// Entries remembered: 256, so a few tens of kilobytes, and the files of at most so many segments held open.
/// What is forwarded at the pace at which it comes is then found without the index and another thread.
const KEPT_MAX: usize = 256;

/// The entries committed last whose bytes are still kept, with the open file of each.
///
/// Whoever reads one asks for a [`super::pool::Pin`] of its segment first; should the segment have been recycled
/// before that, the nonce in its blocks is another one.
#[derive(Default)]
pub(crate) struct Recent(VecDeque<(EntryId, Location, Arc<File>)>);

impl Recent {
    pub(crate) fn add(&mut self, entry_id: EntryId, location: Location, segment: &Segment) {
        // A large entry has its segment for itself: it is deleted with it, and its room not held longer.
        if segment.header.is(LARGE) {
            return;
        }
        if self.0.len() == KEPT_MAX {
            self.0.pop_front();
        }
        self.0.push_back((entry_id, location, Arc::clone(&segment.file)));
    }

    pub(crate) fn find(&self, entry_id: EntryId) -> Option<(Location, Arc<File>)> {
        let found = self.0.iter().rev().find(|(id, ..)| *id == entry_id);
        found.map(|(_, location, file)| (*location, Arc::clone(file)))
    }

    /// Forgets the entries of a segment that nothing needs any more.
    pub(crate) fn forget(&mut self, number: u64) {
        self.0.retain(|(_, location, _)| location.segment != Some(number));
    }
}
