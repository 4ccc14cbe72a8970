//! What every sub-operation of one retrieve has in common.

use std::{sync::Arc, time::Duration};

use dimse::command::{CStoreRq, MoveOriginator, Priority};
use instance::part10::FileMeta;
use tokio_util::sync::CancellationToken;

use super::{
    counts::Outcome,
    recipient::{Recipient, foreseen::Foreseen},
};
use crate::{association::Context, bridge::Core};

/// What every sub-operation of one retrieve has in common.
pub(super) struct Environment {
    pub(super) core: Arc<Core>,
    pub(super) context: Arc<Context>,
    pub(super) recipient: Recipient,
    /// C-MOVE or C-GET, for metrics.
    pub(super) service: &'static str,
    pub(super) foreseen: Foreseen,
    /// See [`Retrieve::stall`](crate::config::Retrieve::stall).
    pub(super) stall: Duration,
    /// See [`Retrieve::transcode`](crate::config::Retrieve::transcode).
    pub(super) transcode: bool,
    /// Who asked, where that is not the recipient (PS3.4 §C.4.2.3.1).
    pub(super) move_originator: Option<MoveOriginator>,
    pub(super) priority: Priority,
    /// The retrieve ends now, whatever is under way.
    pub(super) aborting: CancellationToken,
}

impl Environment {
    /// Counts a sub-operation in the metrics.
    pub(super) fn count(&self, outcome: Outcome) {
        let labels = [self.service, outcome.label()];
        self.core.metrics.sub_operations.with_label_values(&labels).inc();
    }

    /// The C-STORE request for an instance.
    pub(super) fn store_request(&self, meta: &FileMeta) -> CStoreRq {
        CStoreRq {
            message_id: 1,
            priority: self.priority,
            affected_sop_class_uid: meta.sop_class_uid.clone(),
            affected_sop_instance_uid: meta.sop_instance_uid.clone(),
            move_originator: self.move_originator.clone(),
        }
    }
}
