//! Exit codes of the program (sysexits), and errors that carry one.

use std::{fmt, process::ExitCode};

/// Why the program ends, as the shell sees it. The numbers are those of `sysexits.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 64: the command line is wrong.
    Usage,
    /// 65: the input data is wrong: a file that is no DICOM file, an entry that does not exist.
    Data,
    /// 69: something needed is out of reach: a peer, an origin, a daemon, a port.
    Unavailable,
    /// 70: a fault of the program itself or of the machine below it.
    Internal,
    /// 78: the configuration is wrong.
    Configuration,
}

impl Exit {
    /// The number.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Usage => 64,
            Self::Data => 65,
            Self::Unavailable => 69,
            Self::Internal => 70,
            Self::Configuration => 78,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// An error with the exit code that it ends the program with. An error without one is
/// [`Exit::Internal`].
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    cause: anyhow::Error,
}

impl Failure {
    /// The exit code that `error` asks for.
    pub(crate) fn exit_of(error: &anyhow::Error) -> Exit {
        error.downcast_ref::<Self>().map_or(Exit::Internal, |failure| failure.exit)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&in_one_line(&self.cause))
    }
}

impl std::error::Error for Failure {}

/// An error and its causes, as an operator reads it in a terminal or a log. Errors of libraries may
/// repeat their cause in their own words; it is told once.
pub(crate) fn in_one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain() {
        let words = cause.to_string();
        if line.ends_with(&words) {
            continue;
        }
        if !line.is_empty() {
            line.push_str(": ");
        }
        line.push_str(&words);
    }
    line
}

/// Gives an error the exit code that it ends the program with.
pub(crate) trait OrExit<T> {
    /// Ends with `exit` on an error.
    fn or_exit(self, exit: Exit) -> anyhow::Result<T>;
}

impl<T, E: Into<anyhow::Error>> OrExit<T> for Result<T, E> {
    fn or_exit(self, exit: Exit) -> anyhow::Result<T> {
        self.map_err(|error| Failure { exit, cause: error.into() }.into())
    }
}

/// An error that ends the program with `exit`.
pub(crate) fn fail(
    exit: Exit,
    message: impl fmt::Display + fmt::Debug + Send + Sync + 'static,
) -> anyhow::Error {
    Failure { exit, cause: anyhow::Error::msg(message) }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[derive(Debug, thiserror::Error)]
    #[error("no connection: {0}")]
    struct Repeats(#[source] std::io::Error);

    fn repeats() -> Repeats {
        Repeats(std::io::Error::other("refused"))
    }

    #[test]
    fn a_cause_is_told_once() {
        let error = anyhow::Error::new(repeats()).context("no echo");
        assert_eq!(in_one_line(&error), "no echo: no connection: refused");
    }

    #[test]
    fn the_exit_code_survives_more_context() {
        let failed: anyhow::Result<()> = Err(repeats()).or_exit(Exit::Unavailable);
        let error = failed.context("check").unwrap_err();
        assert_eq!(Failure::exit_of(&error).code(), 69);
        assert_eq!(in_one_line(&error), "check: no connection: refused");
        assert_eq!(Failure::exit_of(&anyhow::anyhow!("a defect")).code(), 70);
    }
}
