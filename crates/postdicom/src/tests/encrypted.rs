//! Servers behind TLS.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::*;

/// A server with a certificate of an authority of its own, and that authority's file. It answers every
/// request with an empty list.
async fn serve(directory: &Path) -> (BaseUrl, PathBuf) {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let ca_file = directory.join("ca.pem");
    std::fs::write(&ca_file, ca.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = CertificateDer::from(params.signed_by(&key, &ca).unwrap().der().to_vec());
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config =
        rustls::ServerConfig::builder_with_provider(provider).with_protocol_versions(rustls::ALL_VERSIONS);
    let config = config.unwrap().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let base_url = format!("https://localhost:{}/", listener.local_addr().unwrap().port()).parse().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(socket).await else { continue };
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let Ok(byte) = stream.read_u8().await else { break };
                head.push(byte);
            }
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]").await;
            let _ = stream.shutdown().await;
        }
    });
    (base_url, ca_file)
}

fn client(base_url: &BaseUrl, tls: Tls) -> Result<Client, Error> {
    Client::new(ClientConfig { tls, ..ClientConfig::new(base_url.clone(), None) })
}

#[tokio::test]
async fn only_a_trusted_server_gets_a_call() {
    let (here, there) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (base_url, ca_file) = serve(here.path()).await;
    let (_, other_ca_file) = serve(there.path()).await;
    let trusting = Tls { ca_file: Some(ca_file), ..Tls::default() };
    client(&base_url, trusting).unwrap().probe().await.unwrap();
    let distrusting = Tls { ca_file: Some(other_ca_file), ..Tls::default() };
    let error = client(&base_url, distrusting).unwrap().probe().await.unwrap_err();
    assert!(matches!(error, Error::Connect(_)), "{error}");
    assert_eq!(error.delivery(), Delivery::NeverLeft);
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let directory = TempDir::new().unwrap();
    let (missing, empty) = (directory.path().join("missing.pem"), directory.path().join("empty.pem"));
    std::fs::write(&empty, "no PEM").unwrap();
    let base_url: BaseUrl = "https://localhost/".parse().unwrap();
    let cases = [
        (Tls { ca_file: Some(missing.clone()), ..Tls::default() }, "missing.pem"),
        (Tls { ca_file: Some(empty.clone()), ..Tls::default() }, "empty.pem"),
        (Tls { certificate_file: Some(empty), ..Tls::default() }, "empty.pem"),
        (
            Tls { certificate_file: Some(missing.clone()), key_file: Some(missing), ..Tls::default() },
            "missing.pem",
        ),
    ];
    for (tls, name) in cases {
        let error = client(&base_url, tls).unwrap_err();
        assert_eq!(error.remedy(SideEffect::None), Remedy::FixCredentials);
        assert!(error.to_string().contains(name), "{error}");
    }
}
