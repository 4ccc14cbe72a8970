//! Wild card matching (PS3.4 §C.2.2.2.4).

use super::person_name::{NamePattern, of_value};
use crate::{element::VR, json::Value};

/// A pattern: `*` stands for any characters, also none, `?` for exactly one.
#[derive(Debug, Clone, PartialEq)]
pub struct Wildcard {
    vr: VR,
    text: String,
    pattern: Pattern,
    /// Of a key of PN, instead of `pattern`.
    name: Option<NamePattern>,
}

/// The characters of a pattern or of a text without wildcards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(Vec<char>);

impl Wildcard {
    pub(super) fn new(vr: VR, text: &str) -> Self {
        let name = (vr == VR::PN).then(|| NamePattern::new(text));
        Self { vr, text: text.to_owned(), pattern: Pattern::new(text), name }
    }

    /// The VR of the key.
    #[must_use]
    pub const fn vr(&self) -> VR {
        self.vr
    }

    /// The pattern as the key has it, without padding.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn matches(&self, value: &Value) -> bool {
        match &self.name {
            Some(pattern) => of_value(value).is_some_and(|name| pattern.matches(&name)),
            None => value.text().is_some_and(|text| self.pattern.matches(&text)),
        }
    }
}

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        Self(text.chars().collect())
    }

    /// Goes back to the last asterisk alone, so that the cost is at most the product of the lengths.
    pub(super) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut at, mut in_pattern) = (0, 0);
        // Behind the last asterisk, and up to where it reaches.
        let mut asterisk: Option<(usize, usize)> = None;
        while let Some(character) = text.get(at) {
            match self.0.get(in_pattern) {
                Some('*') => {
                    in_pattern += 1;
                    asterisk = Some((in_pattern, at));
                }
                Some(wanted) if *wanted == '?' || wanted == character => {
                    at += 1;
                    in_pattern += 1;
                }
                _ => {
                    let Some((behind, reached)) = &mut asterisk else {
                        return false;
                    };
                    *reached += 1;
                    (at, in_pattern) = (*reached, *behind);
                }
            }
        }
        self.0.get(in_pattern..).is_none_or(|rest| rest.iter().all(|character| *character == '*'))
    }
}
