//! Objects in other transfer syntaxes, held against pydicom and DCMTK.

use std::{
    collections::BTreeMap,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use bridge::transcode::{Limits, TranscodeError, Transcoder};
use futures::{TryStreamExt as _, stream};
use instance::{
    TransferSyntax,
    part10::{self, FileMeta},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{
    daemon, dcmtk,
    pydicom::{self, TestFile},
    skip,
};

const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const IMPLICIT: &str = "1.2.840.10008.1.2";
const UNCOMPRESSED: [&str; 4] = [IMPLICIT, EXPLICIT, "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"];

/// What pydicom finds different in one object.
struct Compared {
    name: String,
    wrong: Vec<String>,
    /// The largest difference of two samples, where another program decoded the object.
    largest: Option<u64>,
}

fn syntax(uid: &str) -> TransferSyntax {
    TransferSyntax::new(uid.parse().expect("a UID"))
}

fn meta(file: &TestFile, transfer_syntax: &str) -> FileMeta {
    FileMeta {
        sop_class_uid: file.instance.sop_class.parse().expect("a UID"),
        sop_instance_uid: file.instance.sop_instance.parse().expect("a UID"),
        transfer_syntax: syntax(transfer_syntax),
    }
}

/// A file name for what is made of the file.
fn label(file: &TestFile) -> String {
    file.path.to_str().expect("a path in ASCII").replace('/', "-")
}

/// The file in another transfer syntax, written into `folder`.
fn transcoded(folder: &Path, file: &TestFile, to: &str) -> Result<PathBuf, TranscodeError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let transcoder = Transcoder::new(daemon::program(), Limits::default());
    let pieces: Vec<_> =
        file.instance.data_set.chunks(10_000).map(|piece| Ok(piece.to_vec().into())).collect();
    let data_set: Vec<u8> = runtime.block_on(async {
        let meta = meta(file, &file.instance.transfer_syntax);
        let transcoded = transcoder.transcode(&meta, None, stream::iter(pieces), &[syntax(to)]).await?;
        assert_eq!(transcoded.transfer_syntax, syntax(to));
        let whole = transcoded.data_set.try_fold(Vec::new(), |mut whole, piece| async move {
            whole.extend_from_slice(&piece);
            Ok(whole)
        });
        whole.await.map_err(TranscodeError::Source)
    })?;
    let path = folder.join(format!("{}.{to}.dcm", label(file)));
    let bytes = [part10::write(&meta(file, to), None), data_set].concat();
    std::fs::write(&path, bytes).expect("a file");
    Ok(path)
}

/// The file as DCMTK decodes it; nothing where there is nothing to decode, DCMTK has no program for it, or
/// gives up.
fn decoded_by_dcmtk(folder: &Path, file: &TestFile) -> Option<PathBuf> {
    let (name, options): (&str, &[&str]) =
        match file.instance.transfer_syntax.strip_prefix("1.2.840.10008.1.2.")? {
            "5" => ("dcmdrle", &[]),
            "4.80" | "4.81" => ("dcmdjpls", &["+px"]),
            "2" => ("dcmconv", &["+te"]),
            // DCMTK has no JPEG 2000, but one file is there without compression too.
            "4.90" | "4.91" => {
                let without = file.path.to_str()?.strip_suffix("_jp2klossless.dcm")?;
                return Some(PathBuf::from(format!("{without}.dcm")));
            }
            _ => ("dcmdjpeg", &["+px"]),
        };
    let to = folder.join(format!("{}.dcmtk.dcm", label(file)));
    let output = dcmtk::program(name)?.args(options).arg(&file.path).arg(&to).output().expect("DCMTK starts");
    output.status.success().then_some(to)
}

/// What pydicom says of triples of an object, what it became, and what another program made of it.
fn compared(triples: &[(String, PathBuf, PathBuf, Option<PathBuf>)]) -> Option<Vec<Compared>> {
    let mut python = Command::new(skip::python()?);
    python.args(["-c", include_str!("transcoding/compare.py")]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut python = python.spawn().expect("Python starts");
    let mut input = python.stdin.take().expect("a pipe");
    input.write_all(json!(triples).to_string().as_bytes()).expect("Python reads");
    drop(input);
    let output = python.wait_with_output().expect("Python ends");
    assert!(output.status.success());
    let answers: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let answer = |answer: &Value| Compared {
        name: answer[0].as_str().expect("a name").to_owned(),
        wrong: answer[1].as_array().expect("a list").iter().map(ToString::to_string).collect(),
        largest: answer[2].as_u64(),
    };
    Some(answers.as_array().expect("a list").iter().map(answer).collect())
}

#[test]
fn uncompressed_test_files_say_the_same_in_the_other_encodings() {
    let Some(files) = pydicom::test_files() else { return };
    let folder = TempDir::new().unwrap();
    let (mut triples, mut refused) = (Vec::new(), BTreeMap::new());
    for file in &files {
        if !UNCOMPRESSED.contains(&&*file.instance.transfer_syntax) {
            continue;
        }
        for to in [EXPLICIT, IMPLICIT] {
            match transcoded(folder.path(), file, to) {
                Ok(path) => {
                    let swapped = decoded_by_dcmtk(folder.path(), file);
                    triples.push((format!("{} to {to}", file.name()), file.path.clone(), path, swapped));
                }
                Err(error) => drop(refused.insert(file.name(), error.to_string())),
            }
        }
    }
    let Some(compared) = compared(&triples) else { return };
    println!("{} conversions; refused: {refused:#?}", compared.len());
    // Both are cut.
    let expected = ["MR_truncated.dcm", "rtplan_truncated.dcm"];
    assert!(refused.keys().map(|name| name.rsplit('/').next().unwrap()).eq(expected), "{refused:#?}");
    assert!(compared.len() >= 240, "{}", compared.len());
    let wrong: Vec<_> =
        compared.iter().filter(|one| !one.wrong.is_empty()).map(|one| (&one.name, &one.wrong)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn compressed_test_files_are_decoded_as_dcmtk_decodes_them() {
    let Some(files) = pydicom::test_files() else { return };
    if skip::program("dcmdjpeg").is_none() {
        return;
    }
    let folder = TempDir::new().unwrap();
    let (mut triples, mut refused) = (Vec::new(), BTreeMap::new());
    for file in &files {
        if UNCOMPRESSED.contains(&&*file.instance.transfer_syntax) {
            continue;
        }
        match transcoded(folder.path(), file, EXPLICIT) {
            Ok(path) => {
                let decoded = decoded_by_dcmtk(folder.path(), file);
                triples.push((file.name().to_owned(), file.path.clone(), path, decoded));
            }
            Err(error) => drop(refused.insert(file.name(), error.to_string())),
        }
    }
    let Some(compared) = compared(&triples) else { return };
    let mut wrong = Vec::new();
    for one in &compared {
        let syntax = &files.iter().find(|file| file.name() == one.name).unwrap().instance.transfer_syntax;
        // Where JPEG loses anyway, decoders round colours in their own way.
        let lossy = syntax.ends_with(".4.50") || syntax.ends_with(".4.51");
        if !one.wrong.is_empty() || one.largest.is_some_and(|largest| largest > if lossy { 3 } else { 0 }) {
            wrong.push((&one.name, one.largest, &one.wrong));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    let decoded_by_both = compared.iter().filter(|one| one.largest.is_some()).count();
    println!(
        "{} decoded, {decoded_by_both} of them as DCMTK decodes them; refused: {refused:#?}",
        compared.len()
    );
    // A codestream that is 3.7 billion columns wide.
    let expected = ["JPEG2000-embedded-sequence-delimiter.dcm"];
    assert!(refused.keys().map(|name| name.rsplit('/').next().unwrap()).eq(expected), "{refused:#?}");
    assert!(decoded_by_both >= 27, "{decoded_by_both}");
}

/// What DCMTK compresses without losses, by program and options.
const COMPRESSED_BY: [(&str, &[&str]); 9] = [
    ("dcmcrle", &[]),
    ("dcmcjpeg", &["+e1"]),
    ("dcmcjpeg", &["+el", "+sv", "4"]),
    ("dcmcjpeg", &["+el", "+sv", "7"]),
    ("dcmcjpls", &["+el", "+il"]),
    ("dcmcjpls", &["+el", "+is"]),
    ("dcmcjpls", &["+el", "+iv"]),
    ("dcmcjpls", &["+en", "+md", "1"]),
    ("dcmcjpls", &["+en", "+md", "5", "+is"]),
];

#[test]
fn what_dcmtk_compresses_is_decoded_as_dcmtk_decodes_it() {
    let Some(files) = pydicom::test_files() else { return };
    let folder = TempDir::new().unwrap();
    let mut triples = Vec::new();
    for name in ["CT_small.dcm", "MR_small.dcm", "examples_rgb_color.dcm", "examples_overlay.dcm"] {
        let file = files.iter().find(|file| file.name().ends_with(name)).expect("a test file");
        for (number, (program, options)) in COMPRESSED_BY.iter().enumerate() {
            let path = folder.path().join(format!("{number}-{name}"));
            let Some(mut program) = dcmtk::program(program) else { return };
            let output = program.args(*options).arg(&file.path).arg(&path).output().expect("DCMTK starts");
            // It does not compress signed samples with losses, nor colours that are not there by pixel.
            if output.status.success() {
                let bytes = std::fs::read(&path).unwrap();
                let (meta, at) = part10::read(&bytes).expect("a file");
                let mut compressed = TestFile { path, instance: file.instance.clone() };
                compressed.instance.sop_instance = meta.sop_instance_uid.to_string();
                compressed.instance.transfer_syntax = meta.transfer_syntax.uid().to_string();
                compressed.instance.data_set = bytes[at..].to_vec();
                let ours = transcoded(folder.path(), &compressed, EXPLICIT);
                let ours = ours.unwrap_or_else(|error| panic!("{}: {error}", compressed.path.display()));
                let theirs = decoded_by_dcmtk(folder.path(), &compressed);
                assert!(theirs.is_some());
                triples.push((format!("{number}-{name}"), compressed.path, ours, theirs));
            }
        }
    }
    let Some(compared) = compared(&triples) else { return };
    for one in &compared {
        assert_eq!((one.largest, &one.wrong), (Some(0), &vec![]), "{}", one.name);
    }
    assert!(compared.len() >= 30, "{}", compared.len());
}
