//! What a fuzzer does with the answers that this room reads, and a plain test with the corpus.

use crate::{
    answer::{self, Acknowledgement, Created, FolderList, OrderList, ShareLink, TagContent},
    conventions::EmptyAnswer,
};

/// A target: its name, and what it does with bytes from outside.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[("answer", answer)];

/// The answer to any function, read as each of them would.
///
/// # Panics
/// Never; the target looks for those of others.
pub fn answer(bytes: &[u8]) {
    let _ = Acknowledgement::read(bytes);
    let _ = Created::<crate::OrderUuid>::read(bytes, &["OrderUuid", "Uuid"]);
    let _ = ShareLink::read(bytes);
    let Ok(Some(value)) = answer::json(bytes, EmptyAnswer::Unreadable) else { return };
    let _ = answer::failure(&value);
    let _ = FolderList::read(value.clone());
    let _ = OrderList::read(value.clone());
    let _ = TagContent::read(value);
}

#[cfg(test)]
#[path = "../../../tests/fuzz/replay.rs"]
mod replay;
