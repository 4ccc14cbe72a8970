//! What kind of server the origin pretends to be.

pub(crate) mod search;
pub(crate) mod store;

use std::{fmt, str::FromStr};

use search::SearchRules;
use store::StoreRules;

use crate::worklist;

/// The server whose behaviour the origin shows. What differs only in degree is data in `Rules`;
/// what has resources of its own gets handlers of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Personality {
    /// An origin server that does what PS3.18 §10, §11, §14 and §15 say.
    #[default]
    Standard,
    /// An origin server that stores as the standard one does, but searches and retrieves as little
    /// as the large clouds do:
    ///
    /// - Six search resources, each with a few keys of its own; any other key, a key that repeats a
    ///   UID of the path, and a key given twice are answered 400, and so are an empty value, a
    ///   wildcard and a list of UIDs.
    /// - Ranges for Study Date and Patient's Birth Date alone, otherwise 400.
    /// - Text is equal whatever its case, a person name whatever its accents too, and as a whole, all
    ///   component groups together. With `fuzzymatching=true` every word of the value has to begin a
    ///   word of Patient's Name or Referring Physician's Name.
    /// - `limit` is 1 to 200, 100 where it is not given; otherwise 400. Newest first.
    /// - A small set of attributes is returned, a few more by `includefield`; `all` stands alone.
    ///   Number of Study Related Series is not to be had.
    /// - A retrieve that names no transfer syntax means Explicit VR Little Endian; one instance in
    ///   another syntax than the one asked for turns the whole request into 406.
    /// - Of the worklists there are workitems alone, searched by ten attributes, with the same limits of
    ///   `limit` and of values; a cancellation is only taken of a workitem that nobody has begun, an update of
    ///   one in a final state is answered 400, and a data set in a body stands in an array.
    Limited,
    /// A PostDICOM account: orders, folders and sharing beside a few flat paths of DICOMweb. See
    /// [`crate::postdicom`].
    ///
    /// - Basic authentication is always asked for.
    /// - One file in each store request, to the base URL itself.
    /// - Searches match Patient ID or Study Instance UID (studies), Study Instance UID (series) or Series
    ///   Instance UID (instances), exactly one of them; any other parameter is answered 400.
    /// - Retrieves are answered in multipart, each instance as it is stored.
    PostDicom,
    /// The DICOM service of Azure Health Data Services: searches and workitems as little as with
    /// [`Personality::Limited`], with tokens, versions, partitions and the change feed beside. See
    /// [`crate::azure`].
    Azure,
    /// A DICOM store of the Google Cloud Healthcare API. See [`crate::google`].
    Google,
    /// A data store of AWS HealthImaging. See [`crate::aws`].
    Aws,
    /// dcm4chee-arc-light 5 with what it comes with, as far as its conformance statement and its source go:
    ///
    /// - Its resources are those of one of its AE titles: `/dcm4chee-arc/aets/DCM4CHEE/rs`.
    /// - Without an `Overwrite Policy` the first instance of a UID stays, and the second one is called stored.
    /// - Searches match the keys of its conformance statement and ignore others.
    /// - Studies alone can be deleted; the rest can be rejected there, which is not played.
    /// - Scheduled procedure steps are at `/mwlitems`; there are workitems, and no performed procedure steps.
    ///
    /// Tokens of its Keycloak are not asked for, and nothing is transcoded.
    Dcm4chee,
}

/// The behaviour of one personality, as data.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Path below which the DICOMweb resources stand.
    pub(crate) base_path: &'static str,
    /// How it stores.
    pub(crate) store: &'static StoreRules,
    /// How it searches.
    pub(crate) search: &'static SearchRules,
    /// What a retrieve does with instances in another transfer syntax than the one asked for.
    pub(crate) other_syntax: OtherSyntax,
    /// Transfer syntaxes that a retrieve may name beside `*`; none: any.
    pub(crate) offered_syntaxes: Option<&'static [&'static str]>,
    /// What metadata has of bulk data.
    pub(crate) metadata: Metadata,
    /// Parts of one store request, where that is fewer than the limits say.
    pub(crate) parts_max: Option<usize>,
    /// How the paths of what is stored are made up.
    pub(crate) paths: Paths,
    /// How its worklists behave, where it has some.
    pub(crate) worklist: Option<&'static worklist::Rules>,
    /// What can be deleted.
    pub(crate) deletes: Deletes,
}

/// What can be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deletes {
    /// Studies, series and instances.
    All,
    /// Studies as a whole.
    Studies,
}

