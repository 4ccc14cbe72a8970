//! What the commands about the worklist take on the command line.

use clap::{Args, Subcommand};
use instance::AeTitle;
use jiff::civil::Date;

/// What to do with the worklist.
#[derive(Debug, Subcommand)]
pub(crate) enum Worklist {
    /// What a modality would see that asks for everything of its station, and where each value came from.
    ///
    /// The running daemon is asked; where none answers, the list that its spool keeps is shown, and nothing
    /// is changed.
    #[command(after_help = "\
Examples:
  dimseway worklist show                     every entry of every station
  dimseway worklist show --ae CT1            what CT1 would see, and what is kept from it
  dimseway worklist show --ae CT1 --date 2026-11-23 --json
  dimseway worklist show --brief             one line for each entry")]
    Show(WorklistShow),
}

#[derive(Debug, Args)]
pub(crate) struct WorklistShow {
    /// AE title of the modality. Default: the entries of all stations.
    #[arg(long, value_name = "AE")]
    pub(crate) ae: Option<AeTitle>,
    /// Steps that begin on this day, in the time zone of the site. Default: all that are kept.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) date: Option<Date>,
    /// One line for each entry, without where its values came from.
    #[arg(long, conflicts_with = "json")]
    pub(crate) brief: bool,
    /// Print JSON, as the admin API answers it.
    #[arg(long)]
    pub(crate) json: bool,
}
