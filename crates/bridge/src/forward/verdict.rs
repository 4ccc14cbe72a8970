//! What an origin's answer means for one instance, and for the destination as a whole.

use std::time::Duration;

use dicomweb::{
    AnswerBody, Error, InstanceOutcome, Remedy, StoreAnswer,
    auth::TokenError,
    error::Unreadable,
    profile::{Profile, StoreResponse},
};

use super::breaker::{Cause, Health};

/// What is to be done about one instance after an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is stored; the answer in words.
    Delivered(String),
    /// The origin says that it has an instance of this UID.
    Duplicate,
    /// The origin refuses it for good; why, in words.
    Refused(String),
    /// It may be taken later; why not now, in words, and the wait asked for.
    Later(String, Option<Duration>),
    /// It must be looked up; the answer in words, and what to do where that is impossible.
    Unknown(String, IfNotAskable),
}

/// What becomes of an unknown outcome where the origin cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfNotAskable {
    /// It counts as delivered: the profile believes the HTTP status.
    Delivered,
    /// A person decides.
    Held,
    /// It is sent again: a request that broke may have stored nothing.
    SentAgain,
}

/// What is to be done about a request that failed as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whole {
    /// Nothing was attempted in earnest; the attempts are given back.
    NotAttempted,
    /// The origin asks for time; why, in words, and how much. The attempts are given back, unless it asks for
    /// one instance alone.
    PutOff(String, Option<Duration>),
    /// Each instance gets this.
    Each(Verdict),
    /// The batch is divided; an instance that stands alone gets this.
    Divide(Verdict),
}

/// The verdict on one instance of an answer.
#[must_use]
pub fn of_instance(answer: &StoreAnswer, outcome: &InstanceOutcome, profile: &Profile) -> Verdict {
    let status = in_words(answer.http_status.as_u16(), answer.http_status.canonical_reason());
    match outcome {
        InstanceOutcome::Stored { warning_reason: None, .. } => Verdict::Delivered(status),
        InstanceOutcome::Stored { warning_reason: Some(reason), .. } => {
            Verdict::Delivered(format!("{status}, warning reason {reason:04X}"))
        }
        InstanceOutcome::Failed { duplicate: true, .. } => Verdict::Duplicate,
        // What keeps the server busy passes; every other reason is about the instance itself.
        InstanceOutcome::Failed { failure_reason: Some(reason), .. } if profile.is_busy(*reason) => {
            let words = format!("{status}, failure reason {reason:04X} ({})", busy_in_words(*reason));
            Verdict::Later(words, answer.retry_after)
        }
        InstanceOutcome::Failed { failure_reason: Some(reason), .. } => {
            Verdict::Refused(format!("{status}, failure reason {reason:04X} ({})", reason_in_words(*reason)))
        }
        InstanceOutcome::Failed { failure_reason: None, .. } => {
            Verdict::Refused(format!("{status}, no failure reason"))
        }
        InstanceOutcome::Unknown => {
            let words = match answer.body {
                AnswerBody::ResponseDataSet => format!("{status} without this instance"),
                AnswerBody::Unreadable(reason) => format!("{status} without a response data set: {reason}"),
            };
            match profile.store_response {
                // A login page is never success, whatever the profile believes.
                _ if answer.body == AnswerBody::Unreadable(Unreadable::Html) => {
                    Verdict::Unknown(words, IfNotAskable::Held)
                }
                StoreResponse::Verify | StoreResponse::Hold => Verdict::Unknown(words, IfNotAskable::Held),
                StoreResponse::StatusOnly => Verdict::Unknown(words, IfNotAskable::Delivered),
            }
        }
    }
}

