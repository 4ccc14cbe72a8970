//! Why sub-operations failed: when to stop trying, and what the requestor is told.

use dicomweb::Remedy;

use super::{fetch::NotFetched, recipient::NotAnswered, sub_operation::End};

/// Failures in a row after which the rest is not tried any more: of an origin that gives nothing, of a
/// recipient whose associations end.
const IN_A_ROW_MAX: u32 = 3;

/// Why a sub-operation failed, as far as a requestor is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The origin refuses our credentials.
    Unauthorized,
    /// The origin did not give the instance.
    Origin,
    /// There is no association to the destination.
    NoAssociation,
    /// An association ended, or the recipient did not answer.
    Recipient,
    /// The recipient refused the instance.
    Refused,
    /// The recipient takes neither the SOP Class nor the transfer syntax.
    NotAccepted,
}

/// What went wrong.
#[derive(Debug, Default)]
pub(super) struct Failures {
    of_origin: u32,
    of_recipient: u32,
    /// The cause of the last one, and whether all had the same.
    cause: Option<(Cause, bool)>,
}

impl Failures {
    /// An origin gave an instance.
    pub(super) const fn fetched(&mut self) {
        self.of_origin = 0;
    }

    /// An origin did not.
    pub(super) fn not_fetched(&mut self, error: &NotFetched) {
        if error.concerns_the_origin() {
            self.of_origin += 1;
        }
        self.add(of_fetch(error));
    }

    /// An origin does not say what it has.
    pub(super) fn not_listed(&mut self) {
        self.add(Cause::Origin);
    }

    /// The recipient takes none of a SOP Class.
    pub(super) fn not_accepted(&mut self) {
        self.add(Cause::NotAccepted);
    }

    /// A sub-operation ended.
    pub(super) fn ended(&mut self, end: &End) {
        match end {
            End::Answered(status) => {
                self.of_recipient = 0;
                if !status.is_done() {
                    self.add(Cause::Refused);
                }
            }
            End::NotFetched(error) => self.not_fetched(error),
            End::NotTranscoded(_) => self.add(Cause::NotAccepted),
            // That was tried several times already.
            End::NotAnswered(NotAnswered::NoAssociation(_)) => {
                self.of_recipient = IN_A_ROW_MAX;
                self.add(Cause::NoAssociation);
            }
            End::NotAnswered(NotAnswered::Aborted) => {}
            End::NotAnswered(NotAnswered::SourceFailed { .. }) => self.add(Cause::Origin),
            End::NotAnswered(_) => {
                self.of_recipient += 1;
                self.add(Cause::Recipient);
            }
        }
    }

    /// Whether the rest need not be tried.
    pub(super) const fn are_too_many(&self) -> bool {
        self.of_origin >= IN_A_ROW_MAX || self.of_recipient >= IN_A_ROW_MAX
    }

    /// What the requestor is told when nothing succeeded.
    pub(super) fn cause(&self) -> Cause {
        match self.cause {
            // Where something else failed too, other credentials would not have helped.
            Some((Cause::Unauthorized, false)) | None => Cause::Origin,
            Some((cause, _)) => cause,
        }
    }

    fn add(&mut self, cause: Cause) {
        let same = self.cause.is_none_or(|(before, same)| same && before == cause);
        self.cause = Some((cause, same));
    }
}

fn of_fetch(error: &NotFetched) -> Cause {
    match error.of_origin() {
        Some(dicomweb::Error::Refused { status, .. }) if matches!(status.as_u16(), 401 | 403 | 407) => {
            Cause::Unauthorized
        }
        Some(dicomweb::Error::Credentials(_)) => Cause::Unauthorized,
        Some(dicomweb::Error::Token(error)) if error.remedy() == Remedy::FixCredentials => {
            Cause::Unauthorized
        }
        _ => Cause::Origin,
    }
}
