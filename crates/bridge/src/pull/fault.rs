//! Why an instance could not be had, and whose fault it is.

use std::time::Duration;

use dicomweb::{
    Error as OriginError, Remedy,
    error::{Unreadable, Wait},
};

use crate::forward::verdict::failure_in_words;

/// Why it could not be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The origin or the line.
    #[error("{}", failure_in_words(.0))]
    Origin(OriginError),
    /// The own spool.
    #[error(transparent)]
    Spool(#[from] spool::Error),
    /// The instance itself.
    #[error("{0}")]
    Instance(String),
    /// The list that is looked through.
    #[error("{0}")]
    List(String),
    /// The origin gives none of what it lists.
    #[error(
        "{0}, and none of the instances that are new was given: look at the origin's paths, its partition and what \
         the credentials may read; nothing is passed over"
    )]
    Everything(String),
}

impl From<OriginError> for Fault {
    fn from(error: OriginError) -> Self {
        match error {
            // A cut answer may be whole the next time; anything else that makes no sense stays so.
            OriginError::Unreadable(Unreadable::Cut) => Self::Origin(error),
            OriginError::Unreadable(_) => Self::Instance(failure_in_words(&error)),
            _ if error.remedy() == Remedy::Reject => Self::Instance(failure_in_words(&error)),
            _ => Self::Origin(error),
        }
    }
}

impl Fault {
    /// Whether a fault may be that of one instance: not where nobody answers, where our credentials are refused
    /// or we are asked to wait, or where the own spool fails.
    pub(super) fn is_of_instance(&self) -> bool {
        match self {
            Self::Instance(_) => true,
            Self::Spool(_)
            | Self::List(_)
            | Self::Everything(_)
            | Self::Origin(OriginError::Connect(_) | OriginError::Token(_)) => false,
            Self::Origin(OriginError::Refused { credentials_changed: true, .. }) => false,
            Self::Origin(_) if self.asks_for_time().is_some() => false,
            Self::Origin(error) => self.blames_address() || error.remedy() != Remedy::FixCredentials,
        }
    }

    /// Whether the origin refused the address or our rights: of one instance, where it gives others.
    pub(super) fn blames_address(&self) -> bool {
        matches!(self, Self::Origin(OriginError::Refused { status, .. }) if matches!(status.as_u16(), 403 | 404 | 410))
    }

    /// How much time the origin asks for, if it does.
    pub(super) fn asks_for_time(&self) -> Option<Duration> {
        match self {
            Self::Origin(OriginError::Refused { status, retry_after, credentials_changed: false })
                if retry_after.is_some() || status.as_u16() == 429 =>
            {
                Some(retry_after.unwrap_or_default())
            }
            _ => None,
        }
    }

    /// Whether the origin was asked and did not answer.
    pub(super) fn is_time_out(&self) -> bool {
        matches!(self, Self::Origin(OriginError::Timeout(wait)) if *wait != Wait::Turn)
    }

    /// Whether the origin was not asked at all.
    pub(super) fn came_before_the_question(&self) -> bool {
        matches!(
            self,
            Self::Origin(
                OriginError::Connect(_)
                    | OriginError::Token(_)
                    | OriginError::Credentials(_)
                    | OriginError::Timeout(Wait::Turn)
            )
        )
    }

    /// Whether the origin says that it had it once (PS3.18 §8.5).
    pub(super) fn says_gone(&self) -> bool {
        matches!(self, Self::Origin(OriginError::Refused { status, .. }) if status.as_u16() == 410)
    }

    /// Whether the origin says that it does not have it.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self, Self::Origin(OriginError::Refused { status, .. }) if matches!(status.as_u16(), 404 | 410))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_the_origin_as_a_whole_is_no_instances_fault() {
        let refused = |status: u16, after: Option<u64>, credentials_changed| OriginError::Refused {
            status: status.try_into().unwrap(),
            retry_after: after.map(Duration::from_secs),
            credentials_changed,
        };
        let no_token = dicomweb::auth::TokenError {
            end_point: "https://h/token".to_owned(),
            fault: dicomweb::auth::TokenFault::Unreachable("refused".to_owned()),
        };
        let cases = [
            (OriginError::Connect("refused".into()), false),
            (OriginError::Token(no_token), false),
            (refused(401, None, false), false),
            (refused(401, None, true), false),
            (refused(302, None, false), false),
            (refused(405, None, false), false),
            (refused(403, None, false), true),
            (refused(404, None, false), true),
            (refused(410, None, false), true),
            (refused(429, None, false), false),
            (refused(503, Some(1), false), false),
            (refused(500, None, false), true),
            (refused(503, None, false), true),
            (refused(406, None, false), true),
            (OriginError::Interrupted("reset".into()), true),
        ];
        for (error, expected) in cases {
            let words = error.to_string();
            assert_eq!(Fault::from(error).is_of_instance(), expected, "{words}");
        }
        assert!(!Fault::Spool(spool::Error::Index("gone".to_owned())).is_of_instance());
        assert!(!Fault::List("no sense".to_owned()).is_of_instance());
    }
}
