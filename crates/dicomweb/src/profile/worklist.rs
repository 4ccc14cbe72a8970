//! What can be asked of the worklists of an origin server (PS3.18 §11, §14).

use instance::Tag;

/// Which worklists there are, and by what they can be searched. Paging, wildcards, the form of values and
/// `includefield` are those of [`SearchCapabilities`](super::SearchCapabilities), since a server has one way
/// of reading the query of a URL (PS3.18 §8.3.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorklistCapabilities {
    /// Scheduled procedure steps of modalities (PS3.18 §14). Default: there are, and any attribute is matched.
    pub scheduled_steps: WorklistKeys,
    /// Workitems (PS3.18 §11). Default: there are, and any attribute is matched.
    pub workitems: WorklistKeys,
}

/// Attributes by which a worklist can be searched, dates and times by a range too. Each is a path: those before
/// the last one are sequences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorklistKeys {
    /// The resource is not there.
    Absent,
    /// Any attribute: those that the server does not know, it passes over.
    All,
    /// These; a key beside them is not sent, since the server would refuse the search.
    These(Vec<Vec<Tag>>),
}

impl WorklistKeys {
    /// Whether the resource is there.
    #[must_use]
    pub const fn is_present(&self) -> bool {
        !matches!(self, Self::Absent)
    }

    /// Whether it can be searched by this attribute.
    #[must_use]
    pub fn has(&self, path: &[Tag]) -> bool {
        match self {
            Self::Absent => false,
            Self::All => true,
            Self::These(paths) => paths.iter().any(|known| known == path),
        }
    }
}

impl WorklistCapabilities {
    /// Both, as PS3.18 has them.
    #[must_use]
    pub const fn standard() -> Self {
        Self { scheduled_steps: WorklistKeys::All, workitems: WorklistKeys::All }
    }

    /// Neither.
    #[must_use]
    pub const fn none() -> Self {
        Self { scheduled_steps: WorklistKeys::Absent, workitems: WorklistKeys::Absent }
    }
}
