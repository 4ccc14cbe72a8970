//! The client of one origin server.

use http::{HeaderName, HeaderValue};

use crate::{BaseUrl, Credentials, Error, Profile, Timeouts, Tls};

/// Everything a client needs to know.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// Where the origin's resources begin.
    pub base_url: BaseUrl,
    /// What the origin can do.
    pub profile: Profile,
    /// Who we are.
    pub credentials: Credentials,
    /// Trust and client certificate.
    pub tls: Tls,
    /// Header fields added to every request. Values are treated as secrets.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Time-outs.
    pub timeouts: Timeouts,
}

/// A client of one origin server. Cloning is cheap and shares connections.
#[derive(Debug, Clone)]
pub struct Client {
    _private: (),
}

impl Client {
    /// Makes a client. Certificates are read now, credentials when they are used.
    ///
    /// # Errors
    /// [`Error::Credentials`] where a certificate or key file cannot be used.
    pub fn new(_config: ClientConfig) -> Result<Self, Error> {
        todo!()
    }

    /// The profile in force.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        todo!()
    }

    /// A small authenticated request that tells whether the origin would answer.
    ///
    /// # Errors
    /// Whatever a request of that kind would meet.
    pub async fn probe(&self) -> Result<(), Error> {
        todo!()
    }
}
