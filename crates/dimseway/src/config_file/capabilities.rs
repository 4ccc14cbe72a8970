//! Where a server differs from its profile: `[origin.NAME.capabilities]`.

mod attributes;
mod paths;
mod retrieve;
mod search;
mod worklist;

pub(crate) use attributes::{Attribute, AttributePath, Attributes};
pub(crate) use paths::Paths;
pub(crate) use retrieve::Retrieve;
pub(crate) use search::{IncludeField, PersonNames, Search, Values};
pub(crate) use worklist::Worklist;

use super::{Parsed, Size};
use instance::Uid;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt};

/// Where a server differs from its profile; what is left out is as the profile says.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Capabilities {
    /// Form of a store request: `"multipart"` or `"single-part"`, which sends one instance each.
    /// Unit: none. Source: PS3.18 §10.5.1.
    #[schemars(extend("x-sample" = "multipart"))]
    pub(crate) store_form: Option<StoreForm>,
    /// Method of store requests: `"post"`, or `"put"`, which replaces what is there where `put_replaces` says
    /// that the server does so. With `"put"` no duplicate is reported, and `duplicate` of the origin has
    /// nothing to decide.
    /// Unit: none. Source: PS3.18 §10.5 has POST alone; Azure has both.
    #[schemars(extend("x-sample" = "post"))]
    pub(crate) store_method: Option<StoreMethod>,
    /// Whether PUT replaces instances that are there; `duplicate = "overwrite"` then does not delete first.
    /// Unit: none. Source: the server's documentation; Azure calls it upsert.
    #[schemars(extend("x-sample" = false))]
    pub(crate) put_replaces: Option<bool>,
    /// The boundary of multipart store requests; empty: a new one for each.
    /// Unit: 1 to 70 characters of ASCII. Source: PS3.18 §8.6.1.2.1; that of PostDICOM's own clients with
    /// its profile.
    #[schemars(extend("x-sample" = "DICOM DATA BOUNDARY"))]
    pub(crate) store_boundary: Option<String>,
    /// Whether a request body of unknown length (chunked) is accepted.
    /// Unit: none. Source: RFC 9112 §7.1; some gateways answer 411.
    #[schemars(extend("x-sample" = true))]
    pub(crate) unknown_length_accepted: Option<bool>,
    /// Bytes of a store request at most, 0: no limit; a larger instance is still sent, alone.
    /// Unit: bytes. Source: the server's or gateway's limit.
    #[schemars(extend("x-sample" = "1GiB"))]
    pub(crate) request_bytes_max: Option<Size>,
    /// Instances of a store request at most.
    /// Unit: instances. Source: the server's limit.
    #[schemars(extend("x-sample" = 100))]
    pub(crate) request_instances_max: Option<u32>,
    /// Transfer syntaxes that are accepted: `"all"`, `"explicit-vr"` for all but Implicit VR Little Endian, or
    /// a list.
    /// Unit: UIDs. Source: the server's conformance statement.
    #[schemars(extend("x-sample" = ["1.2.840.10008.1.2.1"]))]
    pub(crate) transfer_syntaxes: Option<TransferSyntaxes>,
    /// Failure Reasons (0008,1197) that say that the instance is already there.
    /// Unit: numbers. Source: PS3.7 §C.5.9.
    #[schemars(extend("x-sample" = [273]))]
    pub(crate) duplicate_failure_reasons: Option<Vec<u16>>,
    /// Words in the text of a private attribute of a failed instance that say so; empty: there are none.
    /// Unit: text. Source: the server's documentation; Google has `already exists`.
    #[schemars(extend("x-sample" = "already exists"))]
    pub(crate) duplicate_remark: Option<String>,
    /// Failure Reasons that say that the instance cannot be taken yet, beside A7xxH.
    /// Unit: numbers. Source: the server's documentation; PS3.4 §B.2.3.
    #[schemars(extend("x-sample" = [45071]))]
    pub(crate) busy_failure_reasons: Option<Vec<u16>>,
    /// HTTP status codes that say that the instance of a request is already there.
    /// Unit: numbers. Source: PS3.18 §10.5.3.
    #[schemars(extend("x-sample" = [409]))]
    pub(crate) duplicate_statuses: Option<Vec<u16>>,
    /// Whether the server says that it stored an instance whose UID it has already, and keeps the
    /// content that it has. Other content than was delivered before is then compared, not sent.
    /// Unit: none. Source: the server's documentation; PS3.18 §10.5.3 leaves it open.
    #[schemars(extend("x-sample" = false))]
    pub(crate) duplicates_unreported: Option<bool>,
    /// How to find out whether an instance is there: `"search"`, `"metadata"` or `"none"`.
    /// Unit: none. Source: PS3.18 §10.6, PS3.18 §10.4.
    #[schemars(extend("x-sample" = "search"))]
    pub(crate) lookup: Option<Lookup>,
    /// Whether `transfer-syntax=*` may be asked for in a retrieve.
    /// Unit: none. Source: PS3.18 §8.7.3.5.2.
    #[schemars(extend("x-sample" = true))]
    pub(crate) any_transfer_syntax: Option<bool>,
    /// Levels at which the server deletes what was stored: `"study"`, `"series"`, `"instance"`.
    /// Unit: none. Source: not part of PS3.18; the server's documentation.
    #[schemars(extend("x-sample" = ["study", "series", "instance"]))]
    pub(crate) delete: Option<Vec<Level>>,
    /// Whether the server lists what was stored, in order: `"absent"`, `"by-sequence"` or `"by-time"`.
    /// Unit: none. Source: not part of PS3.18; Azure's v1 and v2.
    #[schemars(extend("x-sample" = "by-time"))]
    pub(crate) change_feed: Option<ChangeFeed>,
    /// How it searches.
    pub(crate) search: Search,
    /// What it gives back.
    pub(crate) retrieve: Retrieve,
    /// What can be asked of its worklists.
    pub(crate) worklist: Worklist,
    /// Where the resources are, below the base URL.
    pub(crate) paths: Paths,
}