/// How a path names a series or an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paths {
    /// By all that it stands in: `/studies/S/series/E/instances/I`.
    Nested,
    /// By its own UID alone: `/studies/series/instances/I`.
    Flat,
}

/// What becomes of instances that are not stored in the transfer syntax which a retrieve names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OtherSyntax {
    /// They are left out; a request without a transfer syntax takes any.
    LeftOut,
    /// 406 for the whole request; one without a transfer syntax means Explicit VR Little Endian.
    Refused,
}

/// What metadata has of bulk data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Metadata {
    /// Links to it.
    WithLinks,
    /// Nothing: attributes of OB, OD, OF, OL, OV, OW and UN are absent. Answers have an entity tag.
    WithoutBulkData,
}

/// Every personality, in the order in which help texts list them.
const ALL: [Personality; 7] = [
    Personality::Standard,
    Personality::Limited,
    Personality::PostDicom,
    Personality::Azure,
    Personality::Google,
    Personality::Aws,
    Personality::Dcm4chee,
];

impl Personality {
    /// The name used on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Limited => "limited",
            Self::PostDicom => "postdicom",
            Self::Azure => "azure",
            Self::Google => "google",
            Self::Aws => "aws",
            Self::Dcm4chee => "dcm4chee",
        }
    }

    /// Every personality there is.
    #[must_use]
    pub const fn all() -> &'static [Self] {
        &ALL
    }

    /// Whether requests carry bearer tokens, which the origin has end points for.
    pub(crate) const fn has_tokens(self) -> bool {
        matches!(self, Self::Azure | Self::Google)
    }

    pub(crate) const fn rules(self) -> Rules {
        let standard = Rules {
            base_path: crate::BASE_PATH,
            store: &store::STANDARD,
            search: &search::STANDARD,
            other_syntax: OtherSyntax::LeftOut,
            offered_syntaxes: None,
            metadata: Metadata::WithLinks,
            parts_max: None,
            paths: Paths::Nested,
            worklist: Some(&worklist::STANDARD),
            deletes: Deletes::All,
        };
        match self {
            Self::Standard => standard,
            Self::Limited => {
                let (search, worklist) = (&search::LIMITED, Some(&worklist::LIMITED));
                Rules { search, worklist, other_syntax: OtherSyntax::Refused, ..standard }
            }
            Self::PostDicom => {
                let (parts_max, paths) = (Some(1), Paths::Flat);
                Rules { store: &store::POSTDICOM, parts_max, paths, worklist: None, ..standard }
            }
            Self::Azure => Rules {
                base_path: crate::azure::BASE_PATH,
                store: &store::AZURE,
                search: &search::AZURE,
                metadata: Metadata::WithoutBulkData,
                offered_syntaxes: Some(&["1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.90"]),
                worklist: Some(&worklist::LIMITED),
                other_syntax: OtherSyntax::Refused,
                ..standard
            },
            Self::Google => Rules {
                worklist: None,
                store: &store::GOOGLE,
                search: &search::GOOGLE,
                other_syntax: OtherSyntax::Refused,
                offered_syntaxes: Some(&[
                    "1.2.840.10008.1.2.1",
                    "1.2.840.10008.1.2.4.50",
                    "1.2.840.10008.1.2.4.90",
                    "1.2.840.10008.1.2.4.91",
                ]),
                ..standard
            },
            Self::Aws => Rules {
                base_path: crate::aws::BASE_PATH,
                store: &store::AWS,
                search: &search::AWS,
                worklist: None,
                ..standard
            },
            Self::Dcm4chee => Rules {
                base_path: "/dcm4chee-arc/aets/DCM4CHEE/rs",
                store: &store::DCM4CHEE,
                search: &search::DCM4CHEE,
                worklist: Some(&worklist::DCM4CHEE),
                deletes: Deletes::Studies,
                ..standard
            },
        }
    }
}

/// A name that is no personality.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no origin personality `{0}`")]
pub struct UnknownPersonality(String);

impl FromStr for Personality {
    type Err = UnknownPersonality;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        ALL.into_iter().find(|one| one.name() == name).ok_or_else(|| UnknownPersonality(name.to_owned()))
    }
}

impl fmt::Display for Personality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for personality in Personality::all() {
            assert_eq!(personality.name().parse(), Ok(*personality));
        }
        assert_eq!("pacs".parse::<Personality>(), Err(UnknownPersonality("pacs".to_owned())));
    }
}
