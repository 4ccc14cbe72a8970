//! How a server searches: `[origin.NAME.capabilities.search]`.

use super::Attributes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the server searches (QIDO-RS). Results are matched again, so a capability that is denied costs
/// time and never a result.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Search {
    /// The Accept header field of searches.
    /// Unit: media types. Source: PS3.18 §8.7.4.
    #[schemars(extend("x-sample" = "application/dicom+json"))]
    pub(crate) accept: Option<String>,
    /// HTTP status codes that say that nothing was found; left out: those of the profile. With 404 a wrong
    /// address looks like an empty archive.
    /// Unit: numbers. Source: PS3.18 §10.6.3.1 has 204; the server's documentation.
    #[schemars(extend("x-sample" = [404]))]
    pub(crate) nothing_found_statuses: Option<Vec<u16>>,
    /// Whether a search must have a key. With profile `postdicom` the orders then tell whom to ask for.
    /// Unit: none. Source: the server's documentation; PS3.18 §10.6.1.2 finds everything without one.
    #[schemars(extend("x-sample" = false))]
    pub(crate) key_required: Option<bool>,
    /// Whether several keys may stand in one search; otherwise the unique key of the level is sent, or
    /// else the first.
    /// Unit: none. Source: PS3.18 §8.3.4.1.
    #[schemars(extend("x-sample" = true))]
    pub(crate) keys_together: Option<bool>,
    /// Whether `limit` may be asked for; without it one answer holds all results.
    /// Unit: none. Source: PS3.18 §8.3.4.4.
    #[schemars(extend("x-sample" = true))]
    pub(crate) limit: Option<bool>,
    /// Largest `limit` that the server takes; 0: any.
    /// Unit: results. Source: PS3.18 §8.3.4.4; some answer 400 beyond theirs.
    #[schemars(extend("x-sample" = 200))]
    pub(crate) limit_max: Option<u32>,
    /// Whether `offset` is honoured; without it only the first page is to be had.
    /// Unit: none. Source: PS3.18 §8.3.4.4.
    #[schemars(extend("x-sample" = true))]
    pub(crate) offset: Option<bool>,
    /// Least number of results at which the server cuts a page without saying so; 0: it never does. A
    /// page with fewer is the last one.
    /// Unit: results. Source: PS3.18 §8.3.4.4 wants a Warning then; not all servers send it.
    #[schemars(extend("x-sample" = 50))]
    pub(crate) unannounced_cut: Option<u32>,
    /// Whether `*` and `?` are wildcards in text.
    /// Unit: none. Source: PS3.4 §C.2.2.2.4.
    #[schemars(extend("x-sample" = true))]
    pub(crate) wildcard: Option<bool>,
    /// Whether a key may list several UIDs.
    /// Unit: none. Source: PS3.4 §C.2.2.2.2.
    #[schemars(extend("x-sample" = true))]
    pub(crate) uid_list: Option<bool>,
    /// UIDs of such a list at most.
    /// Unit: UIDs. Source: 50 make 3KB of URL, and gateways take 8KB.
    #[schemars(extend("x-sample" = 50))]
    pub(crate) uid_list_max: Option<u32>,
    /// Attributes that may be matched by a range: `"all"` of dates and times, `"absent"` for none, or a
    /// list.
    /// Unit: keywords of PS3.6 or tags. Source: PS3.4 §C.2.2.2.5.
    #[schemars(extend("x-sample" = ["StudyDate"]))]
    pub(crate) ranges: Option<Attributes>,
    /// Names that `fuzzymatching=true` finds by the beginning of any of their words: `"all"`, `"absent"` for
    /// none, or a list.
    /// Unit: keywords of PS3.6 or tags. Source: PS3.18 §8.3.4.2; by the sound of a name does not count.
    #[schemars(extend("x-sample" = ["PatientName"]))]
    pub(crate) fuzzy: Option<Attributes>,
    /// How a person's name is compared: `"by-group"`, `"as-text"` or `"as-text-ignoring-case"`.
    /// Unit: none. Source: PS3.4 §C.2.2.2.1 leaves it open.
    #[schemars(extend("x-sample" = "as-text"))]
    pub(crate) person_names: Option<PersonNames>,
    /// Whether numbers are compared as text, so that 1 does not find 01.
    /// Unit: none. Source: measured.
    #[schemars(extend("x-sample" = true))]
    pub(crate) numbers_as_text: Option<bool>,
    /// How values stand in a URL: `"percent-encoded"` or `"literal"`.
    /// Unit: none. Source: RFC 3986 §2.1; Orthanc before 1.11 does not decode them.
    #[schemars(extend("x-sample" = "percent-encoded"))]
    pub(crate) values: Option<Values>,
    /// Whether a comma separates values of any attribute, not only of UIDs.
    /// Unit: none. Source: measured; Orthanc does.
    #[schemars(extend("x-sample" = false))]
    pub(crate) comma_separates: Option<bool>,
    /// Attributes by which `/studies` can be searched: `"all"`, `"absent"` where the server does not have
    /// the resource, or a list.
    /// Unit: keywords of PS3.6 or tags. Source: PS3.18 §10.6.1.2.3, the server's conformance statement.
    #[schemars(extend("x-sample" = ["StudyDate", "PatientID", "PatientName", "StudyInstanceUID"]))]
    pub(crate) studies: Option<Attributes>,
    /// The same for `/series`.
    /// Unit: keywords of PS3.6 or tags. Source: PS3.18 §10.6.1.2.3.
    #[schemars(extend("x-sample" = "absent"))]
    pub(crate) series: Option<Attributes>,
    /// The same for `/instances`.
    /// Unit: keywords of PS3.6 or tags. Source: PS3.18 §10.6.1.2.3.
    #[schemars(extend("x-sample" = "absent"))]
    pub(crate) instances: Option<Attributes>,
    /// The same for `/studies/{study}/series`.
    /// Unit: keywords of PS3.6 or tags. Source: PS3.18 §10.6.1.2.3.
    #[schemars(extend("x-sample" = ["SeriesInstanceUID", "Modality"]))]
    pub(crate) study_series: Option<Attributes>,
    /// The same for `/studies/{study}/instances`.
    /// Unit: keywords of PS3.6 or tags. Source: PS3.18 §10.6.1.2.3.
    #[schemars(extend("x-sample" = ["SOPInstanceUID"]))]
    pub(crate) study_instances: Option<Attributes>,
    /// The same for `/studies/{study}/series/{series}/instances`.
    /// Unit: keywords of PS3.6 or tags. Source: PS3.18 §10.6.1.2.3.
    #[schemars(extend("x-sample" = ["SOPInstanceUID"]))]
    pub(crate) series_instances: Option<Attributes>,
    /// Whether a UID of the path may be a key too.
    /// Unit: none. Source: the server's documentation; some answer 400.
    #[schemars(extend("x-sample" = true))]
    pub(crate) repeats_path_uid_as_key: Option<bool>,
    /// How attributes are asked for: `"each"` in a parameter of its own, a `"list"` in one, only `"all"`
    /// of them, or `"none"`.
    /// Unit: none. Source: PS3.18 §8.3.4.3.
    #[schemars(extend("x-sample" = "each"))]
    pub(crate) include_field: Option<IncludeField>,
    /// Header field that names attributes by which the server could not search everything; empty: there
    /// is none.
    /// Unit: none. Source: the server's documentation; Azure has one.
    #[schemars(extend("x-sample" = "erroneous-dicom-attributes"))]
    pub(crate) erroneous_attributes: Option<String>,
}

/// How a server compares a person's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum PersonNames {
    /// Each component group on its own.
    ByGroup,
    /// The whole value.
    AsText,
    /// The whole value, without regard to case.
    AsTextIgnoringCase,
}

/// How values stand in a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum Values {
    /// Encoded.
    PercentEncoded,
    /// As they are; what a URL cannot hold becomes `*`.
    Literal,
}

/// How attributes are asked for beyond those that are always given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum IncludeField {
    /// One `includefield` each.
    Each,
    /// One `includefield` with a list.
    List,
    /// `includefield=all`.
    All,
    /// Not at all.
    None,
}
