//! What is told about the way of one instance, for whoever makes traces of it.
//!
//! Two small events of [`tracing`] with the target [`TARGET`]: one for an instance that arrived, one for
//! each attempt to deliver it. Where nobody has asked for the target, an event costs a branch. They hold UIDs,
//! AE titles, names of destinations, sizes and times; nothing about a patient, and no words of a server,
//! which might quote it. Times are nanoseconds since 1970.
//!
//! | Field | Arrived | Attempted |
//! |---|---|---|
//! | `service` | `C-STORE`, `WADO-RS` of a pull | `STOW-RS`, `C-STORE` |
//! | `entry` | its number in the spool; absent where it passed through | the same |
//! | `sop_instance_uid`, `sop_class_uid`, `study_instance_uid`, `transfer_syntax_uid` | yes | yes |
//! | `calling_ae_title`, `called_ae_title` | of an association | |
//! | `origin` | of a pull | |
//! | `bytes` | of the data set | the same |
//! | `begun`, `ended` | request to answer | lease to outcome |
//! | `received` | the last byte of the data set | |
//! | `durable` | in the spool; absent where it passed through | |
//! | `destination` | where it passed through to | yes |
//! | `sent` | when the request to that destination began | |
//! | `attempt` | | from 1 |
//! | `outcome` | `accepted`, `refused` | `delivered`, `deferred`, `held`, `quarantined`, `released` |

use std::time::{SystemTime, UNIX_EPOCH};

use instance::{AeTitle, Identity, TransferSyntax, Uid};
use spool::{Committed, Destination, EntryHeader, EntryId, Lease, Outcome};
use tracing::Level;

/// Target of the events. No crate is called so, so that no filter of a log lets them pass by accident.
pub const TARGET: &str = "trace";

/// What an instance came by.
#[derive(Debug, Clone)]
enum Source {
    Association { calling: AeTitle, called: AeTitle },
    Pull { origin: String },
}

/// An instance whose last byte was received. It exists only where somebody listens.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    source: Source,
    identity: Identity,
    transfer_syntax: Uid,
    begun: SystemTime,
    received: SystemTime,
}

/// The request that an instance passed through.
#[derive(Debug)]
pub(crate) struct PassedThrough<'a> {
    /// Name of the origin.
    pub(crate) origin: &'a str,
    /// When the request began.
    pub(crate) sent: SystemTime,
    /// Bytes of the data set.
    pub(crate) bytes: u64,
}

impl Arrival {
    /// An instance that a C-STORE request brought.
    pub(crate) fn stored(
        (calling, called): (&AeTitle, &AeTitle),
        identity: &Identity,
        transfer_syntax: &TransferSyntax,
        begun: SystemTime,
    ) -> Option<Self> {
        let source = || Source::Association { calling: calling.clone(), called: called.clone() };
        Self::of(source, identity, transfer_syntax, begun)
    }

    /// An instance that a pull fetched from `origin`.
    pub(crate) fn pulled(origin: &str, identity: &Identity, header: &EntryHeader) -> Option<Self> {
        let source = || Source::Pull { origin: origin.to_owned() };
        Self::of(source, identity, &header.transfer_syntax, header.accepted_at)
    }

    fn of(
        source: impl FnOnce() -> Source,
        identity: &Identity,
        transfer_syntax: &TransferSyntax,
        begun: SystemTime,
    ) -> Option<Self> {
        tracing::enabled!(target: TARGET, Level::DEBUG).then(|| Self {
            source: source(),
            identity: identity.clone(),
            transfer_syntax: transfer_syntax.uid().clone(),
            begun,
            received: SystemTime::now(),
        })
    }

    /// Tells that it became durable in the spool at `durable`, and was answered now.
    pub(crate) fn spooled(&self, committed: &Committed, durable: SystemTime, accepted: bool) {
        self.tell(Some(committed.entry_id), committed.length, Some(durable), None, accepted);
    }

    /// Tells that it went to an origin while it arrived, and was answered now.
    pub(crate) fn passed_through(&self, request: &PassedThrough<'_>, accepted: bool) {
        self.tell(None, request.bytes, None, Some(request), accepted);
    }

    fn tell(
        &self,
        entry: Option<EntryId>,
        bytes: u64,
        durable: Option<SystemTime>,
        request: Option<&PassedThrough<'_>>,
        accepted: bool,
    ) {
        let (service, calling, called, origin) = match &self.source {
            Source::Association { calling, called } => {
                ("C-STORE", Some(calling.as_str()), Some(called.as_str()), None)
            }
            Source::Pull { origin } => ("WADO-RS", None, None, Some(origin.as_str())),
        };
        tracing::debug!(
            target: TARGET,
            service,
            entry = entry.map(|entry| entry.0),
            sop_instance_uid = self.identity.sop_instance_uid.as_str(),
            sop_class_uid = self.identity.sop_class_uid.as_str(),
            study_instance_uid = self.identity.study_instance_uid.as_str(),
            transfer_syntax_uid = self.transfer_syntax.as_str(),
            calling_ae_title = calling,
            called_ae_title = called,
            origin,
            bytes,
            begun = nanoseconds(self.begun),
            received = nanoseconds(self.received),
            durable = durable.map(nanoseconds),
            destination = request.map(|request| request.origin),
            sent = request.map(|request| nanoseconds(request.sent)),
            ended = nanoseconds(SystemTime::now()),
            outcome = if accepted { "accepted" } else { "refused" },
        );
    }
}

/// Tells that an attempt ended now. `label` is the outcome in one word. Leases that were given back without
/// any reason were no attempts.
pub(crate) fn attempted(lease: &Lease, outcome: &Outcome, label: &'static str) {
    if matches!(outcome, Outcome::Released { reason: None, .. }) {
        return;
    }
    let (entry, destination) = (&lease.entry, &lease.token.destination);
    let identity = &entry.trailer.identity;
    tracing::debug!(
        target: TARGET,
        service = match destination {
            Destination::Origin(_) => "STOW-RS",
            Destination::Peer(_) => "C-STORE",
        },
        entry = entry.entry_id.0,
        sop_instance_uid = identity.sop_instance_uid.as_str(),
        sop_class_uid = identity.sop_class_uid.as_str(),
        study_instance_uid = identity.study_instance_uid.as_str(),
        transfer_syntax_uid = entry.header.transfer_syntax.uid().as_str(),
        bytes = entry.length,
        destination = destination.to_string(),
        attempt = u64::from(lease.attempts),
        begun = nanoseconds(lease.leased_at),
        ended = nanoseconds(SystemTime::now()),
        outcome = label,
    );
}

/// Nanoseconds since 1970; enough until the year 2554.
fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
