//! URLs of an origin server: a base and path templates below it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use instance::{Identity, Uid};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Characters of a value that stand for themselves in a path segment or a query (RFC 3986 §2.3).
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A path below the base URL, with or without a query, in which `{study}`, `{series}` and `{instance}`
/// stand for the UIDs of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathTemplate(Cow<'static, str>);

/// The UIDs that a path may name.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Target<'a> {
    pub(crate) study: Option<&'a Uid>,
    pub(crate) series: Option<&'a Uid>,
    pub(crate) instance: Option<&'a Uid>,
}

/// Why text is not a path template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPathTemplate {
    /// It does not begin with a slash.
    #[error("a path template begins with a slash")]
    Relative,
    /// A name in braces that stands for nothing, or a brace without its partner.
    #[error("{{{0}}} stands for nothing; known are {{study}}, {{series}} and {{instance}}")]
    Placeholder(String),
}

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

impl PathTemplate {
    /// A template known at compile time. Its placeholders are checked by a test of the profiles.
    pub(crate) const fn literal(template: &'static str) -> Self {
        Self(Cow::Borrowed(template))
    }

    /// The template as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The template below a path.
    pub(crate) fn below(&self, prefix: &str) -> Self {
        Self(Cow::Owned(format!("{prefix}{}", self.0)))
    }

    /// Whether it is about one instance.
    pub(crate) fn names_instance(&self) -> bool {
        self.0.contains("{instance}")
    }

    /// The path for a target, its UIDs percent-encoded. A template without placeholders is the same for
    /// all.
    fn fill(&self, target: Target<'_>) -> String {
        let uids = [("{study}", target.study), ("{series}", target.series), ("{instance}", target.instance)];
        let mut path = self.0.clone().into_owned();
        for (placeholder, uid) in uids {
            if let Some(uid) = uid {
                path = path.replace(placeholder, &encoded(uid.as_str()));
            }
        }
        path
    }
}

impl<'a> From<&'a Identity> for Target<'a> {
    fn from(identity: &'a Identity) -> Self {
        Self {
            study: Some(&identity.study_instance_uid),
            series: Some(&identity.series_instance_uid),
            instance: Some(&identity.sop_instance_uid),
        }
    }
}

/// A value percent-encoded for a path segment or a query.
pub(crate) fn encoded(value: &str) -> String {
    utf8_percent_encode(value, RESERVED).to_string()
}

/// Reads a URL of http or https that holds no credentials.
pub(crate) fn without_credentials(text: &str) -> Result<reqwest::Url, InvalidBaseUrl> {
    let url =
        reqwest::Url::parse(text.trim()).map_err(|error| InvalidBaseUrl::Malformed(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(InvalidBaseUrl::Scheme(url.scheme().to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(InvalidBaseUrl::Credentials);
    }
    Ok(url)
}

impl FromStr for PathTemplate {
    type Err = InvalidPathTemplate;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !text.starts_with('/') {
            return Err(InvalidPathTemplate::Relative);
        }
        let bare = text.replace("{study}", "").replace("{series}", "").replace("{instance}", "");
        if let Some(open) = bare.find(['{', '}']) {
            let name = bare[open + 1..].split('}').next().unwrap_or("");
            return Err(InvalidPathTemplate::Placeholder(name.to_owned()));
        }
        Ok(Self(Cow::Owned(text.to_owned())))
    }
}

impl BaseUrl {
    /// Whether requests go over TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The URL itself.
    pub(crate) const fn as_url(&self) -> &reqwest::Url {
        &self.0
    }

    /// The last segment of its path; empty where there is none.
    #[must_use]
    pub fn last_segment(&self) -> &str {
        self.0.path().trim_end_matches('/').rsplit('/').next().unwrap_or("")
    }

    /// The base one segment further down.
    #[must_use]
    pub fn below(&self, segment: &str) -> Self {
        let mut url = self.0.clone();
        url.set_path(&format!("{}/{}", self.0.path().trim_end_matches('/'), encoded(segment)));
        Self(url)
    }

    /// The URL of a resource: the template, filled, behind the path of the base.
    pub(crate) fn resource(&self, template: &PathTemplate, identity: Option<&Identity>) -> reqwest::Url {
        self.resource_with(template, identity.map(Target::from).unwrap_or_default(), "")
    }

    /// The URL of a resource with more parameters behind those of its template.
    pub(crate) fn resource_with(
        &self,
        template: &PathTemplate,
        target: Target<'_>,
        parameters: &str,
    ) -> reqwest::Url {
        let filled = template.fill(target);
        let (path, query) = filled.split_once('?').unwrap_or((&filled, ""));
        let joint = if query.is_empty() || parameters.is_empty() { "" } else { "&" };
        let query = format!("{query}{joint}{parameters}");
        let mut url = self.0.clone();
        url.set_path(&format!("{}{path}", self.0.path().trim_end_matches('/')));
        url.set_query(Some(&*query).filter(|query| !query.is_empty()));
        url
    }
}

impl FromStr for BaseUrl {
    type Err = InvalidBaseUrl;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = without_credentials(text)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Identity {
        let uid = |text: &str| text.parse().unwrap();
        Identity {
            sop_class_uid: uid("1.2.840.10008.5.1.4.1.1.2"),
            sop_instance_uid: uid("1.2.3"),
            study_instance_uid: uid("1.2.1"),
            series_instance_uid: uid("1.2.2"),
        }
    }

    #[test]
    fn joins_base_and_template() {
        let template: PathTemplate = "/studies/{study}/instances?SOPInstanceUID={instance}".parse().unwrap();
        let cases = [
            ("http://h", "http://h/studies/1.2.1/instances?SOPInstanceUID=1.2.3"),
            ("http://h:80/", "http://h/studies/1.2.1/instances?SOPInstanceUID=1.2.3"),
            ("https://h:8443/a/b", "https://h:8443/a/b/studies/1.2.1/instances?SOPInstanceUID=1.2.3"),
            ("https://h/a%20b/", "https://h/a%20b/studies/1.2.1/instances?SOPInstanceUID=1.2.3"),
        ];
        for (base, expected) in cases {
            let base: BaseUrl = base.parse().unwrap();
            assert_eq!(base.resource(&template, Some(&identity())).as_str(), expected);
        }
    }

    #[test]
    fn refuses_what_is_no_base() {
        let cases = [
            ("dicom.example.org", "not a URL"),
            ("ftp://h/", "scheme ftp"),
            ("http://u:secret@h/", "must not hold credentials"),
            ("http://h/?a=b", "neither query nor fragment"),
            ("http://h/#f", "neither query nor fragment"),
        ];
        for (text, expected) in cases {
            let message = text.parse::<BaseUrl>().unwrap_err().to_string();
            assert!(message.contains(expected), "{text}: {message}");
            assert!(!message.contains("secret"));
        }
    }

    #[test]
    fn knows_the_placeholders() {
        assert!("/studies/{study}/series/{series}/instances/{instance}".parse::<PathTemplate>().is_ok());
        assert_eq!("studies".parse::<PathTemplate>(), Err(InvalidPathTemplate::Relative));
        let unknown = "/studies/{patient}".parse::<PathTemplate>().unwrap_err();
        assert_eq!(unknown, InvalidPathTemplate::Placeholder("patient".to_owned()));
        assert!("/studies/{study".parse::<PathTemplate>().is_err());
    }
}
