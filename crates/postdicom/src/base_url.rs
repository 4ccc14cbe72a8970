//! Where the vendor's endpoints begin.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;

/// The address that the vendor hands out, with or without a trailing slash: its clients join paths to it
/// in both ways.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// Why text is not a base URL. The text is not repeated, since it may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidBaseUrl {
    /// No URL at all.
    #[error("not a URL: {0}")]
    Malformed(String),
    /// Neither http nor https.
    #[error("the scheme is neither http nor https")]
    Scheme,
    /// Credentials in the URL would end up in logs; they belong in their own settings.
    #[error("a URL must not hold credentials")]
    Credentials,
    /// A query or fragment cannot be a base.
    #[error("a base URL has neither query nor fragment")]
    QueryOrFragment,
}

impl BaseUrl {
    /// Whether requests go over TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether requests stay on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        address.map_or(host == "localhost", |address| address.is_loopback())
    }

    /// The URL of a path, which begins with a slash.
    pub(crate) fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}{path}", self.0.path().trim_end_matches('/')));
        url
    }
}

impl FromStr for BaseUrl {
    type Err = InvalidBaseUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text.trim()).map_err(|error| InvalidBaseUrl::Malformed(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidBaseUrl::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(InvalidBaseUrl::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidBaseUrl::QueryOrFragment);
        }
        Ok(Self(url))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_with_and_without_a_slash_at_the_end() {
        for base in ["https://h/dicomweb", "https://h/dicomweb/", "https://h:443/dicomweb//"] {
            let base: BaseUrl = base.parse().unwrap();
            assert_eq!(base.join("/createfolder").as_str(), "https://h/dicomweb/createfolder");
        }
        assert_eq!("http://h".parse::<BaseUrl>().unwrap().join("/a").as_str(), "http://h/a");
    }

    #[test]
    fn knows_this_machine() {
        for (url, expected) in [
            ("http://127.0.0.1:8080/", true),
            ("http://[::1]/", true),
            ("http://localhost/", true),
            ("http://localhost.example.org/", false),
            ("http://127.0.0.1.example.org/", false),
            ("http://10.0.0.1/", false),
        ] {
            assert_eq!(url.parse::<BaseUrl>().unwrap().is_loopback(), expected, "{url}");
        }
    }

    #[test]
    fn refuses_what_is_no_base() {
        use InvalidBaseUrl::{Credentials, QueryOrFragment, Scheme};
        let table = [
            ("ftp://h/", Scheme),
            ("https://u:secret@h/", Credentials),
            ("https://h/?a", QueryOrFragment),
            ("https://h/#a", QueryOrFragment),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse::<BaseUrl>(), Err(expected), "{text}");
        }
        assert!(matches!("h".parse::<BaseUrl>(), Err(InvalidBaseUrl::Malformed(_))));
    }
}
