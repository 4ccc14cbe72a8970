//! Origins of the configuration: where they are, what they can do, who we are there.

use super::{rate_limit, secret};
use crate::config_file::{Document, Duplicate, File, HeaderValue, KeyPath, Origin, Problem};
use bridge::config::Origin as BridgeOrigin;
use dicomweb::{BaseUrl, ClientConfig, Pace, Proxy, Timeouts, Tls, url::InvalidBaseUrl};
use http::HeaderName;
use secrecy::{ExposeSecret, SecretString};
use std::{collections::BTreeMap, path::PathBuf};

/// Header fields of the connection (RFC 9110 §7.6.1, RFC 9113 §8.2.2), of the framing of a body, or of the host
/// that is asked: written twice or wrongly they break every request.
const OF_THE_CONNECTION: [&str; 13] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// All origins. `files` gets the files whose change asks for a reload.
///
/// # Errors
/// The first problem.
pub(super) fn all(
    file: &File,
    document: &Document,
    files: &mut Vec<PathBuf>,
) -> Result<Vec<BridgeOrigin>, Problem> {
    let mut origins = Vec::with_capacity(file.origin.len());
    for (name, origin) in &file.origin {
        let mut reading =
            Reading { origin, path: KeyPath::from("origin").key(name.as_str()), document, files };
        let client = reading.client()?;
        let postdicom = reading.postdicom(&client)?;
        origins.push(BridgeOrigin {
            name: name.clone(),
            client,
            duplicate: match origin.duplicate {
                Duplicate::Verify => bridge::config::Duplicate::Verify,
                Duplicate::Success => bridge::config::Duplicate::Success,
                Duplicate::Reject => bridge::config::Duplicate::Reject,
                Duplicate::Overwrite => bridge::config::Duplicate::Overwrite,
            },
            workers: origin.workers.map(super::count),
            postdicom,
        });
    }
    Ok(origins)
}

/// One origin while it is read.
pub(super) struct Reading<'a> {
    pub(super) origin: &'a Origin,
    pub(super) path: KeyPath,
    pub(super) document: &'a Document,
    pub(super) files: &'a mut Vec<PathBuf>,
}

impl Reading<'_> {
    fn client(&mut self) -> Result<ClientConfig, Problem> {
        let origin = self.origin;
        // The text is not repeated: it may hold a password, and problems are logged.
        let base_url: BaseUrl = origin.url.parse().map_err(|error| {
            let message = match error {
                InvalidBaseUrl::Credentials => format!("{error}; write them under `auth` of this origin"),
                other => other.to_string(),
            };
            self.problem("url", message)
        })?;
        let (base_url, profile) = self.profile(base_url)?;
        let mut headers = self.headers()?;
        let credentials = self.credentials(&mut headers)?;
        let tls = self.tls()?;
        for (key, written) in [
            ("connect_timeout", origin.connect_timeout),
            ("send_timeout", origin.send_timeout),
            ("answer_timeout", origin.answer_timeout),
            ("read_timeout", origin.read_timeout),
            ("page_timeout", origin.page_timeout),
        ] {
            if written.0.is_zero() {
                return Err(self.problem(key, "a time-out of zero would end everything at once"));
            }
        }
        let timeouts = Timeouts {
            connect: origin.connect_timeout.0,
            send_idle: origin.send_timeout.0,
            answer: origin.answer_timeout.0,
            read_idle: origin.read_timeout.0,
            page: origin.page_timeout.0,
            unavailable: origin.unavailable_timeout.0,
            ..Timeouts::default()
        };
        let limit = rate_limit::rate_limit(&origin.rate_limit, &self.path.key("rate_limit"), self.document)?;
        let pace = Pace::new(limit);
        let proxy = match origin.proxy.as_str() {
            "environment" => Proxy::Environment,
            "none" => Proxy::None,
            address => Proxy::Url(address.parse().map_err(|error: InvalidBaseUrl| {
                let message = format!("neither `environment` nor `none`; {error}");
                self.problem("proxy", message)
            })?),
        };
        Ok(ClientConfig { base_url, profile, credentials, tls, headers, proxy, timeouts, pace })
    }

    fn headers(&mut self) -> Result<Vec<(HeaderName, http::HeaderValue)>, Problem> {
        let path = self.path.key("headers");
        self.header_fields(&path, &self.origin.headers)
    }

    /// Header fields as they are sent; `path` is where they are written.
    pub(super) fn header_fields(
        &mut self,
        path: &KeyPath,
        written: &BTreeMap<String, HeaderValue>,
    ) -> Result<Vec<(HeaderName, http::HeaderValue)>, Problem> {
        let mut headers = Vec::with_capacity(written.len());
        for (name, value) in written {
            let path = path.key(name.as_str());
            let header = HeaderName::try_from(name.as_str())
                .map_err(|_| self.document.problem(&path, "not the name of an HTTP header"))?;
            if OF_THE_CONNECTION.contains(&header.as_str()) {
                let message = "belongs to the connection or to the body, and is written by Dimseway alone";
                return Err(self.document.problem(&path, message));
            }
            let value = match value {
                HeaderValue::Plain(value) => SecretString::from(value.as_str()),
                HeaderValue::File(file) => secret::from_file(file, &path, self.document, self.files)?,
                HeaderValue::Environment(variable) => {
                    secret::from_environment(variable, &path, self.document)?
                }
            };
            headers.push((header, self.header_value(&path, &value)?));
        }
        Ok(headers)
    }

    pub(super) fn header_value(
        &self,
        path: &KeyPath,
        value: &SecretString,
    ) -> Result<http::HeaderValue, Problem> {
        let mut value = http::HeaderValue::try_from(value.expose_secret())
            .map_err(|_| self.document.problem(path, "holds characters that an HTTP header cannot carry"))?;
        value.set_sensitive(true);
        Ok(value)
    }

    fn tls(&mut self) -> Result<Tls, Problem> {
        let origin = self.origin;
        let mut file = |key: &str, name: &Option<String>| {
            let path = self.path.key("tls").key(key);
            name.as_deref().map(|name| secret::readable(name, &path, self.document, self.files)).transpose()
        };
        let tls = Tls {
            ca_file: file("ca", &origin.tls.ca)?,
            certificate_file: file("certificate", &origin.tls.certificate)?,
            key_file: file("key", &origin.tls.key)?,
        };
        if tls.certificate_file.is_some() != tls.key_file.is_some() {
            return Err(self.problem("tls", "`certificate` and `key` are needed together"));
        }
        Ok(tls)
    }

    pub(super) fn problem(&self, key: &str, message: impl Into<String>) -> Problem {
        self.document.problem(&self.path.key(key), message)
    }
}
