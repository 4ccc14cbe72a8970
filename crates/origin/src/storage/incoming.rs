//! One instance on its way from a request to its place.

use std::{
    fs::{self, File},
    io::Write as _,
    path::PathBuf,
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use instance::{
    Identity, Uid,
    part10::{self, FileMeta, InvalidFile},
};
use sha2::{Digest as _, Sha256};
use tokio::{sync::mpsc, task::JoinHandle};

use super::{HEAD_MAX, Storage, names_a_folder, reading::Reading};
use crate::{
    Error, Personality,
    index::{Entry, attributes::Attribute},
    routes::failure,
};

/// Chunks between the socket and the disk. A chunk is what one read of the socket gave, at most
/// about 400 KiB, so that an upload holds at most a few hundred KiB here.
const QUEUE: usize = 2;

/// Bytes collected before they are written: fewer, larger writes.
const WRITE: usize = 128 * 1024;

/// What a store request demands of an instance.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    /// The study that the request is about, if it names one.
    pub(crate) study: Option<Uid>,
    pub(crate) personality: Personality,
    pub(crate) instance_bytes_max: u64,
}

/// What became of an instance.
#[derive(Debug)]
pub(crate) enum StoreOutcome {
    /// In its place, now or before with the same bytes.
    Stored(Identity),
    Refused(Refusal),
}

/// Why an instance was not stored, and as far as it is known, which one.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// Failure Reason (0008,1197).
    pub(crate) reason: u16,
    /// SOP Class and SOP Instance UID.
    pub(crate) sop: Option<(Uid, Uid)>,
}

enum Step {
    Bytes(Bytes),
    End,
}

/// An instance that is being received. Dropped before [`Incoming::finish`], it leaves nothing.
pub(crate) struct Incoming {
    steps: mpsc::Sender<Step>,
    task: JoinHandle<Result<Option<StoreOutcome>, Error>>,
}

impl Incoming {
    /// Begins with no bytes. A thread of the blocking pool hashes, scans and writes them.
    pub(crate) fn begin(storage: &Arc<Storage>, expected: Expected) -> Self {
        let (steps, receiver) = mpsc::channel(QUEUE);
        let storage = Arc::clone(storage);
        let task = tokio::task::spawn_blocking(move || receive(&storage, &expected, receiver));
        Self { steps, task }
    }

    /// Takes the next bytes of the file. Bytes behind a fault are taken and dropped.
    pub(crate) async fn append(&self, bytes: Bytes) {
        let _ended_early = self.steps.send(Step::Bytes(bytes)).await;
    }

    /// All bytes are there: puts the instance in its place.
    pub(crate) async fn finish(self) -> Result<StoreOutcome, Error> {
        let _ended_early = self.steps.send(Step::End).await;
        self.task.await.map_err(|_| Error::Task)?.and_then(|outcome| outcome.ok_or(Error::Task))
    }
}

/// A file that vanishes unless it was put in its place.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _moved_away = fs::remove_file(&self.0);
    }
}

/// The bytes so far.
struct Received {
    file: File,
    unwritten: BytesMut,
    hash: Sha256,
    length: u64,
    head: Head,
}

/// How far the file is understood.
enum Head {
    /// Inside preamble and File Meta Information.
    Framing(BytesMut),
    DataSet(FileMeta, Box<Reading>),
    Fault(Refusal),
}

fn receive(
    storage: &Storage,
    expected: &Expected,
    mut steps: mpsc::Receiver<Step>,
) -> Result<Option<StoreOutcome>, Error> {
    let temporary = Temporary(storage.next_incoming());
    let file = File::create(&temporary.0).map_err(Error::folder(&temporary.0))?;
    let mut received = Received {
        file,
        unwritten: BytesMut::new(),
        hash: Sha256::new(),
        length: 0,
        head: Head::Framing(BytesMut::new()),
    };
    loop {
        match steps.blocking_recv() {
            None => return Ok(None),
            Some(Step::Bytes(bytes)) => {
                if let Err(error) = received.take(&bytes, expected) {
                    // The rest of the request is still taken, or the client never hears why.
                    received.fail(&Error::folder(&temporary.0)(error));
                }
            }
            Some(Step::End) => break,
        }
    }
    let sop = received.sop();
    let outcome = received.place(storage, expected, &temporary);
    Ok(Some(outcome.unwrap_or_else(|error| StoreOutcome::Refused(Refusal::failed(&error, sop)))))
}

