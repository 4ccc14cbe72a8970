//! RSA keys, and JSON Web Tokens (RFC 7519) signed with them (RFC 7518 §3.3, RFC 7518 §3.5).

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der},
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{
        KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256,
        UnparsedPublicKey,
    },
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// A private RSA key of 2,048 bits. Cloning is cheap.
#[derive(Clone)]
pub struct SigningKey(Arc<KeyPair>);

/// A public RSA key, and the thumbprint of the certificate that it came in.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    /// SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) in DER.
    public: Vec<u8>,
    /// SHA-256 of the certificate.
    thumbprint: Option<[u8; 32]>,
}

/// A text that holds no usable key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no certificate, public or private RSA key of at least 2,048 bits in PEM")]
pub struct InvalidKey;

/// A JSON Web Token whose signature holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) header: Value,
    pub(super) claims: Value,
}

impl SigningKey {
    /// A new key.
    #[must_use]
    #[expect(clippy::expect_used, reason = "what cannot be made cannot be worked without")]
    pub fn generate() -> Self {
        // INVARIANT: 2,048 bits are a size that the library knows, and its random numbers do not end.
        Self(Arc::new(KeyPair::generate(KeySize::Rsa2048).expect("a key")))
    }

    /// The key as PKCS #8 in PEM.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a key of this module is one that can be written")]
    pub fn private_pem(&self) -> String {
        // INVARIANT: the key was generated here, so it has every part that PKCS #8 asks for.
        let der: Pkcs8V1Der<'_> = self.0.as_der().expect("PKCS #8");
        pem("PRIVATE KEY", der.as_ref())
    }

    /// The public key as SubjectPublicKeyInfo in PEM.
    #[must_use]
    pub fn public_pem(&self) -> String {
        pem("PUBLIC KEY", &self.verifying_key().public)
    }

    /// What checks its signatures.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a key of this module is one that can be written")]
    pub fn verifying_key(&self) -> VerifyingKey {
        // INVARIANT: the key was generated here, so its public half is whole.
        let der: PublicKeyX509Der<'_> = self.0.public_key().as_der().expect("a public key");
        VerifyingKey { public: der.as_ref().to_vec(), thumbprint: None }
    }

    /// A JSON Web Token of these parts; `alg` is put into the header.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a key of this module is one that can sign")]
    pub fn sign(&self, mut header: Value, claims: &Value) -> String {
        if let Some(members) = header.as_object_mut() {
            members.insert("alg".to_owned(), "RS256".into());
        }
        let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(&header), encode(claims));
        let mut signature = vec![0; self.0.public_modulus_len()];
        let random = SystemRandom::new();
        let done = self.0.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature);
        // INVARIANT: the buffer is as long as the modulus.
        done.expect("a signature");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

impl VerifyingKey {
    /// Reads a certificate, a public or a private key in PEM, the first of those that the text has.
    ///
    /// # Errors
    /// There is none, or it is no RSA key of at least 2,048 bits.
    pub fn from_pem(text: &str) -> Result<Self, InvalidKey> {
        let (label, der) = decode_pem(text).ok_or(InvalidKey)?;
        match label.as_str() {
            "CERTIFICATE" => {
                let (_, certificate) = x509_parser::parse_x509_certificate(&der).map_err(|_| InvalidKey)?;
                let public = certificate.public_key().raw.to_vec();
                Ok(Self { public, thumbprint: Some(Sha256::digest(&der).into()) })
            }
            "PUBLIC KEY" => Ok(Self { public: der, thumbprint: None }),
            "PRIVATE KEY" => {
                let pair = KeyPair::from_pkcs8(&der).map_err(|_| InvalidKey)?;
                Ok(SigningKey(Arc::new(pair)).verifying_key())
            }
            _ => Err(InvalidKey),
        }
    }

    /// Takes a token apart, if its signature was made with the private half and its header names no other
    /// certificate.
    pub(super) fn verified(&self, token: &str) -> Option<Token> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let part = |text: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok();
        let token = Token { header: part(header)?, claims: part(claims)? };
        let algorithm = match token.header["alg"].as_str()? {
            "RS256" => &RSA_PKCS1_2048_8192_SHA256,
            "PS256" => &RSA_PSS_2048_8192_SHA256,
            _ => return None,
        };
        UnparsedPublicKey::new(algorithm, &self.public).verify(signed.as_bytes(), &signature).ok()?;
        let named = token.header["x5t#S256"].as_str().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let is_other = named.zip(self.thumbprint).is_some_and(|(named, ours)| named != ours);
        (!is_other).then_some(token)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VerifyingKey")
    }
}

/// Textual encoding (RFC 7468).
fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut pem = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, behind) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = behind;
    }
    pem + &format!("-----END {label}-----\n")
}

/// Label and bytes of the first block.
fn decode_pem(text: &str) -> Option<(String, Vec<u8>)> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once("-----END ")?;
    let body: String = body.split_ascii_whitespace().collect();
    Some((label.to_owned(), STANDARD.decode(body).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_signature_holds_for_its_key_and_its_text_alone() {
        let (key, other) = (SigningKey::generate(), SigningKey::generate());
        let claims = json!({ "iss": "somebody" });
        let token = key.sign(json!({ "typ": "JWT" }), &claims);
        let verifying = key.verifying_key();
        assert_eq!(verifying.verified(&token).unwrap().claims, claims);
        assert!(other.verifying_key().verified(&token).is_none());
        let (_, signature) = token.rsplit_once('.').unwrap();
        let forged = URL_SAFE_NO_PAD.encode(json!({ "iss": "somebody else" }).to_string());
        let head = token.split('.').next().unwrap();
        assert!(verifying.verified(&format!("{head}.{forged}.{signature}")).is_none());
        assert!(verifying.verified("a.b").is_none());
        let none = URL_SAFE_NO_PAD.encode(json!({ "alg": "none" }).to_string());
        assert!(verifying.verified(&format!("{none}.{forged}.")).is_none());
    }

    #[test]
    fn a_key_is_read_from_what_it_was_written_to() {
        let key = SigningKey::generate();
        for text in [key.private_pem(), key.public_pem()] {
            assert!(VerifyingKey::from_pem(&text) == Ok(key.verifying_key()));
        }
        assert!(VerifyingKey::from_pem("-----BEGIN KEY-----") == Err(InvalidKey));
        assert!(VerifyingKey::from_pem("") == Err(InvalidKey));
    }

    #[test]
    fn a_certificate_is_named_by_its_thumbprint() {
        let made =
            rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
        let certificate = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&made).unwrap();
        let verifying = VerifyingKey::from_pem(&certificate.pem()).unwrap();
        let signing = SigningKey(Arc::new(KeyPair::from_pkcs8(&made.serialize_der()).unwrap()));
        let thumbprint = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(Sha256::digest(bytes));
        let cases = [
            (json!({}), true),
            (json!({ "x5t#S256": thumbprint(certificate.der()) }), true),
            (json!({ "x5t#S256": thumbprint(b"another") }), false),
        ];
        for (header, holds) in cases {
            let token = signing.sign(header.clone(), &json!({}));
            assert_eq!(verifying.verified(&token).is_some(), holds, "{header}");
        }
    }
}
