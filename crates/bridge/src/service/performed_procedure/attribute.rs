//! The attributes of a step (PS3.4 §F.7.2.1.1, Table F.7.2-1), those that are type 3 in every column left out
//! unless they may not be set.

use instance::Tag;

/// (0008,0054) Retrieve AE Title.
const RETRIEVE_AE_TITLE: Tag = Tag(0x0008, 0x0054);
/// (0008,0100) Code Value.
pub(super) const CODE_VALUE: Tag = Tag(0x0008, 0x0100);
/// (0008,0102) Coding Scheme Designator.
pub(super) const CODING_SCHEME_DESIGNATOR: Tag = Tag(0x0008, 0x0102);
/// (0008,1032) Procedure Code Sequence.
const PROCEDURE_CODE_SEQUENCE: Tag = Tag(0x0008, 0x1032);
/// (0008,103E) Series Description.
const SERIES_DESCRIPTION: Tag = Tag(0x0008, 0x103E);
/// (0008,1050) Performing Physician's Name.
const PERFORMING_PHYSICIANS_NAME: Tag = Tag(0x0008, 0x1050);
/// (0008,1070) Operators' Name.
const OPERATORS_NAME: Tag = Tag(0x0008, 0x1070);
/// (0008,1110) Referenced Study Sequence.
const REFERENCED_STUDY_SEQUENCE: Tag = Tag(0x0008, 0x1110);
/// (0008,1120) Referenced Patient Sequence.
const REFERENCED_PATIENT_SEQUENCE: Tag = Tag(0x0008, 0x1120);
/// (0008,1140) Referenced Image Sequence.
const REFERENCED_IMAGE_SEQUENCE: Tag = Tag(0x0008, 0x1140);
/// (0008,1150) Referenced SOP Class UID.
const REFERENCED_SOP_CLASS_UID: Tag = Tag(0x0008, 0x1150);
/// (0008,1155) Referenced SOP Instance UID.
const REFERENCED_SOP_INSTANCE_UID: Tag = Tag(0x0008, 0x1155);
/// (0010,0024) Issuer of Patient ID Qualifiers Sequence.
const ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE: Tag = Tag(0x0010, 0x0024);
/// (0010,0030) Patient's Birth Date.
pub(super) const PATIENT_BIRTH_DATE: Tag = Tag(0x0010, 0x0030);
/// (0010,0040) Patient's Sex.
pub(super) const PATIENT_SEX: Tag = Tag(0x0010, 0x0040);
/// (0010,1002) Other Patient IDs Sequence.
const OTHER_PATIENT_IDS_SEQUENCE: Tag = Tag(0x0010, 0x1002);
/// (0018,1030) Protocol Name.
const PROTOCOL_NAME: Tag = Tag(0x0018, 0x1030);
/// (0020,0010) Study ID.
const STUDY_ID: Tag = Tag(0x0020, 0x0010);
/// (0032,1060) Requested Procedure Description.
pub(super) const REQUESTED_PROCEDURE_DESCRIPTION: Tag = Tag(0x0032, 0x1060);
/// (0038,0010) Admission ID.
const ADMISSION_ID: Tag = Tag(0x0038, 0x0010);
/// (0038,0014) Issuer of Admission ID Sequence.
const ISSUER_OF_ADMISSION_ID_SEQUENCE: Tag = Tag(0x0038, 0x0014);
/// (0038,0060) Service Episode ID.
const SERVICE_EPISODE_ID: Tag = Tag(0x0038, 0x0060);
/// (0038,0062) Service Episode Description.
const SERVICE_EPISODE_DESCRIPTION: Tag = Tag(0x0038, 0x0062);
/// (0038,0064) Issuer of Service Episode ID Sequence.
const ISSUER_OF_SERVICE_EPISODE_ID_SEQUENCE: Tag = Tag(0x0038, 0x0064);
/// (0040,0007) Scheduled Procedure Step Description.
const SCHEDULED_PROCEDURE_STEP_DESCRIPTION: Tag = Tag(0x0040, 0x0007);
/// (0040,0008) Scheduled Protocol Code Sequence.
const SCHEDULED_PROTOCOL_CODE_SEQUENCE: Tag = Tag(0x0040, 0x0008);
/// (0040,0009) Scheduled Procedure Step ID.
pub(super) const SCHEDULED_PROCEDURE_STEP_ID: Tag = Tag(0x0040, 0x0009);
/// (0040,0220) Referenced Non-Image Composite SOP Instance Sequence.
const REFERENCED_NON_IMAGE_COMPOSITE_SOP_INSTANCE_SEQUENCE: Tag = Tag(0x0040, 0x0220);
/// (0040,0241) Performed Station AE Title.
pub(super) const PERFORMED_STATION_AE_TITLE: Tag = Tag(0x0040, 0x0241);
/// (0040,0242) Performed Station Name.
const PERFORMED_STATION_NAME: Tag = Tag(0x0040, 0x0242);
/// (0040,0243) Performed Location.
const PERFORMED_LOCATION: Tag = Tag(0x0040, 0x0243);
/// (0040,0244) Performed Procedure Step Start Date.
pub(super) const START_DATE: Tag = Tag(0x0040, 0x0244);
/// (0040,0245) Performed Procedure Step Start Time.
pub(super) const START_TIME: Tag = Tag(0x0040, 0x0245);
/// (0040,0250) Performed Procedure Step End Date.
pub(super) const END_DATE: Tag = Tag(0x0040, 0x0250);
/// (0040,0251) Performed Procedure Step End Time.
pub(super) const END_TIME: Tag = Tag(0x0040, 0x0251);
/// (0040,0252) Performed Procedure Step Status.
pub(super) const STATUS: Tag = Tag(0x0040, 0x0252);
/// (0040,0253) Performed Procedure Step ID.
const PERFORMED_PROCEDURE_STEP_ID: Tag = Tag(0x0040, 0x0253);
/// (0040,0254) Performed Procedure Step Description.
pub(super) const DESCRIPTION: Tag = Tag(0x0040, 0x0254);
/// (0040,0255) Performed Procedure Type Description.
const TYPE_DESCRIPTION: Tag = Tag(0x0040, 0x0255);
/// (0040,0260) Performed Protocol Code Sequence.
const PERFORMED_PROTOCOL_CODE_SEQUENCE: Tag = Tag(0x0040, 0x0260);
/// (0040,0270) Scheduled Step Attributes Sequence.
pub(super) const SCHEDULED_STEP_ATTRIBUTES_SEQUENCE: Tag = Tag(0x0040, 0x0270);
/// (0040,0281) Performed Procedure Step Discontinuation Reason Code Sequence.
pub(super) const DISCONTINUATION_REASON_CODE_SEQUENCE: Tag = Tag(0x0040, 0x0281);
/// (0040,0340) Performed Series Sequence.
pub(super) const PERFORMED_SERIES_SEQUENCE: Tag = Tag(0x0040, 0x0340);
/// (0040,1001) Requested Procedure ID.
pub(super) const REQUESTED_PROCEDURE_ID: Tag = Tag(0x0040, 0x1001);

