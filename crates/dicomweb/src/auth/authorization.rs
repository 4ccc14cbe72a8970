//! Credentials as one client uses them: what every request passes through before it is sent, and every answer
//! after.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use http::{HeaderValue, StatusCode, header};
use reqwest::{Request, Response};
use secrecy::ExposeSecret as _;

use super::aws::{self, ChunkSigner};
use super::azure::{FederatedToken, ManagedIdentity};
use super::bearer_file::BearerFile;
use super::cache::{Held, TokenCache};
use super::client_credentials::ClientCredentials;
use super::end_point::{EndPoint, TokenUrl};
use super::google::{MetadataServer, ServiceAccount};
use super::grant::{Grant, TokenSource};
use super::{Credentials, TokenObserver, TokenState};
use crate::{Error, Proxy, Timeouts, Tls};

/// Credentials as one client uses them, shared by all of its requests.
pub(crate) enum Authorization {
    None,
    Fixed(HeaderValue),
    BearerFile(BearerFile),
    Token(TokenCache),
    AwsSigV4(Box<aws::Signer>),
}

/// The body of a request, as far as those need to know who sign it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Payload<'a> {
    /// These bytes; none at all where a request has no body.
    Whole(&'a [u8]),
    /// Bytes that are not there yet.
    Streamed {
        /// How many, if known; it is what the request's Content-Length says.
        length: Option<u64>,
    },
}

/// What a request was authorized with, to be shown again with its answer.
#[derive(Debug)]
pub(crate) enum Proof {
    /// Nothing, or what does not change.
    Unchanging,
    FileToken(HeaderValue),
    Token(Arc<Held>),
    Signed(Box<aws::Signed>),
}

impl Proof {
    /// What signs the body of the request, where that is sent in signed chunks.
    pub(crate) fn take_chunks(&mut self) -> Option<ChunkSigner> {
        match self {
            Self::Signed(signed) => signed.take_chunks(),
            Self::Unchanging | Self::FileToken(_) | Self::Token(_) => None,
        }
    }
}

impl Authorization {
    /// Credentials made ready. Token end points are asked through `proxy` and may be known by the authority of
    /// `tls`. The metadata servers of clouds are on the machine or its own link: a proxy would ask its own, and
    /// be shown what only they may see.
    pub(crate) fn new(
        credentials: Credentials,
        proxy: &Proxy,
        tls: &Tls,
        timeouts: &Timeouts,
    ) -> Result<Self, Error> {
        let token = |url: &TokenUrl, grant| -> Result<Self, Error> {
            let proxy = match grant {
                Grant::ManagedIdentity(_) | Grant::MetadataServer(_) => &Proxy::None,
                Grant::ClientCredentials(_) | Grant::FederatedToken(_) | Grant::ServiceAccount(_) => proxy,
            };
            let end_point = EndPoint::new(url, proxy, tls, timeouts)?;
            Ok(Self::Token(TokenCache::new(TokenSource { end_point, grant })))
        };
        Ok(match credentials {
            Credentials::None => Self::None,
            Credentials::Basic { username, password } => {
                let pair = format!("{username}:{}", password.expose_secret());
                let text = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
                Self::Fixed(sensitive(&text).map_err(|error| Error::Credentials(Box::new(error)))?)
            }
            Credentials::BearerFile(path) => Self::BearerFile(BearerFile::new(path)),
            Credentials::OAuthClient(client) => {
                token(&client.token_url, Grant::ClientCredentials(ClientCredentials::new(&client)?))?
            }
            Credentials::AzureManagedIdentity(identity) => {
                token(identity.host.url(), Grant::ManagedIdentity(ManagedIdentity::new(&identity)?))?
            }
            Credentials::AzureWorkloadIdentity(identity) => {
                token(&identity.token_url, Grant::FederatedToken(FederatedToken::new(&identity)))?
            }
            Credentials::GoogleServiceAccount(account) => {
                token(&account.token_url, Grant::ServiceAccount(ServiceAccount::new(&account)))?
            }
            Credentials::GoogleMetadataServer(server) => {
                token(&server.token_url, Grant::MetadataServer(MetadataServer::new(&server)))?
            }
            Credentials::AwsSigV4(config) => {
                Self::AwsSigV4(Box::new(aws::Signer::new(config, proxy, tls, timeouts)?))
            }
        })
    }

    /// Puts into a request what is valid at the time of the call. The request has its URL and all of its other
    /// header fields by then, its body as `payload` says; whoever signs may change header fields.
    pub(crate) async fn authorize(
        &self,
        request: &mut Request,
        payload: Payload<'_>,
    ) -> Result<Proof, Error> {
        let mut put =
            |header: &HeaderValue| _ = request.headers_mut().insert(header::AUTHORIZATION, header.clone());
        Ok(match self {
            Self::None => Proof::Unchanging,
            Self::Fixed(header) => {
                put(header);
                Proof::Unchanging
            }
            Self::BearerFile(file) => {
                let header = file.header().await?;
                put(&header);
                Proof::FileToken(header)
            }
            Self::Token(cache) => {
                let held = cache.current().await?;
                put(held.token());
                Proof::Token(held)
            }
            Self::AwsSigV4(signer) => Proof::Signed(Box::new(signer.sign(request, payload).await?)),
        })
    }

