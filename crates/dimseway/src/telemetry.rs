//! Logs to standard error, and panics in them.

use crate::config_file::{Log, LogFormat};
use std::{backtrace::Backtrace, io::IsTerminal};
use tracing_subscriber::{EnvFilter, layer::SubscriberExt, reload, util::SubscriberInitExt};

/// Changes the log level of the running program.
#[derive(Clone)]
pub(crate) struct LevelHandle(reload::Handle<EnvFilter, tracing_subscriber::Registry>);

impl LevelHandle {
    /// Logs at the level of `log` from now on. The format stays as it was at start.
    pub(crate) fn set(&self, log: &Log) {
        if let Err(error) = self.0.reload(filter(log)) {
            tracing::warn!(%error, "the log level could not be changed");
        }
    }
}

/// Sends all events of the process to standard error, as the configuration says.
pub(crate) fn install(log: &Log) -> LevelHandle {
    let (filter, handle) = reload::Layer::new(filter(log));
    let registry = tracing_subscriber::registry().with(filter);
    let result = match log.format {
        LogFormat::Text => {
            let lines = tracing_subscriber::fmt::layer()
                .with_writer(std::io::stderr)
                .with_ansi(std::io::stderr().is_terminal());
            registry.with(lines).try_init()
        }
        LogFormat::Json => {
            let lines = tracing_subscriber::fmt::layer()
                .json()
                .flatten_event(true)
                .with_current_span(true)
                .with_span_list(false)
                .with_writer(std::io::stderr);
            registry.with(lines).try_init()
        }
    };
    if result.is_err() {
        tracing::debug!("logging was installed before");
    }
    std::panic::set_hook(Box::new(log_panic));
    LevelHandle(handle)
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
