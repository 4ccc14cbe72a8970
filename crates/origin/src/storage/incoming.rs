//! One instance on its way from a request to its place.

use std::{
    fs::{self, File},
    io::Write as _,
    path::PathBuf,
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use instance::{
    Encoding, Identity, Uid,
    part10::{self, FileMeta, InvalidFile},
};
use sha2::{Digest as _, Sha256};
use tokio::{sync::mpsc, task::JoinHandle};

use super::{
    HEAD_MAX, Storage, names_a_folder,
    reading::{Reading, Values},
};
use crate::{
    Error,
    azure::{
        ImplicitVr, Version,
        validation::{self, Verdict, Warning},
    },
    index::{Entry, attributes::Attribute},
    personality::store::StoreRules,
    routes::failure,
};

/// Chunks between the socket and the disk. A chunk is what one read of the socket gave, at most
/// about 400 KiB, so that an upload holds at most a few hundred KiB here.
const QUEUE: usize = 2;

/// Bytes of the preamble, which the prefix follows (PS3.10 §7.1).
const PREAMBLE: u64 = 128;

/// Bytes collected before they are written: fewer, larger writes.
const WRITE: usize = 128 * 1024;

/// What a store request demands of an instance.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    /// The study that the request is about, if it names one.
    pub(crate) study: Option<Uid>,
    pub(crate) rules: &'static StoreRules,
    pub(crate) instance_bytes_max: u64,
    /// Whether it takes the place of an instance of the same UID.
    pub(crate) replaces: bool,
    pub(crate) version: Version,
    pub(crate) implicit_vr: ImplicitVr,
    /// Whether the UID is taken for one that is being created.
    pub(crate) pending: bool,
}

/// What became of an instance.
#[derive(Debug)]
pub(crate) enum StoreOutcome {
    /// In its place, now or before with the same bytes.
    Stored(Stored),
    Refused(Refusal),
}

/// An instance in its place.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) identity: Identity,
    pub(crate) warning: Option<Warning>,
    /// Whether an attribute that searches use has several values, where that is checked.
    pub(crate) has_several_values: bool,
}

