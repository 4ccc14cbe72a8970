//! PostDICOM's own end points: `[origin.NAME.postdicom]`.

use super::{HeaderValue, OneOrMany, Parsed, Size, Span};
use postdicom::{Function, InstitutionUuid, RoutePath};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How PostDICOM's own end points are spoken to, with profile `postdicom`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PostDicom {
    /// Base URL of the end points, where it is not that of DICOMweb (`url`).
    /// Unit: http or https URL. Source: published; the vendor's clients use one address for both.
    #[schemars(extend("x-sample" = "https://dicomweb.example.org"))]
    pub(crate) url: Option<String>,
    /// Institutions whose orders are listed; new orders belong to the first. Empty: those of the account,
    /// as far as the vendor sees fit, and commands that need one ask for `--institution`.
    /// Unit: UUIDs. Source: the account.
    #[schemars(extend("x-sample" = ["5e2b1f60-9c1d-4f0e-8a3b-2f6d1c7e9a10"]))]
    pub(crate) institutions: OneOrMany<Parsed<InstitutionUuid>>,
    /// How parameters travel: `"header-get"` in a header field of GET, `"post-json"` in the body of POST to
    /// the function's name in small letters.
    /// Unit: none. Source: captured from the vendor's client; `post-json` is assumed, for a facade.
    pub(crate) transport: Transport,
    /// Functions whose route is not as usual, by the vendor's name: `path` below the base URL, `header` with
    /// the parameters, `method`. What is left out is as usual.
    /// Unit: none. Source: captured; the 13 routes are in docs/postdicom.md.
    #[schemars(extend("x-sample" = {
        "DeletePatientOrder": { "path": "/deleteorder", "header": "DeleteOrderParameters", "method": "GET" },
    }))]
    pub(crate) routes: BTreeMap<Parsed<Function>, Route>,
    /// How a list stands among the parameters: `"nested-json-string"` or `"array"`. Left out:
    /// `"nested-json-string"`, with transport `post-json` `"array"`.
    /// Unit: none. Source: captured; `array` is assumed.
    #[schemars(extend("x-sample" = "nested-json-string"))]
    pub(crate) list_encoding: Option<ListEncoding>,
    /// How a truth value stands there: the strings `"true"` or `"True"`, or `"json"` for true and false of
    /// JSON. Left out: `"true"`, with transport `post-json` `"json"`.
    /// Unit: none. Source: `true` captured from the Node client, `True` published in the C# client.
    #[schemars(extend("x-sample" = "true"))]
    pub(crate) bool_style: Option<BoolStyle>,
    /// What becomes of a parameter without a value: `"send-empty"` or `"omit"`.
    /// Unit: none. Source: captured; `omit` is assumed.
    pub(crate) empty_params: EmptyParams,
    /// How a list without elements is sent: `"one-empty-string"` in it, `"no-element"`, or an
    /// `"empty-string"` in its place. Left out: `"one-empty-string"`, with transport `post-json`
    /// `"no-element"`.
    /// Unit: none. Source: `one-empty-string` published in the C# client, the others assumed.
    #[schemars(extend("x-sample" = "one-empty-string"))]
    pub(crate) empty_lists: Option<EmptyLists>,
    /// Which UUIDs are sent: `"any"`, or only those of `"rfc-4122"` of the versions 1 to 5.
    /// Unit: none. Source: the vendor's DICOMweb clients check nothing, its browser library does.
    pub(crate) uuids: Uuids,
    /// How a tag is written in a list of tags: `"digits"` (00100010), `"comma"` (0010,0010) or
    /// `"parentheses"`.
    /// Unit: none. Source: assumed; no example is known.
    pub(crate) tag_form: TagForm,
    /// What an answer without a body to a search means: `"nothing-found"` or `"unreadable"`.
    /// Unit: none. Source: assumed.
    pub(crate) empty_answer: EmptyAnswer,
    /// What X-Error-Reason beside a status of success means: `"failure"` or `"ignored"`.
    /// Unit: none. Source: assumed; the field is published for failures.
    pub(crate) reason_on_success: ReasonOnSuccess,
    /// What it means that a search for an accession number finds an order that states none: `"hold"`, it may
    /// be another one and a person decides, or `"same"`, it is the one.
    /// Unit: none. Source: assumed; how the vendor matches is not documented.
    pub(crate) unconfirmed_orders: UnconfirmedOrders,
    /// Version of HTTP: `"1.1"`, or `"negotiated"` for HTTP/2 where the server offers it.
    /// Unit: none. Source: captured.
    pub(crate) http_version: HttpVersion,
    /// Header fields of every request, in the place of the defaults; those of `headers` are added. A value
    /// that is a secret is written as `{ value_file = "PATH" }` or `{ value_env = "NAME" }`.
    /// Unit: none. Source: captured from the Node client; the C# client sends neither.
    pub(crate) extra_headers: BTreeMap<String, HeaderValue>,
    /// The longest header field with parameters, its name counted. A longer list is split over several
    /// requests, anything else that is longer refused.
    /// Unit: bytes. Source: common servers take 8KiB.
    pub(crate) header_limit: Size,
    /// The longest body under `post-json`.
    /// Unit: bytes. Source: assumed.
    pub(crate) body_limit: Size,
    /// The longest answer that is read.
    /// Unit: bytes. Source: about 13,000 orders; the vendor's list has no pages.
    pub(crate) answer_limit: Size,
    /// Elements of the longest list that is sent, over all requests that it is split into.
    /// Unit: elements. Source: beyond it a person's mistake is more likely.
    pub(crate) list_limit: u32,
    /// Longest wait for a whole answer. The wait for a connection is `connect_timeout` of the origin.
    /// Unit: time. Source: published; the vendor's client waits so long.
    pub(crate) timeout: Span,
    /// How long an idle connection is kept. Calls that change something have one of their own.
    /// Unit: time. Source: below the keep-alive time of common servers.
    pub(crate) idle_connection: Span,
    /// Whether calls may go unencrypted to another machine.
    /// Unit: none. Source: passwords and patients' data stand in header fields.
    pub(crate) plain_http: bool,
    /// What of a query the order list narrows by, where QIDO cannot be asked.
    pub(crate) narrowing: Narrowing,
    /// Days by which a range of study dates is widened at both ends before orders are listed by it.
    /// Unit: days. Source: no time zone is stated for the dates of orders.
    pub(crate) date_slack: u16,
    /// Patients for whom one query may ask the archive one by one; beyond it the query ends with A700.
    /// Unit: patients. Source: half a minute at 200ms each, 4 at the same time.
    pub(crate) patients_max: u32,
    /// Patients that are asked for at the same time.
    /// Unit: requests. Source: the vendor documents no rate limit.
    pub(crate) patients_at_once: u32,
}

