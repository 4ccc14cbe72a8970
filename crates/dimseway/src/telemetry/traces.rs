//! Traces: the way of each instance as OpenTelemetry spans, sent to a collector by OTLP over HTTP.
//!
//! [`event`] reads what the bridge tells ([`bridge::trace`]), [`span`] makes spans of it and writes them,
//! [`export`] sends them in batches. Whatever a collector does, the bridge never waits for it: what does not
//! fit in the queue, or is not taken, is dropped and counted.
//!
//! The identifiers are computed from what the spool keeps of an entry, so the arrival of an instance and
//! every attempt to deliver it are one trace, across restarts too.

mod event;
mod export;
mod span;
#[cfg(test)]
mod tests;

pub(crate) use self::export::Exporter;

use self::event::Listener;
use crate::config_file::Log;
use bridge::trace::TARGET;
use tracing::{Level, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};

/// What listens, and what sends.
type Started<S> = (Box<dyn Layer<S> + Send + Sync>, Exporter);

/// Begins to send traces, where the configuration names a collector.
///
/// # Errors
/// No HTTP client can be made.
pub(super) fn start<S>(log: &Log) -> anyhow::Result<Option<Started<S>>>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(endpoint) = &log.traces.endpoint else { return Ok(None) };
    let (queue, exporter) = export::start(endpoint.0.0.clone(), log.traces.service_name.clone())?;
    let only = filter_fn(|metadata| metadata.target() == TARGET && *metadata.level() <= Level::DEBUG)
        .with_max_level_hint(LevelFilter::DEBUG);
    let listener = Listener { queue, sample_ratio: log.traces.sample_ratio };
    Ok(Some((listener.with_filter(only).boxed(), exporter)))
}
