//! What C-FIND, C-MOVE and C-GET do: `[query]`, `[retrieve]`.

use super::{OneOrMany, Size, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where C-FIND, C-MOVE and C-GET look, and what one C-FIND may cost. AE titles with a `query` of
/// their own look there instead.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Query {
    /// Name of the origin that is searched, or a list: their results are merged by UID, and where two
    /// have the same study, series or instance, the attributes of the earlier one are shown. Left out,
    /// it is the only origin; with several origins it must be written, else neither queries nor
    /// retrieves are offered.
    /// Unit: none. Source: `[origin.NAME]` of this file.
    #[schemars(example = &"archive")]
    pub(crate) origin: OneOrMany<String>,
    /// Results of one C-FIND at most; beyond them it ends with status A700, so that nobody takes a part
    /// for the whole.
    /// Unit: results. Source: each takes up to 32 bytes while the query runs.
    pub(crate) results_max: u32,
    /// Results of origins that one C-FIND may read; where an origin cannot match a key, more is read
    /// than is answered. Beyond them it ends with status A700.
    /// Unit: results of origins. Source: some minutes of reading.
    pub(crate) rows_max: u32,
    /// Requests to origins that one C-FIND may make; lists of UID and counts can take one for each.
    /// Unit: requests. Source: some minutes of asking.
    pub(crate) requests_max: u32,
    /// Whether Number of Study Related Instances and its like, and Modalities in Study, are counted where
    /// they are asked for and the origin does not give them.
    /// Unit: none. Source: PS3.4 §C.3.4; each result then costs a further request.
    pub(crate) count_related: bool,
    /// Results of origins that one C-FIND may read to count; beyond them the counts of further results
    /// are empty.
    /// Unit: results of origins. Source: below a minute of reading.
    pub(crate) count_rows_max: u32,
    /// Results whose metadata one C-FIND looks up, because it has a key by an attribute that no search of
    /// the origin gives; beyond them results are shown as if the key were not supported (FF01). Above
    /// the number of results a server that tells little gives the same results as one that tells all.
    /// Unit: results. Source: two requests for each, so some seconds at most servers.
    pub(crate) look_ups_max: u32,
    /// Whether instances that were accepted for an origin and are not delivered yet are part of what
    /// exists there.
    /// Unit: none. Source: a workstation looks for what a modality has just sent.
    pub(crate) pending_visible: bool,
    /// Undelivered instances that one C-FIND looks at; beyond them it ends with status A700.
    /// Unit: instances. Source: a backlog of a day.
    pub(crate) pending_max: u32,
    /// Largest identifier of a request; a larger one is refused unread.
    /// Unit: bytes. Source: 1MiB holds 15,000 UIDs.
    pub(crate) identifier_max: Size,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            origin: OneOrMany(Vec::new()),
            results_max: 100_000,
            rows_max: 1_000_000,
            requests_max: 10_000,
            count_related: true,
            count_rows_max: 200_000,
            look_ups_max: 200,
            pending_visible: true,
            pending_max: 100_000,
            identifier_max: Size::mib(1),
        }
    }
}

/// How C-MOVE and C-GET are carried out. Destinations of C-MOVE are `[[peer]]` with an `address`; any
/// other gets status A801.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Retrieve {
    /// How long a destination may take nothing of an answer of an origin; then that answer is given up,
    /// and what is missing is fetched again when the destination goes on.
    /// Unit: time. Source: origins close connections that stand still, and count them until then.
    pub(crate) stall: Span,
    /// Requests to one origin at the same time for one C-MOVE or C-GET, where instances are fetched one
    /// by one.
    /// Unit: requests. Source: at 100ms an answer 16 make 160 instances a second.
    pub(crate) requests: u32,
    /// Associations to one destination at the same time.
    /// Unit: associations. Source: many devices accept a single one.
    pub(crate) associations: u32,
    /// Longest wait for the response of a destination to one instance; then its association is aborted.
    /// Unit: time. Source: beyond what devices take to file the largest multi-frame images.
    pub(crate) response: Span,
    /// Between two pending responses.
    /// Unit: time. Source: common requestors give up after two minutes without one.
    pub(crate) pending_interval: Span,
    /// Instances of one C-MOVE or C-GET at most; beyond them it is refused with status A701.
    /// Unit: instances. Source: more than any study known; each takes about 200 bytes while it runs.
    pub(crate) instances_max: u32,
    /// Whether an instance whose transfer syntax the destination does not take is transcoded; otherwise
    /// its sub-operation fails.
    /// Unit: none. Source: PS3.5 §10; old devices take uncompressed images only.
    pub(crate) transcode: bool,
    /// What transcoding may cost where it is done here.
    pub(crate) transcode_limits: TranscodeLimits,
}

