//! The parameters of a search (PS3.18 §8.3.4), as far as the profile's server understands them.

use std::collections::HashSet;
use std::fmt::Write as _;

use instance::{Tag, Uid};

use super::{MatchValue, Resource, Search};
use crate::Error;
use crate::profile::{IncludeField, SearchCapabilities, Searchable, Values};
use crate::url::encoded;

/// Characters that stand for themselves in the query of a URL and in no library's way, beside letters and
/// digits. The comma is not among them: it separates; nor is `?`, since a server that leaves out letters
/// beyond ASCII has nothing where `?` wants one.
const LITERAL: &str = "-._~*!$()/:;@=^|";

/// Most bytes of the parameters of a search. 7 KiB: many servers and proxies take request lines of 8 KiB at
/// most, and base URL, path and paging need some of it. Keys that do not fit are left out, so that more is
/// found.
const LENGTH_MAX: usize = 7 * 1024;

/// Most attributes that are asked for by name; for more, all are asked for. 50, as AWS HealthImaging has it.
const INCLUDED_MAX: usize = 50;

impl Search {
    /// The parameters, but for those of paging. A value that the server cannot take as it is becomes
    /// wider, or its key is left out.
    ///
    /// # Errors
    /// A search that the profile does not have.
    pub(super) fn parameters(&self, capabilities: &SearchCapabilities) -> Result<String, Error> {
        if *capabilities.searchable(self.resource()) == Searchable::Absent {
            return Err(Error::Profile("no such search"));
        }
        let included = self.included(capabilities);
        let room = LENGTH_MAX.saturating_sub(included.0.len() + 1);
        let mut parameters = Parameters(self.keys(capabilities, room)?.join("&"));
        if capabilities.key_required && parameters.0.is_empty() && self.study.is_none() {
            return Err(Error::Profile("no search without a key"));
        }
        parameters.append(&included);
        Ok(parameters.0)
    }

    /// The keys that there is room for, those of UIDs before others, since they find least.
    fn keys(&self, capabilities: &SearchCapabilities, mut room: usize) -> Result<Vec<String>, Error> {
        let mut said = HashSet::new();
        let mut keys = Vec::new();
        for (path, value) in &self.matching {
            // A key is said once (PS3.18 §8.3.4.1); what the second one would leave out is found too, then.
            if said.insert(path) && (capabilities.repeats_path_uid_as_key || !self.path_names(path)) {
                let mut key = Parameters::default();
                key.add_key(path, value, capabilities)?;
                keys.push((matches!(value, MatchValue::ListOfUid(_)), key.0));
            }
        }
        keys.retain(|(_, key)| !key.is_empty());
        let mut fits = vec![false; keys.len()];
        for of_uids in [true, false] {
            for ((is_of_uids, key), fits) in keys.iter().zip(&mut fits) {
                if *is_of_uids == of_uids && key.len() < room {
                    *fits = true;
                    room -= key.len() + 1;
                }
            }
        }
        Ok(keys.into_iter().zip(fits).filter(|(_, fits)| *fits).map(|((_, key), _)| key).collect())
    }

    /// The parameters that are no keys.
    fn included(&self, capabilities: &SearchCapabilities) -> Parameters {
        let mut parameters = Parameters::default();
        let by_name = self.include.len() <= INCLUDED_MAX;
        match capabilities.include_field {
            _ if self.include.is_empty() => {}
            IncludeField::Each if by_name => {
                self.include.iter().for_each(|tag| parameters.add("includefield", &attribute(&[*tag])));
            }
            IncludeField::List if by_name => {
                let tags: Vec<_> = self.include.iter().map(|tag| attribute(&[*tag])).collect();
                parameters.add("includefield", &tags.join(","));
            }
            IncludeField::Each | IncludeField::List | IncludeField::All => {
                parameters.add("includefield", "all")
            }
            IncludeField::None => {}
        }
        if self.fuzzy {
            parameters.add("fuzzymatching", "true");
        }
        parameters
    }

