//! `dimseway origin`.

use crate::{
    cli::OriginServer,
    config_file::Log,
    exit::{Exit, OrExit, fail},
    open_files,
    ready_file::{self, Addresses},
    signals, telemetry,
};
use anyhow::Context;
use origin::{Credentials, Options, Origin, Personality};
use tokio::net::TcpListener;

/// Serves the embedded origin until it is told to stop.
///
/// # Errors
/// An unknown profile, a folder that cannot be used, a port that is taken.
pub(crate) async fn run(arguments: &OriginServer) -> anyhow::Result<()> {
    ready_file::clear(arguments.ready_file.as_deref())?;
    telemetry::install(&Log::default());
    open_files::raise_limit();
    let credentials = arguments.username.clone().zip(arguments.password.clone());
    let credentials = credentials.map(|(username, password)| Credentials { username, password });
    let options = Options {
        credentials,
        answer_delay: arguments.answer_delay.0,
        ..Options::new(&arguments.directory, personality(&arguments.profile)?)
    };
    let origin = open(options).await?;
    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(|| format!("--listen: {} cannot be listened on", arguments.listen))
        .or_exit(Exit::Unavailable)?;
    let url = origin::base_url(listener.local_addr()?);
    let stop = signals::stop()?;
    println!("origin server at {url}, files in {}", arguments.directory.display());
    if let Some(path) = &arguments.ready_file {
        let addresses = Addresses {
            origin: Some(url),
            username: arguments.username.clone(),
            password: arguments.password.clone(),
            ..Addresses::default()
        };
        addresses.write(path)?;
    }
    let served = origin::serve(listener, &origin, stop.drain.clone().cancelled_owned());
    tokio::select! {
        served = served => served.context("the origin server ended"),
        () = stop.force.cancelled() => Ok(()),
    }
}

/// The personality that `--profile` names.
///
/// # Errors
/// A name that is none.
pub(crate) fn personality(profile: &str) -> anyhow::Result<Personality> {
    profile.parse().map_err(|error| {
        let known: Vec<&str> = Personality::all().iter().map(|one| one.name()).collect();
        fail(Exit::Usage, format!("--profile: {error}; there are {}", known.join(", ")))
    })
}

/// Opens the folder of an embedded origin.
///
/// # Errors
/// A folder that cannot be used.
pub(crate) async fn open(options: Options) -> anyhow::Result<Origin> {
    let directory = options.directory.clone();
    let opened = tokio::task::spawn_blocking(move || Origin::open_with(options)).await?;
    opened
        .with_context(|| format!("the folder {} cannot be used", directory.display()))
        .or_exit(Exit::Unavailable)
}
