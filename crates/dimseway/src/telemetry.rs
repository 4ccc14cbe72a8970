//! Logs to standard error, and panics in them; traces to a collector, where they are built in.

#[cfg(any(feature = "opentelemetry", test))]
mod traces;

use crate::config_file::{Log, LogFormat};
use std::{backtrace::Backtrace, io::IsTerminal};
use tracing_subscriber::{EnvFilter, Layer, Registry, layer::SubscriberExt, reload, util::SubscriberInitExt};

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

/// What was installed.
pub(crate) struct Telemetry {
    /// Changes the log level.
    pub(crate) level: LevelHandle,
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
pub(crate) fn install(log: &Log) -> Telemetry {
    let (filter, handle) = reload::Layer::new(filter(log));
    // The filter is of the lines alone: what traces are made of is in none of them.
    let subscriber = tracing_subscriber::registry().with(lines(log.format).with_filter(filter));
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
    std::panic::set_hook(Box::new(log_panic));
    Telemetry {
        level: LevelHandle(handle),
        #[cfg(feature = "opentelemetry")]
        exporter,
    }
}

fn lines(format: LogFormat) -> Box<dyn Layer<Registry> + Send + Sync> {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => {
            lines.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
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