    /// Whether a key is the UID of a study or series that the path of the resource names already.
    fn path_names(&self, key: &[Tag]) -> bool {
        match self.resource() {
            Resource::Studies | Resource::Series | Resource::Instances => false,
            Resource::StudySeries | Resource::StudyInstances => *key == [Tag::STUDY_INSTANCE_UID],
            Resource::SeriesInstances => {
                *key == [Tag::STUDY_INSTANCE_UID] || *key == [Tag::SERIES_INSTANCE_UID]
            }
        }
    }
}

/// Name and value pairs, values already in the form for a URL.
#[derive(Default)]
pub(crate) struct Parameters(pub(crate) String);

impl Parameters {
    /// Adds a key, as far as the server can match its value.
    pub(crate) fn add_key(
        &mut self,
        path: &[Tag],
        value: &MatchValue,
        capabilities: &SearchCapabilities,
    ) -> Result<(), Error> {
        if path.is_empty() {
            return Err(Error::Profile("no search by nothing"));
        }
        let value = match value {
            MatchValue::Text(text) => text_value(text, capabilities),
            MatchValue::ListOfUid(uids) => Some(uid_list(uids, capabilities)?),
        };
        if let Some(value) = value {
            self.add(&attribute(path), &value);
        }
        Ok(())
    }

    fn append(&mut self, others: &Self) {
        if !self.0.is_empty() && !others.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(&others.0);
    }

    pub(crate) fn add(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        // Writing to a string does not fail.
        let _ = write!(self.0, "{name}={value}");
    }
}

/// `00400275.00400009`: the tags of a path in hexadecimal digits, which no dictionary can get wrong.
fn attribute(path: &[Tag]) -> String {
    let tags: Vec<_> = path.iter().map(|tag| format!("{:08X}", tag.to_u32())).collect();
    tags.join(".")
}

fn uid_list(uids: &[Uid], capabilities: &SearchCapabilities) -> Result<String, Error> {
    match uids {
        [] => Err(Error::Profile("no search for one of no UIDs")),
        [_, _, ..] if !capabilities.uid_list => Err(Error::Profile("no lists of UIDs")),
        // The comma stays as it is: some servers take the list apart before they decode it.
        _ => Ok(uids.iter().map(Uid::as_str).collect::<Vec<_>>().join(",")),
    }
}

