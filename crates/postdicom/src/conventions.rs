//! How calls are put on the wire: what was seen of the vendor's clients, and how to deviate from it.
//!
//! Nothing here was tried on a live account, so every assumption is a setting. Its default says where it
//! comes from: *captured* (requests of the vendor's own clients), *published* (the vendor's client
//! source), *documented* (the vendor's guide) or *assumed*.

use std::collections::BTreeMap;
use std::str::FromStr;

use http::{HeaderName, HeaderValue, Method, header};

use crate::{Fault, Function};

/// How parameters travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// `header-get`: GET, with the parameters as one JSON object in one header field. Captured.
    #[default]
    HeaderGet,
    /// `post-json`: POST to the function's name in small letters, with the parameters as a JSON body.
    /// Assumed: for a facade, or should the vendor change.
    PostJson,
}

/// How a list stands in the JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ListStyle {
    /// `nested-json-string`: as JSON text inside a string. Captured.
    #[default]
    NestedJson,
    /// `array`: as an array of strings. Assumed.
    Array,
}

/// How a truth value stands in the JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BooleanStyle {
    /// `"true"` and `"false"`. Captured from the Node client.
    #[default]
    Small,
    /// `"True"` and `"False"`. Published in the C# client.
    Capitalised,
    /// `true` and `false` of JSON. Assumed.
    Native,
}

/// What becomes of a parameter without a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EmptyParameters {
    /// Sent as an empty string. Captured.
    #[default]
    Send,
    /// Left out. Assumed.
    Omit,
}

/// How a list without elements is sent, where empty parameters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EmptyList {
    /// A list of one empty string. Published in the C# client.
    #[default]
    OneEmptyString,
    /// A list of no element. Assumed.
    NoElement,
    /// An empty string, as other parameters. Assumed.
    EmptyString,
}

/// Which identifiers are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UuidForm {
    /// All. Published: the clients check nothing.
    #[default]
    Any,
    /// UUIDs of RFC 4122 of the versions 1 to 5, and the nil UUID. Published in the browser library.
    Rfc4122,
}

/// How the tag of an element is written in `DicomTagIdList`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TagForm {
    /// `00100010`. Assumed.
    #[default]
    Digits,
    /// `0010,0010`. Assumed.
    Comma,
    /// `(0010,0010)`. Assumed.
    Parentheses,
}

/// What an answer without a body to a search means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EmptyAnswer {
    /// Nothing was found. Assumed.
    #[default]
    NothingFound,
    /// It cannot be read.
    Unreadable,
}

/// What X-Error-Reason means beside a status of success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReasonOnSuccess {
    /// The call failed. Assumed: the field was only ever described for other statuses.
    #[default]
    Failure,
    /// Nothing.
    Ignored,
}

/// What it means for [`crate::Client::create_order_once`] that a search for an accession number and a
/// patient ID finds an order that states neither, not even when asked for its properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unconfirmed {
    /// It may be another order: nothing is created and a person decides. Assumed: how the vendor matches
    /// is not documented.
    #[default]
    Hold,
    /// The server's matching is trusted: it is the order.
    Same,
}

/// Versions of HTTP that are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HttpVersion {
    /// HTTP/1.1. Captured.
    #[default]
    One,
    /// HTTP/2 where the server offers it, else HTTP/1.1.
    Negotiated,
}

/// The path of a route below the base URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutePath(String);

impl RoutePath {
    /// The path, with its slash in front.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RoutePath {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let known = |letter: char| letter.is_ascii_alphanumeric() || "-._~/".contains(letter);
        let climbs = text.split('/').any(|segment| matches!(segment, "." | ".."));
        if !text.starts_with('/') || climbs || !text.chars().all(known) {
            return Err(Fault::Path);
        }
        Ok(Self(text.to_owned()))
    }
}

/// What of a function's route is not as usual.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Route {
    /// Another path than [`Function::path`].
    pub path: Option<RoutePath>,
    /// Another header field than [`Function::header`].
    pub header: Option<HeaderName>,
    /// Another method than GET for [`Transport::HeaderGet`] and POST for [`Transport::PostJson`].
    pub method: Option<Method>,
}

