//! `dimseway transcode`: the child process that decodes pixels, started by the bridge and by nobody else.

use std::{
    io::{stdin, stdout},
    process::ExitCode,
};

use bridge::transcode::{Fault, Order, decode};
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::cli::Transcode;

/// Seconds between the signal that ends a child for its processor time and the one that it cannot
/// catch.
const GRACE_SECONDS: u64 = 5;

/// Decodes the object at standard input to standard output, under the limits of the command line. The
/// first line at standard error tells why it could not be done; the exit code tells which [`Fault`].
pub(crate) fn run(arguments: &Transcode) -> ExitCode {
    let order = Order {
        from: arguments.from.clone().into(),
        to: arguments.to.clone().into(),
        frame_length_max: arguments.frame_length,
        kept_back_max: arguments.kept_back,
    };
    let decoded =
        limit(arguments).map_err(Fault::Pipe).and_then(|()| decode(&order, stdin().lock(), stdout().lock()));
    match decoded {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("{fault}");
            fault.exit_code().into()
        }
    }
}

/// Puts this process under its limits before it reads a byte.
fn limit(arguments: &Transcode) -> std::io::Result<()> {
    let both = |soft: u64, hard: u64| Rlimit { current: Some(soft), maximum: Some(hard) };
    setrlimit(Resource::Data, both(arguments.memory, arguments.memory))?;
    let seconds = arguments.processor_time;
    setrlimit(Resource::Cpu, both(seconds, seconds.saturating_add(GRACE_SECONDS)))?;
    // A core file would hold what the object holds.
    setrlimit(Resource::Core, both(0, 0))?;
    Ok(())
}
