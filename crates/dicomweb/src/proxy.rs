//! The way out: directly, or through a proxy.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use reqwest::{ClientBuilder, Url};

use crate::Error;
use crate::transport::TransportError;
use crate::url::{InvalidBaseUrl, without_credentials};

/// The way from a client to a server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Proxy {
    /// As the environment says when the client is made: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`,
    /// or their names in lower case, as `curl` understands them. The machine itself and its own link, where
    /// metadata servers are, are never asked through a proxy: it would ask its own.
    #[default]
    Environment,
    /// Directly, whatever the environment says.
    None,
    /// Through this one to every server but the metadata servers of clouds, whatever the environment says.
    Url(ProxyUrl),
}

/// The address of a proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl(Url);

impl Proxy {
    /// Puts this into a client that asks `url`.
    pub(crate) fn apply(&self, builder: ClientBuilder, url: &Url) -> Result<ClientBuilder, Error> {
        match self {
            Self::Environment if is_near(url) => Ok(builder.no_proxy()),
            Self::Environment => Ok(builder),
            Self::None => Ok(builder.no_proxy()),
            Self::Url(ProxyUrl(proxy)) => {
                let proxy = reqwest::Proxy::all(proxy.clone())
                    .map_err(|error| Error::Credentials(Box::new(TransportError::from(error))))?;
                Ok(builder.no_proxy().proxy(proxy))
            }
        }
    }
}

/// Whether a server is on the machine itself or on its link.
pub(crate) fn is_near(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).trim_end_matches('.');
    match host.parse() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => {
            address.is_loopback()
                || address.is_unicast_link_local()
                || address.to_ipv4_mapped().is_some_and(|address| address.is_loopback())
        }
        Err(_) => {
            let names = ["localhost", "metadata.google.internal"];
            names.iter().any(|name| host.eq_ignore_ascii_case(name)) || host.ends_with(".localhost")
        }
    }
}

impl FromStr for ProxyUrl {
    type Err = InvalidBaseUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = without_credentials(text)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidBaseUrl::QueryOrFragment);
        }
        Ok(Self(url))
    }
}

impl fmt::Display for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
