//! How fast an origin is used: `rate_limit` of `[origin.NAME]`.

use super::{ClockTime, Parsed, Size, ZoneName};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How fast an origin is used, by deliveries, queries, retrieves and pulls together. What somebody waits for
/// goes first. A limited origin is not a failing one: nothing is refused, and no attempt is used up.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RateLimit {
    /// Requests per second, over a longer time; left out: as fast as they come.
    /// Unit: requests per second, also 0.5. Source: the provider's quota.
    #[schemars(extend("x-sample" = 10.0))]
    pub(crate) requests_per_second: Option<f64>,
    /// Requests that may begin at once after a quiet time; left out: those of one second.
    /// Unit: requests. Source: the provider's quota.
    #[schemars(extend("x-sample" = 20))]
    pub(crate) burst: Option<u32>,
    /// Requests under way at the same time. Where there are several, deliveries and pulls leave one to
    /// queries and retrieves. An answer from which a peer takes nothing for a second does not count. With 1 a query
    /// waits for the delivery under way, and after `unavailable_timeout` it is answered with A700: allow 2 or more
    /// where somebody queries.
    /// Unit: requests. Source: the provider's quota.
    #[schemars(extend("x-sample" = 8))]
    pub(crate) concurrent: Option<u32>,
    /// Bytes per second of all bodies, in both directions together.
    /// Unit: bytes per second, at least 4KiB. Source: the line, and who shares it.
    #[schemars(extend("x-sample" = "10MiB"))]
    pub(crate) bytes_per_second: Option<Size>,
    /// Whether instances are delivered and pulled. With `false`, and a window with `true`, that is done in the
    /// window alone; queries and retrieves always go on, and so does what a route acknowledges as `"stored"`
    /// and passes through.
    /// Unit: none. Source: when the line is free.
    pub(crate) deliveries: bool,
    /// Time zone of the windows; left out: that of the machine.
    /// Unit: name of the IANA database. Source: the site.
    #[schemars(extend("x-sample" = "Europe/Berlin"))]
    pub(crate) time_zone: Option<Parsed<ZoneName>>,
    /// Times of day with limits of their own; the first that fits counts. Each has `from` and `to`, times such
    /// as `"07:00"` (a window that ends before it begins ends on the next day), may have `days`, a list of
    /// `"mon"` to `"sun"` on which it begins, and any of the keys above but `time_zone`. A limit that it leaves
    /// out is as outside of it, unless it has `unlimited = true`.
    /// Unit: none. Source: when the line is busy.
    #[schemars(
        with = "Vec<serde_json::Map<String, serde_json::Value>>",
        extend("x-sample" = [{ "from": "07:00", "to": "18:00", "bytes_per_second": "2MiB" }])
    )]
    pub(crate) windows: Vec<Window>,
}

/// A time of day with limits of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Window {
    /// Days on which it begins; left out: all.
    #[serde(default)]
    pub(crate) days: Vec<Day>,
    /// Its beginning.
    pub(crate) from: Parsed<ClockTime>,
    /// Its end; not after `from`: on the next day.
    pub(crate) to: Parsed<ClockTime>,
    /// As above.
    #[serde(default)]
    pub(crate) requests_per_second: Option<f64>,
    /// As above.
    #[serde(default)]
    pub(crate) burst: Option<u32>,
    /// As above.
    #[serde(default)]
    pub(crate) concurrent: Option<u32>,
    /// As above.
    #[serde(default)]
    pub(crate) bytes_per_second: Option<Size>,
    /// As above.
    #[serde(default)]
    pub(crate) deliveries: Option<bool>,
    /// Nothing but what the window itself says is limited in it.
    #[serde(default)]
    pub(crate) unlimited: bool,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Day {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl Default for RateLimit {
    fn default() -> Self {
        Self {
            requests_per_second: None,
            burst: None,
            concurrent: None,
            bytes_per_second: None,
            deliveries: true,
            time_zone: None,
            windows: Vec::new(),
        }
    }
}
