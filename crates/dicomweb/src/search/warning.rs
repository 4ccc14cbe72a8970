//! What a server adds to an answer: Warning header fields (PS3.18 §8.3.4), in its own words.

use http::{HeaderMap, header::WARNING};

/// What the Warnings of one answer say. Their text is not kept: it may name anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Warnings {
    /// There are more results than this answer holds.
    pub(super) additional_results: bool,
    /// Fuzzy matching was not performed.
    pub(super) fuzzy_not_supported: bool,
    /// Something else.
    pub(super) other: bool,
}

impl Warnings {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut warnings = Self::default();
        for value in headers.get_all(WARNING) {
            let text = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
            let says = |words: &[&str]| words.iter().all(|word| text.contains(word));
            let more = says(&["additional", "result"]) || says(&["more", "result"]) || says(&["exceed"]);
            let fuzzy = says(&["fuzzy", "not"]);
            warnings.additional_results |= more;
            warnings.fuzzy_not_supported |= fuzzy;
            warnings.other |= !more && !fuzzy;
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn understands_the_sentences_of_the_standard_and_their_kin() {
        let (more, fuzzy, other) = ((true, false, false), (false, true, false), (false, false, true));
        let rows = [
            ("299 http://h/dw: There are 12 additional results that can be requested", more),
            ("299 h: \"The number of results exceeded the maximum supported by the server.\"", more),
            ("299 - \"More results are available\"", more),
            ("299 h: The fuzzymatching parameter is not supported. Only literal matching", fuzzy),
            ("199 - something", other),
        ];
        for (text, (additional_results, fuzzy_not_supported, other)) in rows {
            let mut headers = HeaderMap::new();
            headers.append(WARNING, text.parse().unwrap());
            let expected = Warnings { additional_results, fuzzy_not_supported, other };
            assert_eq!(Warnings::of(&headers), expected, "{text}");
        }
        assert_eq!(Warnings::of(&HeaderMap::new()), Warnings::default());
    }
}
