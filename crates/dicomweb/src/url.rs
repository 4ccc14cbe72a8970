//! URLs of an origin server: a base and path templates.

use std::borrow::Cow;

/// A path below the base URL in which `{study}`, `{series}` and `{instance}` stand for UIDs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathTemplate(Cow<'static, str>);

/// The base URL of an origin server, with or without a path and a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(reqwest::Url);

/// Why text is not a base URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidBaseUrl {
    /// No URL at all.
    #[error("not a URL: {0}")]
    Malformed(String),
    /// Neither http nor https.
    #[error("the scheme {0} is neither http nor https")]
    Scheme(String),
    /// Credentials in the URL would end up in logs; they belong in their own settings.
    #[error("a URL must not hold credentials")]
    Credentials,
    /// A query or fragment cannot be a base.
    #[error("a base URL has neither query nor fragment")]
    QueryOrFragment,
}
