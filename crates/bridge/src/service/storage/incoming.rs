//! The data set of a request as it arrives.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use dataset::scan::{Attributes, Progress, ScanError, ScanLimits, Scanner, Wanted};
use dimse::{Error, MessageReceiver};
use instance::{Tag, TransferSyntax};
use tokio::io::AsyncRead;

use super::pace::Pace;
use crate::{Reserved, association::Context, service::Refusal};

/// Attributes that queues are searched and routes decided by, beside the identity.
pub(crate) const ATTRIBUTES: [Tag; 6] = [
    Tag::STUDY_DATE,
    Tag::ACCESSION_NUMBER,
    Tag::MODALITY,
    Tag::PATIENT_NAME,
    Tag::PATIENT_ID,
    Tag::ISSUER_OF_PATIENT_ID,
];

/// The fragments of a data set, with what the scan has found in them.
pub(super) struct Incoming<'a, R> {
    receiver: &'a mut MessageReceiver<R>,
    context: Arc<Context>,
    scan: Scan,
    /// What was received to look ahead and not handed out yet; bounded by `limits.head` and one
    /// fragment. It is copied, since a peer may send fragments of one byte, each of which would keep
    /// a whole receive buffer.
    head: BytesMut,
    received: u64,
    ended: bool,
    pace: Pace,
    /// The buffers of all this.
    reserved: Reserved,
}

enum Scan {
    Running(Box<Scanner>),
    Found(Attributes),
    Failed(ScanError),
}

impl<'a, R> Incoming<'a, R>
where
    R: AsyncRead + Unpin + Send,
{
    pub(super) fn new(
        receiver: &'a mut MessageReceiver<R>,
        transfer_syntax: &TransferSyntax,
        context: &Arc<Context>,
        reserved: Reserved,
    ) -> Self {
        let wanted = Wanted::identity().and(ATTRIBUTES);
        let scanner = Scanner::new(transfer_syntax.encoding(), wanted, ScanLimits::default());
        Self {
            receiver,
            context: Arc::clone(context),
            scan: Scan::Running(Box::new(scanner)),
            head: BytesMut::new(),
            received: 0,
            ended: false,
            pace: Pace::default(),
            reserved,
        }
    }

    /// Receives until the scan has found everything and gives that, or nothing where the head may
    /// not grow any further. What was received is handed out by [`Self::next`] later.
    pub(super) async fn look_ahead(&mut self) -> Result<Result<Option<Attributes>, Refusal>, Error> {
        let head_max = self.context.snapshot.config.limits.head;
        while matches!(self.scan, Scan::Running(_)) && self.head.len() < head_max {
            match self.receive().await? {
                Some(fragment) => self.head.extend_from_slice(&fragment),
                None => self.end_scan(),
            }
        }
        Ok(match &self.scan {
            Scan::Running(_) => Ok(None),
            Scan::Found(found) => Ok(Some(found.clone())),
            Scan::Failed(error) => Err(Refusal::Unreadable(error.clone())),
        })
    }

    /// The next fragment; none behind the last one.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        if self.head.is_empty() {
            return self.receive().await;
        }
        Ok(Some(std::mem::take(&mut self.head).freeze()))
    }

    /// What made the scan fail so far, if anything did: the rest need not be stored then.
    pub(super) fn unreadable(&self) -> Option<Refusal> {
        match &self.scan {
            Scan::Failed(error) => Some(Refusal::Unreadable(error.clone())),
            Scan::Running(_) | Scan::Found(_) => None,
        }
    }

    /// What the scan has found in the whole data set.
    pub(super) fn found(&mut self) -> Result<&Attributes, Refusal> {
        self.end_scan();
        match &self.scan {
            Scan::Found(found) => Ok(found),
            Scan::Failed(error) => Err(Refusal::Unreadable(error.clone())),
            // The line above ends every scan.
            Scan::Running(_) => Err(Refusal::Unreadable(ScanError::Truncated(Tag::SOP_CLASS_UID))),
        }
    }

    /// Reads the rest and throws it away.
    pub(super) async fn drain(&mut self) -> Result<(), Error> {
        self.head = BytesMut::new();
        while !self.ended {
            self.receive().await?;
        }
        Ok(())
    }

    /// The memory that the commit of what was received takes, to be kept until it has ended.
    pub(super) fn committing(&mut self) -> Reserved {
        self.reserved.committing()
    }

    /// Bytes received so far.
    pub(super) const fn received(&self) -> u64 {
        self.received
    }

    /// Counts the bytes in the metrics.
    pub(super) fn count(&self) {
        self.context.core.metrics.received_bytes.with_label_values(&["store"]).inc_by(self.received);
    }

    async fn receive(&mut self) -> Result<Option<Bytes>, Error> {
        if self.ended {
            return Ok(None);
        }
        let timer = self.context.snapshot.config.timers.message;
        let Some(fragment) = self.pace.next(timer, self.receiver.next_fragment()).await? else {
            self.ended = true;
            return Ok(None);
        };
        self.received += fragment.len() as u64;
        if let Scan::Running(scanner) = &mut self.scan {
            match scanner.push(&fragment) {
                Ok(Progress::NeedMore) => {}
                Ok(Progress::Done) => self.end_scan(),
                Err(error) => self.scan = Scan::Failed(error),
            }
        }
        Ok(Some(fragment))
    }

    fn end_scan(&mut self) {
        let scan = std::mem::replace(&mut self.scan, Scan::Found(Attributes::default()));
        self.scan = match scan {
            Scan::Running(scanner) => match scanner.finish() {
                Ok(found) => Scan::Found(found),
                Err(error) => Scan::Failed(error),
            },
            ended => ended,
        };
    }
}