/// Why an instance was not stored, and as far as it is known, which one.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// Failure Reason (0008,1197).
    pub(crate) reason: u16,
    /// Error Comment (0000,0902) of each attribute that is wrong.
    pub(crate) comments: Vec<String>,
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
    rules: &'static StoreRules,
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
        rules: expected.rules,
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
        let mut without_preamble;
        let mut bytes = bytes;
        if !self.rules.keeps_preamble && self.length < PREAMBLE {
            without_preamble = bytes.to_vec();
            let left = usize::try_from(PREAMBLE - self.length).unwrap_or(0);
            without_preamble.iter_mut().take(left).for_each(|byte| *byte = 0);
            bytes = &without_preamble;
        }
        self.length += bytes.len() as u64;
        match &mut self.head {
            Head::Framing(head) => {
                head.extend_from_slice(bytes);
                self.read_head(false);
            }
            Head::DataSet(meta, reading) => {
                if reading.push(bytes).is_err() {
                    self.head = Head::Fault(Refusal::new(self.rules.unreadable_reason, meta));
                }
            }
            Head::Fault(_) => return Ok(()),
        }
        if self.length > expected.instance_bytes_max {
            let sop = self.sop();
            self.head = Head::Fault(Refusal::of(failure::OUT_OF_RESOURCES, sop));
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
                    Err(_) => Head::Fault(Refusal::new(self.rules.unreadable_reason, &meta)),
                };
            }
            Err(InvalidFile::Incomplete) if head.len() < HEAD_MAX && !ended => {}
            Err(_) => self.head = Head::Fault(Refusal::of(self.rules.unreadable_reason, None)),
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
                return Ok(StoreOutcome::Refused(Refusal::of(self.rules.unreadable_reason, None)));
            }
        };
        let refused = |reason| Ok(StoreOutcome::Refused(Refusal::new(reason, &meta)));
        let Ok(values) = reading.finish() else { return refused(self.rules.unreadable_reason) };
        let Ok(identity) = values.identity() else { return refused(self.rules.unnamed_reason) };
        let usable = [&identity.study_instance_uid, &identity.series_instance_uid].into_iter();
        if !usable.chain([&identity.sop_instance_uid]).all(names_a_folder) {
            return refused(self.rules.unreadable_reason);
        }
        if expected.study.as_ref().is_some_and(|study| *study != identity.study_instance_uid) {
            return refused(self.rules.other_study_reason);
        }
        if expected.pending {
            return refused(failure::AZURE_PENDING);
        }
        let (warning, has_several_values) = match check(expected, &meta, &identity, &values) {
            (Verdict::Stored(warning), several) => (warning, several),
            (Verdict::Failed(Warning { reason, comments }), _) => {
                let refusal = Refusal { comments, ..Refusal::new(reason, &meta) };
                return Ok(StoreOutcome::Refused(refusal));
            }
        };
        let entry = Entry {
            identity: identity.clone(),
            transfer_syntax: meta.transfer_syntax.clone(),
            length: self.length,
            sha256,
        };
        let stored = |warning| Ok(StoreOutcome::Stored(Stored { identity, warning, has_several_values }));
        let aside = self.rules.conflicts_aside;
        if aside && storage.index.conflicts(&entry, |attribute| values.value(attribute))? {
            return stored(warning);
        }
        let known = storage.put(&entry, &values, &temporary.0, expected.replaces)?;
        match known {
            Some(known) if (aside || self.rules.first_stays) && known.sha256 != sha256 => stored(warning),
            Some(known) if !(self.rules.same_is_stored && known.sha256 == sha256) => {
                let comments = self.rules.duplicate_remark.map(str::to_owned).into_iter().collect();
                let refusal = Refusal::new(self.rules.duplicate_reason, &meta);
                Ok(StoreOutcome::Refused(Refusal { comments, ..refusal }))
            }
            _ => stored(warning),
        }
    }
}

/// What the personality checks of an instance, and whether a searched attribute has several values.
fn check(expected: &Expected, meta: &FileMeta, identity: &Identity, values: &Values) -> (Verdict, bool) {
    if !expected.rules.checks_attributes {
        return (Verdict::Stored(None), false);
    }
    let value = |attribute: &Attribute| values.value(attribute);
    let instance = validation::Instance {
        version: expected.version,
        implicit: meta.transfer_syntax.encoding() == Encoding::ImplicitVrLittleEndian,
        implicit_vr: expected.implicit_vr,
        uids: [
            identity.study_instance_uid.as_str(),
            identity.series_instance_uid.as_str(),
            identity.sop_instance_uid.as_str(),
        ],
    };
    (validation::check(&instance, &value), validation::has_several_values(&value))
}

impl Refusal {
    /// A fault of the origin: the cause goes to the log.
    pub(crate) fn failed(error: &Error, sop: Option<(Uid, Uid)>) -> Self {
        tracing::error!(%error, "instance not stored");
        let full = error.is_full();
        let reason = if full { failure::OUT_OF_RESOURCES } else { failure::PROCESSING_FAILURE };
        Self::of(reason, sop)
    }

    /// For this reason.
    pub(crate) const fn of(reason: u16, sop: Option<(Uid, Uid)>) -> Self {
        Self { reason, comments: Vec::new(), sop }
    }

    fn new(reason: u16, meta: &FileMeta) -> Self {
        Self::of(reason, Some((meta.sop_class_uid.clone(), meta.sop_instance_uid.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::Study;

    #[tokio::test]
    async fn an_upload_that_is_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Arc::new(Storage::open(folder.path(), None).unwrap());
        let expected = Expected {
            study: None,
            rules: &crate::personality::store::STANDARD,
            instance_bytes_max: u64::MAX,
            replaces: false,
            version: Version::default(),
            implicit_vr: ImplicitVr::default(),
            pending: false,
        };
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
