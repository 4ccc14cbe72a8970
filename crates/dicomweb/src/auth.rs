//! How a client proves who it is.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;
use std::{fmt, io};

use base64::Engine as _;
use http::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::AsyncReadExt as _;

use crate::Error;
use crate::tls::UnusableFile;

/// Bytes of the largest token file that is read. 64 KiB: tokens have a few kilobytes.
const TOKEN_BYTES_MAX: u64 = 64 * 1024;

/// Credentials of one origin server. Nothing secret shows in `Debug`.
#[derive(Debug, Clone, Default)]
pub enum Credentials {
    /// None.
    #[default]
    None,
    /// Basic authentication (RFC 7617).
    Basic {
        /// The user's name.
        username: String,
        /// The password, read by the caller.
        password: SecretString,
    },
    /// A bearer token (RFC 6750) in a file, read again when the file changes and once on 401.
    BearerFile(PathBuf),
}

/// Credentials as one client uses them.
pub(crate) enum Authorization {
    None,
    Fixed(HeaderValue),
    BearerFile { path: PathBuf, last: Mutex<Option<Token>> },
}

/// A token and the state of its file when it was read.
#[derive(Clone)]
pub(crate) struct Token {
    modified: Option<SystemTime>,
    length: u64,
    header: HeaderValue,
}

impl Authorization {
    pub(crate) fn new(credentials: Credentials) -> Result<Self, Error> {
        Ok(match credentials {
            Credentials::None => Self::None,
            Credentials::Basic { username, password } => {
                let pair = format!("{username}:{}", password.expose_secret());
                let text = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair));
                Self::Fixed(sensitive(&text).map_err(|error| Error::Credentials(Box::new(error)))?)
            }
            Credentials::BearerFile(path) => Self::BearerFile { path, last: Mutex::new(None) },
        })
    }

    /// The value of the Authorization header field, fresh at the time of the call.
    pub(crate) async fn header(&self) -> Result<Option<HeaderValue>, Error> {
        match self {
            Self::None => Ok(None),
            Self::Fixed(header) => Ok(Some(header.clone())),
            Self::BearerFile { path, last } => {
                let known = last.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let state = tokio::fs::metadata(path).await.map_err(|error| unusable(path, error))?;
                let unchanged = known
                    .filter(|known| known.modified == state.modified().ok() && known.length == state.len());
                match unchanged {
                    Some(known) => Ok(Some(known.header)),
                    None => read_again(path, last).await.map(Some),
                }
            }
        }
    }

    /// After a 401: whether other credentials than `refused` can be had now.
    pub(crate) async fn refresh(&self, refused: Option<&HeaderValue>) -> Result<bool, Error> {
        match self {
            Self::None | Self::Fixed(_) => Ok(false),
            Self::BearerFile { path, last } => Ok(Some(&read_again(path, last).await?) != refused),
        }
    }
}

/// Reads the token file, whatever is known of it.
async fn read_again(path: &Path, last: &Mutex<Option<Token>>) -> Result<HeaderValue, Error> {
    let token = Token::read(path).await.map_err(|error| unusable(path, error))?;
    let header = token.header.clone();
    *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
    Ok(header)
}

impl Token {
    async fn read(path: &Path) -> io::Result<Self> {
        let file = tokio::fs::File::open(path).await?;
        let state = file.metadata().await?;
        let mut text = String::new();
        file.take(TOKEN_BYTES_MAX + 1).read_to_string(&mut text).await?;
        if text.len() as u64 > TOKEN_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the token file is too large"));
        }
        if text.trim().is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the token file is empty"));
        }
        let header = sensitive(&format!("Bearer {}", text.trim())).map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidData, "the token cannot stand in a header field")
        })?;
        Ok(Self { modified: state.modified().ok(), length: state.len(), header })
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Fixed(_) => "Fixed",
            Self::BearerFile { .. } => "BearerFile",
        })
    }
}

fn sensitive(text: &str) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
    let mut value = HeaderValue::from_str(text)?;
    value.set_sensitive(true);
    Ok(value)
}

fn unusable(path: &Path, source: io::Error) -> Error {
    Error::Credentials(Box::new(UnusableFile { path: path.to_owned(), source: source.into() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Remedy;

    fn bearer(path: &Path) -> Authorization {
        Authorization::new(Credentials::BearerFile(path.to_owned())).unwrap()
    }

    fn text(header: Option<HeaderValue>) -> String {
        header.unwrap().to_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn basic_is_user_and_password_in_base64() {
        let password = "open sesame".to_owned().into();
        let credentials = Credentials::Basic { username: "Aladdin".to_owned(), password };
        let authorization = Authorization::new(credentials).unwrap();
        let header = authorization.header().await.unwrap();
        assert!(header.as_ref().unwrap().is_sensitive());
        assert_eq!(text(header), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(!authorization.refresh(None).await.unwrap());
    }

    #[tokio::test]
    async fn a_token_file_is_read_again_when_it_changes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        let authorization = bearer(&path);
        let error = authorization.header().await.unwrap_err();
        assert_eq!(error.remedy(), Remedy::FixCredentials);
        assert!(error.to_string().contains("token"), "names the file: {error}");

        std::fs::write(&path, "first\n").unwrap();
        let first = authorization.header().await.unwrap();
        assert_eq!(text(first.clone()), "Bearer first");
        assert!(!authorization.refresh(first.as_ref()).await.unwrap());

        std::fs::write(&path, "the second").unwrap();
        assert_eq!(text(authorization.header().await.unwrap()), "Bearer the second");
        assert!(authorization.refresh(first.as_ref()).await.unwrap());
    }

    #[tokio::test]
    async fn a_refusal_reads_the_file_even_if_it_looks_unchanged() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        std::fs::write(&path, "aaaa").unwrap();
        let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
        let authorization = bearer(&path);
        let first = authorization.header().await.unwrap();
        std::fs::write(&path, "bbbb").unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        assert_eq!(authorization.header().await.unwrap(), first);
        assert!(authorization.refresh(first.as_ref()).await.unwrap());
        assert_eq!(text(authorization.header().await.unwrap()), "Bearer bbbb");
    }

    #[tokio::test]
    async fn a_file_that_is_no_token_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        for content in ["", " \n", "two\nlines", &"x".repeat(70_000)] {
            std::fs::write(&path, content).unwrap();
            let error = bearer(&path).header().await.unwrap_err();
            assert!(matches!(error, Error::Credentials(_)), "{error}");
        }
    }

    #[test]
    fn nothing_secret_shows() {
        let credentials =
            Credentials::Basic { username: "u".to_owned(), password: "secret".to_owned().into() };
        assert!(!format!("{credentials:?}").contains("secret"));
        let authorization = Authorization::new(credentials).unwrap();
        assert_eq!(format!("{authorization:?}"), "Fixed");
    }
}