/// The type of an attribute (PS3.5 §7.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    /// It is there and has a value.
    One,
    /// It is there.
    Two,
    /// It may be there.
    Three,
}

/// Whether an N-SET may hold an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    Allowed,
    NotAllowed,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) tag: Tag,
    /// What an N-CREATE must have.
    pub(super) create: Type,
    pub(super) set: Set,
    /// Whether the final state needs a value.
    pub(super) in_final_state: bool,
    /// The rows of its items.
    pub(super) items: &'static [Self],
}

const fn row(tag: Tag, create: Type, set: Set) -> Row {
    Row { tag, create, set, in_final_state: false, items: &[] }
}

impl Row {
    const fn items(self, items: &'static [Self]) -> Self {
        Self { items, ..self }
    }

    const fn in_final_state(self) -> Self {
        Self { in_final_state: true, ..self }
    }
}

use {
    Set::{Allowed, NotAllowed},
    Type::{One, Three, Two},
};

/// Items of Referenced Image Sequence and its kin.
const REFERENCE: &[Row] =
    &[row(REFERENCED_SOP_CLASS_UID, One, Allowed), row(REFERENCED_SOP_INSTANCE_UID, One, Allowed)];

/// Items of Scheduled Step Attributes Sequence.
const SCHEDULED_STEP: &[Row] = &[
    row(Tag::ACCESSION_NUMBER, Two, NotAllowed),
    row(REFERENCED_STUDY_SEQUENCE, Two, NotAllowed).items(REFERENCE),
    row(Tag::STUDY_INSTANCE_UID, One, NotAllowed),
    row(REQUESTED_PROCEDURE_DESCRIPTION, Two, NotAllowed),
    row(SCHEDULED_PROCEDURE_STEP_DESCRIPTION, Two, NotAllowed),
    row(SCHEDULED_PROTOCOL_CODE_SEQUENCE, Two, NotAllowed),
    row(SCHEDULED_PROCEDURE_STEP_ID, Two, NotAllowed),
    row(REQUESTED_PROCEDURE_ID, Two, NotAllowed),
];

