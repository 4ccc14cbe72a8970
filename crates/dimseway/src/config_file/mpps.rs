//! What modalities have done: `[mpps]`, `[mpps_sink.NAME]`.

use super::{BackOff, OneOrMany, Parsed, Size, Span};
use instance::AeTitle;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Modality Performed Procedure Step. Each step is durable before its request is answered, changes the
/// worklist, and goes on to every sink, with retries. Without this table and without a sink no AE title
/// offers it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Mpps {
    /// Names of the sinks that steps go on to, each on its own. Left out: all. `[]`: none, steps are kept
    /// and shown to who asks (N-GET).
    /// Unit: none. Source: `[mpps_sink.NAME]` of this file.
    #[schemars(extend("x-sample" = ["archive"]))]
    pub(crate) sinks: Option<OneOrMany<String>>,
    /// What a request must have: attributes of type 1 (`"type-1"`), or `"all"` of the table of the standard.
    /// Unit: none. Source: PS3.4 §F.7.2.1.1; many modalities leave out what is of type 2.
    pub(crate) requirements: Requirements,
    /// Whether the worklist follows: a step that is IN PROGRESS is shown as such, a COMPLETED one leaves the
    /// list, a DISCONTINUED one is scheduled again.
    /// Unit: none. Source: PS3.4 §F.1.5.
    pub(crate) update_worklist: bool,
    /// Longest data set of a request; a longer one is answered 0213.
    /// Unit: bytes, 64KiB to 2MiB. Source: references to 15,000 images.
    pub(crate) data_set_max: Size,
    /// Calls to sinks at the same time.
    /// Unit: calls. Source: an examination is reported twice in half an hour.
    pub(crate) workers: u32,
    /// How long a call may take. After a crash an unfinished one is made again then.
    /// Unit: time, 1s at least. Source: above the time-outs of the clients.
    pub(crate) lease: Span,
    /// When a call that failed is made again.
    pub(crate) back_off: BackOff,
    /// Attempts after which a call is held that the sink refuses in a way that may pass. Lines and servers
    /// that are down are not counted.
    /// Unit: attempts. Source: some hours.
    pub(crate) refusals_max: u32,
    /// How long a step is kept after its last change. One that was not delivered to every sink stays longer.
    /// Unit: time. Source: how long a modality may ask for it with N-GET.
    pub(crate) retention: Span,
}

impl Default for Mpps {
    fn default() -> Self {
        Self {
            sinks: None,
            requirements: Requirements::TypeOne,
            update_worklist: true,
            data_set_max: Size::mib(2),
            workers: 4,
            lease: Span::minutes(3),
            back_off: BackOff::default(),
            refusals_max: 10,
            retention: Span::days(30),
        }
    }
}

/// Where performed procedure steps go on to.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MppsSink {
    /// What it is: `"mpps-rs"` of an origin, a `"postdicom"` account, in which an unscheduled procedure
    /// becomes an order, or a `"dimse"` peer.
    /// Unit: none. Source: what the site has.
    #[schemars(example = SinkType::MppsRs)]
    pub(crate) r#type: SinkType,
    /// Name of the origin, for `mpps-rs` and `postdicom`; the latter needs an institution, in which orders
    /// are made.
    /// Unit: none. Source: `[origin.NAME]` of this file.
    #[serde(default)]
    #[schemars(example = &"archive")]
    pub(crate) origin: Option<String>,
    /// AE title of the peer, for `dimse`; it needs an `address`.
    /// Unit: 1 to 16 characters. Source: `[[peer]]` of this file.
    #[serde(default)]
    #[schemars(extend("x-sample" = "RIS"))]
    pub(crate) peer: Option<Parsed<AeTitle>>,
    /// How the resource of an update is written, for `mpps-rs`: `"query"` (`.../UID?update`) or `"path"`
    /// (`.../UID/update`). Left out: `"query"`.
    /// Unit: none. Source: PS3.18 §15; some servers follow its examples.
    #[serde(default)]
    #[schemars(extend("x-sample" = "query"))]
    pub(crate) update: Option<Update>,
    /// How a data set stands in the body, for `mpps-rs`: as an `"object"` or an `"array"` of one. Left out:
    /// `"object"`.
    /// Unit: none. Source: PS3.18 §F.2.
    #[serde(default)]
    #[schemars(extend("x-sample" = "object"))]
    pub(crate) payload: Option<Body>,
    /// Birth date of the order of a patient whose own is not known, for `postdicom`, which insists on one.
    /// Left out: no order is made, and the call is held and says so.
    /// Unit: YYYY-MM-DD. Source: the site's rule; the date is invented, so it should be seen to be.
    #[serde(default)]
    #[schemars(extend("x-sample" = "1900-01-01"))]
    pub(crate) missing_birth_date: Option<BirthDate>,
    /// How long after a call of unknown outcome it is looked whether it took effect, for `postdicom`. Left
    /// out: 60s.
    /// Unit: time. Source: an order may show in the list only a while after it was made.
    #[serde(default)]
    #[schemars(extend("x-sample" = "60s"))]
    pub(crate) look_up_after: Option<Span>,
}

/// What a request must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub(crate) enum Requirements {
    /// Attributes of type 1.
    #[serde(rename = "type-1")]
    TypeOne,
    /// All that the standard asks for.
    #[serde(rename = "all")]
    All,
}

/// What a sink is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum SinkType {
    /// Modality performed procedure steps of an origin (PS3.18 §15).
    #[serde(rename = "mpps-rs")]
    MppsRs,
    /// Orders of a PostDICOM account.
    PostDicom,
    /// N-CREATE and N-SET to a DIMSE peer.
    Dimse,
}

/// How the resource of an update is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Update {
    /// With a query.
    Query,
    /// With a further part of the path.
    Path,
}

/// How a data set stands in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Body {
    /// As an object.
    Object,
    /// As an array of one object.
    Array,
}

/// A date of birth: `"1900-01-01"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct BirthDate(pub(crate) postdicom::Date);

impl JsonSchema for BirthDate {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "date".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "date" })
    }
}
