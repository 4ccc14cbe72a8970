//! A certification authority of the tests, and TLS in front of a server that speaks none.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, thread};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::wait::block_on;

/// A private authority, as a hospital has one.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// A new one, which nothing trusts yet.
    ///
    /// # Panics
    /// Where no key can be made.
    #[must_use]
    pub fn new() -> Self {
        let mut params = CertificateParams::new([]).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    /// Writes its certificate.
    ///
    /// # Panics
    /// Where it cannot be written.
    #[must_use]
    pub fn write(&self, path: &Path) -> PathBuf {
        fs::write(path, self.0.pem()).expect("a file");
        path.to_owned()
    }

    /// Writes a client certificate and its key to `NAME.pem` and `NAME.key` of a folder.
    ///
    /// # Panics
    /// Where they cannot be made or written.
    pub fn write_client(&self, folder: &Path, name: &str) {
        let (certificate, key) = self.issue(name, ExtendedKeyUsagePurpose::ClientAuth);
        fs::write(folder.join(format!("{name}.pem")), certificate).expect("a file");
        fs::write(folder.join(format!("{name}.key")), key).expect("a file");
    }

    /// Certificate and key in PEM.
    fn issue(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> (String, String) {
        let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }

    fn acceptor(&self, asks_client: bool) -> TlsAcceptor {
        let (certificate, key) = self.issue("localhost", ExtendedKeyUsagePurpose::ServerAuth);
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("PEM");
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("PEM");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().expect("versions");
        let builder = if asks_client {
            let mut roots = RootCertStore::empty();
            roots.add(self.0.der().clone()).expect("an authority");
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
        } else {
            builder.with_no_client_auth()
        };
        TlsAcceptor::from(Arc::new(builder.with_single_cert(vec![certificate], key).expect("a key")))
    }
}

/// TLS in front of one address, under the name `localhost`; stops with the test.
pub struct TlsFront {
    address: SocketAddr,
    refused: Arc<AtomicUsize>,
}

impl TlsFront {
    /// Listens on a free port. Where it asks for client certificates, those of the authority are let in.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn to(upstream: SocketAddr, authority: &Authority, asks_client: bool) -> Self {
        let acceptor = authority.acceptor(asks_client);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("a bound socket");
        let refused = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&refused);
        thread::spawn(move || block_on(serve(listener, upstream, acceptor, counter)));
        Self { address, refused }
    }

    /// Base URL of the DICOMweb service behind it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://localhost:{}/dicom-web", self.address.port())
    }

    /// How many handshakes failed.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.refused.load(Ordering::Relaxed)
    }
}

async fn serve(
    listener: std::net::TcpListener,
    upstream: SocketAddr,
    acceptor: TlsAcceptor,
    refused: Arc<AtomicUsize>,
) {
    let listener = TcpListener::from_std(listener).expect("a socket");
    while let Ok((client, _)) = listener.accept().await {
        let (acceptor, refused) = (acceptor.clone(), Arc::clone(&refused));
        tokio::spawn(async move {
            let Ok(mut client) = acceptor.accept(client).await else {
                refused.fetch_add(1, Ordering::Relaxed);
                return;
            };
            if let Ok(mut server) = TcpStream::connect(upstream).await {
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            }
        });
    }
}
