//! TLS of a client: rustls with aws-lc-rs, TLS 1.2 at least (PS3.15 §B.12).

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use reqwest::{Certificate, ClientBuilder, Identity, Url, tls::Version};

use crate::{BoxError, Error};

/// Bytes of the largest PEM file that is read. 1 MiB holds every authority of a platform many times.
const PEM_BYTES_MAX: u64 = 1024 * 1024;

/// What a client trusts beyond the roots of the platform, and how it shows who it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// PEM file of certification authorities that are trusted beside those of the platform.
    pub ca_file: Option<PathBuf>,
    /// PEM file of the client certificate, its chain behind it.
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
    pub(crate) fn apply(&self, builder: ClientBuilder, url: &Url) -> Result<ClientBuilder, Error> {
        let builder = builder.tls_version_min(Version::TLS_1_2);
        if url.scheme() != "https" {
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rcgen::{
        BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    };
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use rustls::server::WebPkiClientVerifier;
    use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
    use tempfile::TempDir;
    use tokio::io::AsyncWriteExt as _;
    use tokio_rustls::TlsAcceptor;

    use super::*;
    use crate::testing::{config, raw, read_until};
    use crate::{Client, error::Remedy};

    /// A private authority, what it has signed, and files of both.
    struct Pki {
        directory: TempDir,
        ca: CertifiedIssuer<'static, KeyPair>,
    }

    impl Pki {
        fn new() -> Self {
            let mut params = CertificateParams::new([]).unwrap();
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
            let directory = tempfile::tempdir().unwrap();
            std::fs::write(directory.path().join("ca.pem"), ca.pem()).unwrap();
            Self { directory, ca }
        }

        /// Certificate and key in PEM.
        fn issue(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> (String, String) {
            let mut params = CertificateParams::new([name.to_owned()]).unwrap();
            params.extended_key_usages = vec![usage];
            let key = KeyPair::generate().unwrap();
            (params.signed_by(&key, &self.ca).unwrap().pem(), key.serialize_pem())
        }

        fn file(&self, name: &str, content: &str) -> PathBuf {
            let path = self.directory.path().join(name);
            std::fs::write(&path, content).unwrap();
            path
        }

        fn ca_file(&self) -> Option<PathBuf> {
            Some(self.directory.path().join("ca.pem"))
        }

        fn acceptor(&self, ask_client: bool, versions: &[&'static SupportedProtocolVersion]) -> TlsAcceptor {
            let (certificate, key) = self.issue("localhost", ExtendedKeyUsagePurpose::ServerAuth);
            let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let builder = ServerConfig::builder_with_provider(provider.clone());
            let builder = builder.with_protocol_versions(versions).unwrap();
            let builder = if ask_client {
                let mut roots = RootCertStore::empty();
                roots.add(self.ca.der().clone()).unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
                builder.with_client_cert_verifier(verifier)
            } else {
                builder.with_no_client_auth()
            };
            TlsAcceptor::from(Arc::new(builder.with_single_cert(vec![certificate], key).unwrap()))
        }
    }

    /// Probes a server with these settings on both sides; gives whether a client certificate was shown.
    async fn probe(acceptor: TlsAcceptor, tls: Tls) -> Result<bool, Error> {
        let (base, server) = raw(move |socket| async move {
            let mut stream = acceptor.accept(socket).await.ok()?;
            read_until(&mut stream, b"\r\n\r\n").await;
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.ok()?;
            stream.shutdown().await.ok()?;
            Some(stream.get_ref().1.peer_certificates().is_some())
        })
        .await;
        let base = base.to_string().replace("http://127.0.0.1", "https://localhost").parse().unwrap();
        let mut config = config(base);
        config.tls = tls;
        Client::new(config)?.probe().await?;
        Ok(server.await.unwrap().unwrap())
    }

    #[tokio::test]
    async fn a_private_authority_is_trusted_when_its_file_is_named() {
        let pki = Pki::new();
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let trusting = Tls { ca_file: pki.ca_file(), ..Tls::default() };
            assert!(!probe(pki.acceptor(false, &[version]), trusting).await.unwrap());
        }
        // The platform may know authorities or none; in neither case this one.
        let error = probe(pki.acceptor(false, rustls::ALL_VERSIONS), Tls::default()).await.unwrap_err();
        assert!(matches!(error, Error::Connect(_) | Error::Credentials(_)), "{error}");
        let other = Pki::new();
        let trusting = Tls { ca_file: other.ca_file(), ..Tls::default() };
        let error = probe(pki.acceptor(false, rustls::ALL_VERSIONS), trusting).await.unwrap_err();
        assert_eq!(error.remedy(), Remedy::Retry { after: None }, "{error}");
    }

    #[tokio::test]
    async fn a_client_certificate_is_shown() {
        let pki = Pki::new();
        let (certificate, key) = pki.issue("client", ExtendedKeyUsagePurpose::ClientAuth);
        let both = format!("{certificate}\n{key}");
        let forms = [
            Tls {
                ca_file: pki.ca_file(),
                certificate_file: Some(pki.file("client.pem", &certificate)),
                key_file: Some(pki.file("key.pem", &key)),
            },
            Tls {
                ca_file: pki.ca_file(),
                certificate_file: Some(pki.file("both.pem", &both)),
                key_file: None,
            },
        ];
        for tls in forms {
            assert!(probe(pki.acceptor(true, rustls::ALL_VERSIONS), tls).await.unwrap());
        }
        let without = Tls { ca_file: pki.ca_file(), ..Tls::default() };
        assert!(probe(pki.acceptor(true, &[&rustls::version::TLS12]), without).await.is_err());
    }

    #[tokio::test]
    async fn files_that_cannot_be_used_are_named() {
        let pki = Pki::new();
        let (certificate, _) = pki.issue("client", ExtendedKeyUsagePurpose::ClientAuth);
        let missing = Some(pki.directory.path().join("missing.pem"));
        let no_pem = Some(pki.file("no.pem", "not PEM"));
        let no_key = Some(pki.file("client.pem", &certificate));
        let cases = [
            (Tls { ca_file: missing.clone(), ..Tls::default() }, "missing.pem"),
            (Tls { ca_file: no_pem, ..Tls::default() }, "no.pem"),
            (Tls { certificate_file: no_key.clone(), ..Tls::default() }, "client.pem"),
            (Tls { certificate_file: no_key, key_file: missing, ..Tls::default() }, "missing.pem"),
        ];
        for (tls, name) in cases {
            let mut config = config("https://localhost/".parse().unwrap());
            config.tls = tls;
            let error = Client::new(config).unwrap_err();
            assert_eq!(error.remedy(), Remedy::FixCredentials);
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
