//! Calls with side effects that are still to be made, as a person sees them and decides about them: the same for
//! the admin API and for the command line on a stopped spool.

use crate::queue::{Error, model::time};
use bridge::call_in_words;
use serde::{Deserialize, Serialize};
use spool::{CallId, ListedCall, Outbox};

/// Lines of a page unless the question says otherwise.
const LIMIT_DEFAULT: usize = 100;

/// Lines of a page at most.
pub(crate) const LIMIT_MAX: usize = 1000;

/// The query string of `GET /api/v1/calls`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Question {
    /// Only those in this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<CallState>,
    /// Those behind this one, where an earlier page ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<u64>,
    /// Lines at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<usize>,
}

impl Question {
    /// What it asks of the outbox: whether given up, from where, and how many.
    pub(crate) fn read(&self) -> (Option<bool>, Option<CallId>, usize) {
        let failed = self.state.map(|state| state == CallState::Held);
        (failed, self.after.map(CallId), self.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX))
    }
}

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CallState {
    /// It will be made by itself.
    Waiting,
    /// It waits for a person.
    Held,
}

impl CallState {
    /// The word for it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Held => "held",
        }
    }
}

/// A page of calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Page {
    /// In the order in which they were added.
    pub(crate) calls: Vec<Call>,
    /// `after` of the next page; null at the end.
    pub(crate) next: Option<u64>,
}

impl Page {
    /// The page that was asked for with a limit.
    pub(crate) fn new(listed: Vec<ListedCall>, limit: usize) -> Self {
        let next = if listed.len() < limit { None } else { listed.last().map(|call| call.call_id.0) };
        Self { calls: listed.into_iter().map(Call::from).collect(), next }
    }
}

/// A call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Call {
    /// Its number.
    pub(crate) call: u64,
    /// What kind of call: `mpps`.
    pub(crate) kind: String,
    /// Whom it is for: the name of a sink.
    pub(crate) to: String,
    /// What it is about: of MPPS the SOP Instance UID of the step.
    pub(crate) about: String,
    /// Where it stands.
    pub(crate) state: CallState,
    /// Attempts so far.
    pub(crate) attempts: u32,
    /// When it is due; of a held one when it was due last.
    pub(crate) due_at: String,
    /// Why it was put off or is held.
    pub(crate) reason: Option<String>,
    /// What it says, without anything about a patient; null in lists.
    pub(crate) says: Option<String>,
}

impl From<ListedCall> for Call {
    fn from(listed: ListedCall) -> Self {
        let says = (!listed.call.body.is_empty()).then(|| call_in_words(&listed.call));
        let (to, about) = listed.call.key.split_once('/').unwrap_or((&listed.call.key, ""));
        Self {
            call: listed.call_id.0,
            to: to.to_owned(),
            about: about.to_owned(),
            state: if listed.failed { CallState::Held } else { CallState::Waiting },
            attempts: listed.attempts,
            due_at: time(listed.call.not_before),
            reason: listed.reason,
            says,
            kind: listed.call.kind,
        }
    }
}

/// What is done with calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ActionKind {
    /// Due now.
    Retry,
    /// Never made.
    Discard,
}

impl ActionKind {
    /// Every kind.
    pub(crate) const ALL: [Self; 2] = [Self::Retry, Self::Discard];

    /// The word in the URL.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Discard => "discard",
        }
    }
}

/// The body of `POST /api/v1/calls/{action}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Selection {
    /// Numbers of calls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) calls: Vec<u64>,
    /// All that are held for this receiver; `"*"` for every receiver.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) held: Option<String>,
}

/// What an action changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Changed {
    /// Calls that are due now, or gone.
    pub(crate) calls: usize,
}

/// The number of a call as it is printed.
///
/// # Errors
/// It is none.
pub(crate) fn number(text: &str) -> Result<u64, Error> {
    text.parse().map_err(|_| Error::Invalid(format!("`{text}` is not the number of a call")))
}

/// Does something with calls.
///
/// # Errors
/// Nothing is selected, a call is not there or is being made, or the spool's. What was done before stays done.
pub(crate) async fn act(
    outbox: &dyn Outbox,
    kind: ActionKind,
    selection: &Selection,
) -> Result<Changed, Error> {
    let mut changed = Changed::default();
    if selection.calls.is_empty() && selection.held.is_none() {
        return Err(Error::Invalid(
            "select calls by number, or those that are held for a receiver".to_owned(),
        ));
    }
    for call in &selection.calls {
        if !apply(outbox, kind, CallId(*call)).await? {
            return Err(Error::NoCall(*call));
        }
        changed.calls += 1;
    }
    let Some(to) = &selection.held else { return Ok(changed) };
    let mut after = None;
    loop {
        let page = outbox.list_calls(Some(true), after, LIMIT_MAX).await?;
        let Some(last) = page.last() else { return Ok(changed) };
        after = Some(last.call_id);
        for listed in page {
            let call = Call::from(listed);
            if to == "*" || call.to == *to {
                changed.calls += usize::from(apply(outbox, kind, CallId(call.call)).await?);
            }
        }
    }
}

async fn apply(outbox: &dyn Outbox, kind: ActionKind, call: CallId) -> Result<bool, Error> {
    Ok(match kind {
        ActionKind::Retry => outbox.retry_call(call).await?,
        ActionKind::Discard => outbox.discard_call(call).await?,
    })
}

/// Whether a call is due, for people.
pub(crate) fn when(call: &Call) -> &str {
    match call.state {
        CallState::Held => "",
        CallState::Waiting => call.due_at.get(..19).unwrap_or(&call.due_at),
    }
}

#[cfg(test)]
mod tests;
