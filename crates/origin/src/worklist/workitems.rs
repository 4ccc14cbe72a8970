//! Workitems (PS3.18 §11).

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, RawQuery, State as Shared},
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use dataset::{
    element::VR,
    json::{Content, Element, Item},
};
use instance::{Tag, Uid};

use super::{
    attributes::{CREATES_WORKITEM, OF_WORKITEM, PERFORMED, PROCEDURE_STEP_STATE, PROGRESS, TRANSACTION_UID},
    body::{bad, conflict, data_set},
    performed::{has_all, json},
    query::Query,
    routes::{gone, rules, store, uid},
    search::Search,
    store::{Kept, Kind},
};
use crate::{
    media::{DICOM_JSON, Refused, accepts_json, not_acceptable, not_found, refused, typed},
    routes::target::base,
    server::State,
};

/// Unified Procedure Step - Push SOP Class, which every workitem has (PS3.4 §CC.3.1).
const SOP_CLASS: &str = "1.2.840.10008.5.1.4.34.6.1";

/// Lists workitems (PS3.18 §11.9).
pub(super) async fn search(
    Shared(state): Shared<Arc<State>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    if !accepts_json(&headers) {
        return Err(not_acceptable());
    }
    let (limits, rules) = (&state.options.limits, &rules(&state)?.workitems);
    let query = Query::read(&query.unwrap_or_default(), rules, limits.parameters_max)?;
    let search = Search {
        store: store(&state)?,
        kind: Kind::Workitem,
        rules,
        returned: OF_WORKITEM,
        matches_max: limits.matches_max,
    };
    search.answer(query)
}

/// Creates a workitem (PS3.18 §11.4). Its UID is the query, or else in the data set, or else made here.
pub(super) async fn create(
    Shared(state): Shared<Arc<State>>,
    RawQuery(query): RawQuery,
    parts: Parts,
    body: Body,
) -> Result<Response, Refused> {
    let mut item = data_set(&parts.headers, body, rules(&state)?.array_only).await?;
    let named = named(query.as_deref(), "workitem")?;
    let stated = item.uid(Tag::SOP_INSTANCE_UID);
    if named.is_some() && stated.is_some() && named != stated {
        return Err(bad("the data set has another SOP Instance UID than the query"));
    }
    has_all(&item, CREATES_WORKITEM)?;
    if item.text(PROCEDURE_STEP_STATE).is_none_or(|state| state != "SCHEDULED") {
        return Err(bad("a workitem begins SCHEDULED"));
    }
    if item.get(TRANSACTION_UID).is_some_and(|element| element.content != Content::Empty) {
        return Err(bad("a workitem begins without a Transaction UID"));
    }
    let uid =
        named.or(stated).map_or_else(|| format!("2.25.{}", rand::random::<u128>()), |uid| uid.to_string());
    item.insert(Tag::SOP_CLASS_UID, Element::text(VR::UI, SOP_CLASS));
    item.insert(Tag::SOP_INSTANCE_UID, Element::text(VR::UI, &uid));
    let created = |kept| match kept {
        Kept::Nothing => Ok(item),
        Kept::Removed | Kept::There(_) => Err(conflict("there is a workitem of this UID")),
    };
    let key = uid.clone();
    store(&state)?.blocking(move |store| store.change(Kind::Workitem, &key, created)).await??;
    let base = base(&parts, state.options.personality.rules().base_path);
    let location = format!("{base}/workitems/{uid}");
    let headers = [(header::LOCATION, location.clone()), (header::CONTENT_LOCATION, location)];
    Ok((StatusCode::CREATED, headers).into_response())
}

/// Gives a workitem without its Transaction UID (PS3.18 §11.5).
pub(super) async fn retrieve(
    Shared(state): Shared<Arc<State>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    if !accepts_json(&headers) {
        return Err(not_acceptable());
    }
    let mut workitem = there(store(&state)?.get(Kind::Workitem, uid(&name)?.as_str()))?;
    workitem.remove(TRANSACTION_UID);
    Ok(typed(StatusCode::OK, DICOM_JSON, json(&workitem).into()))
}

