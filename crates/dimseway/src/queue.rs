//! What a person sees of the spool and does with it: the same for the admin API and for the command
//! line on a stopped spool.

mod export;
pub(crate) mod model;
#[cfg(test)]
mod tests;

pub(crate) use export::file_head;

use futures::future::BoxFuture;
use model::{Action, Changed, Query, Selection};
use spool::{Cursor, Deliveries, Destination, EntryId, Filter, HeldReason, Listed, State};

/// Lines of a page that an action works through at a time.
const ACTION_PAGE_LINES: usize = 500;

/// Deliveries that one order looks at at most: each change is durable before the next one, so this
/// takes seconds, and a caller is not kept for minutes without an answer.
const ACTION_LINES_MAX: usize = 5000;

/// Why something cannot be shown or done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The question itself is wrong.
    #[error("{0}")]
    Invalid(String),
    /// No such entry.
    #[error("there is no entry {0}")]
    NotFound(String),
    /// No such call, or one that is being made.
    #[error("there is no call {0}, or it is being made")]
    NoCall(u64),
    /// The bytes are not kept any more.
    #[error("the bytes of entry {0} are not kept any more")]
    Gone(String),
    /// The spool cannot answer.
    #[error(transparent)]
    Spool(spool::Error),
}

impl From<spool::Error> for Error {
    fn from(error: spool::Error) -> Self {
        match error {
            spool::Error::NotFound(entry) => Self::NotFound(entry.to_string()),
            spool::Error::PayloadGone(entry) => Self::Gone(entry.to_string()),
            other => Self::Spool(other),
        }
    }
}

/// What a question for a page asks of the spool.
pub(crate) struct Question {
    pub(crate) filter: Filter,
    pub(crate) cursor: Option<Cursor>,
    pub(crate) limit: usize,
}

/// Reads a question.
///
/// # Errors
/// A filter or cursor that cannot be read.
pub(crate) fn question(query: &Query) -> Result<Question, Error> {
    Ok(Question {
        filter: filter(&query.selection)?,
        cursor: parse_optional::<Cursor>("cursor", query.cursor.as_deref())?,
        limit: query.limit.unwrap_or(model::LIMIT_DEFAULT).min(model::LIMIT_MAX),
    })
}

/// Does `action` with the deliveries of its selection: with all, or with the next
/// [`ACTION_LINES_MAX`], and then tells where to go on. `known` are the destinations of the configuration, the
/// only ones that anything is sent to.
///
/// # Errors
/// Nothing is selected, something cannot be read, it would go to an unknown destination, or the spool's. What was
/// done before stays done.
pub(crate) async fn act(
    deliveries: &dyn Deliveries,
    known: &[Destination],
    action: &Action,
) -> Result<Changed, Error> {
    let selection = &action.selection;
    if selection.is_empty() {
        return Err(Error::Invalid("select entries, a destination, a state or a study".to_owned()));
    }
    let destination = parse_optional::<Destination>("destination", selection.destination.as_deref())?;
    let kind = Kind::of(action)?;
    if let Kind::Reroute(to) = &kind {
        ensure_known(to, known)?;
    }
    let mut changed = Changed::default();
    if !selection.entries.is_empty() {
        for entry in &selection.entries {
            changed.deliveries += kind.apply(deliveries, entry_id(entry)?, destination.as_ref()).await?;
        }
        return Ok(changed);
    }
    let filter = filter(selection)?;
    let mut cursor = parse_optional::<Cursor>("cursor", action.cursor.as_deref())?;
    for _ in 0..ACTION_LINES_MAX / ACTION_PAGE_LINES {
        let page = deliveries.list(&filter, cursor.take(), ACTION_PAGE_LINES).await?;
        for line in &page.lines {
            // Delivered ones may match a study or a destination; nothing is to be done with them.
            if line.state == State::Delivered || kind.is_done(line) {
                continue;
            }
            let target = line.destination.as_ref().or(destination.as_ref());
            match kind.apply(deliveries, line.entry_id, target).await {
                Ok(count) => changed.deliveries += count,
                // Between the list and now it was finished by itself.
                Err(Error::NotFound(_) | Error::Gone(_) | Error::Spool(spool::Error::State { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(changed),
        }
    }
    changed.next = cursor.map(|cursor| cursor.to_string());
    Ok(changed)
}

/// What is done with each delivery.
enum Kind {
    Retry,
    Hold(HeldReason),
    Release,
    Discard,
    Reroute(Destination),
}

impl Kind {
    fn of(action: &Action) -> Result<Self, Error> {
        Ok(match action.kind {
            model::ActionKind::Retry => Self::Retry,
            model::ActionKind::Hold => {
                let words = action.reason.clone().unwrap_or_else(|| "no reason given".to_owned());
                Self::Hold(HeldReason::Operator(words))
            }
            model::ActionKind::Release => Self::Release,
            model::ActionKind::Discard => Self::Discard,
            model::ActionKind::Reroute => match parse_optional("to", action.to.as_deref())? {
                Some(to) => Self::Reroute(to),
                None => return Err(Error::Invalid("`to` is needed: where to?".to_owned())),
            },
        })
    }

    /// Whether the delivery is the outcome of this very order.
    fn is_done(&self, line: &Listed) -> bool {
        matches!(self, Self::Reroute(to) if line.destination.as_ref() == Some(to))
    }

    fn apply<'a>(
        &'a self,
        deliveries: &'a dyn Deliveries,
        entry: EntryId,
        destination: Option<&'a Destination>,
    ) -> BoxFuture<'a, Result<usize, Error>> {
        Box::pin(async move {
            let changed = match self {
                Self::Retry => deliveries.retry(entry, destination).await,
                Self::Hold(reason) => deliveries.hold(entry, destination, reason.clone()).await,
                Self::Release => deliveries.release(entry, destination).await,
                Self::Discard => deliveries.discard(entry, destination).await,
                Self::Reroute(to) => deliveries.reroute(entry, destination, to).await,
            };
            Ok(changed?)
        })
    }
}

/// What waits for a destination that does not exist waits for ever, however well the order was meant.
fn ensure_known(to: &Destination, known: &[Destination]) -> Result<(), Error> {
    if known.contains(to) {
        return Ok(());
    }
    let known: Vec<_> = known.iter().map(ToString::to_string).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Err(Error::Invalid(format!("to `{to}`: there is no such destination; the configuration has {known}")))
}

fn filter(selection: &Selection) -> Result<Filter, Error> {
    let state = selection.state.as_deref();
    let waiting = state == Some(model::WAITING);
    Ok(Filter {
        destination: parse_optional("destination", selection.destination.as_deref())?,
        state: if waiting { None } else { parse_optional("state", state)? },
        waiting,
        study_instance_uid: parse_optional("study", selection.study.as_deref())?,
        sop_instance_uid: parse_optional("instance", selection.instance.as_deref())?,
        ..Filter::default()
    })
}

/// The number of an entry as it is printed.
///
/// # Errors
/// It is none.
pub(crate) fn entry_id(text: &str) -> Result<EntryId, Error> {
    text.parse().map_err(|_| Error::Invalid(format!("`{text}` is not the number of an entry")))
}

fn parse_optional<T: std::str::FromStr<Err: std::fmt::Display>>(
    name: &str,
    text: Option<&str>,
) -> Result<Option<T>, Error> {
    text.map(|text| text.parse().map_err(|error| Error::Invalid(format!("{name} `{text}`: {error}"))))
        .transpose()
}
