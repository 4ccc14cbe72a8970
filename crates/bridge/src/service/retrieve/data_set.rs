//! The data set of one instance on its way to a recipient, resumed where its source breaks.
//!
//! A data set once begun must be finished or its association aborted. So when an answer of the origin
//! breaks in the middle, or was given up because the recipient stalled, the instance is asked for
//! again, what was read before is skipped, and the rest is sent, if what was skipped is byte for byte
//! the same.
//!
//! An answer may come to its end in good order and hold an instance that is cut, as it was stored or by
//! what passed it on. So the headers of the data set are looked at while it passes by; what ends inside an
//! element is never sent as a whole one.
//!
//! Whatever an answer says of an instance around its data set, the data set itself says which one it is. It
//! is asked before anything is sent, so that no image goes out under the UID of another.

use std::{collections::VecDeque, io, time::Duration};

use bytes::Bytes;
use dataset::scan::{Attributes, Passing, Progress, ScanError, ScanLimits, Scanner, Wanted};
use futures::{StreamExt, stream, stream::BoxStream};
use instance::{Encoding, Tag, Uid, part10::FileMeta};
use tokio::sync::oneshot;

use super::{
    back_off,
    read_ahead::{Event, Head, Interruption},
    source::{Request, Room, Source},
};

/// How often one data set may be resumed: 16 times. Each time reads it from its beginning.
const RESUMES_MAX: u32 = 16;

/// How often it may be resumed in a row without a byte of progress.
const RESUMES_IN_VAIN_MAX: u32 = 2;

/// Bytes of a data set within which its (0008,0018) is looked for: 64 KiB, far beyond group 0008 of any
/// real object.
const NAMED_WITHIN: u64 = 64 * 1024;

/// What the UIDs of the transfer syntaxes of PS3.6 begin with.
const STANDARD: &str = "1.2.840.10008.";

/// Most bytes that are kept back where a data set that breaks ends the association of a C-GET: 256 KiB.
/// What is cut is known by then for small objects, and for those of known length from the header of
/// their Pixel Data on.
const KEPT_BACK_MAX: u64 = 256 * 1024;

/// A data set whose first bytes are at hand.
pub(super) struct DataSet {
    source: Source,
    /// What the instance is, in its own words.
    meta: FileMeta,
    /// What the File Meta Information says, by which the same file is known again.
    file_meta: FileMeta,
    length: Option<u64>,
    again: Request,
    /// What was read and not handed out.
    ahead: VecDeque<Bytes>,
    ended: bool,
    read: u64,
    /// Of what was read, to know it again.
    checksum: crc32fast::Hasher,
    passing: Passing,
    /// Whether it was asked for again because it was cut.
    was_cut: bool,
    padded: bool,
    resumes: u32,
    resumes_in_vain: u32,
    read_at_last_resume: u64,
}

/// Why a data set did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    /// Its source broke, and asking again did not help.
    #[error("{0}")]
    Interrupted(#[from] Interruption),
    /// The source gave something else than one instance.
    #[error("the answer is no sequence of instances")]
    Sequence,
    /// The origin gave other bytes, another instance or another transfer syntax than before.
    #[error("the origin gave something else when asked again")]
    Differs,
    /// It does not say which instance it is.
    #[error("the data set has no (0008,0018) SOP Instance UID")]
    Nameless,
    /// It is sent under its SOP Class, so there must be no doubt about that.
    #[error("the data set is of SOP Class {0}, and its File Meta Information names another")]
    OtherClass(Uid),
    /// It came to its end, and is not whole.
    #[error("the instance is cut: {0}")]
    Cut(ScanError),
}

/// Whether a stream broke because the origin gave something else when asked again.
pub(in crate::service::retrieve) fn has_changed(error: &io::Error) -> bool {
    matches!(error.get_ref().and_then(|cause| cause.downcast_ref()), Some(Broken::Differs))
}

/// The data set as a stream.
pub(super) type Sending = BoxStream<'static, io::Result<Bytes>>;

/// Where the source goes once the data set was read to its end, so that the next instance is begun while the
/// recipient files this one. Dropped where there is no source any more.
pub(super) type GiveBack = oneshot::Sender<Source>;

