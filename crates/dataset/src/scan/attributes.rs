//! What a scan found.

use std::collections::BTreeMap;

use instance::{Identity, Tag, Uid, uid::InvalidUid};

use crate::character_set::CharacterSet;

/// The wanted attributes that a data set has, with their raw values.
///
/// A value is what stands in the data set, padding included, in the byte order of its encoding,
/// cut at [`ScanLimits::value_length_max`](super::ScanLimits::value_length_max).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    pub(super) values: BTreeMap<Tag, Vec<u8>>,
}

/// Why a data set has no usable identity; the caller answers with the offending element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The attribute is absent or has no value.
    #[error("{0} is missing")]
    Missing(Tag),
    /// The attribute is no UID.
    #[error("{0} is no UID: {1}")]
    Invalid(Tag, InvalidUid),
}

impl IdentityError {
    /// The offending element, for (0000,0901) Offending Element (PS3.7 §E.1).
    #[must_use]
    pub const fn tag(&self) -> Tag {
        match self {
            Self::Missing(tag) | Self::Invalid(tag, _) => *tag,
        }
    }
}

impl Attributes {
    /// The raw value, or none when the data set has no such element.
    #[must_use]
    pub fn get(&self, tag: Tag) -> Option<&[u8]> {
        self.values.get(&tag).map(Vec::as_slice)
    }

    /// All of them in the order of a data set.
    pub fn iter(&self) -> impl Iterator<Item = (Tag, &[u8])> {
        self.values.iter().map(|(tag, value)| (*tag, value.as_slice()))
    }

    /// All of them in the order of a data set, owned.
    #[must_use]
    pub fn into_vec(self) -> Vec<(Tag, Vec<u8>)> {
        self.values.into_iter().collect()
    }

    /// The value as a UID; none when the element is absent or empty.
    ///
    /// # Errors
    /// A value that is not one UID.
    pub fn uid(&self, tag: Tag) -> Result<Option<Uid>, InvalidUid> {
        match self.get(tag).map(Uid::from_bytes) {
            None | Some(Err(InvalidUid::Empty)) => Ok(None),
            Some(Err(error)) => Err(error),
            Some(Ok(uid)) => Ok(Some(uid)),
        }
    }

    /// (0008,0005) Specific Character Set, or the default repertoire.
    #[must_use]
    pub fn specific_character_set(&self) -> CharacterSet {
        self.get(Tag::SPECIFIC_CHARACTER_SET).map_or_else(CharacterSet::default, CharacterSet::from_value)
    }

    /// The first value as text, decoded, without padding; none when the element is absent or empty.
    #[must_use]
    pub fn text(&self, tag: Tag) -> Option<String> {
        let values = self.specific_character_set().decode_values(self.get(tag)?);
        values.into_iter().next().filter(|text| !text.is_empty())
    }

    /// The identity of the instance (PS3.4 §B.2.3 leaves A900 for a data set that has none).
    ///
    /// # Errors
    /// The first element that is missing or no UID, in the order of a data set.
    pub fn identity(&self) -> Result<Identity, IdentityError> {
        let required = |tag| match self.uid(tag) {
            Ok(Some(uid)) => Ok(uid),
            Ok(None) => Err(IdentityError::Missing(tag)),
            Err(error) => Err(IdentityError::Invalid(tag, error)),
        };
        Ok(Identity {
            sop_class_uid: required(Tag::SOP_CLASS_UID)?,
            sop_instance_uid: required(Tag::SOP_INSTANCE_UID)?,
            study_instance_uid: required(Tag::STUDY_INSTANCE_UID)?,
            series_instance_uid: required(Tag::SERIES_INSTANCE_UID)?,
        })
    }
}

impl FromIterator<(Tag, Vec<u8>)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (Tag, Vec<u8>)>>(values: I) -> Self {
        Self { values: values.into_iter().collect() }
    }
}
