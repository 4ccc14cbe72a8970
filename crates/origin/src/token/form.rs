//! Parameters in the form that a browser would send.

use percent_encoding::percent_decode_str;

/// Parameters of a body or query of `application/x-www-form-urlencoded`; of two with one name the first
/// counts.
#[derive(Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn read(text: &str) -> Self {
        let decoded = |text: &str| {
            let text = text.replace('+', " ");
            percent_decode_str(&text).decode_utf8_lossy().into_owned()
        };
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Self(pairs.map(|(name, value)| (decoded(name), decoded(value))).collect())
    }

    /// A parameter that has a value.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let named = self.0.iter().find(|(known, _)| known == name);
        named.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_browser_sends() {
        let form = Form::read("a=b+c&scope=https%3A%2F%2Fx%2F.default&empty=&a=d&&flag");
        assert_eq!(form.get("a"), Some("b c"));
        assert_eq!(form.get("scope"), Some("https://x/.default"));
        assert_eq!((form.get("empty"), form.get("flag"), form.get("none")), (None, None, None));
    }
}
