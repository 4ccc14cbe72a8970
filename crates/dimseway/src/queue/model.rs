//! The JSON of the queue: what `/api/v1/queue` answers and takes, and `queue --json` prints.
//!
//! Times are RFC 3339 in UTC. Nothing here tells about a patient: no names, no patient IDs.

use serde::{Deserialize, Serialize};
use std::time::SystemTime;

/// Lines of a page unless the question says otherwise.
pub(crate) const LIMIT_DEFAULT: usize = 100;

/// Lines of a page at most.
pub(crate) const LIMIT_MAX: usize = spool::deliveries::PAGE_LINES_MAX;

/// The word for every state but `delivered`, where one is selected.
pub(crate) const WAITING: &str = "waiting";

/// Which deliveries are meant. All that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Selection {
    /// Numbers of entries.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) entries: Vec<String>,
    /// Name of an origin, or `peer:AE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) destination: Option<String>,
    /// A state, or [`WAITING`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<String>,
    /// Study Instance UID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) study: Option<String>,
    /// SOP Instance UID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) instance: Option<String>,
}

impl Selection {
    /// Whether nothing is selected; that does not mean everything.
    pub(crate) const fn is_empty(&self) -> bool {
        self.entries.is_empty()
            && self.destination.is_none()
            && self.state.is_none()
            && self.study.is_none()
            && self.instance.is_none()
    }
}

/// A question for a page of deliveries.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    /// Which ones.
    pub(crate) selection: Selection,
    /// Where an earlier page ended.
    pub(crate) cursor: Option<String>,
    /// Lines at most.
    pub(crate) limit: Option<usize>,
}

/// The query string of `GET /api/v1/queue`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct QueryString {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) destination: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) study: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) instance: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<usize>,
}

impl From<QueryString> for Query {
    fn from(from: QueryString) -> Self {
        let QueryString { destination, state, study, instance, cursor, limit } = from;
        Self {
            selection: Selection { entries: Vec::new(), destination, state, study, instance },
            cursor,
            limit,
        }
    }
}

impl From<&Query> for QueryString {
    fn from(from: &Query) -> Self {
        let Selection { destination, state, study, instance, .. } = from.selection.clone();
        Self { destination, state, study, instance, cursor: from.cursor.clone(), limit: from.limit }
    }
}

/// What is done with deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ActionKind {
    /// Due now.
    Retry,
    /// Held until released.
    Hold,
    /// Due again.
    Release,
    /// Given up.
    Discard,
    /// To another destination.
    Reroute,
}

impl ActionKind {
    /// Every kind.
    pub(crate) const ALL: [Self; 5] = [Self::Retry, Self::Hold, Self::Release, Self::Discard, Self::Reroute];

    /// The word in the URL.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Discard => "discard",
            Self::Reroute => "reroute",
        }
    }
}

/// An order of a person.
#[derive(Debug, Clone)]
pub(crate) struct Action {
    pub(crate) kind: ActionKind,
    pub(crate) selection: Selection,
    pub(crate) reason: Option<String>,
    pub(crate) to: Option<String>,
    /// Where an earlier answer said to go on.
    pub(crate) cursor: Option<String>,
}

/// The body of `POST /api/v1/queue/{action}`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ActionBody {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) entries: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) destination: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) study: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) instance: Option<String>,
    /// For `hold`: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// For `reroute`: where to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<String>,
    /// `next` of the answer before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<String>,
}

impl ActionBody {
    pub(crate) fn into_action(self, kind: ActionKind) -> Action {
        let Self { entries, destination, state, study, instance, reason, to, cursor } = self;
        Action {
            kind,
            selection: Selection { entries, destination, state, study, instance },
            reason,
            to,
            cursor,
        }
    }
}

impl From<&Action> for ActionBody {
    fn from(action: &Action) -> Self {
        let Selection { entries, destination, state, study, instance } = action.selection.clone();
        Self {
            entries,
            destination,
            state,
            study,
            instance,
            reason: action.reason.clone(),
            to: action.to.clone(),
            cursor: action.cursor.clone(),
        }
    }
}

/// What an action changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Changed {
    /// Deliveries that are in another state now.
    pub(crate) deliveries: usize,
    /// Where to go on; null when all were seen.
    pub(crate) next: Option<String>,
}

/// An answer that is no success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refusal {
    /// Why, for a person.
    pub(crate) error: String,
}

/// A page of deliveries, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QueuePage {
    pub(crate) deliveries: Vec<QueueLine>,
    /// Where the next page begins; null at the end.
    pub(crate) next: Option<String>,
}

