//! A bearer token in a file that somebody else keeps fresh.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use http::HeaderValue;
use tokio::io::AsyncReadExt as _;

use super::authorization::bearer;
use crate::Error;
use crate::tls::UnusableFile;

/// Bytes of the largest token file that is read. 64 KiB: tokens have a few kilobytes.
const TOKEN_BYTES_MAX: u64 = 64 * 1024;

/// A token file, and what it held last.
pub(crate) struct BearerFile {
    path: PathBuf,
    last: Mutex<Option<Token>>,
}

/// A token and the state of its file when it was read.
#[derive(Clone)]
struct Token {
    modified: Option<SystemTime>,
    length: u64,
    header: HeaderValue,
}

impl BearerFile {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path, last: Mutex::new(None) }
    }

    /// The value of the Authorization header field; the file is read where it has changed.
    pub(super) async fn header(&self) -> Result<HeaderValue, Error> {
        let known = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let state = tokio::fs::metadata(&self.path).await.map_err(|error| unusable(&self.path, error))?;
        let unchanged =
            known.filter(|known| known.modified == state.modified().ok() && known.length == state.len());
        match unchanged {
            Some(known) => Ok(known.header),
            None => self.read_again().await,
        }
    }

    /// Reads the file, whatever is known of it.
    pub(super) async fn read_again(&self) -> Result<HeaderValue, Error> {
        let token = Token::read(&self.path).await.map_err(|error| unusable(&self.path, error))?;
        let header = token.header.clone();
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
        Ok(header)
    }
}

impl Token {
    async fn read(path: &Path) -> io::Result<Self> {
        let file = tokio::fs::File::open(path).await?;
        let state = file.metadata().await?;
        let text = text_of(file).await?;
        let header = bearer(&text).map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidData, "the token cannot stand in a header field")
        })?;
        Ok(Self { modified: state.modified().ok(), length: state.len(), header })
    }
}

/// The token in a file, without white space around it.
pub(in crate::auth) async fn text_of(file: tokio::fs::File) -> io::Result<String> {
    let mut text = String::new();
    file.take(TOKEN_BYTES_MAX + 1).read_to_string(&mut text).await?;
    if text.len() as u64 > TOKEN_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the token file is too large"));
    }
    match text.trim() {
        "" => Err(io::Error::new(io::ErrorKind::InvalidData, "the token file is empty")),
        token => Ok(token.to_owned()),
    }
}

fn unusable(path: &Path, source: io::Error) -> Error {
    Error::Credentials(Box::new(UnusableFile { path: path.to_owned(), source: source.into() }))
}
