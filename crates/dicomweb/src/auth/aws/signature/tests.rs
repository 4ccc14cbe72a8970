//! Published vectors: the header form of the AWS signing test suite (`tests/aws-signing-test-suite/v4` of
//! awslabs/aws-c-auth, Apache-2.0) without the requests whose paths are to be left as they are, which is the
//! rule of S3 alone; and the example of Amazon S3, "Transferring Payload in Multiple Chunks".

use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Vector {
    name: String,
    request: String,
    session_token: Option<String>,
    sign_body: bool,
    canonical_request: String,
    string_to_sign: String,
    signature: String,
}

/// A request as the suite writes it: request line, fields of which some are folded, a body.
struct Written {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Written {
    fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let line = lines.next().unwrap().strip_suffix(" HTTP/1.1").unwrap();
        let (method, target) = line.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in lines {
            match line.split_once(':') {
                Some((name, value)) if !line.starts_with(' ') => {
                    headers.push((name.to_owned(), value.to_owned()));
                }
                _ => headers.last_mut().unwrap().1.push_str(line),
            }
        }
        // The suite runs with paths encoded once, for which one that is sent encoded is decoded first.
        let path = percent_decode_str(path).decode_utf8().unwrap().into_owned();
        Self { method: method.to_owned(), path, query: query.to_owned(), headers, body: body.to_owned() }
    }
}

fn secret() -> SecretString {
    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned().into()
}

#[test]
fn the_signing_test_suite() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!("vectors.json")).unwrap();
    assert_eq!(vectors.len(), 31);
    let time = "2015-08-30T12:36:00Z".parse().unwrap();
    let key = SigningKey::new(&secret(), time, "us-east-1", "service");
    assert_eq!(key.scope(), "20150830/us-east-1/service/aws4_request");
    for vector in vectors {
        let mut written = Written::read(&vector.request);
        let hash = hash(written.body.as_bytes());
        written.headers.push(("x-amz-date".to_owned(), key.time().to_owned()));
        if let Some(token) = vector.session_token {
            written.headers.push(("X-Amz-Security-Token".to_owned(), token));
        }
        if vector.sign_body {
            written.headers.push(("x-amz-content-sha256".to_owned(), hash.clone()));
        }
        let headers = written.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let request = CanonicalRequest::new(&written.method, &written.path, &written.query, headers, &hash);
        assert_eq!(request.text, vector.canonical_request, "{}", vector.name);
        assert_eq!(key.string_to_sign(&request), vector.string_to_sign, "{}", vector.name);
        assert_eq!(key.sign(&request), vector.signature, "{}", vector.name);
    }
}

#[test]
fn the_chunks_of_the_example() {
    let headers = [
        ("Host", "s3.amazonaws.com"),
        ("x-amz-date", "20130524T000000Z"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        ("Content-Encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "66560"),
        ("Content-Length", "66824"),
    ];
    let path = "/examplebucket/chunkObject.txt";
    let request = CanonicalRequest::new("PUT", path, "", headers, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned().into();
    let key = SigningKey::new(&secret, "2013-05-24T00:00:00Z".parse().unwrap(), "us-east-1", "s3");
    let seed = key.sign(&request);
    assert_eq!(seed, "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
    let mut chunks = ChunkSigner::new(key, seed);
    let signatures = [
        (65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
        (1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
        (0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
    ];
    for (length, signature) in signatures {
        assert_eq!(chunks.sign(&vec![b'a'; length]), signature, "chunk of {length}");
    }
}
