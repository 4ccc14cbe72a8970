//! What a C-FIND asks for (PS3.4 §C.4.1.1.3, §C.4.1.2).

use std::{borrow::Cow, fmt};

use dataset::{
    character_set::CharacterSet,
    identifier::{Identifier, IdentifierError},
    json::Item,
    matching::{Condition, KeyError, Keys, Options},
};
use dimse::acse::{InformationModel, QueryRetrieveOptions};
use instance::{Encoding, Tag};

use super::level::{
    INSTANCE_AVAILABILITY, Level, MODALITIES_IN_STUDY, QUERY_RETRIEVE_LEVEL, QUERY_RETRIEVE_VIEW,
    RETRIEVE_AE_TITLE, RETRIEVE_URL, TIMEZONE_OFFSET_FROM_UTC,
};
use crate::config::{PeerQuery, Relational};

/// What a C-FIND asks for.
#[derive(Debug)]
pub(crate) struct Request {
    /// The level of the results.
    pub(crate) level: Level,
    /// What results must match: keys of the level, of those above, and of none in particular.
    pub(crate) keys: Keys,
    /// The attributes that results show, as the identifier has them.
    pub(crate) shown: Item,
    /// Whether an optional key is not supported whatever the results hold.
    pub(crate) has_unsupported: bool,
    /// The character set of the identifier, in which answers are to be.
    pub(crate) character_set: CharacterSet,
}

/// Why an identifier does not match the SOP Class (PS3.4 §C.4.1.1.4, A900).
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RequestError {
    /// The bytes cannot be read.
    Identifier(IdentifierError),
    /// A key has a value that makes no sense.
    Key(KeyError),
    /// There is no Query/Retrieve Level, or none that the standard knows.
    NoLevel,
    /// The information model has no such level.
    LevelNotInModel(Level),
    /// A unique key that must be there is not, or says nothing.
    KeyMissing(Level),
    /// A unique key of a level above has not exactly one value.
    KeyNotSingle(Level),
}

impl RequestError {
    /// The offending element, for (0000,0901).
    pub(crate) const fn offending(&self) -> Option<Tag> {
        match self {
            Self::Identifier(error) => error.offending(),
            Self::Key(error) => Some(error.tag()),
            Self::NoLevel | Self::LevelNotInModel(_) => Some(QUERY_RETRIEVE_LEVEL),
            Self::KeyMissing(level) | Self::KeyNotSingle(level) => Some(level.unique_key()),
        }
    }
}

impl fmt::Display for RequestError {
    /// In at most 64 characters, without anything that the peer sent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identifier(error) => f.write_str(&in_words(error)),
            Self::Key(error) => f.write_str(&key_in_words(error)),
            Self::NoLevel => f.write_str("Query/Retrieve Level is PATIENT, STUDY, SERIES or IMAGE"),
            Self::LevelNotInModel(level) => {
                write!(f, "no level {} in this information model", level.as_str())
            }
            Self::KeyMissing(level) => write!(f, "{} is needed", name(*level)),
            Self::KeyNotSingle(level) => write!(f, "{} needs a single value", name(*level)),
        }
    }
}

/// What is wrong with an identifier, in at most 64 characters, without anything that the peer sent.
pub(crate) fn in_words(error: &IdentifierError) -> Cow<'static, str> {
    match error {
        IdentifierError::TooLong => "the identifier is too long".into(),
        IdentifierError::TooManyValues(_) => "the identifier has too many values".into(),
        IdentifierError::UnknownCharacterSet(_) => "unknown Specific Character Set".into(),
        IdentifierError::Undecodable(tag) => format!("{tag} is not in its Specific Character Set").into(),
        _ => "the identifier cannot be read".into(),
    }
}

/// The same of a key.
pub(crate) fn key_in_words(error: &KeyError) -> String {
    match error {
        KeyError::Uid(tag, _) => format!("{tag} is no UID"),
        KeyError::Date(tag) => format!("{tag} is no date and no range of dates"),
        KeyError::Time(tag) => format!("{tag} is no time and no range of times"),
        KeyError::DateTime(tag) => format!("{tag} is no date time and no range"),
        KeyError::Number(tag) => format!("{tag} is no number"),
        KeyError::TooLong(tag) => format!("{tag} is too long"),
        KeyError::SeveralItems(tag) => format!("{tag} has more than one item"),
        other => format!("{} cannot be matched", other.tag()),
    }
}

/// A unique key as PS3.6 writes it.
const fn name(level: Level) -> &'static str {
    match level {
        Level::Patient => "Patient ID (0010,0020)",
        Level::Study => "Study Instance UID (0020,000D)",
        Level::Series => "Series Instance UID (0020,000E)",
        Level::Image => "SOP Instance UID (0008,0018)",
    }
}

