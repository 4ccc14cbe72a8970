//! Checks signatures.

use axum::http::{HeaderMap, header, request::Parts};
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use sha2::{Digest as _, Sha256};

use super::{Options, canonical, fault::Fault, keys::Keys};

/// SHA-256 of nothing, in hexadecimal.
pub(super) const OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// What checks the signatures of the chunks of a request, one after the other.
#[derive(Clone)]
pub(super) struct Chain {
    key: [u8; 32],
    /// Moment and scope, each with a line feed behind it.
    head: String,
    /// The signature before.
    last: String,
}

/// What a request says of its signature: `AWS4-HMAC-SHA256 Credential=ID/DAY/REGION/SERVICE/aws4_request,
/// SignedHeaders=A;B, Signature=HEX`.
struct Claim<'a> {
    access_key_id: &'a str,
    scope: &'a str,
    signed: Vec<&'a str>,
    signature: &'a str,
}

/// Checks the signature of a request and gives what checks those of its chunks.
pub(super) fn check(
    parts: &Parts,
    payload_hash: &str,
    options: &Options,
    keys: &Keys,
    now: Timestamp,
) -> Result<Chain, Fault> {
    let authorization = parts.headers.get(header::AUTHORIZATION).ok_or(Fault::NoSignature)?;
    let authorization = authorization.to_str().ok().and_then(|text| text.strip_prefix("AWS4-HMAC-SHA256 "));
    let claim = Claim::read(authorization.ok_or(Fault::NoSignature)?)
        .ok_or(Fault::Incomplete("Credential, SignedHeaders and Signature are needed"))?;
    let moment = text(&parts.headers, "x-amz-date").ok_or(Fault::Incomplete("x-amz-date is needed"))?;
    check_moment(moment, options, now)?;
    let day = moment.get(..8).unwrap_or_default();
    let scope = format!("{day}/{}/{}/aws4_request", options.region, options.service);
    if claim.scope != scope {
        return Err(Fault::OutOfScope("the credential is scoped to another day, region or service"));
    }
    let token = text(&parts.headers, "x-amz-security-token");
    let secret = keys.secret(claim.access_key_id, token, now)?;
    let mut key = hmac(format!("AWS4{secret}").as_bytes(), day.as_bytes());
    for step in [options.region.as_str(), &options.service, "aws4_request"] {
        key = hmac(&key, step.as_bytes());
    }
    let canonical = canonical::request(parts, &claim.signed, payload_hash)?;
    let head = format!("{moment}\n{scope}\n");
    let expected = hmac(&key, format!("AWS4-HMAC-SHA256\n{head}{}", hash(canonical.as_bytes())).as_bytes());
    if !is(&expected, claim.signature) {
        return Err(Fault::NoMatch);
    }
    Ok(Chain { key, head, last: claim.signature.to_owned() })
}

fn check_moment(moment: &str, options: &Options, now: Timestamp) -> Result<(), Fault> {
    let wrong = Fault::Incomplete("x-amz-date is of the form 20260102T030405Z");
    let civil = DateTime::strptime("%Y%m%dT%H%M%SZ", moment).map_err(|_| wrong)?;
    let signed = civil.to_zoned(TimeZone::UTC).map_err(|_| wrong)?.timestamp();
    let most = SignedDuration::try_from(options.clock_difference_max).unwrap_or(SignedDuration::MAX);
    match signed.duration_since(now) {
        difference if difference > most => Err(Fault::OutOfScope("the signature is not yet current")),
        difference if difference < -most => Err(Fault::OutOfScope("the signature has expired")),
        _ => Ok(()),
    }
}

impl<'a> Claim<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let (mut credential, mut signed, mut signature) = (None, None, None);
        for member in text.split(',') {
            let (name, value) = member.trim().split_once('=')?;
            let place = match name {
                "Credential" => &mut credential,
                "SignedHeaders" => &mut signed,
                "Signature" => &mut signature,
                _ => return None,
            };
            if place.replace(value).is_some() {
                return None;
            }
        }
        let (access_key_id, scope) = credential?.split_once('/')?;
        Some(Self { access_key_id, scope, signed: signed?.split(';').collect(), signature: signature? })
    }
}

impl Chain {
    /// Checks the signature of the next chunk.
    pub(super) fn next(&mut self, chunk: &[u8], signature: &str) -> Result<(), Fault> {
        let Self { key, head, last } = self;
        let text = format!("AWS4-HMAC-SHA256-PAYLOAD\n{head}{last}\n{OF_NOTHING}\n{}", hash(chunk));
        if !is(&hmac(key, text.as_bytes()), signature) {
            return Err(Fault::NoMatch);
        }
        signature.clone_into(last);
        Ok(())
    }
}

