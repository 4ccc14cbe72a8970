//! The canonical form of a request, which both sides make and over which the signature goes (AWS Signature
//! Version 4, "Create a signed AWS API request", step 1).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// All but the unreserved characters of RFC 3986 §2.3.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The same in a path, whose slashes stay.
const RESERVED_IN_PATH: &AsciiSet = &RESERVED.remove(b'/');

/// A request in canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CanonicalRequest {
    /// The text over which the signature goes.
    pub(super) text: String,
    /// Names of the header fields in it, in lower case, sorted, joined by semicolons.
    pub(super) signed_headers: String,
}

impl CanonicalRequest {
    /// `path` and `query` as they are sent; `headers` those to be signed, in any order, repeated ones in the
    /// order in which they are sent; `payload_hash` in hexadecimal, or one of the words that stand for it.
    pub(super) fn new<'a>(
        method: &str,
        path: &str,
        query: &str,
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
        payload_hash: &str,
    ) -> Self {
        let headers = canonical_headers(headers);
        let signed_headers = headers.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(";");
        let fields: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let (path, query) = (canonical_path(path), canonical_query(query));
        let text = format!("{method}\n{path}\n{query}\n{fields}\n{signed_headers}\n{payload_hash}");
        Self { text, signed_headers }
    }
}

/// The path without dot segments and empty ones, encoded once more than it is sent, as every service but S3
/// has it.
fn canonical_path(path: &str) -> String {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            other => segments.push(other),
        }
    }
    let last_is_empty = segments.is_empty() || path.ends_with(['/']) || path.ends_with("/.");
    let ends = if last_is_empty && !segments.is_empty() { "/" } else { "" };
    utf8_percent_encode(&format!("/{}{ends}", segments.join("/")), RESERVED_IN_PATH).to_string()
}

/// The parameters sorted by their encoded names, then values; one without a value has an empty one.
fn canonical_query(query: &str) -> String {
    let encoded = |text: &str| {
        let decoded: Vec<u8> = percent_decode_str(text).collect();
        percent_encoding::percent_encode(&decoded, RESERVED).to_string()
    };
    let mut parameters: Vec<(String, String)> = query
        .split('&')
        .filter(|parameter| !parameter.is_empty())
        .map(|parameter| parameter.split_once('=').unwrap_or((parameter, "")))
        .map(|(name, value)| (encoded(name), encoded(value)))
        .collect();
    parameters.sort();
    parameters.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// Header fields by name in lower case, sorted; white space within a value is one space; values of the same
/// name are joined by commas.
fn canonical_headers<'a>(headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        let value = value.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        match fields.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => *values = format!("{values},{value}"),
            None => fields.push((name, value)),
        }
    }
    fields.sort();
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_no_detours_and_is_encoded_again() {
        let rows = [
            ("/", "/"),
            ("", "/"),
            ("/datastore/abc/studies/1.2.840", "/datastore/abc/studies/1.2.840"),
            ("//a/./b/../c//", "/a/c/"),
            ("/..", "/"),
            // The suite's own two paths for services that encode twice, as all but S3 do.
            ("/test/@connections/JBDvjfGEIAMCERw%3D", "/test/%40connections/JBDvjfGEIAMCERw%253D"),
            ("/functions/arn%3Aaws%3Alambda/invocations", "/functions/arn%253Aaws%253Alambda/invocations"),
            ("/a b:c", "/a%20b%3Ac"),
        ];
        for (sent, canonical) in rows {
            assert_eq!(canonical_path(sent), canonical, "{sent}");
        }
    }

    #[test]
    fn parameters_are_sorted_as_they_are_encoded() {
        let rows = [
            ("", ""),
            ("b=2&a=1", "a=1&b=2"),
            ("a=2&a=1&A=3", "A=3&a=1&a=2"),
            ("fuzzymatching&limit=1", "fuzzymatching=&limit=1"),
            ("PatientName=M*ller%5E", "PatientName=M%2Aller%5E"),
            (
                "StudyDate=20240101-20240131&includefield=00080020",
                "StudyDate=20240101-20240131&includefield=00080020",
            ),
            ("a=b=c", "a=b%3Dc"),
            ("a=%c3%bc", "a=%C3%BC"),
        ];
        for (sent, canonical) in rows {
            assert_eq!(canonical_query(sent), canonical, "{sent}");
        }
    }
}