impl DataSet {
    /// Reads the first bytes of the instance that `source` is at the beginning of. `again` is the request
    /// for that instance alone. The instance is named as its data set names itself: archives hold files whose
    /// File Meta Information names another instance, and list them by their data set.
    pub(super) async fn begin(source: Source, (meta, length): Head, again: Request) -> Result<Self, Broken> {
        let passing = Passing::new(meta.transfer_syntax.encoding(), ScanLimits::default());
        let mut data_set = Self {
            source,
            file_meta: meta.clone(),
            meta,
            length,
            again,
            ahead: VecDeque::new(),
            ended: false,
            read: 0,
            checksum: crc32fast::Hasher::new(),
            passing,
            was_cut: false,
            padded: false,
            resumes: 0,
            resumes_in_vain: 0,
            read_at_last_resume: 0,
        };
        data_set.read_ahead().await?;
        data_set.name_by_itself().await?;
        Ok(data_set)
    }

    /// Reads on and keeps back what was read, for a recipient whose association would end with a data set
    /// that breaks.
    pub(super) async fn keep_back(&mut self) -> Result<(), Broken> {
        while !self.ended && self.read < KEPT_BACK_MAX {
            self.read_ahead().await?;
        }
        Ok(())
    }

    async fn read_ahead(&mut self) -> Result<(), Broken> {
        let bytes = self.read().await?;
        self.ahead.extend(bytes);
        Ok(())
    }

    /// Whether this is the instance that `sop_instance_uid` names.
    pub(super) fn is(&self, sop_instance_uid: &Uid) -> bool {
        self.meta.sop_instance_uid == *sop_instance_uid
    }

    /// Names the instance as its data set does. That of a private transfer syntax may be written in a way that
    /// nobody here knows; the File Meta Information counts then.
    async fn name_by_itself(&mut self) -> Result<(), Broken> {
        let inside = self.inside().await?;
        let uid = |tag| inside.as_ref().and_then(|inside| inside.uid(tag).ok().flatten());
        let Some(sop_instance_uid) = uid(Tag::SOP_INSTANCE_UID) else {
            let is_private = !self.meta.transfer_syntax.uid().as_str().starts_with(STANDARD);
            return if is_private { Ok(()) } else { Err(Broken::Nameless) };
        };
        if let Some(sop_class_uid) = uid(Tag::SOP_CLASS_UID).filter(|uid| *uid != self.meta.sop_class_uid) {
            return Err(Broken::OtherClass(sop_class_uid));
        }
        self.again.retrieve.instance = Some(sop_instance_uid.clone());
        self.meta.sop_instance_uid = sop_instance_uid;
        Ok(())
    }

    /// (0008,0016) and (0008,0018) of the data set itself, where it can be read.
    async fn inside(&mut self) -> Result<Option<Attributes>, Broken> {
        let wanted = Wanted::new([Tag::SOP_INSTANCE_UID], [Tag::SOP_CLASS_UID]);
        let mut scanner = Scanner::new(self.meta.transfer_syntax.encoding(), wanted, ScanLimits::default());
        let mut scanned = Ok(Progress::NeedMore);
        let mut at = 0;
        while scanned == Ok(Progress::NeedMore) {
            if let Some(bytes) = self.ahead.get(at) {
                scanned = scanner.push(bytes);
                at += 1;
            } else if self.ended || self.read >= NAMED_WITHIN {
                break;
            } else {
                self.read_ahead().await?;
            }
        }
        Ok(scanned.is_ok().then(|| scanner.finish().ok()).flatten())
    }

    /// What the instance is.
    pub(super) const fn meta(&self) -> &FileMeta {
        &self.meta
    }

    /// Its bytes, where they are known.
    pub(super) const fn length(&self) -> Option<u64> {
        self.length
    }

    /// The room that it has in the memory budget.
    pub(super) fn room(&self) -> Room {
        self.source.room()
    }

    /// Its source, where it is not to be sent.
    pub(super) fn into_source(self) -> Source {
        self.source
    }

    /// The stream that is sent.
    pub(super) fn into_stream(self, back: GiveBack) -> Sending {
        let stream = stream::try_unfold(Some((self, back)), |state| async move {
            let Some((mut data_set, back)) = state else { return Ok(None) };
            match data_set.next().await.map_err(io::Error::other)? {
                Some(bytes) => Ok(Some((bytes, Some((data_set, back))))),
                None if data_set.lacks_padding() => {
                    data_set.padded = true;
                    Ok(Some((Bytes::from_static(&[0]), Some((data_set, back)))))
                }
                None => {
                    // Whoever does not wait for the source does not need it.
                    let _ = back.send(data_set.source);
                    Ok(None)
                }
            }
        });
        stream.boxed()
    }