/// Changes attributes of a workitem (PS3.18 §11.6). The query is its Transaction UID once it is in progress.
pub(super) async fn update(
    Shared(state): Shared<Arc<State>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let (uid, rules) = (uid(&name)?, rules(&state)?);
    let modifications = data_set(&headers, body, rules.array_only).await?;
    let transaction = named(query.as_deref(), "transaction-uid")?;
    let fixed = [PROCEDURE_STEP_STATE, TRANSACTION_UID, Tag::SOP_CLASS_UID, Tag::SOP_INSTANCE_UID];
    if let Some(fixed) = fixed.iter().find(|tag| modifications.get(**tag).is_some()) {
        return Err(bad(format!("{fixed} may not be changed")));
    }
    let changed = move |kept| {
        let mut workitem = there(kept)?;
        match state_of(&workitem) {
            ProcedureStepState::Scheduled if transaction.is_some() => {
                return Err(bad("a workitem that is SCHEDULED has no Transaction UID"));
            }
            ProcedureStepState::Scheduled => {}
            ProcedureStepState::InProgress => owns(&workitem, transaction.as_ref())?,
            ProcedureStepState::Completed | ProcedureStepState::Canceled => {
                return Err(refused(rules.final_state, "the workitem is in a final state"));
            }
        }
        for (tag, element) in modifications.iter() {
            workitem.insert(tag, element.clone());
        }
        Ok(workitem)
    };
    let key = uid.to_string();
    store(&state)?.blocking(move |store| store.change(Kind::Workitem, &key, changed)).await??;
    Ok(StatusCode::OK.into_response())
}

/// Changes the state of a workitem (PS3.18 §11.7, PS3.4 §CC.1.1).
pub(super) async fn change_state(
    Shared(state): Shared<Arc<State>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let (uid, rules) = (uid(&name)?, rules(&state)?);
    let asked = data_set(&headers, body, rules.array_only).await?;
    let wanted = asked.text(PROCEDURE_STEP_STATE).and_then(|text| ProcedureStepState::read(&text));
    let wanted = wanted.ok_or_else(|| bad("(0074,1000) is no state"))?;
    let transaction = asked.uid(TRANSACTION_UID).ok_or_else(|| bad("the Transaction UID is missing"))?;
    let changed = move |kept| {
        use ProcedureStepState::{Canceled, Completed, InProgress, Scheduled};
        let mut workitem = there(kept).map_err(Unchanged::Refused)?;
        match (state_of(&workitem), wanted) {
            (_, Scheduled) => return Err(bad("no workitem becomes SCHEDULED again").into()),
            (Scheduled, InProgress) => {
                workitem.insert(TRANSACTION_UID, Element::text(VR::UI, transaction.as_str()));
            }
            (Scheduled, Completed | Canceled) => {
                return Err(conflict("the workitem is not in progress").into());
            }
            (InProgress, InProgress) => return Err(conflict("the workitem is in progress already").into()),
            (InProgress, Completed | Canceled) => {
                owns(&workitem, Some(&transaction))?;
                let needed = if wanted == Completed { PERFORMED } else { PROGRESS };
                if rules.checks_final_state && workitem.items(needed).next().is_none() {
                    return Err(conflict("the workitem lacks what a final state needs").into());
                }
            }
            (Completed, Completed) | (Canceled, Canceled) => {
                owns(&workitem, Some(&transaction))?;
                return Err(Unchanged::Already);
            }
            (Completed | Canceled, _) => return Err(conflict("the workitem is in a final state").into()),
        }
        workitem.insert(PROCEDURE_STEP_STATE, Element::text(VR::CS, wanted.as_str()));
        Ok(workitem)
    };
    let key = uid.to_string();
    match store(&state)?.blocking(move |store| store.change(Kind::Workitem, &key, changed)).await? {
        Ok(()) => Ok(StatusCode::OK.into_response()),
        Err(Unchanged::Refused(refused)) => Err(refused),
        Err(Unchanged::Already) => Ok(warned(StatusCode::OK, wanted)),
    }
}

