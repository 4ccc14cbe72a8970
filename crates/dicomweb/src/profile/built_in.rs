//! The built-in profiles by their names, and what the files of several have in common.

use instance::{Tag, TransferSyntax};

use super::{Profile, Searchable};

pub(super) const CONTENT_DATE: Tag = Tag(0x0008, 0x0023);
pub(super) const STUDY_TIME: Tag = Tag(0x0008, 0x0030);
pub(super) const CONTENT_TIME: Tag = Tag(0x0008, 0x0033);
pub(super) const MODALITIES_IN_STUDY: Tag = Tag(0x0008, 0x0061);
pub(super) const INSTITUTION_NAME: Tag = Tag(0x0008, 0x0080);
pub(super) const REFERRING_PHYSICIAN_NAME: Tag = Tag(0x0008, 0x0090);
pub(super) const STATION_NAME: Tag = Tag(0x0008, 0x1010);
pub(super) const STUDY_DESCRIPTION: Tag = Tag(0x0008, 0x1030);
pub(super) const SERIES_DESCRIPTION: Tag = Tag(0x0008, 0x103E);
pub(super) const MANUFACTURER_MODEL_NAME: Tag = Tag(0x0008, 0x1090);
pub(super) const PATIENT_BIRTH_DATE: Tag = Tag(0x0010, 0x0030);
pub(super) const PATIENT_SEX: Tag = Tag(0x0010, 0x0040);
pub(super) const BODY_PART_EXAMINED: Tag = Tag(0x0018, 0x0015);
pub(super) const PROTOCOL_NAME: Tag = Tag(0x0018, 0x1030);
pub(super) const STUDY_ID: Tag = Tag(0x0020, 0x0010);
pub(super) const SERIES_NUMBER: Tag = Tag(0x0020, 0x0011);
pub(super) const INSTANCE_NUMBER: Tag = Tag(0x0020, 0x0013);
pub(super) const STEP_START_DATE: Tag = Tag(0x0040, 0x0244);
pub(super) const STEP_START_TIME: Tag = Tag(0x0040, 0x0245);
pub(super) const REQUEST_ATTRIBUTES_SEQUENCE: Tag = Tag(0x0040, 0x0275);

impl Profile {
    /// Names that [`Self::built_in`] knows.
    pub const BUILT_IN: [&'static str; 7] =
        ["standard", "orthanc", "dcm4chee", "google", "aws", "azure", "postdicom"];

    /// The built-in profile of that name.
    #[must_use]
    pub fn built_in(name: &str) -> Option<Self> {
        match name {
            "standard" => Some(Self::standard()),
            "orthanc" => Some(Self::orthanc()),
            "dcm4chee" => Some(Self::dcm4chee()),
            "google" => Some(Self::google()),
            "aws" => Some(Self::aws()),
            "azure" => Some(Self::azure()),
            "postdicom" => Some(Self::postdicom()),
            _ => None,
        }
    }
}

/// Attributes of studies, series and instances that a server matches, by their level.
pub(super) struct Levels {
    pub(super) study: &'static [Tag],
    pub(super) series: &'static [Tag],
    pub(super) instance: &'static [Tag],
}

impl Levels {
    pub(super) fn these(&self, study: bool, series: bool, instance: bool) -> Searchable {
        let levels = [(study, self.study), (series, self.series), (instance, self.instance)];
        let tags = levels.into_iter().filter(|(wanted, _)| *wanted).flat_map(|(_, tags)| tags);
        Searchable::These(tags.copied().collect::<Vec<_>>().into())
    }
}

/// Transfer syntaxes of a table.
pub(super) fn syntaxes(uids: &[&str]) -> Vec<TransferSyntax> {
    uids.iter().filter_map(|uid| uid.parse().ok()).map(TransferSyntax::new).collect()
}
