//! `findscu`, `movescu` and `getscu` of DCMTK.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Output;

use instance::Tag;
use tests::dcmtk;
use tests::find::Elements;

/// Where it calls, and a folder for what comes.
#[derive(Clone, Copy)]
pub(crate) struct Requestor<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) folder: &'a Path,
}

/// A level of the information models and its unique key (PS3.4 §C.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Patient,
    Study,
    Series,
    Image,
}

impl Level {
    /// As an identifier has it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Patient => "PATIENT",
            Self::Study => "STUDY",
            Self::Series => "SERIES",
            Self::Image => "IMAGE",
        }
    }

    const fn key(self) -> (&'static str, Tag) {
        match self {
            Self::Patient => ("PatientID", Tag(0x0010, 0x0020)),
            Self::Study => ("StudyInstanceUID", Tag(0x0020, 0x000D)),
            Self::Series => ("SeriesInstanceUID", Tag(0x0020, 0x000E)),
            Self::Image => ("SOPInstanceUID", Tag(0x0008, 0x0018)),
        }
    }

    const fn model(self) -> &'static str {
        match self {
            Self::Patient => "-P",
            Self::Study | Self::Series | Self::Image => "-S",
        }
    }
}

impl Requestor<'_> {
    /// Values of the unique key of a level in the answers to a C-FIND.
    pub(crate) fn find(&self, level: Level, keys: &[String]) -> Option<BTreeSet<String>> {
        let (keyword, tag) = level.key();
        let answers = tempfile::tempdir_in(self.folder).expect("a folder");
        let into = answers.path().to_str().expect("a path");
        let mut keys = keys.to_vec();
        if !keys.iter().any(|key| key.starts_with(keyword)) {
            keys.push(keyword.to_owned());
        }
        let output = self.run("findscu", &["-X", "-od", into], level, &keys)?;
        let said = said(&output);
        assert!(said.contains("Received Final Find Response (Success)"), "{level:?} {keys:?}: {said}");
        let files = std::fs::read_dir(answers.path()).expect("a folder");
        let found = files.map(|entry| {
            let file = std::fs::read(entry.expect("an entry").path()).expect("a file");
            let (_, start) = instance::part10::read(&file).expect("a Part 10 file");
            Elements::read(&file[start..]).text(tag).unwrap_or_default().to_owned()
        });
        let found: Vec<_> = found.collect();
        let distinct: BTreeSet<_> = found.iter().cloned().collect();
        assert_eq!(distinct.len(), found.len(), "{level:?} {keys:?}: answers came twice: {found:?}");
        Some(distinct)
    }

    /// C-MOVE to a destination; what it printed where it failed.
    pub(crate) fn move_to(
        &self,
        destination: &str,
        level: Level,
        keys: &[String],
    ) -> Option<Result<(), String>> {
        Some(outcome(&self.run("movescu", &["-aem", destination], level, keys)?))
    }

    /// C-GET of what is to come in Explicit VR Little Endian, into a folder, bit by bit.
    pub(crate) fn get(&self, into: &Path, level: Level, keys: &[String]) -> Option<Result<(), String>> {
        std::fs::create_dir_all(into).expect("a folder");
        let into = into.to_str().expect("a path");
        Some(outcome(&self.run("getscu", &["+xe", "--bit-preserving", "-od", into], level, keys)?))
    }

    fn run(&self, program: &str, options: &[&str], level: Level, keys: &[String]) -> Option<Output> {
        let mut command = dcmtk::program(program)?;
        command.current_dir(self.folder).args(["-v", "-aet", "MODALITY", "-aec", "DIMSEWAY", level.model()]);
        command.args(options).args(["-k", &format!("QueryRetrieveLevel={}", level.name())]);
        keys.iter().for_each(|key| _ = command.args(["-k", key]));
        command.arg(self.address.ip().to_string()).arg(self.address.port().to_string());
        Some(command.output().expect("a program of DCMTK starts"))
    }
}

fn outcome(output: &Output) -> Result<(), String> {
    if output.status.success() { Ok(()) } else { Err(said(output)) }
}

/// Everything a program printed.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