/// Asks for a workitem to be canceled (PS3.18 §11.8). One that nobody has begun is canceled at once.
pub(super) async fn request_cancellation(
    Shared(state): Shared<Arc<State>>,
    Path(name): Path<String>,
) -> Result<Response, Refused> {
    let (uid, rules) = (uid(&name)?, rules(&state)?);
    let changed = move |kept| {
        let mut workitem = there(kept)?;
        match state_of(&workitem) {
            ProcedureStepState::Scheduled => {
                let canceled = Element::text(VR::CS, ProcedureStepState::Canceled.as_str());
                workitem.insert(PROCEDURE_STEP_STATE, canceled);
                Ok(workitem)
            }
            ProcedureStepState::InProgress if rules.cancels_in_progress => Ok(workitem),
            ProcedureStepState::InProgress => Err(conflict("nobody can be asked").into()),
            ProcedureStepState::Completed => Err(conflict("the workitem is COMPLETED").into()),
            ProcedureStepState::Canceled => Err(Unchanged::Already),
        }
    };
    let key = uid.to_string();
    match store(&state)?.blocking(move |store| store.change(Kind::Workitem, &key, changed)).await? {
        Ok(()) => Ok(StatusCode::ACCEPTED.into_response()),
        Err(Unchanged::Refused(refused)) => Err(refused),
        Err(Unchanged::Already) => Ok(warned(StatusCode::CONFLICT, ProcedureStepState::Canceled)),
    }
}

/// Why a workitem is as before.
enum Unchanged {
    Refused(Refused),
    /// It is in the state that was asked for.
    Already,
}

impl From<Refused> for Unchanged {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// (0074,1000) Procedure Step State.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ProcedureStepState {
    Scheduled,
    InProgress,
    Completed,
    Canceled,
}

impl ProcedureStepState {
    const ALL: [Self; 4] = [Self::Scheduled, Self::InProgress, Self::Completed, Self::Canceled];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "SCHEDULED",
            Self::InProgress => "IN PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Canceled => "CANCELED",
        }
    }

    fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

fn state_of(workitem: &Item) -> ProcedureStepState {
    let state = workitem.text(PROCEDURE_STEP_STATE).and_then(|text| ProcedureStepState::read(&text));
    state.unwrap_or(ProcedureStepState::Scheduled)
}

fn there(kept: Kept) -> Result<Item, Refused> {
    match kept {
        Kept::Nothing => Err(not_found()),
        Kept::Removed => Err(gone()),
        Kept::There(workitem) => Ok(Arc::unwrap_or_clone(workitem)),
    }
}

/// Refuses whoever does not have the Transaction UID of a workitem.
fn owns(workitem: &Item, transaction: Option<&Uid>) -> Result<(), Refused> {
    match transaction {
        None => Err(bad("the Transaction UID is missing")),
        Some(uid) if workitem.uid(TRANSACTION_UID).as_ref() != Some(uid) => {
            Err(bad("the Transaction UID is incorrect"))
        }
        Some(_) => Ok(()),
    }
}

/// An answer which says that there was nothing to do.
fn warned(status: StatusCode, state: ProcedureStepState) -> Response {
    let text = match state {
        ProcedureStepState::Completed => {
            "299 dimseway-origin \"The UPS is already in the requested state of COMPLETED\""
        }
        _ => "299 dimseway-origin \"The UPS is already in the requested state of CANCELED\"",
    };
    (status, [(header::WARNING, HeaderValue::from_static(text))]).into_response()
}

/// A UID that is the whole query, alone or with its name before it.
fn named(query: Option<&str>, name: &str) -> Result<Option<Uid>, Refused> {
    let Some(query) = query.filter(|query| !query.is_empty()) else { return Ok(None) };
    let text = query.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')).unwrap_or(query);
    uid(text).map(Some)
}