/// What the order list narrows by. A switch is turned off where the list leaves out orders that match;
/// queries then read more.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of its own")]
pub(crate) struct Narrowing {
    /// By the beginning of Patient's Name, before the first wildcard.
    /// Unit: none. Source: assumed; how the vendor compares is not documented.
    pub(crate) patient_name: bool,
    /// By Patient ID without wildcards.
    /// Unit: none. Source: assumed.
    pub(crate) patient_id: bool,
    /// By Accession Number without wildcards.
    /// Unit: none. Source: assumed.
    pub(crate) accession_number: bool,
    /// By modality without wildcards. Off, since an order has one modality, and by others that its study
    /// has it would not be found.
    /// Unit: none. Source: assumed.
    pub(crate) modality: bool,
    /// By Study Date.
    /// Unit: none. Source: assumed.
    pub(crate) study_date: bool,
    /// By Patient's Birth Date.
    /// Unit: none. Source: assumed.
    pub(crate) patient_birth_date: bool,
}

impl Default for Narrowing {
    fn default() -> Self {
        Self {
            patient_name: true,
            patient_id: true,
            accession_number: true,
            modality: false,
            study_date: true,
            patient_birth_date: true,
        }
    }
}

impl Default for PostDicom {
    fn default() -> Self {
        let field = |value: &str| HeaderValue::Plain(value.to_owned());
        Self {
            url: None,
            institutions: OneOrMany(Vec::new()),
            transport: Transport::default(),
            routes: BTreeMap::new(),
            list_encoding: None,
            bool_style: None,
            empty_params: EmptyParams::default(),
            empty_lists: None,
            uuids: Uuids::default(),
            tag_form: TagForm::default(),
            empty_answer: EmptyAnswer::default(),
            reason_on_success: ReasonOnSuccess::default(),
            unconfirmed_orders: UnconfirmedOrders::default(),
            http_version: HttpVersion::default(),
            extra_headers: BTreeMap::from([
                ("Accept".to_owned(), field("application/json, text/plain, */*")),
                ("Content-Type".to_owned(), field("application/json")),
            ]),
            header_limit: Size::kib(7),
            body_limit: Size::mib(1),
            answer_limit: Size::mib(8),
            list_limit: 10_000,
            timeout: Span::minutes(2),
            idle_connection: Span::seconds(15),
            plain_http: false,
            narrowing: Narrowing::default(),
            date_slack: 1,
            patients_max: 500,
            patients_at_once: 4,
        }
    }
}

