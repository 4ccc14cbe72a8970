//! Which attributes a scan keeps.

use std::collections::BTreeMap;

use instance::Tag;

/// The top-level attributes that a scan keeps, sorted, some of them required.
///
/// A required attribute makes the scan go on past its place when it was not there: some devices
/// send elements out of order. (0008,0005) Specific Character Set is always among the wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    tags: BTreeMap<Tag, bool>,
}

impl Wanted {
    /// The four attributes of the identity, required.
    #[must_use]
    pub fn identity() -> Self {
        let required =
            [Tag::SOP_CLASS_UID, Tag::SOP_INSTANCE_UID, Tag::STUDY_INSTANCE_UID, Tag::SERIES_INSTANCE_UID];
        Self::new(required, [])
    }

    /// Attributes of the caller's choice.
    #[must_use]
    pub fn new(required: impl IntoIterator<Item = Tag>, optional: impl IntoIterator<Item = Tag>) -> Self {
        let mut tags = BTreeMap::from([(Tag::SPECIFIC_CHARACTER_SET, false)]);
        tags.extend(optional.into_iter().map(|tag| (tag, false)));
        tags.extend(required.into_iter().map(|tag| (tag, true)));
        Self { tags }
    }

    /// The same and further attributes, which may be absent.
    #[must_use]
    pub fn and(mut self, optional: impl IntoIterator<Item = Tag>) -> Self {
        for tag in optional {
            self.tags.entry(tag).or_insert(false);
        }
        self
    }

    /// Whether the attribute is kept.
    #[must_use]
    pub fn contains(&self, tag: Tag) -> bool {
        self.tags.contains_key(&tag)
    }

    /// The attributes, in the order of a data set.
    pub fn tags(&self) -> impl Iterator<Item = Tag> + '_ {
        self.tags.keys().copied()
    }

    pub(super) fn is_required(&self, tag: Tag) -> bool {
        self.tags.get(&tag).copied().unwrap_or(false)
    }

    pub(super) fn required_count(&self) -> usize {
        self.tags.values().filter(|required| **required).count()
    }

    pub(super) fn last(&self) -> Tag {
        self.tags.last_key_value().map_or(Tag::SPECIFIC_CHARACTER_SET, |(tag, _)| *tag)
    }
}