/// Form of a store request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum StoreForm {
    /// Any number of instances.
    Multipart,
    /// One instance.
    SinglePart,
}

/// How to find out whether an instance is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Lookup {
    /// QIDO-RS.
    Search,
    /// WADO-RS metadata.
    Metadata,
    /// Not at all.
    None,
}

/// Level of what was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Level {
    /// A study.
    Study,
    /// A series.
    Series,
    /// An instance.
    Instance,
}

/// Method of a store request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum StoreMethod {
    /// POST.
    Post,
    /// PUT, which replaces what is there.
    Put,
}

/// How a server lists what was stored, replaced and deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum ChangeFeed {
    /// Not at all.
    Absent,
    /// By the number of a change.
    BySequence,
    /// By the time of a change.
    ByTime,
}

/// Transfer syntaxes that are stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TransferSyntaxes {
    All,
    ExplicitVr,
    These(Vec<Uid>),
}

impl<'de> Deserialize<'de> for TransferSyntaxes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = TransferSyntaxes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"all\", \"explicit-vr\" or a list of UIDs")
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Self::Value, E> {
                match value {
                    "all" => Ok(TransferSyntaxes::All),
                    "explicit-vr" => Ok(TransferSyntaxes::ExplicitVr),
                    other => Err(E::custom(format_args!(
                        "`{other}`: write \"all\", \"explicit-vr\" or a list of UIDs"
                    ))),
                }
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut uids = Vec::new();
                while let Some(Parsed(uid)) = list.next_element::<Parsed<Uid>>()? {
                    uids.push(uid);
                }
                Ok(TransferSyntaxes::These(uids))
            }
        }

        from.deserialize_any(Visitor)
    }
}

impl Serialize for TransferSyntaxes {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => to.serialize_str("all"),
            Self::ExplicitVr => to.serialize_str("explicit-vr"),
            Self::These(uids) => to.collect_seq(uids.iter().map(Uid::as_str)),
        }
    }
}

impl JsonSchema for TransferSyntaxes {
    fn schema_name() -> Cow<'static, str> {
        "transfer syntaxes".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string", "enum": ["all", "explicit-vr"] },
            { "type": "array", "items": { "type": "string" } },
        ] })
    }
}
