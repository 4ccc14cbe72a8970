//! How an origin server searches (PS3.18 §10.6), as far as servers differ.

use std::borrow::Cow;

use instance::Tag;

use super::Paths;
use crate::search::Resource;
use crate::url::PathTemplate;

/// What may be asked of the search of one origin server, and what its answers hold. The defaults are
/// those of [`SearchCapabilities::standard`].
///
/// Every answer may hold more than was asked for, since a request is widened to what the server can
/// match; who needs the exact results matches them again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchCapabilities {
    /// The Accept header field of searches. Default `application/dicom+json` (PS3.18 §8.7.4).
    pub accept: Cow<'static, str>,
    /// Statuses that say that nothing was found, beside those of PS3.18 §10.6.3.1. Default none: 404 says that
    /// the address is wrong.
    pub nothing_found_statuses: Vec<u16>,
    /// Whether a search must have a key that the resource is searched by; a path that names a study or a
    /// series is one. Default false: without a key it finds all there are (PS3.18 §10.6.1.2).
    pub key_required: bool,
    /// Whether several keys may stand in one search. Default true (PS3.18 §8.3.4.1). Where not, only the unique
    /// key of the level is sent, or else the first, and the answer holds more.
    pub keys_together: bool,
    /// Whether `limit` may be asked for (PS3.18 §8.3.4.4). Default true. Without it one answer holds all
    /// results.
    pub limit: bool,
    /// Most results that one answer may be asked for; a greater `limit` is refused by the server. Default
    /// none: PS3.18 §8.3.4.4 has a server give what it can and say so.
    pub limit_max: Option<u32>,
    /// Whether `offset` is honoured (PS3.18 §8.3.4.4). Default true. Without it only the first page is
    /// to be had, and a result that does not fit in it ends in an error.
    pub offset: bool,
    /// Least number of results at which the server may cut a page, although more was asked for, without
    /// the Warning of PS3.18 §8.3.4.4. A page that is shorter than asked for ends the results only where it
    /// is shorter than this too. Default 50: no server is known that gives fewer without a word, and a
    /// request more costs little. None: the server always gives as many as were asked for.
    pub unannounced_cut: Option<u32>,
    /// Whether `*` and `?` are wildcards in text (PS3.4 §C.2.2.2.4). Default true.
    pub wildcard: bool,
    /// Whether a key may list several UIDs (PS3.4 §C.2.2.2.2). Default true.
    pub uid_list: bool,
    /// Most UIDs of such a list. Default 50: about 3 KB of URL, where servers and gateways take 8 KB.
    pub uid_list_max: usize,
    /// Attributes that may be matched by a range (PS3.4 §C.2.2.2.5). Default all of VR DA, TM and DT.
    pub ranges: Searchable,
    /// Names that `fuzzymatching=true` finds by the beginning of any of their words (PS3.18 §8.3.4.2). Default
    /// absent: it is optional for servers, and some find names by their sound instead. Another name is not sent
    /// along with it, since it would be matched literally.
    pub fuzzy: Searchable,
    /// How a person's name is compared. Default as text, which is the least that a server can do.
    pub person_names: PersonNames,
    /// Whether numbers in text (VR IS and DS) are compared as text, so that 1 does not find 01. Default
    /// true, for the same reason as with names.
    pub numbers_as_text: bool,
    /// How values stand in a URL. Default percent-encoded.
    pub values: Values,
    /// Whether a comma separates values of any attribute, not only of UIDs. Default false.
    pub comma_separates: bool,
    /// Attributes by which `/studies` can be searched.
    pub studies: Searchable,
    /// Attributes by which `/series` can be searched.
    pub series: Searchable,
    /// Attributes by which `/instances` can be searched.
    pub instances: Searchable,
    /// Attributes by which `/studies/{study}/series` can be searched.
    pub study_series: Searchable,
    /// Attributes by which `/studies/{study}/instances` can be searched.
    pub study_instances: Searchable,
    /// Attributes by which `/studies/{study}/series/{series}/instances` can be searched.
    pub series_instances: Searchable,
    /// Whether a UID of the path may be a key too; where not, such a key is left out. Default true.
    pub repeats_path_uid_as_key: bool,
    /// How attributes are asked for. Default one parameter each (PS3.18 §8.3.4.3).
    pub include_field: IncludeField,
    /// Header field that names attributes by which the server could not search everything, as
    /// `erroneous-dicom-attributes` of Azure. Default none.
    pub erroneous_attributes: Option<Cow<'static, str>>,
}

/// Attributes by which something can be searched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Searchable {
    /// The resource is not there.
    Absent,
    /// Any attribute: those that the server does not know, it passes over.
    All,
    /// These, at the top level of the data set or as the first of a path into sequences.
    These(Cow<'static, [Tag]>),
}

/// How a server compares a person's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonNames {
    /// Each component group on its own, as PS3.4 §C.2.2.2.1 describes it.
    ByGroup,
    /// The whole value with all of its groups, so that a name alone does not find the same name with
    /// ideographs behind it; `*` at the end does. Case may or may not count.
    AsText,
    /// The whole value, without regard to case.
    AsTextIgnoringCase,
}

/// How values stand in a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// Percent-encoded UTF-8 (RFC 3986 §2.1).
    PercentEncoded,
    /// As they are, because the server does not decode. What a URL cannot hold as it is (blanks, letters
    /// beyond ASCII, `%`, `&`, `'` and some more) is replaced by `*`, which finds more, and so is `?`.
    Literal,
}

/// How attributes are asked for beyond those that are always given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IncludeField {
    /// One `includefield` parameter for each.
    Each,
    /// One `includefield` parameter with a list.
    List,
    /// Only `includefield=all`.
    All,
    /// Not at all.
    None,
}

impl Searchable {
    /// Whether the resource is there.
    #[must_use]
    pub const fn is_present(&self) -> bool {
        !matches!(self, Self::Absent)
    }

    /// Whether it can be searched by this attribute.
    #[must_use]
    pub fn has(&self, tag: Tag) -> bool {
        match self {
            Self::Absent => false,
            Self::All => true,
            Self::These(tags) => tags.contains(&tag),
        }
    }
}

impl Paths {
    /// Where a resource is searched for.
    pub(crate) const fn searched(&self, resource: Resource) -> &PathTemplate {
        match resource {
            Resource::Studies => &self.studies,
            Resource::Series => &self.series,
            Resource::Instances => &self.instances,
            Resource::StudySeries => &self.study_series,
            Resource::StudyInstances => &self.study_instances,
            Resource::SeriesInstances => &self.series_instances,
        }
    }
}

impl SearchCapabilities {
    /// The attributes by which a resource can be searched.
    #[must_use]
    pub const fn searchable(&self, resource: Resource) -> &Searchable {
        match resource {
            Resource::Studies => &self.studies,
            Resource::Series => &self.series,
            Resource::Instances => &self.instances,
            Resource::StudySeries => &self.study_series,
            Resource::StudyInstances => &self.study_instances,
            Resource::SeriesInstances => &self.series_instances,
        }
    }
}