/// One delivery of one entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct QueueLine {
    pub(crate) entry: String,
    /// Null for an entry that has no destination (yet).
    pub(crate) destination: Option<String>,
    pub(crate) state: String,
    pub(crate) attempts: u32,
    /// When the next attempt may begin; null where none will be made.
    pub(crate) due_at: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) calling_ae: String,
    pub(crate) accepted_at: String,
    pub(crate) sop_class: String,
    pub(crate) instance: String,
    pub(crate) study: String,
    pub(crate) series: String,
    /// Of the data set.
    pub(crate) bytes: u64,
}

/// Everything about one entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EntryDetails {
    pub(crate) entry: String,
    pub(crate) accepted_at: String,
    pub(crate) calling_ae: String,
    pub(crate) called_ae: String,
    pub(crate) peer_address: String,
    pub(crate) user: Option<String>,
    pub(crate) transfer_syntax: String,
    pub(crate) sop_class: String,
    pub(crate) instance: String,
    pub(crate) study: String,
    pub(crate) series: String,
    /// Of the data set.
    pub(crate) bytes: u64,
    /// Of the data set, in hexadecimal.
    pub(crate) sha256: String,
    /// Whether the bytes are still kept.
    pub(crate) kept: bool,
    pub(crate) deliveries: Vec<DeliveryDetails>,
}

/// One delivery with its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeliveryDetails {
    pub(crate) destination: String,
    pub(crate) state: String,
    pub(crate) attempts: u32,
    pub(crate) due_at: Option<String>,
    pub(crate) delivered_at: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) history: Vec<AttemptDetails>,
}

/// One attempt, or one decision of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AttemptDetails {
    pub(crate) started_at: String,
    pub(crate) ended_at: Option<String>,
    pub(crate) by: String,
    pub(crate) outcome: Option<String>,
}

/// A time as RFC 3339 in UTC, to the millisecond.
pub(crate) fn time(time: SystemTime) -> String {
    // Times beyond the year 9999 come from a broken clock only.
    jiff::Timestamp::try_from(time).map_or_else(|_| "unknown".to_owned(), |time| format!("{time:.3}"))
}

impl From<spool::Page> for QueuePage {
    fn from(page: spool::Page) -> Self {
        Self {
            deliveries: page.lines.into_iter().map(QueueLine::from).collect(),
            next: page.next.map(|cursor| cursor.to_string()),
        }
    }
}

impl From<spool::Listed> for QueueLine {
    fn from(line: spool::Listed) -> Self {
        Self {
            entry: line.entry_id.to_string(),
            destination: line.destination.map(|destination| destination.to_string()),
            state: line.state.to_string(),
            attempts: line.attempts,
            due_at: line.state.is_pending().then(|| time(line.due_at)),
            reason: line.reason,
            calling_ae: line.calling_ae_title.to_string(),
            accepted_at: time(line.accepted_at),
            sop_class: line.sop_class_uid.to_string(),
            instance: line.sop_instance_uid.to_string(),
            study: line.study_instance_uid.to_string(),
            series: line.series_instance_uid.to_string(),
            bytes: line.length,
        }
    }
}

impl From<spool::Details> for EntryDetails {
    fn from(details: spool::Details) -> Self {
        let spool::Entry { entry_id, header, trailer, length, sha256 } = details.entry;
        Self {
            entry: entry_id.to_string(),
            accepted_at: time(header.accepted_at),
            calling_ae: header.calling_ae_title.to_string(),
            called_ae: header.called_ae_title.to_string(),
            peer_address: header.peer_address.to_string(),
            user: header.user,
            transfer_syntax: header.transfer_syntax.uid().to_string(),
            sop_class: trailer.identity.sop_class_uid.to_string(),
            instance: trailer.identity.sop_instance_uid.to_string(),
            study: trailer.identity.study_instance_uid.to_string(),
            series: trailer.identity.series_instance_uid.to_string(),
            bytes: length,
            sha256: sha256.iter().map(|byte| format!("{byte:02x}")).collect(),
            kept: details.payload_kept,
            deliveries: details.deliveries.into_iter().map(DeliveryDetails::from).collect(),
        }
    }
}

impl From<spool::Delivery> for DeliveryDetails {
    fn from(delivery: spool::Delivery) -> Self {
        Self {
            destination: delivery.destination.to_string(),
            state: delivery.state.to_string(),
            attempts: delivery.attempts,
            due_at: delivery.state.is_pending().then(|| time(delivery.due_at)),
            delivered_at: delivery.delivered_at.map(time),
            reason: delivery.reason,
            history: delivery.history.into_iter().map(AttemptDetails::from).collect(),
        }
    }
}

impl From<spool::Attempt> for AttemptDetails {
    fn from(attempt: spool::Attempt) -> Self {
        Self {
            started_at: time(attempt.started_at),
            ended_at: attempt.ended_at.map(time),
            by: attempt.owner,
            outcome: attempt.outcome,
        }
    }
}

#[cfg(test)]
mod tests;
