//! Attributes of the three kinds of steps, and what answers have of them without being asked.

use instance::Tag;

/// (0040,0100) Scheduled Procedure Step Sequence.
pub(super) const STEPS: Tag = Tag(0x0040, 0x0100);
/// (0008,0100) Code Value.
pub(super) const CODE_VALUE: Tag = Tag(0x0008, 0x0100);
/// (0008,1195) Transaction UID.
pub(super) const TRANSACTION_UID: Tag = Tag(0x0008, 0x1195);
/// (0040,1001) Requested Procedure ID.
pub(super) const PROCEDURE_ID: Tag = Tag(0x0040, 0x1001);
/// (0040,4005) Scheduled Procedure Step Start DateTime.
pub(super) const START: Tag = Tag(0x0040, 0x4005);
/// (0040,4025) Scheduled Station Name Code Sequence.
pub(super) const STATION_NAME_CODES: Tag = Tag(0x0040, 0x4025);
/// (0040,4026) Scheduled Station Class Code Sequence.
pub(super) const STATION_CLASS_CODES: Tag = Tag(0x0040, 0x4026);
/// (0040,4027) Scheduled Station Geographic Location Code Sequence.
pub(super) const STATION_LOCATION_CODES: Tag = Tag(0x0040, 0x4027);
/// (0040,4041) Input Readiness State.
pub(super) const INPUT_READINESS_STATE: Tag = Tag(0x0040, 0x4041);
/// (0040,A370) Referenced Request Sequence.
pub(super) const REQUESTS: Tag = Tag(0x0040, 0xA370);
/// (0074,1000) Procedure Step State.
pub(super) const PROCEDURE_STEP_STATE: Tag = Tag(0x0074, 0x1000);
/// (0074,1002) Procedure Step Progress Information Sequence.
pub(super) const PROGRESS: Tag = Tag(0x0074, 0x1002);
/// (0074,1200) Scheduled Procedure Step Priority.
pub(super) const PRIORITY: Tag = Tag(0x0074, 0x1200);
/// (0074,1204) Procedure Step Label.
pub(super) const LABEL: Tag = Tag(0x0074, 0x1204);
/// (0074,1216) Unified Procedure Step Performed Procedure Sequence.
pub(super) const PERFORMED: Tag = Tag(0x0074, 0x1216);
/// (0040,0252) Performed Procedure Step Status.
pub(super) const PERFORMED_STATUS: Tag = Tag(0x0040, 0x0252);
/// (0040,0270) Scheduled Step Attributes Sequence.
pub(super) const STEP_ATTRIBUTES: Tag = Tag(0x0040, 0x0270);

/// Return keys of type 1 and 2 of a scheduled step, beside it (PS3.4 §K.6.1.2.2).
pub(super) const OF_ENTRY: &[Tag] = &[
    Tag::ACCESSION_NUMBER,
    Tag(0x0008, 0x0090),
    Tag(0x0008, 0x1110),
    Tag(0x0008, 0x1120),
    Tag::PATIENT_NAME,
    Tag::PATIENT_ID,
    Tag(0x0010, 0x0030),
    Tag(0x0010, 0x0040),
    Tag(0x0010, 0x1030),
    Tag(0x0010, 0x2000),
    Tag(0x0010, 0x2110),
    Tag(0x0010, 0x21C0),
    Tag::STUDY_INSTANCE_UID,
    Tag(0x0032, 0x1032),
    Tag(0x0032, 0x1060),
    Tag(0x0032, 0x1064),
    Tag(0x0038, 0x0010),
    Tag(0x0038, 0x0050),
    Tag(0x0038, 0x0300),
    Tag(0x0038, 0x0500),
    STEPS,
    PROCEDURE_ID,
    Tag(0x0040, 0x1003),
    Tag(0x0040, 0x1004),
    Tag(0x0040, 0x3001),
];

/// Return keys of type 1 and 2 of a workitem (PS3.4 §CC.2.5.1.3).
pub(super) const OF_WORKITEM: &[Tag] = &[
    Tag::SOP_CLASS_UID,
    Tag::SOP_INSTANCE_UID,
    Tag::PATIENT_NAME,
    Tag::PATIENT_ID,
    Tag::ISSUER_OF_PATIENT_ID,
    Tag(0x0010, 0x0030),
    Tag(0x0010, 0x0040),
    Tag::STUDY_INSTANCE_UID,
    Tag(0x0038, 0x0010),
    START,
    Tag(0x0040, 0x4010),
    Tag(0x0040, 0x4011),
    Tag(0x0040, 0x4018),
    Tag(0x0040, 0x4021),
    STATION_NAME_CODES,
    STATION_CLASS_CODES,
    STATION_LOCATION_CODES,
    Tag(0x0040, 0x4034),
    INPUT_READINESS_STATE,
    REQUESTS,
    PROCEDURE_STEP_STATE,
    PROGRESS,
    PRIORITY,
    Tag(0x0074, 0x1202),
    LABEL,
    Tag(0x0074, 0x1210),
];

/// What a workitem must have with a value when it is created (PS3.4 §CC.2.5.1.3).
pub(super) const CREATES_WORKITEM: &[Tag] =
    &[START, INPUT_READINESS_STATE, PROCEDURE_STEP_STATE, PRIORITY, LABEL];

/// What a performed step must have with a value when it is created (PS3.4 §F.7.2.1).
pub(super) const CREATES_PERFORMED: &[Tag] = &[
    Tag::MODALITY,
    Tag(0x0040, 0x0241),
    Tag(0x0040, 0x0244),
    Tag(0x0040, 0x0245),
    PERFORMED_STATUS,
    Tag(0x0040, 0x0253),
    STEP_ATTRIBUTES,
];

/// What a performed step must have with a value when it ends (PS3.4 §F.7.2.2).
pub(super) const ENDS_PERFORMED: &[Tag] = &[Tag(0x0040, 0x0250), Tag(0x0040, 0x0251)];

/// (0040,0340) Performed Series Sequence, which a completed step has too.
pub(super) const PERFORMED_SERIES: Tag = Tag(0x0040, 0x0340);

/// What an update of a performed step may not have, beside the Patient Module (PS3.4 §F.7.2.1).
pub(super) const FIXED_OF_PERFORMED: &[Tag] = &[
    Tag::SOP_CLASS_UID,
    Tag::SOP_INSTANCE_UID,
    Tag::MODALITY,
    Tag::PATIENT_NAME,
    Tag::PATIENT_ID,
    Tag(0x0010, 0x0030),
    Tag(0x0010, 0x0040),
    Tag(0x0020, 0x0010),
    Tag(0x0040, 0x0241),
    Tag(0x0040, 0x0244),
    Tag(0x0040, 0x0245),
    Tag(0x0040, 0x0253),
    STEP_ATTRIBUTES,
];
