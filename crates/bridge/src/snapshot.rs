//! A configuration made ready for use: what an association or a delivery holds on to.

use crate::config::{Config, ConfigError};

/// Why a configuration cannot be put to use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration contradicts itself.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The client of an origin cannot be made: a certificate or key file that cannot be used.
    #[error("origin.{origin}: {source}")]
    Client {
        /// The origin.
        origin: String,
        /// Why.
        source: dicomweb::Error,
    },
}

/// A configuration made ready for use.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) config: Config,
}

impl Snapshot {
    pub(crate) fn new(config: Config) -> Result<Self, StartError> {
        config.check()?;
        Ok(Self { config })
    }
}
