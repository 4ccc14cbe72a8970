//! What commands say to people and to other programs: the macros of the standard library by the same
//! names, which would panic where nobody reads any more.

use crate::exit::Exit;
use std::{
    fmt,
    io::{self, ErrorKind, Write},
    sync::mpsc,
    thread,
    time::Duration,
};

/// Wait for the reader of standard error at the end of the program. Unit: time. Default: 1 s, which a reader that
/// reads at all does not need; beyond it the exit code has to say it alone.
const LAST_WORDS_MAX: Duration = Duration::from_secs(1);

macro_rules! print {
    ($($words:tt)*) => { $crate::output::to_standard_output(format_args!($($words)*)) };
}

macro_rules! println {
    ($($words:tt)*) => {
        $crate::output::to_standard_output(format_args!("{}\n", format_args!($($words)*)))
    };
}

macro_rules! eprintln {
    ($($words:tt)*) => {
        $crate::output::to_standard_error(format_args!("{}\n", format_args!($($words)*)))
    };
}

/// Writes to standard output. A reader that has seen enough (`| head`) is no failure, and ends nothing
/// that is under way. What is lost otherwise, on a full disk for example, ends the program, since
/// whoever reads the file later would take a part for the whole.
pub(crate) fn to_standard_output(words: fmt::Arguments<'_>) {
    match io::stdout().write_fmt(words) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            eprintln!("dimseway: standard output cannot be written: {error}");
            std::process::exit(Exit::Internal.code().into());
        }
        _ => {}
    }
}

/// Writes to standard error, if anybody reads it.
pub(crate) fn to_standard_error(words: fmt::Arguments<'_>) {
    let _ = io::stderr().write_fmt(words);
}

/// Writes a line to standard error as the last act of the program, which ends whether it is read or not.
pub(crate) fn last_words(words: String) {
    let (written, wait) = mpsc::sync_channel(1);
    let writing = thread::Builder::new().spawn(move || {
        eprintln!("{words}");
        written.send(())
    });
    if writing.is_ok() {
        // Written, or not to be had.
        let _ = wait.recv_timeout(LAST_WORDS_MAX);
    }
}