impl Request {
    /// Reads an identifier of `model` in `encoding`.
    ///
    /// # Errors
    /// What PS3.4 §C.4.1.1.4 answers with A900.
    pub(crate) fn read(
        bytes: &[u8],
        encoding: Encoding,
        model: InformationModel,
        options: QueryRetrieveOptions,
        peer: &PeerQuery,
    ) -> Result<Self, RequestError> {
        let Identifier { mut item, character_set, .. } =
            Identifier::read(bytes, encoding, peer.character_set.as_ref())
                .map_err(RequestError::Identifier)?;
        let level = item.text(QUERY_RETRIEVE_LEVEL).and_then(|value| Level::from_value(&value));
        let level = level.ok_or(RequestError::NoLevel)?;
        if !Level::of(model).contains(&level) {
            return Err(RequestError::LevelNotInModel(level));
        }
        let matching = Options {
            combined_date_time: options.combined_date_time,
            fuzzy: options.fuzzy,
            ..Options::default()
        };
        let mut keys = Keys::read(&item, matching).map_err(RequestError::Key)?;
        let relational = options.relational || peer.relational == Relational::Always;
        check_unique_keys(&keys, level, model, relational, peer.lenient)?;
        for directs in DIRECTING {
            item.remove(directs);
            keys = keys.without(directs);
        }
        // The archive's address is nobody's business here, neither to see nor to guess by it.
        let asks_for_url = keys.get(RETRIEVE_URL).is_some();
        keys = keys.without(RETRIEVE_URL);
        let (keys, has_unsupported) = of_level(keys, level, relational || peer.lenient);
        let has_unsupported = has_unsupported || asks_for_url;
        Ok(Self { level, keys, shown: item, has_unsupported, character_set })
    }

    /// Tags of the attributes that results show or must match.
    pub(crate) fn tags(&self) -> Vec<Tag> {
        let mut tags: Vec<Tag> = self.shown.iter().map(|(tag, _)| tag).collect();
        tags.extend(self.keys.iter().map(|(tag, _)| tag).filter(|tag| self.shown.get(*tag).is_none()));
        tags
    }
}

/// What directs a query and is shown by the answers in its own way.
const DIRECTING: [Tag; 6] = [
    Tag::SPECIFIC_CHARACTER_SET,
    QUERY_RETRIEVE_LEVEL,
    QUERY_RETRIEVE_VIEW,
    RETRIEVE_AE_TITLE,
    INSTANCE_AVAILABILITY,
    TIMEZONE_OFFSET_FROM_UTC,
];

/// Whether the unique keys are as PS3.4 §C.4.1.2.1 wants them: a single value for every level above,
/// unless the query is relational (PS3.4 §C.4.1.2.2.1), and a key of the level itself.
fn check_unique_keys(
    keys: &Keys,
    level: Level,
    model: InformationModel,
    relational: bool,
    lenient: bool,
) -> Result<(), RequestError> {
    let below_a_study = keys.get(Tag::STUDY_INSTANCE_UID).is_some_and(|key| key.single_uid().is_some());
    let above = Level::of(model).iter().copied().filter(|above| *above < level);
    for above in above.filter(|_| !relational) {
        match keys.get(above.unique_key()) {
            Some(Condition::SingleValue(_)) => {}
            Some(Condition::ListOfUid(uids)) if uids.len() == 1 => {}
            Some(Condition::Universal) | None if above == Level::Patient && lenient && below_a_study => {}
            Some(Condition::Universal) | None => return Err(RequestError::KeyMissing(above)),
            Some(_) => return Err(RequestError::KeyNotSingle(above)),
        }
    }
    if keys.get(level.unique_key()).is_none() && !lenient {
        return Err(RequestError::KeyMissing(level));
    }
    Ok(())
}

/// Leaves out the keys of levels below the one of the query, which its entities do not have. `Modality`
/// of a study means what its series have, where such keys are allowed.
fn of_level(mut keys: Keys, level: Level, below_allowed: bool) -> (Keys, bool) {
    let mut unsupported = false;
    let mut modality = None;
    keys.retain(|tag, condition| {
        let below = Level::of_attribute(tag).is_some_and(|of| of > level);
        if below && tag == Tag::MODALITY && level == Level::Study && below_allowed {
            modality = Some(condition.clone());
        }
        unsupported |= below || matches!(condition, Condition::Unsupported);
        !below
    });
    if let Some(modality) = modality.filter(|modality| !modality.is_universal())
        && keys.get(MODALITIES_IN_STUDY).is_none_or(Condition::is_universal)
    {
        keys.insert(MODALITIES_IN_STUDY, modality);
    }
    (keys, unsupported)
}

#[cfg(test)]
mod tests;
