//! What the commands about calls take on the command line.

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Calls {
    /// Print JSON, as the admin API answers it.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) action: CallsAction,
}

/// Where a call stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CallState {
    /// Will be made by itself.
    Waiting,
    /// Waits for a person.
    Held,
}

/// What to do with calls.
#[derive(Debug, Subcommand)]
pub(crate) enum CallsAction {
    /// One line for each call that is still to be made.
    List {
        /// Those in this state.
        #[arg(long)]
        state: Option<CallState>,
        /// Lines at most.
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// Continue behind the call that an earlier list named.
        #[arg(long, value_name = "CALL")]
        after: Option<u64>,
    },
    /// Everything about one call, but for the patient.
    Show {
        /// The call's number.
        call: u64,
    },
    /// Make calls due now.
    Retry(CallsSelection),
    /// Give calls up for good: they are never made. What stands behind one for the same step goes on.
    Discard {
        #[command(flatten)]
        selection: CallsSelection,
        /// Yes, nobody will be told.
        #[arg(long)]
        yes: bool,
    },
}

/// Which calls are meant.
#[derive(Debug, Clone, Args)]
#[group(required = true)]
pub(crate) struct CallsSelection {
    /// Calls, by number, as `calls list` prints them.
    #[arg(value_name = "CALL")]
    pub(crate) calls: Vec<u64>,
    /// All that are held for this receiver, the name of a sink; '*' for every receiver.
    #[arg(long, value_name = "NAME")]
    pub(crate) held: Option<String>,
}
