//! A-ASSOCIATE-RJ (PS3.8 §9.3.4).

use std::fmt;

/// A rejection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AssociateReject {
    /// Whether it makes sense to ask again.
    pub result: RejectResult,
    /// Source and Reason/Diag.
    pub reason: RejectReason,
}

/// Result of a rejection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RejectResult {
    /// 1: rejected-permanent.
    Permanent,
    /// 2: rejected-transient.
    Transient,
}

/// Source and reason of a rejection (PS3.8 §9.3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RejectReason {
    /// 1/1: no-reason-given by the service-user.
    NoReasonGiven,
    /// 1/2: application-context-name-not-supported.
    ApplicationContextNameNotSupported,
    /// 1/3: calling-AE-title-not-recognized.
    CallingAeTitleNotRecognized,
    /// 1/7: called-AE-title-not-recognized.
    CalledAeTitleNotRecognized,
    /// 2/1: no-reason-given by the service-provider (ACSE related function).
    NoReasonGivenAcse,
    /// 2/2: protocol-version-not-supported.
    ProtocolVersionNotSupported,
    /// 3/1: temporary-congestion.
    TemporaryCongestion,
    /// 3/2: local-limit-exceeded.
    LocalLimitExceeded,
    /// Any other pair, which only a peer sends.
    Other {
        /// Source.
        source: u8,
        /// Reason/Diag.
        reason: u8,
    },
}

impl RejectReason {
    /// Source and Reason/Diag. as they stand in the PDU.
    #[must_use]
    pub const fn fields(self) -> (u8, u8) {
        match self {
            Self::NoReasonGiven => (1, 1),
            Self::ApplicationContextNameNotSupported => (1, 2),
            Self::CallingAeTitleNotRecognized => (1, 3),
            Self::CalledAeTitleNotRecognized => (1, 7),
            Self::NoReasonGivenAcse => (2, 1),
            Self::ProtocolVersionNotSupported => (2, 2),
            Self::TemporaryCongestion => (3, 1),
            Self::LocalLimitExceeded => (3, 2),
            Self::Other { source, reason } => (source, reason),
        }
    }

    /// The reason that a PDU gives.
    #[must_use]
    pub const fn from_fields(source: u8, reason: u8) -> Self {
        match (source, reason) {
            (1, 1) => Self::NoReasonGiven,
            (1, 2) => Self::ApplicationContextNameNotSupported,
            (1, 3) => Self::CallingAeTitleNotRecognized,
            (1, 7) => Self::CalledAeTitleNotRecognized,
            (2, 1) => Self::NoReasonGivenAcse,
            (2, 2) => Self::ProtocolVersionNotSupported,
            (3, 1) => Self::TemporaryCongestion,
            (3, 2) => Self::LocalLimitExceeded,
            _ => Self::Other { source, reason },
        }
    }
}

impl AssociateReject {
    /// The called AE title is not ours.
    pub const CALLED_AE_TITLE: Self = Self::permanent(RejectReason::CalledAeTitleNotRecognized);
    /// The calling AE title is not known, or calls from the wrong address.
    pub const CALLING_AE_TITLE: Self = Self::permanent(RejectReason::CallingAeTitleNotRecognized);
    /// Another application context than DICOM's.
    pub const APPLICATION_CONTEXT: Self = Self::permanent(RejectReason::ApplicationContextNameNotSupported);
    /// Protocol version 1 is not among those proposed.
    pub const PROTOCOL_VERSION: Self = Self::permanent(RejectReason::ProtocolVersionNotSupported);
    /// Refused without a reason, as for a user identity that is not believed.
    pub const NO_REASON: Self = Self::permanent(RejectReason::NoReasonGiven);
    /// Too many associations: the peer may try again.
    pub const LOCAL_LIMIT_EXCEEDED: Self =
        Self { result: RejectResult::Transient, reason: RejectReason::LocalLimitExceeded };
    /// Too busy: the peer may try again.
    pub const TEMPORARY_CONGESTION: Self =
        Self { result: RejectResult::Transient, reason: RejectReason::TemporaryCongestion };

    const fn permanent(reason: RejectReason) -> Self {
        Self { result: RejectResult::Permanent, reason }
    }

    /// The variable field of the PDU: reserved, Result, Source, Reason/Diag.
    #[must_use]
    pub(crate) const fn to_bytes(self) -> [u8; 4] {
        let result = match self.result {
            RejectResult::Permanent => 1,
            RejectResult::Transient => 2,
        };
        let (source, reason) = self.reason.fields();
        [0, result, source, reason]
    }

    /// Reads the variable field of a PDU. An undefined Result reads as permanent, so that nobody
    /// hammers a peer for its fault.
    pub(crate) const fn from_bytes(field: [u8; 4]) -> Self {
        let result = if field[1] == 2 { RejectResult::Transient } else { RejectResult::Permanent };
        Self { result, reason: RejectReason::from_fields(field[2], field[3]) }
    }
}

impl fmt::Display for AssociateReject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let result = match self.result {
            RejectResult::Permanent => "permanent",
            RejectResult::Transient => "transient",
        };
        let reason = match self.reason {
            RejectReason::NoReasonGiven | RejectReason::NoReasonGivenAcse => "no reason given",
            RejectReason::ApplicationContextNameNotSupported => "application context name not supported",
            RejectReason::CallingAeTitleNotRecognized => "calling AE title not recognized",
            RejectReason::CalledAeTitleNotRecognized => "called AE title not recognized",
            RejectReason::ProtocolVersionNotSupported => "protocol version not supported",
            RejectReason::TemporaryCongestion => "temporary congestion",
            RejectReason::LocalLimitExceeded => "local limit exceeded",
            RejectReason::Other { source, reason } => {
                return write!(f, "{result}, source {source}, reason {reason}");
            }
        };
        write!(f, "{result}, {reason}")
    }
}
