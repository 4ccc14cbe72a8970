//! The canonical form of a request that was received (AWS Signature Version 4).

use std::fmt::Write as _;

use axum::http::{header, request::Parts};
use percent_encoding::percent_decode_str;

use super::fault::Fault;

/// The text over which a request is signed. `signed` are the names of header fields that its signature says it
/// goes over.
pub(super) fn request(parts: &Parts, signed: &[&str], payload_hash: &str) -> Result<String, Fault> {
    if !signed.is_sorted() || signed.iter().any(|name| name.bytes().any(|byte| byte.is_ascii_uppercase())) {
        return Err(Fault::Incomplete("SignedHeaders must be sorted, in lower case"));
    }
    if !signed.contains(&"host") {
        return Err(Fault::Incomplete("Host must be a signed header field"));
    }
    let unsigned = |name: &str| name.starts_with("x-amz-") && !signed.contains(&name);
    if parts.headers.keys().any(|name| unsigned(name.as_str())) {
        return Err(Fault::Incomplete("every x-amz- header field must be signed"));
    }
    let mut text = format!("{}\n", parts.method);
    path(parts.uri.path(), &mut text);
    text.push('\n');
    text.push_str(&query(parts.uri.query().unwrap_or("")));
    text.push('\n');
    for name in signed {
        let _in_memory = writeln!(text, "{name}:{}", field(parts, name)?);
    }
    let _in_memory = write!(text, "\n{}\n{payload_hash}", signed.join(";"));
    Ok(text)
}

/// The value of a header field: all that the request has of the name.
fn field(parts: &Parts, name: &str) -> Result<String, Fault> {
    let authority = parts.uri.authority().map(|authority| authority.as_str().to_owned());
    if name == "host" && !parts.headers.contains_key(header::HOST) {
        // HTTP/2 has it in the URI (RFC 9113 §8.3.1).
        return authority.ok_or(Fault::Incomplete("the request names no host"));
    }
    let mut values = Vec::new();
    for value in parts.headers.get_all(name) {
        let value = value.to_str().map_err(|_| Fault::Incomplete("a signed header field is not ASCII"))?;
        let mut words = value.split(' ').filter(|word| !word.is_empty());
        let first = words.next().unwrap_or_default().to_owned();
        values.push(words.fold(first, |joined, word| joined + " " + word));
    }
    match values.as_slice() {
        [] => Err(Fault::Incomplete("a signed header field is missing")),
        values => Ok(values.join(",")),
    }
}

/// Encodes what was received once more: every byte but letters, digits and `-._~/`.
fn path(received: &str, text: &mut String) {
    let mut segments: Vec<&str> = Vec::new();
    for segment in received.split('/').filter(|segment| !segment.is_empty() && *segment != ".") {
        if segment == ".." {
            segments.pop();
        } else {
            segments.push(segment);
        }
    }
    for segment in &segments {
        text.push('/');
        encode(segment.as_bytes(), text);
    }
    if segments.is_empty() || received.ends_with('/') {
        text.push('/');
    }
}

/// The parameters in the order of their encoded form.
fn query(received: &str) -> String {
    let mut parameters = Vec::new();
    for parameter in received.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let [name, value] = [name, value].map(|part| {
            let mut encoded = String::new();
            encode(&percent_decode_str(part).collect::<Vec<u8>>(), &mut encoded);
            encoded
        });
        parameters.push((name, value));
    }
    parameters.sort();
    parameters.into_iter().map(|(name, value)| name + "=" + &value).collect::<Vec<_>>().join("&")
}

fn encode(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(char::from(*byte))
            }
            other => {
                let _in_memory = write!(text, "%{other:02X}");
            }
        }
    }
}