/// A value as it stands in the URL; none where nothing is left of it that the server could match.
fn text_value(text: &str, capabilities: &SearchCapabilities) -> Option<String> {
    let literal = capabilities.values == Values::Literal;
    let passes = |character: char| match character {
        ',' => !capabilities.comma_separates,
        character if literal => character.is_ascii_alphanumeric() || LITERAL.contains(character),
        _ => true,
    };
    if text.chars().all(passes) {
        return Some(if literal { text.to_owned() } else { encoded(text) });
    }
    if !capabilities.wildcard {
        return None;
    }
    let mut wider = String::with_capacity(text.len());
    for character in text.chars() {
        match (passes(character), wider.ends_with('*')) {
            (true, _) => wider.push(character),
            (false, false) => wider.push('*'),
            (false, true) => {}
        }
    }
    let nothing_left = wider.chars().all(|character| character == '*');
    (!nothing_left).then(|| if literal { wider } else { encoded(&wider) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Level;

    fn capabilities(change: impl FnOnce(&mut SearchCapabilities)) -> SearchCapabilities {
        let mut capabilities = SearchCapabilities::standard();
        change(&mut capabilities);
        capabilities
    }

    fn by(path: &[Tag], value: impl Into<MatchValue>) -> Search {
        Search { matching: vec![(path.to_vec(), value.into())], ..Search::new(Level::Study) }
    }

    #[test]
    fn keys_stand_in_the_url_as_the_standard_has_them() {
        let standard = SearchCapabilities::standard();
        let uids = |texts: &[&str]| -> Vec<Uid> { texts.iter().map(|text| text.parse().unwrap()).collect() };
        let rows = [
            (by(&[Tag::PATIENT_ID], "A 1&b=ü,c"), "00100020=A%201%26b%3D%C3%BC%2Cc"),
            (by(&[Tag::PATIENT_NAME], "M?ller^*"), "00100010=M%3Fller%5E%2A"),
            (by(&[Tag::STUDY_DATE], "20200101-"), "00080020=20200101-"),
            (by(&[Tag(0x0040, 0x0275), Tag(0x0040, 0x0009)], "S"), "00400275.00400009=S"),
            (by(&[Tag::STUDY_INSTANCE_UID], uids(&["1.2", "1.3"])), "0020000D=1.2,1.3"),
            (Search { fuzzy: true, ..Search::new(Level::Study) }, "fuzzymatching=true"),
            (Search::new(Level::Study), ""),
        ];
        for (search, expected) in rows {
            assert_eq!(search.parameters(&standard).unwrap(), expected);
        }
    }

    #[test]
    fn attributes_are_asked_for_in_the_way_of_the_profile() {
        let mut search = by(&[Tag::PATIENT_ID], "1");
        search.include = vec![Tag::PATIENT_NAME, Tag::STUDY_DATE];
        let rows = [
            (IncludeField::Each, "00100020=1&includefield=00100010&includefield=00080020"),
            (IncludeField::List, "00100020=1&includefield=00100010,00080020"),
            (IncludeField::All, "00100020=1&includefield=all"),
            (IncludeField::None, "00100020=1"),
        ];
        for (include_field, expected) in rows {
            let capabilities = capabilities(|it| it.include_field = include_field);
            assert_eq!(search.parameters(&capabilities).unwrap(), expected);
        }
        search.include.clear();
        let all = capabilities(|it| it.include_field = IncludeField::All);
        assert_eq!(search.parameters(&all).unwrap(), "00100020=1");
    }

    #[test]
    fn a_request_line_has_an_end() {
        let tag = |number: usize| Tag::from(0x0021_0000 + u32::try_from(number).unwrap());
        let uids: Vec<Uid> = (0..90).map(|number| format!("1.2.1{number:050}").parse().unwrap()).collect();
        let uid_list = (vec![Tag::STUDY_INSTANCE_UID], MatchValue::from(uids));
        let texts = (0..20_000).map(|number| (vec![tag(number)], "A".into()));
        for include_field in [IncludeField::Each, IncludeField::List, IncludeField::All, IncludeField::None] {
            let search = Search {
                matching: texts.clone().chain([uid_list.clone()]).collect(),
                include: (0..20_000).map(tag).collect(),
                ..Search::new(Level::Study)
            };
            let parameters = search.parameters(&capabilities(|it| it.include_field = include_field)).unwrap();
            assert!(parameters.len() <= LENGTH_MAX, "{}", parameters.len());
            assert!(parameters.len() > LENGTH_MAX - 50, "as much as possible: {}", parameters.len());
            assert!(parameters.contains("0020000D=1.2.10"), "what finds least");
            assert!(parameters.starts_with("00210000=A&00210001=A&"), "and what else fits");
            let all = usize::from(include_field != IncludeField::None);
            assert_eq!(parameters.matches("includefield").count(), all);
            assert_eq!(parameters.matches("includefield=all").count(), all);
        }
        let long = by(&[Tag::PATIENT_ID], "A".repeat(LENGTH_MAX));
        assert_eq!(long.parameters(&SearchCapabilities::standard()).unwrap(), "");
        assert!(long.parameters(&capabilities(|it| it.key_required = true)).is_err());
    }

    #[test]
    fn what_a_server_cannot_take_becomes_wider() {
        let literal = capabilities(|it| {
            it.values = Values::Literal;
            it.comma_separates = true;
        });
        let commas = capabilities(|it| it.comma_separates = true);
        let exact = capabilities(|it| {
            it.values = Values::Literal;
            it.wildcard = false;
        });
        let rows = [
            (&literal, "A/B:C(D)@E;F!G=H^*?", "00100020=A/B:C(D)@E;F!G=H^*"),
            (&literal, "ИВАНО?^J?n", "00100020=*^J*n"),
            (&literal, "Grö ße^Dr", "00100020=Gr*e^Dr"),
            (&literal, "O'Brien 100%", "00100020=O*Brien*100*"),
            (&literal, "山田^太郎", "00100020=*^*"),
            (&literal, "山田", ""),
            (&literal, "*ü*", ""),
            (&literal, "a,b", "00100020=a*b"),
            (&commas, "ü,b", "00100020=%C3%BC%2Ab"),
            (&exact, "Müller", ""),
            (&exact, "Mueller", "00100020=Mueller"),
        ];
        for (capabilities, text, expected) in rows {
            let got = by(&[Tag::PATIENT_ID], text).parameters(capabilities).unwrap();
            assert_eq!(got, expected, "{text}");
        }
    }

    #[test]
    fn what_the_path_says_is_not_said_twice_where_the_server_minds() {
        let minds = capabilities(|it| it.repeats_path_uid_as_key = false);
        let uid = |text: &str| text.parse::<Uid>().unwrap();
        let keys = [Tag::STUDY_INSTANCE_UID, Tag::SERIES_INSTANCE_UID, Tag::SOP_INSTANCE_UID];
        let search = |level, below: usize| Search {
            study: Some(uid("1.2")).filter(|_| below > 0),
            series: Some(uid("1.3")).filter(|_| below > 1),
            matching: keys.iter().map(|key| (vec![*key], uid("1.9").into())).collect(),
            ..Search::new(level)
        };
        let (study, series, instance) = ("0020000D=1.9", "0020000E=1.9", "00080018=1.9");
        let rows = [
            (search(Level::Instance, 0), format!("{study}&{series}&{instance}")),
            (search(Level::Instance, 1), format!("{series}&{instance}")),
            (search(Level::Instance, 2), instance.to_owned()),
            (search(Level::Series, 1), format!("{series}&{instance}")),
        ];
        for (search, expected) in rows {
            assert_eq!(search.parameters(&minds).unwrap(), expected);
            let all = search.parameters(&SearchCapabilities::standard()).unwrap();
            assert_eq!(all, format!("{study}&{series}&{instance}"));
        }
    }

    /// What Azure answers 400 to: a key twice, several UIDs, a UID of the path, an attribute beside `all`.
    #[test]
    fn nothing_is_said_twice() {
        let azure = SearchCapabilities::azure();
        let uid = |text: &str| text.parse::<Uid>().unwrap();
        let search = Search {
            study: Some(uid("1.2")),
            matching: vec![
                (vec![Tag::MODALITY], "CT".into()),
                (vec![Tag::STUDY_INSTANCE_UID], uid("1.2").into()),
                (vec![Tag::MODALITY], "MR".into()),
                (vec![Tag::SERIES_INSTANCE_UID], vec![uid("1.3")].into()),
            ],
            include: vec![Tag::STUDY_DATE, Tag::MODALITY],
            ..Search::new(Level::Series)
        };
        assert_eq!(search.parameters(&azure).unwrap(), "00080060=CT&0020000E=1.3&includefield=all");
        let several =
            Search { matching: vec![(vec![Tag::MODALITY], vec![uid("1.3"), uid("1.4")].into())], ..search };
        assert!(several.parameters(&azure).is_err());
    }

    #[test]
    fn what_the_profile_does_not_have_is_an_error() {
        let absent = capabilities(|it| it.studies = Searchable::Absent);
        let no_list = capabilities(|it| it.uid_list = false);
        let uids = |texts: &[&str]| -> Vec<Uid> { texts.iter().map(|text| text.parse().unwrap()).collect() };
        let standard = SearchCapabilities::standard();
        let key = &[Tag::STUDY_INSTANCE_UID];
        assert!(Search::new(Level::Study).parameters(&absent).is_err());
        assert!(by(key, uids(&["1.2", "1.3"])).parameters(&no_list).is_err());
        assert!(by(key, uids(&["1.2"])).parameters(&no_list).is_ok());
        assert!(by(key, uids(&[])).parameters(&standard).is_err());
        assert!(by(&[], "1").parameters(&standard).is_err());
    }
}