/// What of a function's route is not as usual.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Route {
    /// Path below the base URL, with a slash in front.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<Path>,
    /// Header field with the parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) header: Option<Parsed<http::HeaderName>>,
    /// Method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<Parsed<http::Method>>,
}

/// The path of a route.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
pub(crate) struct Path(pub(crate) RoutePath);

impl TryFrom<String> for Path {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|fault: postdicom::Fault| format!("`{text}`: {fault}"))
    }
}

impl Serialize for Path {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.0.as_str())
    }
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant:meta])* $word:ident = $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
        #[schemars(inline)]
        pub(crate) enum $name {
            $($(#[$variant])* #[serde(rename = $text)] $word,)*
        }
    )*};
}

words! {
    /// How parameters travel.
    Transport {
        /// In a header field of GET.
        #[default]
        HeaderGet = "header-get",
        /// In the body of POST.
        PostJson = "post-json",
    }
    /// How a list stands among the parameters.
    ListEncoding {
        /// As JSON text inside a string.
        #[default]
        NestedJsonString = "nested-json-string",
        /// As an array of strings.
        Array = "array",
    }
    /// How a truth value stands among the parameters.
    BoolStyle {
        /// As a string in small letters.
        #[default]
        Small = "true",
        /// As a string with a capital.
        Capitalised = "True",
        /// As true or false of JSON.
        Json = "json",
    }
    /// What becomes of a parameter without a value.
    EmptyParams {
        /// It is sent as an empty string.
        #[default]
        SendEmpty = "send-empty",
        /// It is left out.
        Omit = "omit",
    }
    /// How a list without elements is sent.
    EmptyLists {
        /// As a list of one empty string.
        #[default]
        OneEmptyString = "one-empty-string",
        /// As a list of no element.
        NoElement = "no-element",
        /// As an empty string.
        EmptyString = "empty-string",
    }
    /// Which UUIDs are sent.
    Uuids {
        /// All.
        #[default]
        Any = "any",
        /// Those of RFC 4122.
        Rfc4122 = "rfc-4122",
    }
    /// How a tag is written.
    TagForm {
        /// `00100010`.
        #[default]
        Digits = "digits",
        /// `0010,0010`.
        Comma = "comma",
        /// `(0010,0010)`.
        Parentheses = "parentheses",
    }
    /// What an answer without a body to a search means.
    EmptyAnswer {
        /// Nothing was found.
        #[default]
        NothingFound = "nothing-found",
        /// It cannot be read.
        Unreadable = "unreadable",
    }
    /// What X-Error-Reason beside a status of success means.
    ReasonOnSuccess {
        /// The call failed.
        #[default]
        Failure = "failure",
        /// Nothing.
        Ignored = "ignored",
    }
    /// What an order that states no accession number means.
    UnconfirmedOrders {
        /// A person decides.
        #[default]
        Hold = "hold",
        /// It is the one that was searched for.
        Same = "same",
    }
    /// Version of HTTP.
    HttpVersion {
        /// HTTP/1.1.
        #[default]
        One = "1.1",
        /// What the server offers.
        Negotiated = "negotiated",
    }
}
