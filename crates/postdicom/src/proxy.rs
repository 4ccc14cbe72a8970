//! The way out: directly, or through a proxy.

use reqwest::ClientBuilder;

use crate::error::chain;
use crate::{BaseUrl, Error};

/// The way from a client to the vendor.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Proxy {
    /// As the environment says when the client is made: `HTTPS_PROXY`, `NO_PROXY` and their like, as common programs
    /// understand them. Never to the machine itself: a proxy would ask its own.
    #[default]
    Environment,
    /// Directly, whatever the environment says.
    None,
    /// Through the proxy of this address, whatever the environment says.
    Url(String),
}

impl Proxy {
    /// Puts this into a client that asks `base_url`.
    pub(crate) fn apply(&self, builder: ClientBuilder, base_url: &BaseUrl) -> Result<ClientBuilder, Error> {
        match self {
            Self::Environment if base_url.is_loopback() => Ok(builder.no_proxy()),
            Self::Environment => Ok(builder),
            Self::None => Ok(builder.no_proxy()),
            Self::Url(address) => {
                let proxy = reqwest::Proxy::all(address.as_str())
                    .map_err(|error| Error::Credentials(chain(error).into()))?;
                Ok(builder.no_proxy().proxy(proxy))
            }
        }
    }
}
