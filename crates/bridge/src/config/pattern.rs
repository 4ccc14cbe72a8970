//! Patterns with wildcards for AE titles, SOP classes and modalities.

use std::{fmt, str::FromStr};

/// A pattern: `*` stands for any run of characters, `?` for one, everything else for itself. Case
/// is significant, as in AE titles (PS3.8 §9.3.2).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Pattern(String);

/// Why a text is not a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPattern {
    /// Nothing in it; it could match nothing.
    #[error("the pattern is empty")]
    Empty,
    /// Longer than the longest value it could match, a UID (PS3.5 §9.1).
    #[error("the pattern has {0} characters, 64 are allowed")]
    TooLong(usize),
}

impl Pattern {
    /// Characters of the longest pattern: those of a UID.
    pub const LENGTH_MAX: usize = 64;

    /// Whether the whole of `value` matches. Linear in both lengths but for stars, and then at most
    /// their product.
    #[must_use]
    pub fn matches(&self, value: &str) -> bool {
        let (pattern, value) = (self.0.as_bytes(), value.as_bytes());
        let (mut at, mut seen) = (0, 0);
        let mut star: Option<(usize, usize)> = None;
        while seen < value.len() {
            match pattern.get(at) {
                Some(b'*') => {
                    star = Some((at, seen));
                    at += 1;
                }
                Some(byte) if *byte == b'?' || *byte == value[seen] => {
                    at += 1;
                    seen += 1;
                }
                _ => {
                    // The last star takes one more character, and the rest is tried again.
                    let Some((star_at, taken)) = star else { return false };
                    star = Some((star_at, taken + 1));
                    at = star_at + 1;
                    seen = taken + 1;
                }
            }
        }
        pattern[at..].iter().all(|byte| *byte == b'*')
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Pattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        match text.len() {
            0 => Err(InvalidPattern::Empty),
            1..=Self::LENGTH_MAX => Ok(Self(text.to_owned())),
            length => Err(InvalidPattern::TooLong(length)),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wildcards_match_as_documented() {
        let cases = [
            ("CT1", "CT1", true),
            ("CT1", "CT12", false),
            ("CT1", "ct1", false),
            ("CT*", "CT", true),
            ("CT*", "CT SCANNER", true),
            ("CT*", "MR", false),
            ("*CT", "ACT", true),
            ("*CT", "CTA", false),
            ("C?1", "CT1", true),
            ("C?1", "C1", false),
            ("*A*B*", "xxAyyBzz", true),
            ("*A*B*", "xxByyAzz", false),
            ("*ab", "aab", true),
            ("**", "", true),
            ("?", "", false),
        ];
        for (pattern, value, expected) in cases {
            assert_eq!(pattern.parse::<Pattern>().unwrap().matches(value), expected, "{pattern} {value}");
        }
        assert_eq!("".parse::<Pattern>(), Err(InvalidPattern::Empty));
        assert_eq!("1".repeat(65).parse::<Pattern>(), Err(InvalidPattern::TooLong(65)));
    }

    /// The definition, written down without regard to cost.
    fn by_definition(pattern: &[u8], value: &[u8]) -> bool {
        match (pattern.split_first(), value.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), _) => {
                by_definition(rest, value)
                    || value.split_first().is_some_and(|(_, v)| by_definition(pattern, v))
            }
            (Some((b'?', rest)), Some((_, v))) => by_definition(rest, v),
            (Some((p, rest)), Some((c, v))) => p == c && by_definition(rest, v),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(pattern in "[ab*?]{1,8}", value in "[ab]{0,10}") {
            let parsed: Pattern = pattern.parse().unwrap();
            prop_assert_eq!(parsed.matches(&value), by_definition(pattern.as_bytes(), value.as_bytes()));
        }
    }
}
