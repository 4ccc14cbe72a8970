//! The test files in rounds, since some of them are versions of the same instance.

use std::collections::BTreeMap;

use super::{TestFile, test_files};

/// Files in the folder `test_files` of the package that have all four UIDs.
const TEST_FILES: usize = 145;

/// Further ones in the folder `charset_files`.
const CHARSET_FILES: usize = 15;

/// All files, in rounds: within one no SOP Instance UID comes twice, so that an archive that was
/// emptied before it has to keep each. Nothing, and a recorded skip, where pydicom is missing.
///
/// # Panics
/// Where the package has other files than the pinned version, so that no file goes missing unseen.
#[must_use]
pub fn rounds() -> Option<Vec<Vec<TestFile>>> {
    let files = test_files()?;
    let below = |folder: &str| files.iter().filter(|file| file.folder() == folder).count();
    assert_eq!((below("test_files"), below("charset_files")), (TEST_FILES, CHARSET_FILES));
    assert_eq!(files.len(), TEST_FILES + CHARSET_FILES, "files in another folder");
    let mut versions: BTreeMap<String, usize> = BTreeMap::new();
    let mut rounds: Vec<Vec<TestFile>> = Vec::new();
    for file in files {
        let version = versions.entry(file.instance.sop_instance.clone()).or_default();
        if rounds.len() == *version {
            rounds.push(Vec::new());
        }
        rounds[*version].push(file);
        *version += 1;
    }
    Some(rounds)
}
