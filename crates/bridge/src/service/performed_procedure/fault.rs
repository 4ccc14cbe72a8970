//! Why a request about a step was not carried out.

use dataset::{identifier::IdentifierError, json::Item};
use instance::Tag;

/// Why a request about a step was not carried out. What it means to a DIMSE peer stands in
/// [`mapping::status`](crate::mapping::status).
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The data set cannot be read.
    #[error("{0}")]
    Unreadable(#[source] IdentifierError),
    /// Attributes that must be there are not.
    #[error("attributes are missing: {}", .0.in_words())]
    Missing(Attributes),
    /// Attributes that must have a value have none.
    #[error("attributes have no value: {}", .0.in_words())]
    Empty(Attributes),
    /// Values are not possible.
    #[error("values are not possible: {}", .0.in_words())]
    Invalid(Attributes),
    /// Attributes may not be set, or not any more.
    #[error("attributes may not be set: {}", .0.in_words())]
    NotAllowed(Attributes),
    /// There is a step of this UID.
    #[error("there is a step of this UID")]
    Duplicate,
    /// There is no step of this UID.
    #[error("there is no step of this UID")]
    NoSuchInstance,
    /// The step is COMPLETED or DISCONTINUED.
    #[error("the step is in a final state")]
    MayNoLongerBeUpdated,
    /// Others change the step all the time.
    #[error("the step is being changed by others")]
    Contended,
    /// The step is not kept, or cannot be read.
    #[error("the spool did not keep the step: {0}")]
    Spool(#[from] spool::Error),
    /// What is kept is no step.
    #[error("the step that is kept cannot be read")]
    Damaged,
}

/// Attributes that are at fault.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Attributes {
    /// Those of the data set itself; where one inside a sequence is at fault, that sequence.
    pub(crate) tags: Vec<Tag>,
    /// The same with the values that were sent, of sequences what is at fault in them.
    pub(crate) list: Item,
    /// The first one inside a sequence.
    pub(crate) inside: Option<Tag>,
}

impl Attributes {
    /// Their tags, without any value.
    fn in_words(&self) -> String {
        let mut words: Vec<String> = self.tags.iter().take(8).map(ToString::to_string).collect();
        words.extend(self.inside.map(|tag| format!("inside {tag}")));
        words.join(" ")
    }
}
