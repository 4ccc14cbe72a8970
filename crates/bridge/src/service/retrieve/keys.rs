//! The unique keys of a retrieve (PS3.4 §C.4.2.2.1, §C.4.3.2.1).

use dataset::{
    identifier::{Identifier, IdentifierError},
    json::{Item, Value},
};
use dimse::acse::InformationModel;
use instance::{Tag, Uid};

use crate::service::query::{Scope, request::RequestError};

const QUERY_RETRIEVE_LEVEL: Tag = Tag(0x0008, 0x0052);

/// A level of the Query/Retrieve hierarchy (PS3.4 §C.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Patient,
    Study,
    Series,
    Image,
}

/// What may be left out of the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tolerance {
    /// Keys above the level, because relational retrieval is agreed on (PS3.4 §C.4.2.2.2).
    pub(super) relational: bool,
    /// Patient ID above a study, for requestors that do not keep to the rules of Patient Root.
    pub(super) lenient: bool,
}

/// What a retrieve asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Keys {
    pub(super) level: Level,
    pub(super) scope: Scope,
}

/// Why an identifier names nothing that could be retrieved.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyError {
    /// The identifier cannot be read. What it says is not repeated: it may be anything of a patient.
    #[error("{}", RequestError::Identifier(_0.clone()))]
    Unreadable(#[from] IdentifierError),
    /// (0008,0052) is absent or is no level of the information model.
    #[error("the Query/Retrieve Level is not one of the information model")]
    Level,
    /// A unique key is absent or empty.
    #[error("the unique key {0} is missing")]
    Missing(Tag),
    /// A unique key has several values where one is allowed.
    #[error("the unique key {0} must have a single value")]
    Several(Tag),
    /// A value is no UID.
    #[error("a value of {0} is no UID")]
    NotUid(Tag),
    /// A Patient ID with wildcards, which retrieves do not have.
    #[error("the unique key {0} must be a single value without wildcards")]
    Wildcard(Tag),
}

impl KeyError {
    /// The element at fault, for (0000,0901).
    pub(crate) const fn offending(&self) -> Option<Tag> {
        match self {
            Self::Unreadable(error) => error.offending(),
            Self::Level => Some(QUERY_RETRIEVE_LEVEL),
            Self::Missing(tag) | Self::Several(tag) | Self::NotUid(tag) | Self::Wildcard(tag) => Some(*tag),
        }
    }
}

/// Reads the unique keys of an identifier. Other attributes are passed over: PS3.4 §C.4.2.2.1 has none,
/// and workstations send some.
pub(super) fn read(
    identifier: &Identifier,
    model: InformationModel,
    tolerance: Tolerance,
) -> Result<Keys, KeyError> {
    let item = &identifier.item;
    let level = level(item, model)?;
    let mut scope = Scope::default();
    let named = |tag, of: Level| uids(item, tag, of == level);
    if level >= Level::Study {
        scope.studies = named(Tag::STUDY_INSTANCE_UID, Level::Study)?;
    }
    if level >= Level::Series {
        scope.series = named(Tag::SERIES_INSTANCE_UID, Level::Series)?;
    }
    if level >= Level::Image {
        scope.instances = named(Tag::SOP_INSTANCE_UID, Level::Image)?;
    }
    if model != InformationModel::StudyRoot {
        scope.patient_id = patient_id(item)?;
    }
    let present = [
        (Level::Patient, Tag::PATIENT_ID, scope.patient_id.is_some()),
        (Level::Study, Tag::STUDY_INSTANCE_UID, !scope.studies.is_empty()),
        (Level::Series, Tag::SERIES_INSTANCE_UID, !scope.series.is_empty()),
        (Level::Image, Tag::SOP_INSTANCE_UID, !scope.instances.is_empty()),
    ];
    for (of, tag, is_present) in present {
        let needed = match of {
            _ if of == level => true,
            _ if of > level || tolerance.relational => false,
            Level::Patient => model != InformationModel::StudyRoot && !tolerance.lenient,
            _ => true,
        };
        if needed && !is_present {
            return Err(KeyError::Missing(tag));
        }
    }
    Ok(Keys { level, scope })
}

fn level(item: &Item, model: InformationModel) -> Result<Level, KeyError> {
    use InformationModel as Model;
    let level = match item.text(QUERY_RETRIEVE_LEVEL).as_deref() {
        Some("PATIENT") => Level::Patient,
        Some("STUDY") => Level::Study,
        Some("SERIES") => Level::Series,
        Some("IMAGE") => Level::Image,
        _ => return Err(KeyError::Level),
    };
    match (model, level) {
        (Model::StudyRoot, Level::Patient) | (Model::PatientStudyOnly, Level::Series | Level::Image) => {
            Err(KeyError::Level)
        }
        _ => Ok(level),
    }
}

/// The values of a UID key; several only where a list is allowed, none where it is absent or empty.
fn uids(item: &Item, tag: Tag, list: bool) -> Result<Vec<Uid>, KeyError> {
    let texts = item.values(tag).iter().filter_map(Value::text).filter(|text| !text.is_empty());
    let uids = texts.map(|text| text.parse::<Uid>().map_err(|_| KeyError::NotUid(tag)));
    let mut uids = uids.collect::<Result<Vec<_>, _>>()?;
    // A UID that is named twice is wanted once.
    let mut seen = std::collections::HashSet::new();
    uids.retain(|uid| seen.insert(uid.clone()));
    if !list && uids.len() > 1 {
        return Err(KeyError::Several(tag));
    }
    Ok(uids)
}

fn patient_id(item: &Item) -> Result<Option<String>, KeyError> {
    let values = item.values(Tag::PATIENT_ID);
    let mut texts = values.iter().filter_map(Value::text).filter(|text| !text.is_empty());
    let Some(id) = texts.next() else { return Ok(None) };
    if texts.next().is_some() {
        return Err(KeyError::Several(Tag::PATIENT_ID));
    }
    if id.contains(['*', '?']) {
        return Err(KeyError::Wildcard(Tag::PATIENT_ID));
    }
    Ok(Some(id.into_owned()))
}

#[cfg(test)]
mod tests;
