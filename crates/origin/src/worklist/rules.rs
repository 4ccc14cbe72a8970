//! How personalities differ in their worklists, as data.

use axum::http::StatusCode;
use instance::Tag;

use super::attributes::{
    CODE_VALUE, PROCEDURE_ID, PROCEDURE_STEP_STATE, REQUESTS, START, STATION_CLASS_CODES,
    STATION_LOCATION_CODES, STATION_NAME_CODES,
};

/// What the worklists of a personality do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Where scheduled procedure steps of modalities are, if there are some.
    pub(super) scheduled_steps: Option<&'static str>,
    /// Whether there are performed procedure steps of modalities.
    pub(super) performed_steps: bool,
    /// How workitems are searched.
    pub(super) workitems: SearchRules,
    /// The answer to an update of a workitem in a final state.
    pub(super) final_state: StatusCode,
    /// Whether the cancellation of a workitem in progress may be asked for. Nobody hears of it here.
    pub(super) cancels_in_progress: bool,
    /// Whether a data set in a body must stand in an array.
    pub(super) array_only: bool,
    /// Whether a workitem must have what PS3.4 §CC.2.5.1 demands of a final state.
    pub(super) checks_final_state: bool,
}

/// What a search of a worklist may ask for.
#[derive(Debug, Clone, Copy)]
pub(super) struct SearchRules {
    /// Keys that are matched, each a path; a search by another one is refused. None: any.
    pub(super) keys: Option<&'static [&'static [Tag]]>,
    /// Whether `*` and `?` are wildcards; otherwise they are refused, and so are empty values.
    pub(super) wildcards: bool,
    /// The only attribute with ranges; none: every date and time.
    pub(super) range: Option<Tag>,
    /// The largest `limit`, beyond which a search is refused, and the one of a search that gives none. None: as
    /// many as the limits of the origin say.
    pub(super) limit: Option<(usize, usize)>,
    /// Whether 206 says that there are more.
    pub(super) partial: bool,
    /// Whether a Warning says so to whoever could not know.
    pub(super) warns: bool,
}

/// Scheduled procedure steps, and workitems but for [`SearchRules::partial`].
pub(super) const SEARCH: SearchRules =
    SearchRules { keys: None, wildcards: true, range: None, limit: None, partial: false, warns: true };

/// A server that does all that PS3.18 §11, §14 and §15 ask for.
pub(crate) const STANDARD: Rules = Rules {
    scheduled_steps: Some("/modality-scheduled-procedure-steps"),
    performed_steps: true,
    workitems: SearchRules { partial: true, ..SEARCH },
    final_state: StatusCode::CONFLICT,
    cancels_in_progress: true,
    array_only: false,
    checks_final_state: true,
};

/// A server whose list of scheduled steps is older than PS3.18 §14, and that has no resource of PS3.18 §15.
pub(crate) const DCM4CHEE: Rules =
    Rules { scheduled_steps: Some("/mwlitems"), performed_steps: false, ..STANDARD };

/// A server that is as limited as the large clouds are.
pub(crate) const LIMITED: Rules = Rules {
    scheduled_steps: None,
    performed_steps: false,
    workitems: SearchRules {
        keys: Some(&[
            &[Tag::PATIENT_NAME],
            &[Tag::PATIENT_ID],
            &[REQUESTS, Tag::ACCESSION_NUMBER],
            &[REQUESTS, PROCEDURE_ID],
            &[START],
            &[STATION_NAME_CODES, CODE_VALUE],
            &[STATION_CLASS_CODES, CODE_VALUE],
            &[STATION_LOCATION_CODES, CODE_VALUE],
            &[PROCEDURE_STEP_STATE],
            &[Tag::STUDY_INSTANCE_UID],
        ]),
        wildcards: false,
        range: Some(START),
        limit: Some((200, 100)),
        partial: false,
        warns: false,
    },
    final_state: StatusCode::BAD_REQUEST,
    cancels_in_progress: false,
    array_only: true,
    checks_final_state: false,
};