/// All of it.
#[derive(Clone)]
pub struct Conventions {
    /// How parameters travel.
    pub transport: Transport,
    /// Lists.
    pub lists: ListStyle,
    /// Truth values.
    pub booleans: BooleanStyle,
    /// Parameters without a value.
    pub empty_parameters: EmptyParameters,
    /// Lists without elements.
    pub empty_list: EmptyList,
    /// Identifiers that may be sent.
    pub uuids: UuidForm,
    /// Tags of elements.
    pub tags: TagForm,
    /// Answers without a body.
    pub empty_answer: EmptyAnswer,
    /// X-Error-Reason beside a status of success.
    pub reason_on_success: ReasonOnSuccess,
    /// Orders that do not state what they were searched by.
    pub unconfirmed: Unconfirmed,
    /// Versions of HTTP.
    pub http_version: HttpVersion,
    /// Routes that are not as usual. Default: none.
    pub routes: BTreeMap<Function, Route>,
    /// Header fields of every request, beside those that carry parameters and credentials. Their values
    /// are treated as secrets. Default: `Accept: application/json, text/plain, */*` and `Content-Type:
    /// application/json`, both captured from the Node client. The C# client sends neither, but a field
    /// that is called `ContentType`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Bytes of the longest header field with parameters, its name counted. A longer list is split over
    /// several calls, anything else that is longer refused. Default 7 KiB: common servers take 8 KiB a
    /// field, or of all fields. Assumed.
    pub header_bytes_max: usize,
    /// Bytes of the longest body of a call under [`Transport::PostJson`]. Default 1 MiB. Assumed.
    pub body_bytes_max: usize,
    /// Bytes of the longest answer that is read. Default 8 MiB: about 13,000 orders, since the vendor's
    /// list has no pages; whoever needs more asks for fewer days at a time.
    pub answer_bytes_max: usize,
    /// Elements of the longest list that is sent, over all the calls it is split into. Default 10,000: a
    /// person's mistake is more likely beyond that.
    pub list_items_max: usize,
}

impl Default for Conventions {
    /// Those of the vendor's own clients.
    fn default() -> Self {
        Self {
            transport: Transport::default(),
            lists: ListStyle::default(),
            booleans: BooleanStyle::default(),
            empty_parameters: EmptyParameters::default(),
            empty_list: EmptyList::default(),
            uuids: UuidForm::default(),
            tags: TagForm::default(),
            empty_answer: EmptyAnswer::default(),
            reason_on_success: ReasonOnSuccess::default(),
            unconfirmed: Unconfirmed::default(),
            http_version: HttpVersion::default(),
            routes: BTreeMap::new(),
            headers: vec![
                (header::ACCEPT, HeaderValue::from_static("application/json, text/plain, */*")),
                (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            ],
            header_bytes_max: 7 * 1024,
            body_bytes_max: 1024 * 1024,
            answer_bytes_max: 8 * 1024 * 1024,
            list_items_max: 10_000,
        }
    }
}

impl Conventions {
    /// Those of a server that takes bodies with the types of JSON ([`Transport::PostJson`]).
    #[must_use]
    pub fn post_json() -> Self {
        Self {
            transport: Transport::PostJson,
            lists: ListStyle::Array,
            booleans: BooleanStyle::Native,
            empty_list: EmptyList::NoElement,
            ..Self::default()
        }
    }

    /// The path of a function below the base URL.
    pub(crate) fn path(&self, function: Function) -> String {
        match (self.routes.get(&function).and_then(|route| route.path.as_ref()), self.transport) {
            (Some(path), _) => path.as_str().to_owned(),
            (None, Transport::HeaderGet) => function.path().to_owned(),
            (None, Transport::PostJson) => format!("/{}", function.name().to_ascii_lowercase()),
        }
    }

    /// The header field for a function's parameters.
    pub(crate) fn header(&self, function: Function) -> String {
        let other = self.routes.get(&function).and_then(|route| route.header.as_ref());
        other.map_or_else(|| function.header().to_owned(), |name| name.as_str().to_owned())
    }

    /// The method of a function.
    pub(crate) fn method(&self, function: Function) -> Method {
        let other = self.routes.get(&function).and_then(|route| route.method.clone());
        other.unwrap_or(match self.transport {
            Transport::HeaderGet => Method::GET,
            Transport::PostJson => Method::POST,
        })
    }
}

impl std::fmt::Debug for Conventions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Conventions")
            .field("transport", &self.transport)
            .field("lists", &self.lists)
            .field("booleans", &self.booleans)
            .field("empty_parameters", &self.empty_parameters)
            .field("routes", &self.routes)
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_routes_stay_below_the_base() {
        for path in ["/createfolder", "/api/v2/create_folder", "/"] {
            assert_eq!(path.parse::<RoutePath>().unwrap().as_str(), path);
        }
        for path in ["createfolder", "", "/a/../b", "/a?b=c", "/a b", "/a#b", "/ä", "/a%2e%2e"] {
            assert_eq!(path.parse::<RoutePath>(), Err(Fault::Path), "{path}");
        }
    }

    #[test]
    fn secrets_of_extra_fields_show_nowhere() {
        let mut conventions = Conventions::default();
        conventions.headers.push((HeaderName::from_static("x-api-key"), HeaderValue::from_static("hunter2")));
        let shown = format!("{conventions:?}");
        assert!(shown.contains("x-api-key") && !shown.contains("hunter2"), "{shown}");
    }
}
