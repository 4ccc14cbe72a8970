//! The test files that the Python package pydicom ships: real, odd and broken ones of many makers.

mod rounds;

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::instances::Instance;
use crate::skip;

pub use rounds::rounds;

/// A test file with all four UIDs.
#[derive(Debug, Clone)]
pub struct TestFile {
    /// Where it is.
    pub path: PathBuf,
    /// What is in it; the data set is the file's body as it stands.
    pub instance: Instance,
}

impl TestFile {
    /// Its path inside the package's data.
    ///
    /// # Panics
    /// Where it is elsewhere.
    #[must_use]
    pub fn name(&self) -> &str {
        let path = self.path.to_str().expect("a path in ASCII");
        path.rsplit_once("/pydicom/data/").expect("a path in the package").1
    }

    /// The folder of the package's data that it is in.
    #[must_use]
    pub fn folder(&self) -> &str {
        self.name().split('/').next().unwrap_or_default()
    }
}

/// Every file that has SOP Class, SOP Instance, Study Instance and Series Instance UIDs. Nothing, and
/// a recorded skip, where pydicom is missing.
///
/// # Panics
/// Where the list cannot be made.
#[must_use]
pub fn test_files() -> Option<Vec<TestFile>> {
    let python = skip::python()?;
    let output =
        Command::new(python).args(["-c", include_str!("pydicom/list.py")]).output().expect("Python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let list: Value = serde_json::from_slice(&output.stdout).expect("a list in JSON");
    let files = list.as_array().expect("a list").iter().map(|entry| {
        let text = |key: &str| entry[key].as_str().expect("a text").to_owned();
        let path = PathBuf::from(text("path"));
        let start = usize::try_from(entry["data_set_at"].as_u64().expect("a position")).expect("a position");
        let file = std::fs::read(&path).expect("a test file");
        TestFile {
            path,
            instance: Instance {
                sop_class: text("sop_class"),
                sop_instance: text("sop_instance"),
                study: text("study"),
                series: text("series"),
                transfer_syntax: text("transfer_syntax"),
                data_set: file[start..].to_vec(),
            },
        }
    });
    Some(files.collect())
}
