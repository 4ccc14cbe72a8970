use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::KeyPair as _;

use super::*;

const NOW: Duration = Duration::from_secs(1_700_000_000);

fn pem(label: &str, der: &[u8]) -> String {
    let base64 = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{base64}\n-----END {label}-----\n")
}

/// A key that fits, private and public in PEM.
fn key(algorithm: Algorithm) -> (SecretString, String) {
    let (private, public) = match algorithm {
        Algorithm::Rs256 | Algorithm::Rs384 | Algorithm::Ps256 => {
            let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
            let private: Pkcs8V1Der<'_> = key.as_der().unwrap();
            let public = key.public_key().as_der().unwrap();
            (private.as_ref().to_vec(), public.as_ref().to_vec())
        }
        Algorithm::Es256 | Algorithm::Es384 => {
            let curve = match algorithm {
                Algorithm::Es256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
                _ => &ECDSA_P384_SHA384_FIXED_SIGNING,
            };
            let key = EcdsaKeyPair::generate(curve).unwrap();
            let private = key.to_pkcs8v1().unwrap();
            let public = key.public_key().as_der().unwrap();
            (private.as_ref().to_vec(), public.as_ref().to_vec())
        }
    };
    (pem("PRIVATE KEY", &private).into(), pem("PUBLIC KEY", &public))
}

fn claims() -> Claims<'static> {
    Claims {
        issuer: "client",
        subject: Some("client"),
        audience: "https://h/token?p=1",
        scope: Some("a b"),
        life: Duration::from_secs(300),
    }
}

fn decoded(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[test]
fn an_assertion_says_who_for_whom_and_until_when() {
    let certified = rcgen::generate_simple_self_signed(["client".to_owned()]).unwrap();
    let (key, _) = key(Algorithm::Rs256);
    let certificate = certified.cert.pem();
    let key = SigningKey::from_pem(&key, Algorithm::Rs256, Some("k1"), Some(&certificate)).unwrap();
    let assertion = key.sign(&claims(), SystemTime::UNIX_EPOCH + NOW).unwrap();
    let parts: Vec<_> = assertion.split('.').collect();
    let [header, payload, _] = parts[..] else { panic!("{assertion}") };

    let sha256 = digest::digest(&digest::SHA256, certified.cert.der());
    let header = decoded(header);
    assert_eq!(
        header,
        serde_json::json!({
            "alg": "RS256", "typ": "JWT", "kid": "k1", "x5t#S256": URL_SAFE_NO_PAD.encode(sha256),
        })
    );
    let mut payload = decoded(payload);
    let jti = payload.as_object_mut().unwrap().remove("jti").unwrap();
    assert_eq!(
        payload,
        serde_json::json!({
            "iss": "client", "sub": "client", "aud": "https://h/token?p=1", "scope": "a b",
            "iat": 1_699_999_970, "nbf": 1_699_999_970, "exp": 1_700_000_270,
        })
    );
    let other = key.sign(&claims(), SystemTime::UNIX_EPOCH + NOW).unwrap();
    assert_ne!(decoded(other.split('.').nth(1).unwrap())["jti"], jti, "no assertion is like another");
}

#[test]
fn a_key_that_cannot_sign_is_told_at_once() {
    let (rsa, public) = key(Algorithm::Rs256);
    let (p256, _) = key(Algorithm::Es256);
    let (rsa, p256) = (rsa.expose_secret(), p256.expose_secret());
    let no_key = pem("PRIVATE KEY", b"no key");
    let cases = [
        ("", Algorithm::Rs256, None, UnusableKey::NoKey),
        ("secret", Algorithm::Rs256, None, UnusableKey::NoKey),
        (public.as_str(), Algorithm::Rs256, None, UnusableKey::NoKey),
        (rsa, Algorithm::Es256, None, UnusableKey::DoesNotFit),
        (p256, Algorithm::Es384, None, UnusableKey::DoesNotFit),
        (p256, Algorithm::Ps256, None, UnusableKey::DoesNotFit),
        (no_key.as_str(), Algorithm::Rs256, None, UnusableKey::DoesNotFit),
        (rsa, Algorithm::Rs256, Some(rsa), UnusableKey::NoCertificate),
    ];
    for (pem, algorithm, certificate, expected) in cases {
        let error = SigningKey::from_pem(&pem.to_owned().into(), algorithm, None, certificate).unwrap_err();
        assert_eq!(error, expected);
    }
}

/// What another hand says of a signature. OpenSSL, with the parameters of RFC 7518 §3.
fn verified(algorithm: Algorithm, public: &Path, signed: &str, signature: &[u8], scratch: &Path) -> bool {
    let file = scratch.join("signature");
    std::fs::write(&file, der_where_ecdsa(algorithm, signature)).unwrap();
    let digest = match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 | Algorithm::Es256 => "-sha256",
        Algorithm::Rs384 | Algorithm::Es384 => "-sha384",
    };
    let mut openssl = Command::new("openssl");
    openssl.args(["dgst", digest, "-verify"]).arg(public).arg("-signature").arg(&file);
    if algorithm == Algorithm::Ps256 {
        openssl.args(["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"]);
    }
    let mut child =
        openssl.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(signed.as_bytes()).unwrap();
    child.wait().unwrap().success()
}

/// JWS has r and s side by side, OpenSSL wants them as two INTEGERs in a SEQUENCE.
fn der_where_ecdsa(algorithm: Algorithm, signature: &[u8]) -> Vec<u8> {
    if !matches!(algorithm, Algorithm::Es256 | Algorithm::Es384) {
        return signature.to_vec();
    }
    let integer = |number: &[u8]| {
        let first = number.iter().position(|byte| *byte != 0).unwrap();
        let mut value = number[first..].to_vec();
        if value[0] >= 0x80 {
            value.insert(0, 0);
        }
        [&[0x02, u8::try_from(value.len()).unwrap()], &value[..]].concat()
    };
    let (r, s) = signature.split_at(signature.len() / 2);
    let content = [integer(r), integer(s)].concat();
    [&[0x30, u8::try_from(content.len()).unwrap()], &content[..]].concat()
}

#[test]
fn another_hand_finds_the_signatures_good() {
    if Command::new("openssl").arg("version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "CI has openssl");
        eprintln!("skipped: no openssl");
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let public_file: PathBuf = scratch.path().join("public.pem");
    let algorithms =
        [Algorithm::Rs256, Algorithm::Rs384, Algorithm::Ps256, Algorithm::Es256, Algorithm::Es384];
    for algorithm in algorithms {
        let (key, public) = key(algorithm);
        std::fs::write(&public_file, public).unwrap();
        let assertion = SigningKey::from_pem(&key, algorithm, None, None)
            .unwrap()
            .sign(&claims(), SystemTime::now())
            .unwrap();
        let (signed, signature) = assertion.rsplit_once('.').unwrap();
        let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let good = |signed: &str, signature: &[u8]| {
            verified(algorithm, &public_file, signed, signature, scratch.path())
        };
        assert!(good(signed, &signature), "{algorithm:?}");
        assert!(!good(&format!("{signed}x"), &signature), "{algorithm:?}: of another text");
        let last = signature.len() - 1;
        signature[last] ^= 1;
        assert!(!good(signed, &signature), "{algorithm:?}: another signature");
    }
}
