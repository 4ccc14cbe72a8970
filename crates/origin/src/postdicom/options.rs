//! How the personality answers, and which faults it shows.

use std::{fmt, str::FromStr};

use super::Account;

/// What the personality `postdicom` is opened with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// Institutions, users, groups and equipment.
    pub account: Account,
    /// The shape in which functions answer.
    pub answer_shape: AnswerShape,
    /// What a store request is answered with.
    pub store_answer: StoreAnswer,
    /// Whether a function that is refused is answered 200 with `{"Success":false,"Message":..}`, as in
    /// the vendor's other interface, instead of with a status and `X-Error-Reason`. Default no.
    pub failures_in_band: bool,
    /// What becomes of answers to functions that make something.
    pub creation_answer: CreationAnswer,
    /// Whether the account is not authorised for `GetDicomTagContent`, which is then answered 403.
    /// Default no.
    pub tag_content_forbidden: bool,
}

/// The shape in which functions answer. The vendor's is not known; clients have to read them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AnswerShape {
    /// `search-result`: `{"Success":true,"SearchResultList":[..]}` and its like, with the names of members
    /// of the vendor's other interface. Something new is `{"Success":true,"PatientOrderUuid":..}`, a link
    /// `{"Result":..}`.
    #[default]
    SearchResult,
    /// `array`: the list alone, with the names of the parameters of requests. Something new is its UUID as
    /// a string, a link is one too.
    Array,
    /// `result`: the same under `Result`.
    Result,
    /// `response-message`: `{"ResponseCode":1,"ResponseMessage":{..}}` around the first, with the patient
    /// in a group of members of its own.
    ResponseMessage,
    /// `response-text`: the same, with the message as JSON text inside of a string.
    ResponseText,
    /// `text`: words for people. Something new is not named; lists are those of `array`, as text.
    Text,
    /// `empty`: no body where nothing was asked for or found; lists are those of `array`.
    Empty,
}

/// What a store request is answered with where it was done; the vendor's clients only print it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum StoreAnswer {
    /// `data-set`: the response data set (PS3.18 §10.5.3).
    #[default]
    DataSet,
    /// `text`: 200 and words, whatever became of the instance.
    Text,
    /// `empty`: 200 and nothing, whatever became of the instance.
    Empty,
}

/// What becomes of the answers to functions that make orders, folders or links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CreationAnswer {
    /// `sent`.
    #[default]
    Sent,
    /// `lost`: it is made, but the connection is closed before the answer.
    Lost,
    /// `never-made`: the connection is closed and nothing is made.
    NeverMade,
}

/// A name that is no shape of answers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no such shape of answers: `{0}`")]
pub struct UnknownShape(String);

/// Names of all shapes, in the order in which help texts list them.
const SHAPES: [(AnswerShape, &str); 7] = [
    (AnswerShape::SearchResult, "search-result"),
    (AnswerShape::Array, "array"),
    (AnswerShape::Result, "result"),
    (AnswerShape::ResponseMessage, "response-message"),
    (AnswerShape::ResponseText, "response-text"),
    (AnswerShape::Text, "text"),
    (AnswerShape::Empty, "empty"),
];

const STORE_ANSWERS: [(StoreAnswer, &str); 3] =
    [(StoreAnswer::DataSet, "data-set"), (StoreAnswer::Text, "text"), (StoreAnswer::Empty, "empty")];

const CREATION_ANSWERS: [(CreationAnswer, &str); 3] = [
    (CreationAnswer::Sent, "sent"),
    (CreationAnswer::Lost, "lost"),
    (CreationAnswer::NeverMade, "never-made"),
];

fn named<T: Copy>(known: &[(T, &str)], name: &str) -> Result<T, UnknownShape> {
    let found = known.iter().find(|(_, one)| *one == name);
    found.map(|(shape, _)| *shape).ok_or_else(|| UnknownShape(name.to_owned()))
}

impl AnswerShape {
    /// Every shape, with the name that the command line has for it.
    pub fn all() -> impl Iterator<Item = (Self, &'static str)> {
        SHAPES.into_iter()
    }
}

impl StoreAnswer {
    /// Every answer, with the name that the command line has for it.
    pub fn all() -> impl Iterator<Item = (Self, &'static str)> {
        STORE_ANSWERS.into_iter()
    }
}

impl CreationAnswer {
    /// Everything that may become of them, with the name that the command line has for it.
    pub fn all() -> impl Iterator<Item = (Self, &'static str)> {
        CREATION_ANSWERS.into_iter()
    }
}

impl FromStr for CreationAnswer {
    type Err = UnknownShape;

    fn from_str(name: &str) -> Result<Self, UnknownShape> {
        named(&CREATION_ANSWERS, name)
    }
}

impl fmt::Display for CreationAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(CREATION_ANSWERS.iter().find(|(answer, _)| answer == self).map_or("", |(_, name)| name))
    }
}

impl FromStr for AnswerShape {
    type Err = UnknownShape;

    fn from_str(name: &str) -> Result<Self, UnknownShape> {
        named(&SHAPES, name)
    }
}

impl FromStr for StoreAnswer {
    type Err = UnknownShape;

    fn from_str(name: &str) -> Result<Self, UnknownShape> {
        named(&STORE_ANSWERS, name)
    }
}

impl fmt::Display for AnswerShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHAPES.iter().find(|(shape, _)| shape == self).map_or("", |(_, name)| name))
    }
}

impl fmt::Display for StoreAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(STORE_ANSWERS.iter().find(|(answer, _)| answer == self).map_or("", |(_, name)| name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for (shape, name) in AnswerShape::all() {
            assert_eq!((name.parse(), shape.to_string().as_str()), (Ok(shape), name));
        }
        for (answer, name) in StoreAnswer::all() {
            assert_eq!((name.parse(), answer.to_string().as_str()), (Ok(answer), name));
        }
        for (answer, name) in CreationAnswer::all() {
            assert_eq!((name.parse(), answer.to_string().as_str()), (Ok(answer), name));
        }
        assert_eq!("xml".parse::<AnswerShape>(), Err(UnknownShape("xml".to_owned())));
    }
}