impl Received {
    fn take(&mut self, bytes: &[u8], expected: &Expected) -> std::io::Result<()> {
        self.length += bytes.len() as u64;
        match &mut self.head {
            Head::Framing(head) => {
                head.extend_from_slice(bytes);
                self.read_head(false);
            }
            Head::DataSet(meta, reading) => {
                if reading.push(bytes).is_err() {
                    self.head = Head::Fault(Refusal::new(failure::CANNOT_UNDERSTAND, meta));
                }
            }
            Head::Fault(_) => return Ok(()),
        }
        if self.length > expected.instance_bytes_max {
            let sop = self.sop();
            self.head = Head::Fault(Refusal { reason: failure::OUT_OF_RESOURCES, sop });
        }
        self.hash.update(bytes);
        self.unwritten.extend_from_slice(bytes);
        if self.unwritten.len() >= WRITE { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> std::io::Result<()> {
        let result = self.file.write_all(&self.unwritten);
        self.unwritten.clear();
        result
    }

    /// Tries to read the framing; `ended` says that no more bytes will come.
    fn read_head(&mut self, ended: bool) {
        let Head::Framing(head) = &self.head else { return };
        match part10::read(head) {
            // Framing that ends where the bytes end so far may go on in the next ones.
            Ok((_, length)) if length == head.len() && !ended => {}
            Ok((meta, length)) => {
                let mut reading = Reading::new(meta.transfer_syntax.encoding());
                self.head = match reading.push(&head[length..]) {
                    Ok(()) => Head::DataSet(meta, Box::new(reading)),
                    Err(_) => Head::Fault(Refusal::new(failure::CANNOT_UNDERSTAND, &meta)),
                };
            }
            Err(InvalidFile::Incomplete) if head.len() < HEAD_MAX && !ended => {}
            Err(_) => self.head = Head::Fault(Refusal { reason: failure::CANNOT_UNDERSTAND, sop: None }),
        }
    }

    fn sop(&self) -> Option<(Uid, Uid)> {
        match &self.head {
            Head::Framing(_) => None,
            Head::DataSet(meta, _) => Some((meta.sop_class_uid.clone(), meta.sop_instance_uid.clone())),
            Head::Fault(refusal) => refusal.sop.clone(),
        }
    }

    /// The origin itself cannot go on with this instance.
    fn fail(&mut self, error: &Error) {
        self.head = Head::Fault(Refusal::failed(error, self.sop()));
    }

    /// Everything is there: checks it and puts it in its place.
    fn place(
        mut self,
        storage: &Storage,
        expected: &Expected,
        temporary: &Temporary,
    ) -> Result<StoreOutcome, Error> {
        self.read_head(true);
        self.write().map_err(Error::folder(&temporary.0))?;
        let sha256 = self.hash.finalize().into();
        let (meta, reading) = match self.head {
            Head::DataSet(meta, reading) => (meta, reading),
            Head::Fault(refusal) => return Ok(StoreOutcome::Refused(refusal)),
            Head::Framing(_) => {
                return Ok(StoreOutcome::Refused(Refusal { reason: failure::CANNOT_UNDERSTAND, sop: None }));
            }
        };
        let refused = |reason| Ok(StoreOutcome::Refused(Refusal::new(reason, &meta)));
        let Ok(values) = reading.finish() else { return refused(failure::CANNOT_UNDERSTAND) };
        let Ok(identity) = values.identity() else { return refused(failure::DOES_NOT_MATCH) };
        let usable = [&identity.study_instance_uid, &identity.series_instance_uid].into_iter();
        if !usable.chain([&identity.sop_instance_uid]).all(names_a_folder) {
            return refused(failure::CANNOT_UNDERSTAND);
        }
        if expected.study.as_ref().is_some_and(|study| *study != identity.study_instance_uid) {
            return refused(failure::DOES_NOT_MATCH);
        }
        let entry = Entry {
            identity: identity.clone(),
            transfer_syntax: meta.transfer_syntax.clone(),
            length: self.length,
            sha256,
        };
        let value = |attribute: &Attribute| values.value(attribute);
        let path = storage.path(&entry);
        let known = storage.index.add(&entry, value, || {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).map_err(Error::folder(folder))?;
            }
            fs::rename(&temporary.0, &path).map_err(Error::folder(&path))
        })?;
        match known {
            Some(known) if known.sha256 != sha256 => refused(expected.personality.rules().duplicate_reason),
            _ => Ok(StoreOutcome::Stored(identity)),
        }
    }
}

impl Refusal {
    /// A fault of the origin: the cause goes to the log.
    pub(crate) fn failed(error: &Error, sop: Option<(Uid, Uid)>) -> Self {
        tracing::error!(%error, "instance not stored");
        let full = error.is_full();
        let reason = if full { failure::OUT_OF_RESOURCES } else { failure::PROCESSING_FAILURE };
        Self { reason, sop }
    }

    fn new(reason: u16, meta: &FileMeta) -> Self {
        Self { reason, sop: Some((meta.sop_class_uid.clone(), meta.sop_instance_uid.clone())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::Study;

    #[tokio::test]
    async fn an_upload_that_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Arc::new(Storage::open(folder.path()).unwrap());
        let expected =
            Expected { study: None, personality: Personality::Standard, instance_bytes_max: u64::MAX };
        let incoming = Incoming::begin(&storage, expected);
        for chunk in Study::new(1, 1).instance(0).file() {
            incoming.append(chunk).await;
        }
        let Incoming { steps, task } = incoming;
        drop(steps);
        assert!(task.await.unwrap().unwrap().is_none());
        assert_eq!(fs::read_dir(folder.path().join("incoming")).unwrap().count(), 0);
        assert_eq!(storage.instance_count().await.unwrap(), 0);
    }

    #[test]
    fn a_study_named_by_dots_is_no_folder() {
        let uid = |text: &str| text.parse::<Uid>().unwrap();
        assert!(!names_a_folder(&uid("..")));
        assert!(!names_a_folder(&uid(".")));
        assert!(names_a_folder(&uid("1.2.3")));
    }
}
