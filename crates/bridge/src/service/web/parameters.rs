//! The query parameters of a search (PS3.18 §8.3.4).

use dataset::{
    element::{VR, vr_of},
    json::{Element, Item, tag},
};
use instance::Tag;

/// Results of one page. 1,000, about 4 MB of DICOM JSON; further ones are asked for with `offset`.
const PAGE_MAX: usize = 1_000;

/// Parameters of one search. 200: there are not as many attributes in the model.
const PARAMETERS_MAX: usize = 200;

/// Sequences around an attribute. 2, as many as the model has.
const DEPTH_MAX: usize = 2;

/// (0040,0100) Scheduled Procedure Step Sequence.
const STEPS: Tag = Tag(0x0040, 0x0100);

/// What a search asks for.
#[derive(Clone, PartialEq)]
pub struct Search {
    /// The keys as an identifier.
    pub(super) keys: Item,
    /// Whether names match by their sound and parts too.
    pub(super) fuzzy: bool,
    /// Results to be left out at the beginning.
    pub(super) offset: usize,
    /// Results at most.
    pub(super) limit: usize,
}

/// A parameter that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidParameter {
    /// More than are read.
    #[error("more than {PARAMETERS_MAX} parameters")]
    TooMany,
    /// A name that is neither an attribute nor a parameter of searches.
    #[error("a parameter is no attribute, or has more than {DEPTH_MAX} sequences around it")]
    Name,
    /// A value that is not possible.
    #[error("`{0}` has a value that is not possible")]
    Value(&'static str),
}

impl Search {
    /// Reads parameters, decoded. `includefield` is understood and changes nothing: every result has all that
    /// is known of it.
    ///
    /// # Errors
    /// The first parameter that makes no sense.
    pub fn read<'a>(
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, InvalidParameter> {
        let mut search = Self { keys: Item::new(), fuzzy: false, offset: 0, limit: PAGE_MAX };
        for (number, (name, value)) in parameters.into_iter().enumerate() {
            if number == PARAMETERS_MAX {
                return Err(InvalidParameter::TooMany);
            }
            match name {
                "limit" => search.limit = count("limit", value)?.min(PAGE_MAX),
                "offset" => search.offset = count("offset", value)?,
                "fuzzymatching" => {
                    search.fuzzy = value.parse().map_err(|_| InvalidParameter::Value("fuzzymatching"))?;
                }
                "includefield" | "emptyvaluematching" | "multiplevaluematching" => {}
                name => {
                    let path: Option<Vec<Tag>> = name.split('.').map(tag).collect();
                    let path = path.filter(|path| path.len() <= DEPTH_MAX + 1);
                    insert(&mut search.keys, &path.ok_or(InvalidParameter::Name)?, value)?;
                }
            }
        }
        if search.keys.get(STEPS).is_none() {
            // Without any key a C-FIND is refused, and a search is for everything.
            search.keys.insert(STEPS, Element::empty(VR::SQ));
        }
        Ok(search)
    }
}

fn count(name: &'static str, value: &str) -> Result<usize, InvalidParameter> {
    value.parse().map_err(|_| InvalidParameter::Value(name))
}

/// Adds a key below the sequences that lead to it.
fn insert(keys: &mut Item, path: &[Tag], value: &str) -> Result<(), InvalidParameter> {
    match path {
        [] => Err(InvalidParameter::Name),
        [key] => {
            let vr = vr_of(*key).map_or(VR::LO, |(vr, _)| vr);
            // A list of UIDs has commas here and backslashes in an identifier (PS3.18 §8.3.4.1).
            let value = if vr == VR::UI { value.replace(',', "\\") } else { value.to_owned() };
            let element = match (vr, value.as_str()) {
                (VR::SQ, "") | (_, "") => Element::empty(vr),
                (VR::SQ, _) => return Err(InvalidParameter::Name),
                (vr, value) => Element::texts(vr, value.split('\\')),
            };
            keys.insert(*key, element);
            Ok(())
        }
        [sequence, rest @ ..] => {
            if vr_of(*sequence).is_none_or(|(vr, _)| vr != VR::SQ) {
                return Err(InvalidParameter::Name);
            }
            let mut item = keys.items(*sequence).next().cloned().unwrap_or_default();
            insert(&mut item, rest, value)?;
            keys.insert(*sequence, Element::sequence([item]));
            Ok(())
        }
    }
}

impl std::fmt::Debug for Search {
    /// Without anything about a patient.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Search").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_the_keys_of_an_identifier() {
        let search = Search::read([
            ("PatientID", "4711"),
            ("00400100.Modality", "CT"),
            ("ScheduledProcedureStepSequence.00400002", "20261122-20261123"),
            ("StudyInstanceUID", "1.2,1.3"),
            ("includefield", "all"),
            ("limit", "5000"),
            ("offset", "7"),
        ])
        .unwrap();
        assert_eq!(search.keys.text(Tag::PATIENT_ID).as_deref(), Some("4711"));
        assert_eq!(search.keys.values(Tag::STUDY_INSTANCE_UID).len(), 2);
        let step = search.keys.items(STEPS).next().unwrap();
        assert_eq!(step.text(Tag::MODALITY).as_deref(), Some("CT"));
        assert_eq!(step.text(Tag(0x0040, 0x0002)).as_deref(), Some("20261122-20261123"));
        assert_eq!((search.limit, search.offset, search.fuzzy), (PAGE_MAX, 7, false));
    }

    #[test]
    fn what_makes_no_sense_is_refused_and_nothing_is_everything() {
        assert_eq!(Search::read([]).unwrap().keys.len(), 1);
        for (name, value, expected) in [
            ("PatientIdentity", "1", InvalidParameter::Name),
            ("PatientID.PatientName", "1", InvalidParameter::Name),
            ("00400100", "x", InvalidParameter::Name),
            ("00400100.00400100.00400100.00080060", "CT", InvalidParameter::Name),
            ("limit", "-1", InvalidParameter::Value("limit")),
            ("offset", "x", InvalidParameter::Value("offset")),
            ("fuzzymatching", "maybe", InvalidParameter::Value("fuzzymatching")),
        ] {
            assert_eq!(Search::read([(name, value)]).unwrap_err(), expected, "{name}={value}");
        }
        let many = vec![("PatientID", "1"); PARAMETERS_MAX + 1];
        assert_eq!(Search::read(many).unwrap_err(), InvalidParameter::TooMany);
    }
}
