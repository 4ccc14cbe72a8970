//! Plain HTTP requests to what the tests started.

use std::time::Duration;

use crate::wait::block_on;

/// An answer, whole.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Media type as the server wrote it.
    pub content_type: String,
    /// Body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// Where it is none.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}

/// `GET`; nothing where the server cannot be reached.
#[must_use]
pub fn get(url: &str) -> Option<Answer> {
    request("GET", url, &[], Vec::new())
}

/// Any request; nothing where the server cannot be reached or cuts the answer.
#[must_use]
pub fn request(method: &str, url: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Option<Answer> {
    block_on(async {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(120)).build().ok()?;
        let mut request = client.request(method.parse().ok()?, url).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let content_type = answer.headers().get("content-type").and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        Some(Answer { status, content_type, body: answer.bytes().await.ok()?.to_vec() })
    })
}

/// The bodies of a multipart message, split at its boundary.
#[must_use]
pub fn parts(content_type: &str, body: &[u8]) -> Vec<Vec<u8>> {
    let Some((_, boundary)) = content_type.split_once("boundary=") else { return Vec::new() };
    let boundary = boundary.split(';').next().unwrap_or_default().trim().trim_matches('"');
    let delimiter = format!("--{boundary}").into_bytes();
    let at: Vec<usize> = find_all(body, &delimiter);
    at.windows(2)
        .filter_map(|pair| {
            let part = &body[pair[0] + delimiter.len()..pair[1]];
            let head_end = find_all(part, b"\r\n\r\n").first().copied()?;
            Some(part[head_end + 4..].strip_suffix(b"\r\n")?.to_vec())
        })
        .collect()
}

/// The body of an answer that is one part, or of one that is no multipart message at all.
#[must_use]
pub fn only_part(answer: &Answer) -> Option<Vec<u8>> {
    if !answer.content_type.starts_with("multipart/") {
        return Some(answer.body.clone());
    }
    let mut parts = parts(&answer.content_type, &answer.body);
    if parts.len() == 1 { parts.pop() } else { None }
}

fn find_all(text: &[u8], word: &[u8]) -> Vec<usize> {
    memchr::memmem::find_iter(text, word).collect()
}