/// One header field, where there is exactly one of the name.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// HMAC with SHA-256 (RFC 2104).
fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    const BLOCK: usize = 64;
    let mut block = [0u8; BLOCK];
    if key.len() > BLOCK {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(block.map(|byte| byte ^ 0x5C)).chain_update(inner).finalize().into()
}

/// SHA-256 in hexadecimal.
pub(super) fn hash(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a signature is the expected one; the time that it takes says nothing about how much of it is.
fn is(expected: &[u8; 32], signature: &str) -> bool {
    Sha256::digest(hexadecimal(expected)) == Sha256::digest(signature)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::Request;

    use super::*;

    #[test]
    fn hmac_is_that_of_rfc_4231() {
        let rows: [(Vec<u8>, &[u8], &str); 3] = [
            (vec![0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe".to_vec(),
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                vec![0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ];
        for (key, message, expected) in rows {
            assert_eq!(hexadecimal(&hmac(&key, message)), expected);
        }
    }

    /// The example of Amazon S3, "Transferring Payload in Multiple Chunks".
    fn example() -> (Parts, Options) {
        let authorization = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
            SignedHeaders=content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;\
            x-amz-decoded-content-length;x-amz-storage-class,\
            Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
        let request = Request::put("/examplebucket/chunkObject.txt")
            .header("host", "s3.amazonaws.com")
            .header("x-amz-date", "20130524T000000Z")
            .header("x-amz-storage-class", "REDUCED_REDUNDANCY")
            .header("authorization", authorization)
            .header("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
            .header("content-encoding", "aws-chunked")
            .header("x-amz-decoded-content-length", "66560")
            .header("content-length", "66824");
        let options = Options {
            service: "s3".to_owned(),
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            clock_difference_max: Duration::from_secs(60),
            ..Options::generate()
        };
        (request.body(()).unwrap().into_parts().0, options)
    }

    fn checked(parts: &Parts, options: &Options, now: &str) -> Result<Chain, Fault> {
        let hash = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
        check(parts, hash, options, &Keys::new(options.clone()), now.parse().unwrap())
    }

    #[test]
    fn the_example_of_chunks_is_right() {
        let (parts, options) = example();
        let mut chain = checked(&parts, &options, "2013-05-24T00:00:30Z").unwrap();
        let chunks = [
            (65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
            (1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
            (0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
        ];
        for (length, signature) in chunks {
            assert_eq!(chain.clone().next(&vec![b'b'; length + 1], signature), Err(Fault::NoMatch));
            chain.next(&vec![b'a'; length], signature).unwrap();
        }
    }

    #[test]
    fn whatever_else_is_wrong() {
        let now = "2013-05-24T00:00:00Z";
        let (parts, options) = example();
        let faults = |change: &dyn Fn(&mut Parts, &mut Options)| {
            let (mut parts, mut options) = (parts.clone(), options.clone());
            change(&mut parts, &mut options);
            checked(&parts, &options, now).err()
        };
        assert_eq!(faults(&|_, _| ()), None);
        let changed = |name: &'static str, value: &'static str| {
            faults(&|parts, _| drop(parts.headers.insert(name, value.parse().unwrap())))
        };
        assert_eq!(changed("x-amz-storage-class", "STANDARD"), Some(Fault::NoMatch));
        assert_eq!(changed("host", "example.org"), Some(Fault::NoMatch));
        assert!(matches!(changed("x-amz-acl", "public"), Some(Fault::Incomplete(_))));
        assert!(matches!(changed("x-amz-date", "yesterday"), Some(Fault::Incomplete(_))));
        assert_eq!(changed("authorization", "Basic dTpw"), Some(Fault::NoSignature));
        assert!(matches!(
            changed("authorization", "AWS4-HMAC-SHA256 Signature=1"),
            Some(Fault::Incomplete(_))
        ));
        let secret = faults(&|_, options| options.secret_access_key.push('x'));
        assert_eq!(secret, Some(Fault::NoMatch));
        let unknown = faults(&|_, options| options.access_key_id.push('x'));
        assert_eq!(unknown, Some(Fault::UnknownKey));
        let region = faults(&|_, options| options.region = "eu-west-1".to_owned());
        assert!(matches!(region, Some(Fault::OutOfScope(_))));
        for now in ["2013-05-23T23:58:59Z", "2013-05-24T00:01:01Z"] {
            assert!(matches!(checked(&parts, &options, now).err(), Some(Fault::OutOfScope(_))), "{now}");
        }
    }
}
