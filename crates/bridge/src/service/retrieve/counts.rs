//! What became of the sub-operations, and what the requestor is told of it (PS3.4 §C.4.2.1, §C.4.3.1).

use bytes::Bytes;
use dataset::{
    character_set::CharacterSet,
    element::VR,
    identifier,
    json::{Element, Item},
};
use dimse::{Status, command};
use instance::{Encoding, Tag, Uid};

const FAILED_SOP_INSTANCE_UID_LIST: Tag = Tag(0x0008, 0x0058);

/// Most bytes of (0008,0058): what the explicit form can say of a UI value, 64 KiB - 2 (PS3.5 §7.1.2).
/// With UIDs of the longest kind these are 1,000 of them; what is beyond is in the log.
const FAILED_LIST_LENGTH_MAX: usize = 0xFFFE;

/// What became of one sub-operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The recipient answered success.
    Completed,
    /// The recipient answered with a warning.
    Warning,
    /// The instance was not sent, or the recipient refused it.
    Failed,
}

impl Outcome {
    /// What a C-STORE status means for the sub-operation (PS3.4 §C.4.2.1.7 and the two behind it).
    pub(super) const fn of_status(status: Status) -> Self {
        match status.category() {
            dimse::Category::Success => Self::Completed,
            dimse::Category::Warning => Self::Warning,
            _ => Self::Failed,
        }
    }

    /// The label in metrics.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// How many sub-operations ended how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) completed: usize,
    pub(super) warning: usize,
    pub(super) failed: usize,
    /// (0008,0058), in the order in which they failed.
    failed_instances: Vec<Uid>,
}

impl Counts {
    /// Counts one.
    pub(super) fn add(&mut self, sop_instance_uid: &Uid, outcome: Outcome) {
        match outcome {
            Outcome::Completed => self.completed += 1,
            Outcome::Warning => self.warning += 1,
            Outcome::Failed => {
                self.failed += 1;
                self.failed_instances.push(sop_instance_uid.clone());
            }
        }
    }

    /// Counts sub-operations that failed for instances that nobody could name.
    pub(super) const fn add_unnamed(&mut self, failed: usize) {
        self.failed += failed;
    }

    /// The counts of a response; `remaining` where it is one that may have it: pending or cancelled.
    pub(super) fn sub_operations(&self, remaining: Option<usize>) -> command::SubOperations {
        let count = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
        command::SubOperations {
            remaining: remaining.map(count),
            completed: count(self.completed),
            failed: count(self.failed),
            warning: count(self.warning),
        }
    }

    /// The identifier of a final response: (0008,0058) where something failed.
    pub(super) fn identifier(&self, encoding: Encoding) -> Option<Bytes> {
        if self.failed_instances.is_empty() {
            return None;
        }
        let explicit = encoding != Encoding::ImplicitVrLittleEndian;
        let mut room = if explicit { FAILED_LIST_LENGTH_MAX } else { usize::MAX };
        let fits = |uid: &&str| {
            let left = room.checked_sub(uid.len() + 1);
            room = left.unwrap_or_default();
            left.is_some()
        };
        let uids = self.failed_instances.iter().map(Uid::as_str).take_while(fits);
        let list = Element::texts(VR::UI, uids);
        let item = Item::from_iter([(FAILED_SOP_INSTANCE_UID_LIST, list)]);
        Some(identifier::write(&item, encoding, &CharacterSet::default()).bytes.into())
    }
}

#[cfg(test)]
mod tests;
