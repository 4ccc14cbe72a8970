//! Media types with parameters, as Content-Type and Accept carry them (PS3.18 §8.7, RFC 9110 §8.3.1).

/// A media type: type and subtype in lower case, parameters in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaType {
    kind: String,
    subtype: String,
    parameters: Vec<(String, String)>,
}

/// The value is not a media type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a media type")]
pub struct InvalidMediaType;

/// Most parameters that are kept: DICOMweb uses at most four.
const PARAMETERS_MAX: usize = 16;

impl MediaType {
    /// Reads a field value such as `multipart/related; type="application/dicom"; boundary=x`.
    /// Quoted and bare values and any case of names (PS3.18 §8.7), blanks around everything and stray
    /// semicolons are accepted; a parameter that cannot be read is passed over.
    ///
    /// # Errors
    /// [`InvalidMediaType`] where type and subtype are not there.
    pub fn parse(value: &str) -> Result<Self, InvalidMediaType> {
        let (essence, mut rest) = value.split_once(';').unwrap_or((value, ""));
        let (kind, subtype) = essence.trim().split_once('/').ok_or(InvalidMediaType)?;
        let (kind, subtype) = (kind.trim().to_ascii_lowercase(), subtype.trim().to_ascii_lowercase());
        let token = |text: &str| !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c == ',');
        if !token(&kind) || !token(&subtype) {
            return Err(InvalidMediaType);
        }
        let mut parameters = Vec::new();
        while !rest.is_empty() && parameters.len() < PARAMETERS_MAX {
            let (parameter, after) = parameter(rest);
            parameters.extend(parameter);
            rest = after;
        }
        Ok(Self { kind, subtype, parameters })
    }

    /// The members of a list such as an Accept field (PS3.18 §8.7.5); members that cannot be read are
    /// passed over.
    #[must_use]
    pub fn parse_list(value: &str) -> Vec<Self> {
        split_outside_quotes(value, ',').filter_map(|member| Self::parse(member).ok()).collect()
    }

    /// The type, in lower case: `multipart`, `application`, …
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The subtype, in lower case: `related`, `dicom+json`, …
    #[must_use]
    pub fn subtype(&self) -> &str {
        &self.subtype
    }

    /// Whether type and subtype are these two, parameters aside.
    #[must_use]
    pub fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind == kind && self.subtype == subtype
    }

    /// The value of the first parameter of that name, whatever the case of the name.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// The first parameter of `text`, and what comes behind its semicolon.
fn parameter(text: &str) -> (Option<(String, String)>, &str) {
    let end = split_outside_quotes(text, ';').next().map_or(text.len(), str::len);
    let (this, after) = (&text[..end], text.get(end + 1..).unwrap_or(""));
    let parameter = this.split_once('=').and_then(|(name, value)| {
        let name = name.trim();
        (!name.is_empty()).then(|| (name.to_ascii_lowercase(), unquoted(value.trim())))
    });
    (parameter, after)
}

/// A quoted string without its quotes and escapes (RFC 9110 §5.6.4); anything else as it is.
fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else { return value.to_owned() };
    let mut text = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => text.extend(characters.next()),
            other => text.push(other),
        }
    }
    text
}

/// The pieces of `text` between separators that stand outside quoted strings.
fn split_outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |character| {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            other => return !quoted && other == separator,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_servers_write() {
        let cases = [
            ("multipart/related; type=\"application/dicom\"; boundary=x", "related", Some("x")),
            ("Multipart/Related;BOUNDARY=\"a b;c\";type=application/dicom", "related", Some("a b;c")),
            ("multipart/related ; ; boundary = \"q\\\"uote\" ;", "related", Some("q\"uote")),
            ("multipart/related; boundary=\"unterminated", "related", Some("unterminated")),
            ("multipart/form-data", "form-data", None),
            ("multipart/related; boundary", "related", None),
        ];
        for (text, subtype, boundary) in cases {
            let media_type = MediaType::parse(text).unwrap();
            assert!(media_type.is("multipart", subtype), "{text}");
            assert_eq!(media_type.parameter("Boundary"), boundary, "{text}");
        }
        for text in ["", "text", "/", "text/", "a b/c", ";"] {
            assert_eq!(MediaType::parse(text), Err(InvalidMediaType), "{text}");
        }
    }

    #[test]
    fn splits_lists_outside_of_quotes() {
        let list =
            MediaType::parse_list("multipart/related; type=\"a,b\", application/dicom+json;q=0.5,, */*");
        let subtypes: Vec<_> = list.iter().map(MediaType::subtype).collect();
        assert_eq!(subtypes, ["related", "dicom+json", "*"]);
        assert_eq!(list[0].parameter("type"), Some("a,b"));
    }
}
