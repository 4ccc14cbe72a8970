//! TLS of a client: rustls with aws-lc-rs, TLS 1.2 at least.

use std::path::PathBuf;

/// What a client trusts beyond the roots of the platform, and how it shows who it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// PEM file of certification authorities that are trusted beside those of the platform.
    pub ca_file: Option<PathBuf>,
    /// PEM file of the client certificate, its chain behind it.
    pub certificate_file: Option<PathBuf>,
    /// PEM file of the client certificate's private key. Needed with `certificate_file`.
    pub key_file: Option<PathBuf>,
}