    /// Takes in the answer to a request, whatever it is. Tells whether it refuses the credentials and there are
    /// other ones by now, with which the request may be sent once more.
    pub(crate) async fn renewed(&self, response: &Response, proof: &Proof) -> Result<bool, Error> {
        let refused = response.status() == StatusCode::UNAUTHORIZED;
        match (self, proof) {
            (Self::BearerFile(file), Proof::FileToken(header)) if refused => {
                Ok(file.read_again().await? != *header)
            }
            (Self::Token(cache), Proof::Token(held)) if refused => Ok(cache.instead_of(held).await?),
            (Self::Token(_), Proof::Token(held)) => {
                // Whoever is busy, or finds fault with the request, may not have looked at the token.
                if response.status().is_success() {
                    held.accepted();
                }
                Ok(false)
            }
            (Self::AwsSigV4(signer), Proof::Signed(signed)) => signer.renewed(response, signed).await,
            _ => Ok(false),
        }
    }

    /// Has a token ready, of those that have tokens, and tells of it.
    pub(crate) async fn authenticate(&self) -> Result<Option<TokenState>, Error> {
        match self {
            Self::None | Self::Fixed(_) => Ok(None),
            Self::BearerFile(file) => file.header().await.map(|_| None),
            Self::AwsSigV4(signer) => signer.authenticate().await,
            Self::Token(cache) => {
                let held = cache.current().await?;
                Ok(Some(cache.state_of(&held)))
            }
        }
    }

    /// The token that is held, of those that have tokens.
    pub(crate) fn token_state(&self) -> Option<TokenState> {
        match self {
            Self::Token(cache) => cache.state(),
            Self::AwsSigV4(signer) => signer.token_state(),
            Self::None | Self::Fixed(_) | Self::BearerFile(_) => None,
        }
    }

    /// Sets who is told of requests for tokens.
    pub(crate) fn observe(&self, observer: TokenObserver) {
        match self {
            Self::Token(cache) => cache.observe(observer),
            Self::AwsSigV4(signer) => signer.observe(observer),
            Self::None | Self::Fixed(_) | Self::BearerFile(_) => {}
        }
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Fixed(_) => "Fixed",
            Self::BearerFile(_) => "BearerFile",
            Self::Token(_) => "Token",
            Self::AwsSigV4(_) => "AwsSigV4",
        })
    }
}

/// The header field of a bearer token (RFC 6750 §2.1).
pub(super) fn bearer(token: &str) -> Result<HeaderValue, header::InvalidHeaderValue> {
    sensitive(&format!("Bearer {token}"))
}

fn sensitive(text: &str) -> Result<HeaderValue, header::InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(text)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::error::Remedy;

    fn made_ready(credentials: Credentials) -> Authorization {
        Authorization::new(credentials, &Proxy::None, &Tls::default(), &Timeouts::default()).unwrap()
    }

    fn bearer(path: &Path) -> Authorization {
        made_ready(Credentials::BearerFile(path.to_owned()))
    }

    /// The header field of a request, and what it was authorized with.
    async fn authorized(authorization: &Authorization) -> Result<(String, Proof), Error> {
        let url = "http://localhost/".parse().unwrap();
        let mut request = Request::new(http::Method::GET, url);
        let proof = authorization.authorize(&mut request, Payload::Whole(b"")).await?;
        let header = &request.headers()[header::AUTHORIZATION];
        assert!(header.is_sensitive());
        Ok((header.to_str().unwrap().to_owned(), proof))
    }

    fn answered(status: u16) -> Response {
        http::Response::builder().status(status).body("").unwrap().into()
    }

    #[tokio::test]
    async fn basic_is_user_and_password_in_base64() {
        let password = "open sesame".to_owned().into();
        let credentials = Credentials::Basic { username: "Aladdin".to_owned(), password };
        let authorization = made_ready(credentials);
        let (header, proof) = authorized(&authorization).await.unwrap();
        assert_eq!(header, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(!authorization.renewed(&answered(401), &proof).await.unwrap());
    }

    #[tokio::test]
    async fn a_token_file_is_read_again_when_it_changes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        let authorization = bearer(&path);
        let error = authorized(&authorization).await.unwrap_err();
        assert_eq!(error.remedy(), Remedy::FixCredentials);
        assert!(error.to_string().contains("token"), "names the file: {error}");

        std::fs::write(&path, "first\n").unwrap();
        let (header, first) = authorized(&authorization).await.unwrap();
        assert_eq!(header, "Bearer first");
        assert!(!authorization.renewed(&answered(401), &first).await.unwrap());

        std::fs::write(&path, "the second").unwrap();
        assert_eq!(authorized(&authorization).await.unwrap().0, "Bearer the second");
        assert!(authorization.renewed(&answered(401), &first).await.unwrap());
        assert!(!authorization.renewed(&answered(403), &first).await.unwrap());
    }

    #[tokio::test]
    async fn a_refusal_reads_the_file_even_if_it_looks_unchanged() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        std::fs::write(&path, "aaaa").unwrap();
        let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
        let authorization = bearer(&path);
        let (header, first) = authorized(&authorization).await.unwrap();
        std::fs::write(&path, "bbbb").unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        assert_eq!(authorized(&authorization).await.unwrap().0, header);
        assert!(authorization.renewed(&answered(401), &first).await.unwrap());
        assert_eq!(authorized(&authorization).await.unwrap().0, "Bearer bbbb");
    }

    #[tokio::test]
    async fn a_file_that_is_no_token_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        for content in ["", " \n", "two\nlines", &"x".repeat(70_000)] {
            std::fs::write(&path, content).unwrap();
            let error = authorized(&bearer(&path)).await.unwrap_err();
            assert!(matches!(error, Error::Credentials(_)), "{error}");
        }
    }

    #[test]
    fn nothing_secret_shows() {
        let credentials =
            Credentials::Basic { username: "u".to_owned(), password: "secret".to_owned().into() };
        assert!(!format!("{credentials:?}").contains("secret"));
        let authorization = made_ready(credentials);
        assert_eq!(format!("{authorization:?}"), "Fixed");
    }
}
