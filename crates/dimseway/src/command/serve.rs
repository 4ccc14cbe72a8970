//! `dimseway serve`.

use crate::{
    cli::Serve,
    configuration::Configuration,
    daemon::{self, Daemon, Listeners},
    exit::{Exit, OrExit},
    open_files,
    ready_file::{self, Addresses},
    service_unit, signals, telemetry,
};
use std::path::Path;

/// Runs the bridge until it is told to stop.
///
/// # Errors
/// The configuration is wrong, a port is taken, the spool cannot be opened or closed.
pub(crate) async fn run(path: &Path, arguments: &Serve) -> anyhow::Result<()> {
    ready_file::clear(arguments.ready_file.as_deref())?;
    let configuration = Configuration::read(path).or_exit(Exit::Configuration)?;
    configuration.check_clients().or_exit(Exit::Configuration)?;
    let telemetry = telemetry::install(&configuration.log)?;
    let files = open_files::raise_limit();
    tracing::info!(configuration = %path.display(), ?files, "starting");
    // From here on a signal drains instead of killing, a first one during recovery too.
    let stop = signals::stop()?;
    let hangup = signals::hangup()?;
    let listeners = Listeners::bind(&configuration).await?;
    let daemon = tokio::select! {
        daemon = Daemon::start(&configuration, listeners, &stop) => daemon?,
        () = stop.force.cancelled() => return Ok(()),
    };
    daemon.count_lost_lines(&telemetry.lines);
    daemon::watch(path, &configuration, &daemon, telemetry.level.clone(), hangup, stop.drain.clone());
    if let Some(path) = &arguments.ready_file {
        let addresses = Addresses {
            dimse: Some(daemon.dimse),
            admin: Some(daemon.admin),
            web: daemon.web,
            ..Addresses::default()
        };
        addresses.write(path)?;
    }
    service_unit::watch_over(daemon.bridge.clone(), stop.drain.clone());
    service_unit::ready();
    let finished = daemon.finish(&stop).await;
    telemetry.finish().await;
    finished
}
