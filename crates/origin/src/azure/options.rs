//! How the service is set up.

/// What becomes of an instance in Implicit VR Little Endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ImplicitVr {
    /// It is refused, as the managed service does.
    #[default]
    Refused,
    /// It is stored, and a warning reason says that its data set does not match its SOP Class, as the open
    /// source server does.
    StoredWithWarning,
}

/// How the service is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether paths have to name a partition. Default no.
    pub partitions: bool,
    /// Bytes of one store request; a longer one is answered 413. Default 4 GB, that of the managed service.
    pub request_bytes_max: u64,
    /// What becomes of Implicit VR Little Endian. Default: refused.
    pub implicit_vr: ImplicitVr,
    /// Whether PUT stores an instance in place of one with the same UID. Default yes.
    pub upsert: bool,
    /// How the members of the change feed are written.
    pub member_names: MemberNames,
}

/// How the members of JSON objects other than data sets are written: the service has them in one way, and its
/// documents show them in the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MemberNames {
    /// `studyInstanceUid`.
    #[default]
    LowerFirst,
    /// `StudyInstanceUid`.
    UpperFirst,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            partitions: false,
            request_bytes_max: 4_000_000_000,
            implicit_vr: ImplicitVr::default(),
            upsert: true,
            member_names: MemberNames::default(),
        }
    }
}
