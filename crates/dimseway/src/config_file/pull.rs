//! What is brought back from origins: `[[pull]]`.

use super::{Parsed, Size, Span};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Brings back what is new at an origin: to DIMSE peers, or to other origins. What the origin lists and does not give,
/// while it gives others, is held and asked for again now and then; where it gives none, nothing is passed over, and
/// the log says what to look at. Of a service of Azure, changes of other partitions than `azure.partition` are left
/// where they are.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pull {
    /// Name in logs and metrics. How far the pull has come is kept under it in the spool; with another name it
    /// begins anew.
    /// Unit: 1 to 64 letters, digits, dots, dashes and underscores. Source: free.
    #[schemars(example = &"cloud-to-pacs")]
    pub(crate) name: String,
    /// The origin that is asked.
    /// Unit: none. Source: `[origin.NAME]` of this file.
    #[schemars(example = &"archive")]
    pub(crate) origin: String,
    /// Where what is new goes: names of other origins, and `"peer:AE"`. Instances go through the spool, as from
    /// a route: same order, retries and queue. Nothing is ever sent back to the origin that it came from.
    /// Unit: none. Source: `[origin.NAME]` and `[[peer]]` of this file.
    #[schemars(example = ["peer:CT1"])]
    pub(crate) to: Vec<String>,
    /// How the origin is asked what is new: by its list of changes (`"change-feed"`), or by searches for the
    /// studies of the last days (`"search"`). Left out: by its list of changes where its profile has one.
    /// Unit: none. Source: the server's documentation.
    #[serde(default)]
    #[schemars(extend("x-sample" = "change-feed"))]
    pub(crate) method: Option<PullMethod>,
    /// From one question to the next.
    /// Unit: time. Source: how soon somebody waits for it; each costs the origin a request.
    #[serde(default = "interval")]
    pub(crate) interval: Span,
    /// What is pulled the first time: what came since then. Left out: only what comes from now on. With
    /// `"search"` the time of day does not count, and the Study Date does.
    /// Unit: date, or date and time in UTC. Source: what is missing at the destination.
    #[serde(default)]
    #[schemars(extend("x-sample" = "2026-11-01"))]
    pub(crate) since: Option<Parsed<Moment>>,
    /// Only instances of these modalities; `*` and `?` stand for any characters and for one. Left out: all.
    /// Unit: none. Source: (0008,0060).
    #[serde(default)]
    #[schemars(extend("x-sample" = ["CT", "MR"]))]
    pub(crate) modality: Vec<String>,
    /// Whether instances are pulled that this bridge itself stored at the origin. Who wants them at both ends
    /// routes them to both. What was stored there is known as long as `record_retention` of the spool keeps its
    /// delivery record.
    /// Unit: none. Source: the way of the images.
    #[serde(default)]
    pub(crate) own: bool,
    /// With `"search"`: days of Study Date before the last complete search that are looked at, but for days with
    /// more than 20,000 studies, or where studies could not be had for 30 days: then before today, and the log says
    /// so. A study that grows is noticed by NumberOfStudyRelatedInstances; where the server does not count, each is
    /// listed in every round until a day after it was first seen, and once more then. Left out: 7.
    /// Unit: days. Source: how late a study can come.
    #[serde(default)]
    #[schemars(extend("x-sample" = 7))]
    pub(crate) days: Option<u16>,
    /// With `"change-feed"`: how old a change must be to be looked at, since one that was begun before it may
    /// come into the list after it. Left out: 30s.
    /// Unit: time. Source: how long a server takes to store an instance.
    #[serde(default)]
    #[schemars(extend("x-sample" = "30s"))]
    pub(crate) settle: Option<Span>,
    /// Instances that are retrieved at the same time; `rate_limit` of the origin is respected as well.
    /// Unit: requests. Source: the server's administrator.
    #[serde(default = "concurrent")]
    pub(crate) concurrent: u32,
    /// Bytes that may wait for one of the destinations; with more, nothing is pulled, so that a destination
    /// that is down does not fill the disk that modalities store to.
    /// Unit: bytes. Source: the disk of the spool.
    #[serde(default = "backlog_max")]
    pub(crate) backlog_max: Size,
}

/// How an origin is asked what is new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum PullMethod {
    /// By its list of changes, as Azure has it in its v2.
    ChangeFeed,
    /// By searches for studies (PS3.18 §10.6).
    Search,
}

/// A day, or a moment of it: `"2026-11-01"`, `"2026-11-01T08:30:00Z"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) Timestamp);

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "write a date, \"2026-11-01\", or a date and a time, \"2026-11-01T08:30:00Z\"";
        if let Ok(moment) = value.parse::<Timestamp>() {
            return Ok(Self(moment));
        }
        let date: jiff::civil::Date = value.parse().map_err(|_| FORM)?;
        let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| FORM)?;
        Ok(Self(midnight.timestamp()))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

const fn interval() -> Span {
    Span::seconds(60)
}

const fn concurrent() -> u32 {
    4
}

const fn backlog_max() -> Size {
    Size::mib(10 << 10)
}
