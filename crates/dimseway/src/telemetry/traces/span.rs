//! Spans, and how OTLP writes them: the JSON Protobuf encoding of the OpenTelemetry Protocol 1.

use super::event::Told;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use spool::EntryId;

/// What a field of an event, or an attribute of a span, holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Number(u64),
    Text(String),
}

/// Attributes of spans, by the fields of events that they are made of. What is not here does not leave.
const ATTRIBUTES: [(&str, &str); 12] = [
    ("sop_instance_uid", "dicom.sop_instance_uid"),
    ("sop_class_uid", "dicom.sop_class_uid"),
    ("study_instance_uid", "dicom.study_instance_uid"),
    ("transfer_syntax_uid", "dicom.transfer_syntax_uid"),
    ("calling_ae_title", "dicom.calling_ae_title"),
    ("called_ae_title", "dicom.called_ae_title"),
    ("entry", "dimseway.entry"),
    ("origin", "dimseway.origin"),
    ("bytes", "dimseway.bytes"),
    ("destination", "dimseway.destination"),
    ("attempt", "dimseway.attempt"),
    ("outcome", "dimseway.outcome"),
];

/// Points in time of the first span of a trace.
const MOMENTS: [(&str, &str); 2] = [("received", "data set received"), ("durable", "durable in the spool")];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TraceId(pub(super) [u8; 16]);

pub(super) type SpanId = [u8; 8];

impl TraceId {
    /// The trace of an entry and its first span. The number of an entry says when it was accepted, to the
    /// microsecond; the UID tells the entries of several bridges apart.
    fn of_entry(entry: u64, sop_instance_uid: &str) -> (Self, SpanId) {
        let hash = Sha256::new()
            .chain_update(b"dimseway trace")
            .chain_update(entry.to_be_bytes())
            .chain_update(sop_instance_uid);
        Self::cut(&hash.finalize().into())
    }

    fn random() -> (Self, SpanId) {
        Self::cut(&rand::random())
    }

    fn cut(bytes: &[u8; 32]) -> (Self, SpanId) {
        let byte = |index: usize| bytes[index];
        (Self(std::array::from_fn(byte)), std::array::from_fn(|index| byte(16 + index)))
    }

    /// Whether the trace is among the part `ratio` of all that is kept: all spans of it, or none, whoever
    /// decides.
    pub(super) fn is_sampled(self, ratio: f64) -> bool {
        let last = std::array::from_fn(|index| self.0[8 + index]);
        ratio >= 1.0 || (u64::from_be_bytes(last) as f64) < ratio * (u64::MAX as f64)
    }
}

/// The part of a call that a span shows, with the numbers of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Server = 2,
    Client = 3,
}

/// A span that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) trace_id: TraceId,
    id: SpanId,
    parent: Option<SpanId>,
    name: String,
    kind: Kind,
    /// Nanoseconds since 1970, as all times here.
    begun: u64,
    ended: u64,
    moments: Vec<(u64, &'static str)>,
    attributes: Vec<(&'static str, Value)>,
    is_error: bool,
}

/// The spans that an event tells of: an arrival, the same with the request that it passed through, or an
/// attempt. None where it tells of nothing known.
pub(super) fn of(told: &Told) -> Vec<Span> {
    let (Some(service), Some(uid)) = (told.text("service"), told.text("sop_instance_uid")) else {
        return Vec::new();
    };
    let (Some(begun), Some(ended)) = (told.number("begun"), told.number("ended")) else {
        return Vec::new();
    };
    let (trace_id, first) = match told.number("entry") {
        Some(entry) => TraceId::of_entry(entry, uid),
        None => TraceId::random(),
    };
    let span = Span {
        trace_id,
        id: first,
        parent: None,
        name: service.to_owned(),
        kind: if service == "C-STORE" { Kind::Server } else { Kind::Client },
        begun,
        // A clock may be set back.
        ended: ended.max(begun),
        moments: MOMENTS.iter().filter_map(|(field, name)| Some((told.number(field)?, *name))).collect(),
        attributes: ATTRIBUTES.iter().filter_map(|(field, name)| attribute(told, field, name)).collect(),
        is_error: !matches!(told.text("outcome"), Some("accepted" | "delivered")),
    };
    if told.get("attempt").is_some() {
        return vec![Span { id: rand::random(), parent: Some(first), kind: Kind::Client, ..span }];
    }
    let Some(sent) = told.number("sent") else { return vec![span] };
    let request = Span {
        id: rand::random(),
        parent: Some(first),
        name: "STOW-RS".to_owned(),
        kind: Kind::Client,
        begun: sent,
        ended: span.ended.max(sent),
        moments: Vec::new(),
        ..span.clone()
    };
    vec![span, request]
}

/// Entries are called as the log and `dimseway queue` call them.
fn attribute(told: &Told, field: &str, name: &'static str) -> Option<(&'static str, Value)> {
    let value = match told.get(field)? {
        Value::Number(entry) if field == "entry" => Value::Text(EntryId(*entry).to_string()),
        value => value.clone(),
    };
    Some((name, value))
}

/// The body of a request that exports `spans` of a service.
pub(super) fn request(service_name: &str, spans: &[Span]) -> Json {
    let version = env!("CARGO_PKG_VERSION");
    let resource = [
        ("service.name", Value::Text(service_name.to_owned())),
        ("service.version", Value::Text(version.to_owned())),
    ];
    json!({
        "resourceSpans": [{
            "resource": { "attributes": attributes(&resource) },
            "scopeSpans": [{
                "scope": { "name": "dimseway", "version": version },
                "spans": spans.iter().map(Span::to_json).collect::<Vec<_>>(),
            }],
        }],
    })
}

impl Span {
    fn to_json(&self) -> Json {
        let moment = |(time, name): &(u64, &str)| json!({ "timeUnixNano": time.to_string(), "name": name });
        let mut span = json!({
            "traceId": hex(&self.trace_id.0),
            "spanId": hex(&self.id),
            "name": self.name,
            "kind": self.kind as u8,
            // 64 bits do not fit in a number of JSON.
            "startTimeUnixNano": self.begun.to_string(),
            "endTimeUnixNano": self.ended.to_string(),
            "attributes": attributes(&self.attributes),
            "events": self.moments.iter().map(moment).collect::<Vec<_>>(),
            "status": { "code": if self.is_error { 2 } else { 0 } },
        });
        if let Some(parent) = &self.parent {
            span["parentSpanId"] = hex(parent).into();
        }
        span
    }
}

fn attributes(of: &[(&str, Value)]) -> Vec<Json> {
    let value = |value: &Value| match value {
        Value::Number(number) => json!({ "intValue": number.to_string() }),
        Value::Text(text) => json!({ "stringValue": text }),
    };
    of.iter().map(|(key, held)| json!({ "key": key, "value": value(held) })).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
