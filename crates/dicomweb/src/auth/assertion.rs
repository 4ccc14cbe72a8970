//! JSON Web Tokens that are signed here (RFC 7515, RFC 7519): what a client shows in place of a secret.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value};

/// How long before it is made an assertion says that it was. 30 seconds: a server whose clock is behind ours would
/// otherwise take it for one of the future, and not every server forgives that (RFC 7519 §4.1.5).
const EARLIER: Duration = Duration::from_secs(30);

/// How an assertion is signed (RFC 7518 §3.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: what every server knows.
    #[default]
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384, as SMART Backend Services ask for.
    Rs384,
    /// RSASSA-PSS with SHA-256, as Microsoft recommends.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
}

/// A private key that assertions are signed with, and how the server finds the public one. Cloning is cheap.
#[derive(Clone)]
pub struct SigningKey {
    key: Arc<Key>,
    /// The JOSE header, encoded.
    header: String,
}

/// Why a key cannot sign. The key itself shows in none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnusableKey {
    /// No private key in PEM, or an encrypted one.
    #[error("it holds no private key in PEM that is not encrypted")]
    NoKey,
    /// The key is not one that the algorithm signs with.
    #[error("the private key does not fit the algorithm")]
    DoesNotFit,
    /// No certificate in PEM.
    #[error("it holds no certificate in PEM")]
    NoCertificate,
    /// The key could not sign.
    #[error("the private key could not sign")]
    CannotSign,
}

/// Who an assertion is about and for whom (RFC 7523 §3).
pub(super) struct Claims<'a> {
    pub(super) issuer: &'a str,
    pub(super) subject: Option<&'a str>,
    pub(super) audience: &'a str,
    pub(super) scope: Option<&'a str>,
    /// How long it is good, from [`EARLIER`] on.
    pub(super) life: Duration,
}

enum Key {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ecdsa(EcdsaKeyPair),
}

impl Algorithm {
    const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
        }
    }
}

impl SigningKey {
    /// Reads a private key in PEM: PKCS #8, PKCS #1 or SEC 1, without a passphrase. `key_id` is its name at the
    /// server (`kid`, RFC 7515 §4.1.4); by the thumbprint of the certificate, in PEM too, some servers find it
    /// instead (RFC 7515 §4.1.8).
    ///
    /// # Errors
    /// Text that is no key or certificate, or a key that the algorithm does not sign with.
    pub fn from_pem(
        pem: &SecretString,
        algorithm: Algorithm,
        key_id: Option<&str>,
        certificate_pem: Option<&str>,
    ) -> Result<Self, UnusableKey> {
        let mut header = Map::new();
        header.insert("alg".to_owned(), algorithm.name().into());
        header.insert("typ".to_owned(), "JWT".into());
        if let Some(key_id) = key_id {
            header.insert("kid".to_owned(), key_id.into());
        }
        if let Some(pem) = certificate_pem {
            let certificate =
                CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| UnusableKey::NoCertificate)?;
            let sha256 = digest::digest(&digest::SHA256, &certificate);
            header.insert("x5t#S256".to_owned(), URL_SAFE_NO_PAD.encode(sha256).into());
        }
        Ok(Self { key: Arc::new(Key::new(pem, algorithm)?), header: encoded(Value::Object(header)) })
    }

    /// An assertion in its compact form (RFC 7515 §3.1), made `now`.
    pub(super) fn sign(&self, claims: &Claims<'_>, now: SystemTime) -> Result<String, UnusableKey> {
        let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let from = since_1970.saturating_sub(EARLIER);
        let mut payload = Map::new();
        let mut claim = |name: &str, value: Value| payload.insert(name.to_owned(), value);
        claim("iss", claims.issuer.into());
        if let Some(subject) = claims.subject {
            claim("sub", subject.into());
        }
        claim("aud", claims.audience.into());
        if let Some(scope) = claims.scope {
            claim("scope", scope.into());
        }
        claim("iat", from.as_secs().into());
        claim("nbf", from.as_secs().into());
        claim("exp", (from + claims.life).as_secs().into());
        claim("jti", format!("{:032x}", rand::random::<u128>()).into());
        let signed = format!("{}.{}", self.header, encoded(Value::Object(payload)));
        let signature = self.key.sign(signed.as_bytes())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl Key {
    fn new(pem: &SecretString, algorithm: Algorithm) -> Result<Self, UnusableKey> {
        let der =
            PrivateKeyDer::from_pem_slice(pem.expose_secret().as_bytes()).map_err(|_| UnusableKey::NoKey)?;
        let rsa = |padding| Ok(Self::Rsa(rsa_key(&der)?, padding));
        let ecdsa = |curve| Ok(Self::Ecdsa(ecdsa_key(&der, curve)?));
        match algorithm {
            Algorithm::Rs256 => rsa(&RSA_PKCS1_SHA256),
            Algorithm::Rs384 => rsa(&RSA_PKCS1_SHA384),
            Algorithm::Ps256 => rsa(&RSA_PSS_SHA256),
            Algorithm::Es256 => ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::Es384 => ecdsa(&ECDSA_P384_SHA384_FIXED_SIGNING),
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, UnusableKey> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(key, padding) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(*padding, &random, message, &mut signature).map_err(|_| UnusableKey::CannotSign)?;
                Ok(signature)
            }
            Self::Ecdsa(key) => {
                let signature = key.sign(&random, message).map_err(|_| UnusableKey::CannotSign)?;
                Ok(signature.as_ref().to_vec())
            }
        }
    }
}

fn rsa_key(der: &PrivateKeyDer<'_>) -> Result<RsaKeyPair, UnusableKey> {
    match der {
        PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
        _ => return Err(UnusableKey::DoesNotFit),
    }
    .map_err(|_| UnusableKey::DoesNotFit)
}

fn ecdsa_key(
    der: &PrivateKeyDer<'_>,
    curve: &'static EcdsaSigningAlgorithm,
) -> Result<EcdsaKeyPair, UnusableKey> {
    match der {
        PrivateKeyDer::Pkcs8(key) => EcdsaKeyPair::from_pkcs8(curve, key.secret_pkcs8_der()),
        PrivateKeyDer::Sec1(key) => EcdsaKeyPair::from_private_key_der(curve, key.secret_sec1_der()),
        _ => return Err(UnusableKey::DoesNotFit),
    }
    .map_err(|_| UnusableKey::DoesNotFit)
}

fn encoded(value: Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
