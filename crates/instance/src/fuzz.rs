//! What a fuzzer does with the bytes that this room reads, and a plain test with the corpus.

use crate::{AeTitle, Uid, part10};

/// A target: its name, and what it does with bytes from outside.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[("part10", part10), ("names", names)];

/// The head of a Part 10 file.
///
/// # Panics
/// Where a promise of [`part10::read`] is broken.
pub fn part10(bytes: &[u8]) {
    let read = part10::read(bytes);
    if let Ok((meta, length)) = &read {
        assert!(*length <= bytes.len());
        let written = part10::write(meta, None);
        assert_eq!(part10::read(&written), Ok((meta.clone(), written.len())));
        assert!(part10::read_with(bytes, Some(&meta.transfer_syntax)).is_ok());
    }
    // Any error but that of a cut is final, whatever comes behind it.
    for cut in [bytes.len() / 2, bytes.len().saturating_sub(1)] {
        if let Err(error) = part10::read(&bytes[..cut])
            && error != part10::InvalidFile::Incomplete
            && !matches!(error, part10::InvalidFile::Missing(..))
        {
            assert_eq!(read, Err(error), "cut at {cut}");
        }
    }
}

/// UIDs and AE titles as they stand in their fields.
///
/// # Panics
/// Where a name that was read does not read back.
pub fn names(bytes: &[u8]) {
    if let Ok(uid) = Uid::from_bytes(bytes) {
        assert_eq!(Uid::from_bytes(&uid.to_padded()), Ok(uid.clone()));
        assert_eq!(uid.as_str().parse(), Ok(uid));
    }
    if let Ok(title) = AeTitle::from_bytes(bytes) {
        assert_eq!(AeTitle::from_bytes(title.as_str().as_bytes()), Ok(title.clone()));
        assert_eq!(title.as_str().parse(), Ok(title));
    }
}

#[cfg(test)]
#[path = "../../../tests/fuzz/replay.rs"]
mod replay;