/// What transcoding may cost: compressed objects are decoded in child processes.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TranscodeLimits {
    /// Children that decode at the same time; more objects wait. Needs a restart to change, as the other
    /// limits of transcoding do.
    /// Unit: processes. Source: each takes a processor, and memory up to `memory_max`.
    pub(crate) children_max: u32,
    /// Memory of one child.
    /// Unit: bytes. Source: JPEG 2000 takes ten times the frame, and the largest in use have 55MB.
    pub(crate) memory_max: Size,
    /// Largest decoded frame.
    /// Unit: bytes. Source: a mammogram has 55MB.
    pub(crate) frame_length_max: Size,
    /// Largest object, as it is stored.
    /// Unit: bytes. Source: an hour of decoding serves nobody.
    pub(crate) length_max: Size,
    /// What a child keeps back until all is decoded, so that a broken object is refused before its first
    /// byte goes out; a longer one goes out while it is decoded.
    /// Unit: bytes. Source: most objects are shorter.
    pub(crate) kept_back_max: Size,
    /// Processor time of one child, in whole seconds.
    /// Unit: time. Source: JPEG 2000 decodes about 20MB in a second.
    pub(crate) processor_time_max: Span,
    /// How long a child may neither take nor give a byte.
    /// Unit: time. Source: above what the largest frame takes.
    pub(crate) stall_max: Span,
}

impl Default for TranscodeLimits {
    fn default() -> Self {
        Self {
            children_max: 2,
            memory_max: Size::mib(1024),
            frame_length_max: Size::mib(160),
            length_max: Size::mib(4096),
            kept_back_max: Size::mib(128),
            processor_time_max: Span::minutes(10),
            stall_max: Span::minutes(2),
        }
    }
}

impl Default for Retrieve {
    fn default() -> Self {
        Self {
            stall: Span::seconds(10),
            requests: 16,
            associations: 1,
            response: Span::seconds(120),
            pending_interval: Span::seconds(10),
            instances_max: 100_000,
            transcode: true,
            transcode_limits: TranscodeLimits::default(),
        }
    }
}

/// What differs for one peer in C-MOVE and C-GET; left out: as `[retrieve]` says.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PeerRetrieve {
    /// As `associations` of `[retrieve]`, to this peer.
    /// Unit: associations. Source: its conformance statement.
    #[schemars(extend("x-sample" = 4))]
    pub(crate) associations: Option<u32>,
    /// As `stall` of `[retrieve]`, for this peer.
    /// Unit: time. Source: how long it files images without reading on.
    #[schemars(extend("x-sample" = "30s"))]
    pub(crate) stall: Option<Span>,
    /// As `transcode` of `[retrieve]`, for this peer.
    /// Unit: none. Source: its conformance statement.
    #[schemars(extend("x-sample" = false))]
    pub(crate) transcode: Option<bool>,
}

/// What answers do whose text has no place in the character set of the request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum OnUnmappable {
    /// The answer is in UTF-8, and says so.
    #[default]
    Utf8,
    /// `?` in place of each such character.
    Replace,
}

/// When relational queries and retrieves are allowed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Relational {
    /// Where extended negotiation agreed on them.
    #[default]
    Negotiated,
    /// Without negotiation too.
    Always,
}

/// What answers do with optional keys that are not supported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum UnsupportedKeys {
    /// They are left out.
    #[default]
    Omit,
    /// They are there without a value.
    Empty,
}
