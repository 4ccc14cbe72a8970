//! What `dimseway delete` takes on the command line.

use clap::{Args, Subcommand};
use instance::Uid;

#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// Origin of the configuration. Default: the only one.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) origin: Option<String>,
    /// Do not ask: delete for good.
    #[arg(long, global = true)]
    pub(crate) yes: bool,
    /// Print JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) level: DeleteLevel,
}

/// What to delete.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum DeleteLevel {
    /// A study with everything in it.
    Study {
        /// Study Instance UID.
        #[arg(value_name = "STUDY")]
        study: Uid,
    },
    /// A series of a study.
    Series {
        /// Study Instance UID.
        #[arg(value_name = "STUDY")]
        study: Uid,
        /// Series Instance UID.
        #[arg(value_name = "SERIES")]
        series: Uid,
    },
    /// An instance of a series.
    Instance {
        /// Study Instance UID.
        #[arg(value_name = "STUDY")]
        study: Uid,
        /// Series Instance UID.
        #[arg(value_name = "SERIES")]
        series: Uid,
        /// SOP Instance UID.
        #[arg(value_name = "INSTANCE")]
        instance: Uid,
    },
}
