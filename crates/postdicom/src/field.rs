//! What is wrong with a value, and in which parameter.

/// A parameter that cannot be sent. The message names the parameter and never repeats its value, which
/// may be a patient's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {fault}")]
pub struct InvalidField {
    /// The vendor's name of the parameter, for example `PatientBirthdate`.
    pub field: &'static str,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It is empty and must not be.
    #[error("a value is needed")]
    Missing,
    /// No date of the calendar, or written otherwise.
    #[error("not a date of the form YYYY-MM-DD")]
    Date,
    /// No date and time, or written otherwise.
    #[error("not a date and time of the form YYYY-MM-DD HH:MM")]
    DateTime,
    /// The end of a range before its beginning.
    #[error("the range ends before it begins")]
    Range,
    /// A character that no UUID of this vendor was seen to have.
    #[error("not a UUID: letters, digits and - . _ : {{ }}, at most 64")]
    Uuid,
    /// Not of RFC 4122, where the configuration asks for that.
    #[error("not a UUID of RFC 4122")]
    NotRfc4122,
    /// The password of a share was not stored with it; sent without, the share would be public.
    #[error("it was not stored and must be set again")]
    Withheld,
    /// Another code than the three.
    #[error("not M, F or O")]
    Sex,
    /// No code string (PS3.5 §6.2).
    #[error("not a code: capital letters, digits, blank and underscore, at most 16")]
    Code,
    /// A backslash separates values in DICOM (PS3.5 §6.4).
    #[error("a backslash cannot stand in it")]
    Backslash,
    /// More characters than the field has.
    #[error("longer than {0} characters")]
    TooLong(usize),
    /// More values than one call takes.
    #[error("more than {0} values")]
    TooMany(usize),
    /// A path of a route that is none.
    #[error("not a path: begins with a slash; letters, digits and - . _ ~ /")]
    Path,
}

impl Fault {
    /// The fault, in this parameter.
    #[must_use]
    pub const fn at(self, field: &'static str) -> InvalidField {
        InvalidField { field, fault: self }
    }
}
