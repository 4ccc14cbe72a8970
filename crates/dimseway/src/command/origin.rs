//! `dimseway origin`.

pub(crate) mod access_keys;
pub(crate) mod account;
pub(crate) mod tokens;

use crate::{
    cli::OriginServer,
    config_file::Log,
    exit::{Exit, OrExit, fail},
    open_files,
    ready_file::{self, Addresses, Members},
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
    let _telemetry = telemetry::install(&Log::default())?;
    open_files::raise_limit();
    let options = options(arguments)?;
    let credentials = options.credentials.clone();
    let is_account = options.personality == Personality::PostDicom;
    let account = is_account.then(|| options.postdicom.account.clone());
    let origin = open(options.clone()).await?;
    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(|| format!("--listen: {} cannot be listened on", arguments.listen))
        .or_exit(Exit::Unavailable)?;
    let address = listener.local_addr()?;
    let url = options.url(address);
    let tokens = tokens::ready(&options, address)?;
    let stop = signals::stop()?;
    println!("origin server at {url}, files in {}", arguments.directory.display());
    if let (Some(account), Some(credentials)) = (&account, &credentials) {
        account::print(account, credentials);
    }
    if let Some(tokens) = &tokens {
        tokens::print(tokens);
    }
    let access_keys = access_keys::ready(&options, address);
    if let Some(keys) = &access_keys {
        access_keys::print(keys);
    }
    if let Some(path) = &arguments.ready_file {
        let pair = credentials.map(|credentials| (credentials.username, credentials.password));
        let (username, password) = pair.unzip();
        let addresses = Addresses {
            origin: Some(url),
            username,
            password,
            tokens,
            access_keys,
            account: account.as_ref().map(Members::from),
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

/// What the arguments say.
fn options(arguments: &OriginServer) -> anyhow::Result<Options> {
    let options = Options::new(&arguments.directory, personality(&arguments.profile)?);
    let given = arguments.username.clone().zip(arguments.password.clone());
    let given = given.map(|(username, password)| Credentials { username, password });
    let postdicom = origin::postdicom::Options {
        answer_shape: arguments.answer_shape,
        store_answer: arguments.store_answer,
        creation_answer: arguments.creation_answer,
        ..options.postdicom
    };
    let azure = origin::azure::Options {
        partitions: arguments.partitions,
        request_bytes_max: arguments.request_bytes_max.0,
        ..options.azure
    };
    let tokens = tokens::options(options.tokens.clone(), arguments)?;
    Ok(Options {
        tokens,
        azure,
        faults: arguments.fault.iter().cloned().collect(),
        credentials: given.or(options.credentials),
        answer_delay: arguments.answer_delay.0,
        postdicom,
        ..options
    })
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