    /// Whether a NUL must follow: a deflated data set of odd length is padded in a message (PS3.5 §A.5).
    fn lacks_padding(&self) -> bool {
        let deflated = self.meta.transfer_syntax.encoding() == Encoding::DeflatedExplicitVrLittleEndian;
        deflated && self.read % 2 == 1 && !self.padded
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Broken> {
        match self.ahead.pop_front() {
            Some(bytes) => Ok(Some(bytes)),
            None if self.ended => Ok(None),
            None => self.read().await,
        }
    }

    /// The next bytes from the source, or from another one where that breaks.
    async fn read(&mut self) -> Result<Option<Bytes>, Broken> {
        let bytes = match self.source.next().await {
            Ok(Some(Event::Data(bytes))) => Some(bytes),
            Ok(Some(Event::End)) => None,
            Ok(Some(Event::Instance(_)) | None) => return Err(Broken::Sequence),
            Err(interruption) => self.resume(interruption).await?,
        };
        let Err(cut) = self.seen(bytes.as_ref()) else { return Ok(bytes) };
        if bytes.is_some() || std::mem::replace(&mut self.was_cut, true) {
            return Err(Broken::Cut(cut));
        }
        // What passed it on may have cut it: it is asked for once more.
        let Ok(Some(bytes)) = self.resume(Interruption::Cut).await else { return Err(Broken::Cut(cut)) };
        self.seen(Some(&bytes)).map_err(Broken::Cut)?;
        Ok(Some(bytes))
    }

    /// Looks at what was read; `None` is the end.
    fn seen(&mut self, bytes: Option<&Bytes>) -> Result<(), ScanError> {
        let Some(bytes) = bytes else {
            self.passing.finish()?;
            self.ended = true;
            return Ok(());
        };
        self.checksum.update(bytes);
        self.read += bytes.len() as u64;
        self.passing.push(bytes);
        self.length.map_or(Ok(()), |length| self.passing.fits(length))
    }

    async fn resume(&mut self, mut cause: Interruption) -> Result<Option<Bytes>, Broken> {
        loop {
            let in_vain = self.resumes > 0 && self.read == self.read_at_last_resume;
            self.resumes_in_vain = if in_vain { self.resumes_in_vain + 1 } else { 0 };
            if self.resumes == RESUMES_MAX || self.resumes_in_vain > RESUMES_IN_VAIN_MAX {
                return Err(cause.into());
            }
            tokio::time::sleep(self.pause(&cause)).await;
            self.resumes += 1;
            self.read_at_last_resume = self.read;
            tracing::info!(
                sop_instance_uid = %self.meta.sop_instance_uid,
                %cause,
                read = self.read,
                "resuming inside an instance"
            );
            cause = match self.source.replace(&self.again).await {
                Err(error) if back_off::is_worth_repeating(&error) => error.into(),
                Err(error) => return Err(Interruption::from(error).into()),
                Ok(()) => match self.skip().await {
                    Ok(bytes) => return Ok(bytes),
                    Err(Broken::Interrupted(interruption)) => interruption,
                    Err(broken) => return Err(broken),
                },
            };
        }
    }

    fn pause(&self, cause: &Interruption) -> Duration {
        match cause {
            Interruption::Origin(error) => back_off::pause(error, self.resumes_in_vain),
            _ => Duration::ZERO,
        }
    }

    /// Reads what was read before and compares it; gives the bytes behind it, or `None` at the end.
    async fn skip(&mut self) -> Result<Option<Bytes>, Broken> {
        match self.source.next_instance().await? {
            Some((meta, length)) if meta == self.file_meta => self.length = length,
            _ => return Err(Broken::Differs),
        }
        let mut left = self.read;
        let mut checksum = crc32fast::Hasher::new();
        let behind = loop {
            match self.source.next().await? {
                Some(Event::Data(mut bytes)) => {
                    let known = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    let known = bytes.split_to(known);
                    checksum.update(&known);
                    left -= known.len() as u64;
                    if !bytes.is_empty() {
                        break Some(bytes);
                    }
                }
                Some(Event::End) if left == 0 => break None,
                Some(Event::End) => return Err(Broken::Differs),
                Some(Event::Instance(_)) | None => return Err(Broken::Sequence),
            }
        };
        if checksum.finalize() != self.checksum.clone().finalize() {
            return Err(Broken::Differs);
        }
        Ok(behind)
    }
}
