//! Dimseway, the program: configuration file, command line, admin HTTP, telemetry, signals.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the room that talks to people")]

#[macro_use]
mod output;

mod account;
mod admin;
mod calls;
mod cli;
mod command;
mod config_file;
mod configuration;
mod daemon;
mod exit;
mod open_files;
mod private_file;
mod queue;
mod ready_file;
mod requestor;
mod service_unit;
mod signals;
mod table;
mod telemetry;
mod web;
mod worklist;

use clap::Parser;
use cli::{Cli, Command};
use exit::{Exit, Failure};
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // A terminal that does not take the message cannot be told so either.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { ExitCode::SUCCESS };
        }
    };
    if let Command::Transcode(arguments) = &cli.command {
        // Without the runtime: its threads would count against the limits.
        return command::transcode::run(arguments);
    }
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::last_words(format!("dimseway: {}", exit::in_one_line(&error)));
            Failure::exit_of(&error).into()
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        anyhow::bail!("a cryptographic provider was installed before");
    }
    if let Command::Config(config) = &cli.command {
        return command::config::run(config);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(dispatch(cli));
    // Threads that wait for a disk or a name server do not keep the program.
    runtime.shutdown_background();
    done
}

/// Futures of commands are large and live once, so they are put on the heap.
async fn dispatch(cli: Cli) -> anyhow::Result<()> {
    let path = cli.configuration_file();
    let path = path.as_path();
    match cli.command {
        Command::Serve(arguments) => Box::pin(command::serve::run(path, &arguments)).await,
        Command::Check(arguments) => Box::pin(command::check::run(path, &arguments)).await,
        Command::Demo(arguments) => Box::pin(command::demo::run(&arguments)).await,
        Command::Origin(arguments) => Box::pin(command::origin::run(&arguments)).await,
        Command::Queue(arguments) => Box::pin(command::queue::run(path, arguments)).await,
        Command::Calls(arguments) => Box::pin(command::calls::run(path, arguments)).await,
        Command::Send(arguments) => Box::pin(command::send::run(path, &arguments)).await,
        Command::Delete(arguments) => Box::pin(command::delete::run(path, &arguments)).await,
        Command::Echo(arguments) => Box::pin(command::echo::run(path, &arguments)).await,
        Command::Orders(arguments) => Box::pin(command::orders::run(path, arguments)).await,
        Command::Folders(arguments) => Box::pin(command::folders::run(path, arguments)).await,
        Command::Tags(arguments) => Box::pin(command::tags::run(path, arguments)).await,
        Command::Worklist(arguments) => Box::pin(command::worklist::run(path, &arguments)).await,
        Command::Config(config) => command::config::run(&config),
        Command::Transcode(_) => Ok(()),
    }
}
