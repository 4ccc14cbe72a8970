//! How Dimseway keeps, delivers and is watched: `[spool]`, `[forward]`, `[admin]`, `[log]`.

use super::{ListenAddress, Parsed, Size, Span};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    str::FromStr,
};

/// Where accepted instances are kept until they are delivered.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Spool {
    /// The directory; a local disk whose `fsync` keeps its word, not a network file system. Only one
    /// daemon may use it. Needs a restart to change.
    /// Unit: path, relative to this file. Source: the Filesystem Hierarchy Standard.
    #[schemars(example = &"/var/lib/dimseway/spool")]
    pub(crate) directory: String,
    /// Space of the file system that intake leaves free; below it C-STORE answers A700, and the queue
    /// goes on draining. Needs a restart to change.
    /// Unit: bytes. Source: room for logs and the operating system.
    pub(crate) minimum_free: Size,
    /// Space set aside so that the index stays writable on a full disk. Needs a restart to change.
    /// Unit: bytes. Source: what the index needs while a full spool drains.
    pub(crate) reserve: Size,
    /// Size of a segment file. Needs a restart to change.
    /// Unit: bytes, a multiple of 1MiB. Source: about thirty CT slices share one.
    pub(crate) segment_size: Size,
    /// Segments that are kept written and ready. Needs a restart to change.
    /// Unit: segments. Source: the modalities of one department begin at once.
    pub(crate) spare_segments: u32,
    /// How long a delivery record (hash, answer of the destination) outlives its delivery. Needs a
    /// restart to change.
    /// Unit: time. Source: longer than a device's own retries; used to judge duplicates.
    pub(crate) record_retention: Span,
    /// Delivery records kept at most, whatever their age. Needs a restart to change.
    /// Unit: records. Source: 1,000,000 take about 1GiB of index.
    pub(crate) records_max: u64,
}

impl Default for Spool {
    fn default() -> Self {
        Self {
            directory: "/var/lib/dimseway/spool".to_owned(),
            minimum_free: Size::mib(512),
            reserve: Size::mib(32),
            segment_size: Size::mib(16),
            spare_segments: 16,
            record_retention: Span::days(7),
            records_max: 1_000_000,
        }
    }
}

/// How deliveries are made, to every destination unless it says otherwise.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Forward {
    /// Deliveries to one destination at the same time.
    /// Unit: requests. Source: fills a long line; more makes small archives answer 503.
    pub(crate) workers: u32,
    /// Instances in one request at most; the origin's profile may say less.
    /// Unit: instances. Source: a failure of one of them costs a few more requests.
    pub(crate) batch_instances: u32,
    /// Bytes in one request at most; the origin's profile may say less. A larger instance goes alone.
    /// Unit: bytes. Source: what is sent again when a connection breaks.
    pub(crate) batch_bytes: Size,
    /// How long instances are set aside for one attempt; it is renewed while the attempt goes on, so
    /// it matters after a crash only.
    /// Unit: time. Source: after a crash they are sent again then.
    pub(crate) lease: Span,
    /// When a failed delivery is tried again.
    pub(crate) back_off: BackOff,
    /// When a destination counts as down, and how it is probed.
    pub(crate) breaker: Breaker,
}

impl Default for Forward {
    fn default() -> Self {
        Self {
            workers: 4,
            batch_instances: 50,
            batch_bytes: Size::mib(64),
            lease: Span::seconds(60),
            back_off: BackOff::default(),
            breaker: Breaker::default(),
        }
    }
}

/// When a failed delivery is tried again: the wait doubles with each attempt.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BackOff {
    /// Wait before the second attempt.
    /// Unit: time. Source: most failures are over by then.
    pub(crate) min: Span,
    /// Longest wait between two attempts.
    /// Unit: time. Source: a repaired archive should be found within a coffee break.
    pub(crate) max: Span,
    /// Part of each wait that is random, so that a backlog does not come back in one wave.
    /// Unit: fraction, 0 to 1. Source: chosen.
    pub(crate) jitter: f64,
}

impl Default for BackOff {
    fn default() -> Self {
        Self { min: Span::seconds(5), max: Span::minutes(15), jitter: 0.25 }
    }
}