/// The verdict on a request that failed as a whole, `instances` of them, and what it tells about the
/// destination.
#[must_use]
pub fn of_request(error: &Error, instances: usize, profile: &Profile) -> (Whole, Health) {
    let words = failure_in_words(error);
    match error {
        Error::Connect(_) => return (Whole::NotAttempted, Health::Failed(Cause::Unavailable)),
        Error::Token(error) => return (Whole::NotAttempted, Health::Failed(of_token(error))),
        // Other credentials are there by now, so the next request tells more.
        Error::Refused { credentials_changed: true, .. } => {
            return (Whole::NotAttempted, Health::Unclear);
        }
        // Our own bytes failed; the caller finds out whose.
        Error::Source { .. } => return (Whole::NotAttempted, Health::Unclear),
        Error::Refused { status, .. }
            if instances == 1 && profile.duplicate_statuses.contains(&status.as_u16()) =>
        {
            return (Whole::Each(Verdict::Duplicate), Health::Answered);
        }
        _ => {}
    }
    match error.remedy() {
        Remedy::FixCredentials => (Whole::NotAttempted, Health::Failed(Cause::Credentials)),
        Remedy::Reject => (Whole::Divide(Verdict::Refused(words)), Health::Answered),
        Remedy::Retry { after } if after.is_some() || is_too_many(error) => {
            (Whole::PutOff(words, after), health_of_retry(after))
        }
        Remedy::Retry { after } => (Whole::Each(Verdict::Later(words, after)), health_of_retry(after)),
        Remedy::Unknown => (
            Whole::Each(Verdict::Unknown(words, IfNotAskable::SentAgain)),
            Health::Failed(Cause::Unavailable),
        ),
    }
}

/// What the answer to a probe, or its absence, tells about the destination.
#[must_use]
pub fn of_probe(answer: &Result<(), Error>) -> Health {
    match answer {
        Ok(()) => Health::Answered,
        Err(Error::Token(error)) => Health::Failed(of_token(error)),
        Err(error) => match error.remedy() {
            Remedy::FixCredentials => Health::Failed(Cause::Credentials),
            // It serves; that it does not know the resource of the probe is no matter.
            Remedy::Reject => Health::Answered,
            Remedy::Retry { after: Some(after) } => Health::Pause(after),
            Remedy::Retry { after: None } | Remedy::Unknown => Health::Failed(Cause::Unavailable),
        },
    }
}

/// Without a token nothing is sent to the destination, which is as good as down.
fn of_token(error: &TokenError) -> Cause {
    match error.remedy() {
        Remedy::FixCredentials => Cause::TokenRefused,
        Remedy::Retry { .. } | Remedy::Reject | Remedy::Unknown => Cause::NoToken,
    }
}

/// 429 is about how many requests there are, and so never about the instances of one.
fn is_too_many(error: &Error) -> bool {
    matches!(error, Error::Refused { status, .. } if status.as_u16() == 429)
}

/// 500 counts like 503: a server whose database is gone answers it to everything. Where it is the
/// fault of one instance, the success of any other one shows that the server serves.
fn health_of_retry(after: Option<Duration>) -> Health {
    after.map_or(Health::Failed(Cause::Unavailable), Health::Pause)
}

/// An error with its causes, for `queue show` and the log.
#[must_use]
pub fn failure_in_words(error: &Error) -> String {
    match error {
        Error::Refused { status, .. } => in_words(status.as_u16(), status.canonical_reason()),
        _ => {
            let mut words = error.to_string();
            let mut cause = std::error::Error::source(error);
            while let Some(source) = cause {
                let more = source.to_string();
                if !words.contains(&more) {
                    words = format!("{words}: {more}");
                }
                cause = source.source();
            }
            words
        }
    }
}

fn in_words(status: u16, reason: Option<&str>) -> String {
    match reason {
        Some(reason) => format!("the origin answered {status} {reason}"),
        None => format!("the origin answered {status}"),
    }
}

fn busy_in_words(reason: u16) -> &'static str {
    match reason {
        0xA700..=0xA7FF => "out of resources",
        _ => "busy with this instance",
    }
}

/// A Failure Reason in the words of PS3.4 §B.2.3 and PS3.7 §C.
fn reason_in_words(reason: u16) -> &'static str {
    match reason {
        0x0110 => "processing failure",
        0x0111 => "duplicate SOP instance",
        0x0112 => "no such SOP instance",
        0x0117 => "invalid SOP instance",
        0x0122 => "SOP class not supported",
        0x0124 => "not authorized",
        0xA700..=0xA7FF => "out of resources",
        0xA900..=0xA9FF => "data set does not match SOP class",
        0xC122 => "transfer syntax not supported",
        0xC000..=0xCFFF => "cannot understand",
        _ => "a code of its own",
    }
}

#[cfg(test)]
mod tests;
