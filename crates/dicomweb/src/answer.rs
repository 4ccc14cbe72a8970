//! What the header fields of an answer say.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, header};

use crate::error::RETRY_AFTER_MAX;
use crate::media_type::MediaType;

/// The media type of an answer, if it names one.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<MediaType> {
    MediaType::parse(headers.get(header::CONTENT_TYPE)?.to_str().ok()?).ok()
}

/// Whether an answer says that it is a page for people.
pub(crate) fn is_html(headers: &HeaderMap) -> bool {
    media_type(headers)
        .is_some_and(|media_type| media_type.is("text", "html") || media_type.is("application", "xhtml+xml"))
}

/// Whether a body begins as an HTML page does, whatever its header fields say.
pub(crate) fn looks_like_html(body: &[u8]) -> bool {
    let text = without_preface(body);
    [&b"<!doctype html"[..], b"<html"]
        .iter()
        .any(|start| text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)))
}

/// A text without byte order mark and blanks at its beginning.
pub(crate) fn without_preface(body: &[u8]) -> &[u8] {
    let text = body.trim_ascii_start();
    text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text).trim_ascii_start()
}

/// Retry-After: seconds or a date (RFC 9110 §10.2.3), as a time from `now`.
pub(crate) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let after = match text.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => http_date(text)?.duration_since(now).unwrap_or(Duration::ZERO),
    };
    Some(after.min(RETRY_AFTER_MAX))
}

/// Date: when the answer was written, by the server's clock (RFC 9110 §6.6.1).
pub(crate) fn date(headers: &HeaderMap) -> Option<SystemTime> {
    http_date(headers.get(header::DATE)?.to_str().ok()?.trim())
}

fn http_date(text: &str) -> Option<SystemTime> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok().map(SystemTime::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_retry_after_in_both_forms() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let cases = [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:40:37 GMT", Some(0)),
            ("99999999", Some(RETRY_AFTER_MAX.as_secs())),
            ("soon", None),
            ("-1", None),
            ("1.5", None),
        ];
        for (text, expected) in cases {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, text.parse().unwrap());
            assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn knows_pages_for_people() {
        for body in ["<!DOCTYPE html><p>", "\n <html lang=en>", "\u{feff}<HTML>"] {
            assert!(looks_like_html(body.as_bytes()), "{body}");
        }
        for body in ["", "<?xml version=\"1.0\"?><NativeDicomModel/>", "{}", "<htm"] {
            assert!(!looks_like_html(body.as_bytes()), "{body}");
        }
    }
}
