//! TLS of a client: rustls with aws-lc-rs, TLS 1.2 at least (PS3.15 §B.12).

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use reqwest::{Certificate, ClientBuilder, Identity, tls::Version};

use crate::{BaseUrl, BoxError, Error};

/// Bytes of the largest PEM file that is read. 1 MiB holds every authority of a platform many times.
const PEM_BYTES_MAX: u64 = 1024 * 1024;

/// What a client trusts beyond the roots of the platform, and how it shows who it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// PEM file of certification authorities that are trusted beside those of the platform.
    pub ca_file: Option<PathBuf>,
    /// PEM file of the client certificate, its chain behind it. The vendor asks for none; a proxy may.
    pub certificate_file: Option<PathBuf>,
    /// PEM file of the client certificate's private key. Not needed where `certificate_file` holds the
    /// key too.
    pub key_file: Option<PathBuf>,
}

/// A certificate or key file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct UnusableFile {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    #[source]
    pub source: BoxError,
}

impl Tls {
    /// Puts all of this into a client.
    pub(crate) fn apply(&self, builder: ClientBuilder, base_url: &BaseUrl) -> Result<ClientBuilder, Error> {
        let builder = builder.tls_version_min(Version::TLS_1_2);
        if !base_url.is_tls() {
            // The platform's authorities are not needed, and a small container image may have none, which
            // would make the client unusable.
            return Ok(builder.tls_certs_only([]));
        }
        let mut builder = builder;
        if let Some(path) = &self.ca_file {
            let authorities =
                Certificate::from_pem_bundle(&read(path)?).map_err(|error| unusable(path, error))?;
            if authorities.is_empty() {
                return Err(unusable(path, "no certificate in it"));
            }
            builder = builder.tls_certs_merge(authorities);
        }
        if let Some(path) = &self.certificate_file {
            let mut pem = read(path)?;
            if let Some(key) = &self.key_file {
                pem.push(b'\n');
                pem.extend(read(key)?);
            }
            let identity = Identity::from_pem(&pem).map_err(|error| unusable(path, error))?;
            builder = builder.identity(identity);
        }
        Ok(builder)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    read_bounded(path, PEM_BYTES_MAX).map_err(|error| unusable(path, error))
}

fn read_bounded(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(bytes_max + 1).read_to_end(&mut content)?;
    if content.len() as u64 > bytes_max {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "the file is too large"));
    }
    Ok(content)
}

fn unusable(path: &Path, source: impl Into<BoxError>) -> Error {
    Error::Credentials(Box::new(UnusableFile { path: path.to_owned(), source: source.into() }))
}