/// Items of Performed Series Sequence.
const SERIES: &[Row] = &[
    row(RETRIEVE_AE_TITLE, Two, Allowed),
    row(SERIES_DESCRIPTION, Two, Allowed),
    row(PERFORMING_PHYSICIANS_NAME, Two, Allowed),
    row(OPERATORS_NAME, Two, Allowed),
    row(REFERENCED_IMAGE_SEQUENCE, Two, Allowed).items(REFERENCE),
    row(PROTOCOL_NAME, One, Allowed),
    row(Tag::SERIES_INSTANCE_UID, One, Allowed),
    row(REFERENCED_NON_IMAGE_COMPOSITE_SOP_INSTANCE_SEQUENCE, Two, Allowed).items(REFERENCE),
];

/// The table, in the order of tags.
pub(super) const ROWS: &[Row] = &[
    row(Tag::MODALITY, One, NotAllowed),
    row(PROCEDURE_CODE_SEQUENCE, Two, Allowed),
    row(REFERENCED_PATIENT_SEQUENCE, Two, NotAllowed).items(REFERENCE),
    row(Tag::PATIENT_NAME, Two, NotAllowed),
    row(Tag::PATIENT_ID, Two, NotAllowed),
    row(Tag::ISSUER_OF_PATIENT_ID, Three, NotAllowed),
    row(ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE, Three, NotAllowed),
    row(PATIENT_BIRTH_DATE, Two, NotAllowed),
    row(PATIENT_SEX, Two, NotAllowed),
    row(OTHER_PATIENT_IDS_SEQUENCE, Three, NotAllowed),
    row(STUDY_ID, Two, NotAllowed),
    row(ADMISSION_ID, Three, NotAllowed),
    row(ISSUER_OF_ADMISSION_ID_SEQUENCE, Three, NotAllowed),
    row(SERVICE_EPISODE_ID, Three, NotAllowed),
    row(SERVICE_EPISODE_DESCRIPTION, Three, NotAllowed),
    row(ISSUER_OF_SERVICE_EPISODE_ID_SEQUENCE, Three, NotAllowed),
    row(PERFORMED_STATION_AE_TITLE, One, NotAllowed),
    row(PERFORMED_STATION_NAME, Two, NotAllowed),
    row(PERFORMED_LOCATION, Two, NotAllowed),
    row(START_DATE, One, NotAllowed),
    row(START_TIME, One, NotAllowed),
    row(END_DATE, Two, Allowed).in_final_state(),
    row(END_TIME, Two, Allowed).in_final_state(),
    row(STATUS, One, Allowed),
    row(PERFORMED_PROCEDURE_STEP_ID, One, NotAllowed),
    row(DESCRIPTION, Two, Allowed),
    row(TYPE_DESCRIPTION, Two, Allowed),
    row(PERFORMED_PROTOCOL_CODE_SEQUENCE, Two, Allowed),
    row(SCHEDULED_STEP_ATTRIBUTES_SEQUENCE, One, NotAllowed).items(SCHEDULED_STEP),
    row(DISCONTINUATION_REASON_CODE_SEQUENCE, Three, Allowed),
    row(PERFORMED_SERIES_SEQUENCE, Two, Allowed).items(SERIES).in_final_state(),
];

/// The row of an attribute; none for those that are type 3 everywhere.
pub(super) fn row_of(tag: Tag) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.tag == tag)
}
