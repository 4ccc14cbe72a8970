//! Files and folders to send.

use anyhow::Context;
use bytes::Bytes;
use dataset::{
    document::Wrapped,
    scan::{Progress, ScanLimits, Scanner, Wanted},
};
use futures::{Stream, StreamExt, future::Either, stream};
use instance::{
    Tag,
    part10::{self, FILE_META_LENGTH_MAX, FileMeta, InvalidFile, PREAMBLE_LENGTH},
};
use std::{
    fs::OpenOptions,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};
use tokio::io::AsyncSeekExt;
use tokio_util::io::ReaderStream;

/// Files of one call at most: their paths are kept in memory.
const FILES_MAX: usize = 1_000_000;

/// Bytes read from a file at a time.
const CHUNK_LENGTH: usize = 128 * 1024;

/// Media Storage Directory Storage (PS3.4 §I.4): a DICOMDIR belongs to its folder and is not sent.
const MEDIA_STORAGE_DIRECTORY: &str = "1.2.840.10008.1.3.10";

/// A file that may be one to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Named on the command line, not found in a folder.
    pub(super) named: bool,
    /// What makes an object of it, where it is none yet.
    pub(super) document: Option<Document>,
}

/// A document as an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Document {
    /// What stands before and behind it.
    pub(super) wrapped: Wrapped,
    /// What stands in its place, where it had to be decoded.
    pub(super) decoded: Option<Bytes>,
}

/// Every regular file among `paths` and below them, the last one first. Blocks.
///
/// # Errors
/// A path that does not exist or is something else than a file or a folder, or a folder that cannot
/// be read.
pub(super) fn walk(paths: &[PathBuf]) -> anyhow::Result<Vec<Found>> {
    let mut files = Vec::new();
    let mut folders = Vec::new();
    for path in paths {
        let unreadable = || format!("{} cannot be read", path.display());
        let metadata = std::fs::metadata(path).with_context(unreadable)?;
        anyhow::ensure!(
            metadata.is_dir() || metadata.is_file(),
            "{} is neither a regular file nor a folder",
            path.display()
        );
        if metadata.is_dir() {
            folders.push(path.clone());
        } else {
            files.push(Found { path: path.clone(), named: true, document: None });
        }
    }
    while let Some(folder) = folders.pop() {
        let unreadable = || format!("{} cannot be read", folder.display());
        for entry in std::fs::read_dir(&folder).with_context(unreadable)? {
            let entry = entry.with_context(unreadable)?;
            let kind = entry.file_type().with_context(unreadable)?;
            // A link to a folder may lead in a circle; a link to a file is a file.
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() || kind.is_symlink() && entry.path().is_file() {
                files.push(Found { path: entry.path(), named: false, document: None });
            }
            anyhow::ensure!(
                files.len() <= FILES_MAX,
                "more than {FILES_MAX} files; send them folder by folder"
            );
        }
    }
    files.sort_unstable_by(|a, b| (&b.path, b.named).cmp(&(&a.path, a.named)));
    files.dedup_by(|a, b| a.path == b.path);
    Ok(files)
}

/// A Part 10 file and what its File Meta Information says.
#[derive(Debug)]
pub(super) struct DicomFile {
    pub(super) path: PathBuf,
    pub(super) meta: FileMeta,
    /// Bytes of the whole file.
    pub(super) length: u64,
    /// Where the data set begins.
    offset: u64,
    document: Option<Document>,
}

/// To which study a file belongs, and what tells its order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Study {
    pub(super) uid: String,
    pub(super) patient_id: String,
    pub(super) accession_number: String,
    /// `YYYYMMDD`.
    pub(super) date: String,
}

/// Why a file cannot be sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreadable {
    /// Something else.
    #[error("not a DICOM file: {0}")]
    NotDicom(InvalidFile),
    /// A DICOM file, by its prefix, whose head is faulty. In a folder too it is told and not passed over:
    /// it may be the only copy of an instance.
    #[error("a damaged DICOM file: {0}")]
    Damaged(InvalidFile),
    /// A pipe, a device, a folder.
    #[error("not a regular file")]
    NotRegular,
    /// The disk or its permissions.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Unreadable {
    fn of(head: &[u8], error: InvalidFile) -> Self {
        let is_dicom = head.get(..PREAMBLE_LENGTH).is_some_and(|head| head.ends_with(b"DICM"));
        if is_dicom { Self::Damaged(error) } else { Self::NotDicom(error) }
    }
}

