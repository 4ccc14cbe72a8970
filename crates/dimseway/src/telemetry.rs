//! Logs to standard error, and panics in them; traces to a collector, where they are built in.

mod lines;
#[cfg(any(feature = "opentelemetry", test))]
mod traces;

pub(crate) use lines::Lines;

use crate::config_file::{Log, LogFormat};
use anyhow::Context;
use lines::LinesGuard;
use std::{backtrace::Backtrace, io::IsTerminal, time::Duration};
use tracing_subscriber::{EnvFilter, Layer, Registry, layer::SubscriberExt, reload, util::SubscriberInitExt};

/// Wait for the reader of the log after a panic. Unit: time. Default: 100 ms, what a reader needs that reads, and
/// no more, since the other tasks of the thread wait as well.
const PANIC_MAX: Duration = Duration::from_millis(100);

/// Changes the log level of the running program.
#[derive(Clone)]
pub(crate) struct LevelHandle(reload::Handle<EnvFilter, Registry>);

impl LevelHandle {
    /// Logs at the level of `log` from now on. The format stays as it was at start.
    pub(crate) fn set(&self, log: &Log) {
        if let Err(error) = self.0.reload(filter(log)) {
            tracing::warn!(%error, "the log level could not be changed");
        }
    }
}

/// What was installed. Dropping it waits for the log, for a limited time.
#[must_use]
pub(crate) struct Telemetry {
    /// Changes the log level.
    pub(crate) level: LevelHandle,
    /// Where lines go.
    pub(crate) lines: Lines,
    _written_at_the_end: LinesGuard,
    #[cfg(feature = "opentelemetry")]
    exporter: Option<traces::Exporter>,
}

impl Telemetry {
    /// Hands out what is left, at the end of the program.
    pub(crate) async fn finish(self) {
        #[cfg(feature = "opentelemetry")]
        if let Some(exporter) = self.exporter {
            exporter.finish().await;
        }
    }
}

/// Sends all events of the process to standard error, and traces to a collector, as the configuration says.
///
/// # Errors
/// The machine has no thread left for the log.
pub(crate) fn install(log: &Log) -> anyhow::Result<Telemetry> {
    let (filter, handle) = reload::Layer::new(filter(log));
    let (lines, guard) = Lines::to_standard_error().context("the log cannot be started")?;
    // The filter is of the lines alone: what traces are made of is in none of them.
    let subscriber =
        tracing_subscriber::registry().with(layer(log.format, lines.clone()).with_filter(filter));
    #[cfg(feature = "opentelemetry")]
    let (result, exporter) = match traces::start(log) {
        Ok(Some((listener, exporter))) => (subscriber.with(listener).try_init(), Some(exporter)),
        Ok(None) => (subscriber.try_init(), None),
        Err(error) => {
            let result = subscriber.try_init();
            tracing::error!(error = format!("{error:#}"), "no traces are sent");
            (result, None)
        }
    };
    #[cfg(not(feature = "opentelemetry"))]
    let result = subscriber.try_init();
    if result.is_err() {
        tracing::debug!("logging was installed before");
    }
    let told = lines.clone();
    std::panic::set_hook(Box::new(move |panic| {
        log_panic(panic);
        // What panics may be the last that the process does.
        told.flush(PANIC_MAX);
    }));
    Ok(Telemetry {
        level: LevelHandle(handle),
        lines,
        _written_at_the_end: guard,
        #[cfg(feature = "opentelemetry")]
        exporter,
    })
}

fn layer(format: LogFormat, lines: Lines) -> Box<dyn Layer<Registry> + Send + Sync> {
    let layer = tracing_subscriber::fmt::layer().with_writer(lines);
    match format {
        LogFormat::Text => layer.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => {
            layer.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
        }
    }
}

/// The level applies to Dimseway's own rooms. Libraries stay at warnings, since their debug output may
/// quote request bodies and header values.
fn filter(log: &Log) -> EnvFilter {
    const ROOMS: [&str; 8] =
        ["dimseway", "bridge", "dimse", "dicomweb", "spool", "dataset", "instance", "origin"];
    let level = log.level.as_str();
    let rooms: Vec<String> = ROOMS.iter().map(|room| format!("{room}={level}")).collect();
    EnvFilter::new(format!("warn,{}", rooms.join(",")))
}

fn log_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    // A formatted message may quote what was being read, patient data too; a literal cannot.
    let message = panic.payload().downcast_ref::<&str>().copied().unwrap_or("(message withheld)");
    let backtrace = Backtrace::capture();
    tracing::error!(%place, message, %backtrace, "a panic; please report it");
}
