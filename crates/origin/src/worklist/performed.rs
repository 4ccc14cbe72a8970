//! Performed procedure steps of modalities (PS3.18 §15).

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, RawQuery, State as Shared},
    http::{HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
};
use dataset::{
    element::VR,
    json::{Content, Element, Item, tag, write_item},
};
use instance::{Tag, Uid};

use super::{
    attributes::{
        CREATES_PERFORMED, ENDS_PERFORMED, FIXED_OF_PERFORMED, PERFORMED_SERIES, PERFORMED_STATUS,
        STEP_ATTRIBUTES,
    },
    body::{bad, conflict, data_set},
    routes::{gone, store, uid},
    store::{Kept, Kind},
};
use crate::{
    media::{DICOM_JSON, Refused, accepts_json, not_acceptable, not_found, typed},
    routes::target::base,
    server::State,
};

/// Modality Performed Procedure Step SOP Class.
const SOP_CLASS: &str = "1.2.840.10008.3.1.2.3.3";

/// Creates a step (PS3.18 §15.4), or updates it where the query says so (PS3.18 §15.5).
pub(super) async fn post(
    Shared(state): Shared<Arc<State>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    parts: Parts,
    body: Body,
) -> Result<Response, Refused> {
    match query.as_deref() {
        None | Some("") => create(&state, &uid(&name)?, &parts, body).await,
        Some("update" | "update=" | "update=true") => {
            change(&state, &uid(&name)?, &parts.headers, body).await
        }
        Some(_) => Err(bad("there is no such parameter")),
    }
}

/// Updates a step, addressed as the first examples of the standard have it.
pub(super) async fn update(
    Shared(state): Shared<Arc<State>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    change(&state, &uid(&name)?, &headers, body).await
}

async fn create(state: &Arc<State>, uid: &Uid, parts: &Parts, body: Body) -> Result<Response, Refused> {
    let mut item = data_set(&parts.headers, body, false).await?;
    has_all(&item, CREATES_PERFORMED)?;
    if item.text(PERFORMED_STATUS).is_none_or(|status| status != "IN PROGRESS") {
        return Err(bad("a step begins IN PROGRESS"));
    }
    if !item.items(STEP_ATTRIBUTES).all(|step| step.uid(Tag::STUDY_INSTANCE_UID).is_some()) {
        return Err(bad("(0040,0270) must name a study"));
    }
    if item.uid(Tag::SOP_INSTANCE_UID).is_some_and(|stated| stated != *uid) {
        return Err(bad("the data set has another SOP Instance UID than the resource"));
    }
    item.insert(Tag::SOP_CLASS_UID, Element::text(VR::UI, SOP_CLASS));
    item.insert(Tag::SOP_INSTANCE_UID, Element::text(VR::UI, uid.as_str()));
    let key = uid.to_string();
    let created = |kept| match kept {
        Kept::Nothing => Ok(item),
        Kept::Removed | Kept::There(_) => Err(conflict("there is a step of this UID")),
    };
    store(state)?.blocking(move |store| store.change(Kind::PerformedStep, &key, created)).await??;
    let base = base(parts, state.options.personality.rules().base_path);
    let location = format!("{base}/modality-performed-procedure-steps/{uid}");
    Ok((StatusCode::CREATED, [(header::LOCATION, location)]).into_response())
}

async fn change(state: &Arc<State>, uid: &Uid, headers: &HeaderMap, body: Body) -> Result<Response, Refused> {
    let modifications = data_set(headers, body, false).await?;
    if let Some(fixed) = FIXED_OF_PERFORMED.iter().find(|tag| modifications.get(**tag).is_some()) {
        return Err(bad(format!("{fixed} may not be changed")));
    }
    let changed = move |kept| {
        let step = match kept {
            Kept::Nothing => return Err(not_found()),
            Kept::Removed => return Err(gone()),
            Kept::There(step) => step,
        };
        if step.text(PERFORMED_STATUS).is_none_or(|status| status != "IN PROGRESS") {
            return Err(conflict("the step is in a final state"));
        }
        let mut step = Arc::unwrap_or_clone(step);
        for (tag, element) in modifications.iter() {
            step.insert(tag, element.clone());
        }
        match step.text(PERFORMED_STATUS).as_deref() {
            Some("IN PROGRESS") => {}
            Some("COMPLETED") => {
                has_all(&step, ENDS_PERFORMED)?;
                has_all(&step, &[PERFORMED_SERIES])?;
            }
            Some("DISCONTINUED") => has_all(&step, ENDS_PERFORMED)?,
            _ => return Err(bad("(0040,0252) is no status")),
        }
        Ok(step)
    };
    let key = uid.to_string();
    store(state)?.blocking(move |store| store.change(Kind::PerformedStep, &key, changed)).await??;
    Ok(StatusCode::OK.into_response())
}

/// Gives a step, or the attributes of it that are asked for (PS3.18 §15.6).
pub(super) async fn retrieve(
    Shared(state): Shared<Arc<State>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    if !accepts_json(&headers) {
        return Err(not_acceptable());
    }
    let step = match store(&state)?.get(Kind::PerformedStep, uid(&name)?.as_str()) {
        Kept::Nothing => return Err(not_found()),
        Kept::Removed => return Err(gone()),
        Kept::There(step) => step,
    };
    let mut wanted = Vec::new();
    for parameter in query.unwrap_or_default().split('&').filter(|one| !one.is_empty()) {
        let names =
            parameter.strip_prefix("includefield=").ok_or_else(|| bad("there is no such parameter"))?;
        wanted.extend(names.split(',').map(str::to_owned));
    }
    let tags: Option<Vec<Tag>> = wanted.iter().filter(|name| *name != "all").map(|name| tag(name)).collect();
    let mut tags = tags.ok_or_else(|| bad("includefield names no attribute"))?;
    let all = tags.len() < wanted.len() || wanted.is_empty();
    tags.extend([Tag::SOP_CLASS_UID, Tag::SOP_INSTANCE_UID]);
    let given: Item = step
        .iter()
        .filter(|(tag, _)| all || tags.contains(tag))
        .map(|(tag, element)| (tag, element.clone()))
        .collect();
    Ok(typed(StatusCode::OK, DICOM_JSON, json(&given).into()))
}

/// One data set in an array (PS3.18 §F.2.1).
pub(super) fn json(item: &Item) -> Vec<u8> {
    let mut json = b"[".to_vec();
    // Writing to memory does not fail.
    let _ = write_item(item, &mut json);
    json.extend_from_slice(b"]\n");
    json
}

/// Refuses a data set in which one of these has no value.
pub(super) fn has_all(item: &Item, tags: &[Tag]) -> Result<(), Refused> {
    let has = |tag: &&Tag| item.get(**tag).is_some_and(|element| element.content != Content::Empty);
    match tags.iter().find(|tag| !has(tag)) {
        Some(missing) => Err(bad(format!("{missing} must have a value"))),
        None => Ok(()),
    }
}