impl DicomFile {
    /// Whether it is the directory of a medium.
    pub(super) fn is_media_directory(&self) -> bool {
        self.meta.sop_class_uid.as_str() == MEDIA_STORAGE_DIRECTORY
    }

    /// Reads the head of a file, on a thread that may wait for the disk.
    ///
    /// # Errors
    /// It cannot be read, or is no Part 10 file.
    pub(super) async fn open(found: &Found) -> Result<Self, Unreadable> {
        let path = found.path.clone();
        if let Some(document) = &found.document {
            let (meta, length) = (document.wrapped.meta.clone(), tokio::fs::metadata(&path).await?.len());
            return Ok(Self { path, meta, length, offset: 0, document: Some(document.clone()) });
        }
        let opened = tokio::task::spawn_blocking(move || Self::open_blocking(&path)).await;
        opened.map_err(io::Error::from)?
    }

    fn open_blocking(path: &Path) -> Result<Self, Unreadable> {
        // What became a pipe since it was found must not wait for a writer.
        let without_waiting = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let mut file = OpenOptions::new().read(true).custom_flags(without_waiting).open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(Unreadable::NotRegular);
        }
        let length = metadata.len();
        let mut head = Vec::with_capacity(4096);
        // Most heads have a few hundred bytes; only a long one is read on.
        for limit in [4096, PREAMBLE_LENGTH + FILE_META_LENGTH_MAX] {
            let missing = (limit - head.len()) as u64;
            let read = file.by_ref().take(missing).read_to_end(&mut head)?;
            match part10::read(&head) {
                Ok((meta, offset)) => {
                    let offset = offset as u64;
                    return Ok(Self { path: path.to_owned(), meta, length, offset, document: None });
                }
                Err(InvalidFile::Incomplete) if read as u64 == missing => {}
                Err(error) => return Err(Unreadable::of(&head, error)),
            }
        }
        Err(Unreadable::of(&head, InvalidFile::Incomplete))
    }

    /// The data set, as it stands in the file.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub(super) async fn data_set(&self) -> io::Result<impl Stream<Item = io::Result<Bytes>> + Send + use<>> {
        let whole = |bytes: Bytes| stream::iter((!bytes.is_empty()).then_some(Ok(bytes)));
        let document = self.document.as_ref();
        let part = |of: fn(&Wrapped) -> &Vec<u8>| {
            whole(document.map(|document| Bytes::from(of(&document.wrapped).clone())).unwrap_or_default())
        };
        let body = match document.and_then(|document| document.decoded.clone()) {
            Some(decoded) => Either::Left(whole(decoded)),
            None => {
                let mut file = tokio::fs::File::open(&self.path).await?;
                file.seek(io::SeekFrom::Start(self.offset)).await?;
                Either::Right(ReaderStream::with_capacity(file, CHUNK_LENGTH))
            }
        };
        Ok(part(|wrapped| &wrapped.head).chain(body).chain(part(|wrapped| &wrapped.tail)))
    }

    /// The study of the data set.
    ///
    /// # Errors
    /// The file cannot be read, or its data set cannot be.
    pub(super) async fn study(&self) -> anyhow::Result<Study> {
        let wanted =
            Wanted::new([Tag::STUDY_INSTANCE_UID], [Tag::STUDY_DATE, Tag::ACCESSION_NUMBER, Tag::PATIENT_ID]);
        let mut scanner = Scanner::new(self.meta.transfer_syntax.encoding(), wanted, ScanLimits::default());
        let mut chunks = Box::pin(self.data_set().await?);
        while let Some(chunk) = chunks.next().await {
            if scanner.push(&chunk?)? == Progress::Done {
                break;
            }
        }
        let found = scanner.finish()?;
        let text = |tag: Tag| found.text(tag).unwrap_or_default();
        let uid = found.uid(Tag::STUDY_INSTANCE_UID)?.context("no Study Instance UID")?;
        Ok(Study {
            uid: uid.to_string(),
            patient_id: text(Tag::PATIENT_ID),
            accession_number: text(Tag::ACCESSION_NUMBER),
            date: text(Tag::STUDY_DATE),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::TryStreamExt;
    use instance::TransferSyntax;

    fn named(path: &Path) -> Found {
        Found { path: path.to_owned(), named: true, document: None }
    }

    fn meta() -> FileMeta {
        FileMeta {
            sop_class_uid: "1.2.840.10008.5.1.4.1.1.2".parse().unwrap(),
            sop_instance_uid: "1.2.3.4.5".parse().unwrap(),
            transfer_syntax: TransferSyntax::new("1.2.840.10008.1.2.1".parse().unwrap()),
        }
    }

    #[test]
    fn folders_are_searched_whole_and_named_files_are_marked() {
        let top = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(top.path().join("a/b")).unwrap();
        for name in ["a/2", "a/b/1", "3"] {
            std::fs::write(top.path().join(name), "").unwrap();
        }
        std::os::unix::fs::symlink(top.path(), top.path().join("a/circle")).unwrap();
        let found = walk(&[top.path().join("a"), top.path().join("3")]).unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|found| {
                (found.path.strip_prefix(top.path()).unwrap().to_str().unwrap().to_owned(), found.named)
            })
            .collect();
        assert_eq!(names, [("a/b/1".to_owned(), false), ("a/2".to_owned(), false), ("3".to_owned(), true)]);
        assert!(walk(&[top.path().join("gone")]).is_err());
    }

    #[tokio::test]
    async fn the_data_set_is_what_follows_the_file_meta() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("one.dcm");
        let data_set: Vec<u8> = (0..300_000_u32).flat_map(|n| (n as u16).to_le_bytes()).collect();
        let data_set = [b"\x08\0\x16\0UI\x02\x001\0".to_vec(), data_set].concat();
        std::fs::write(&path, [part10::write(&meta(), None), data_set.clone()].concat()).unwrap();
        let file = DicomFile::open(&named(&path)).await.unwrap();
        assert_eq!(file.meta, meta());
        let chunks: Vec<Bytes> = file.data_set().await.unwrap().try_collect().await.unwrap();
        assert_eq!(chunks.concat(), data_set);
    }

    #[tokio::test]
    async fn a_pipe_is_refused_where_it_is_named_and_passed_over_in_a_folder() {
        let top = tempfile::tempdir().unwrap();
        let pipe = top.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .unwrap();
        std::os::unix::fs::symlink(&pipe, top.path().join("link")).unwrap();
        for name in ["pipe", "link"] {
            let error = walk(&[top.path().join(name)]).unwrap_err().to_string();
            assert!(error.ends_with("is neither a regular file nor a folder"), "{error}");
        }
        assert_eq!(walk(&[top.path().to_owned()]).unwrap(), []);
        assert!(matches!(DicomFile::open(&named(&pipe)).await, Err(Unreadable::NotRegular)));
    }

    #[tokio::test]
    async fn what_is_no_dicom_file_is_told_apart_from_what_cannot_be_read() {
        let top = tempfile::tempdir().unwrap();
        let path = top.path().join("notes.txt");
        for content in [&b""[..], b"hello", &[b' '; 9000]] {
            std::fs::write(&path, content).unwrap();
            assert!(
                matches!(DicomFile::open(&named(&path)).await, Err(Unreadable::NotDicom(_))),
                "{content:?}"
            );
        }
        assert!(matches!(DicomFile::open(&named(&top.path().join("gone"))).await, Err(Unreadable::Io(_))));
        let good = part10::write(&meta(), None);
        let uid = good.windows(9).position(|bytes| bytes == b"1.2.3.4.5").unwrap();
        let bad_uid = [&good[..uid], b"1.2.three", &good[uid + 9..]].concat();
        for damaged in [&good[..PREAMBLE_LENGTH], &good[..good.len() - 9], &bad_uid] {
            std::fs::write(&path, damaged).unwrap();
            let opened = DicomFile::open(&named(&path)).await;
            assert!(matches!(opened, Err(Unreadable::Damaged(_))), "{opened:?}");
        }
    }
}