/// When a destination counts as down. While it is, no attempts are used up; it is probed with small
/// requests.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Breaker {
    /// Failures in a row, of the connection or of the whole service, after which it counts as down.
    /// Unit: failures. Source: more than chance, fewer than a study.
    pub(crate) failures: u32,
    /// Wait before the first probe; it doubles with each further one.
    /// Unit: time. Source: a restarting server is back within seconds.
    pub(crate) probe_min: Span,
    /// Longest wait between two probes.
    /// Unit: time. Source: one small request each half minute loads no server.
    pub(crate) probe_max: Span,
    /// Wait between two probes while the credentials are refused.
    /// Unit: time. Source: below the rate that locks accounts.
    pub(crate) credentials: Span,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            failures: 3,
            probe_min: Span::seconds(1),
            probe_max: Span::seconds(30),
            credentials: Span::seconds(60),
        }
    }
}

/// Health, metrics, queue and page over HTTP.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Admin {
    /// Address to listen on: `/`, `/metrics`, `/healthz`, `/readyz`, `/api/v1/...`. 128 connections
    /// are served at the same time; one that stands still for 75s is closed. Needs a restart to
    /// change.
    /// Unit: IP address and port. Source: not reachable from outside unless written out.
    #[schemars(example = &"127.0.0.1:8080")]
    pub(crate) listen: ListenAddress,
    /// File with the bearer token that `/api` asks for. Required where `listen` is not a loopback
    /// address. Health, metrics and the page, which hold only numbers, ask for nothing.
    /// Unit: path, relative to this file. Source: make one with `openssl rand -hex 32`.
    #[schemars(extend("x-sample" = "/run/secrets/dimseway_admin_token"))]
    pub(crate) token_file: Option<String>,
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: ListenAddress(SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))), token_file: None }
    }
}

/// What is logged, to standard error. Nothing about a patient at any level.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    /// `"text"` or `"json"` (one object per line). Needs a restart to change.
    /// Unit: none. Source: json where a collector reads it.
    #[schemars(example = LogFormat::Text)]
    pub(crate) format: LogFormat,
    /// `"error"`, `"warn"`, `"info"`, `"debug"` or `"trace"`.
    /// Unit: none. Source: info has a few lines for each association; debug has some for each
    /// instance.
    #[schemars(example = LogLevel::Info)]
    pub(crate) level: LogLevel,
    /// Traces of instances for OpenTelemetry.
    pub(crate) traces: Traces,
}

/// Traces of instances: one for each, from its arrival to each attempt to deliver it. Only where the program
/// was built with them.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Traces {
    /// Collector that takes OTLP over HTTP as JSON, with the path; never asked through a proxy. Without it there
    /// are no traces, and a program that was built without them refuses it:
    /// `cargo build --release --features opentelemetry` makes one that has them. Needs a restart to change.
    /// Unit: URL. Source: an OpenTelemetry Collector listens at port 4318, `/v1/traces`.
    #[schemars(extend("x-sample" = "http://127.0.0.1:4318/v1/traces"))]
    pub(crate) endpoint: Option<Parsed<Endpoint>>,
    /// Whose traces these are, as `service.name`. Needs a restart to change.
    /// Unit: text. Source: one for each Dimseway where a collector serves several.
    pub(crate) service_name: String,
    /// Part of the instances that is traced; all spans of an instance, or none. Needs a restart to change.
    /// Unit: fraction, 0 to 1. Source: all of them, about 1 kB for each span.
    pub(crate) sample_ratio: f64,
}

impl Default for Traces {
    fn default() -> Self {
        Self { endpoint: None, service_name: "dimseway".to_owned(), sample_ratio: 1.0 }
    }
}

/// The URL of a collector.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint(pub(crate) reqwest::Url);

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url: reqwest::Url = text.parse().map_err(|error| format!("no URL: {error}"))?;
        match url.scheme() {
            "http" | "https" if url.username().is_empty() && url.password().is_none() => Ok(Self(url)),
            "http" | "https" => Err("must not hold credentials".to_owned()),
            _ => Err("must begin with http:// or https://".to_owned()),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Form of a log line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}

/// Least severity that is logged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum LogLevel {
    /// Faults of Dimseway or its machine.
    Error,
    /// What a person should look at.
    Warn,
    /// What happened.
    #[default]
    Info,
    /// How it happened.
    Debug,
    /// Every step.
    Trace,
}

impl LogLevel {
    /// The word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}
