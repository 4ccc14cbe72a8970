//! The command line.

pub(crate) mod account;
mod calls;
mod delete;
mod origin_server;
mod send;
mod worklist;

pub(crate) use calls::{CallState, Calls, CallsAction, CallsSelection};
pub(crate) use delete::{Delete, DeleteLevel};
pub(crate) use origin_server::OriginServer;
pub(crate) use send::Send;
pub(crate) use worklist::{Worklist, WorklistShow};

use clap::{Args, Parser, Subcommand, ValueEnum};
use instance::{AeTitle, Uid};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
};

const EXAMPLES: &str = "\
Examples:
  dimseway demo                              try it: bridge, archive and a study in one process
  dimseway config example > dimseway.toml    begin a configuration
  dimseway check --connect                   is it right, and does everything answer?
  dimseway serve                             run
  dimseway send ./study                      store a folder through the running daemon
  dimseway queue list --state held           what waits for a decision

Exit codes: 0 done, 64 usage, 65 data, 69 unavailable, 70 internal, 78 configuration.";

/// DIMSE in front, DICOMweb behind: takes studies from modalities and PACS with C-STORE and
/// delivers them to a DICOMweb archive, without losing one; finds them there with C-FIND and brings
/// them back with C-MOVE and C-GET.
#[derive(Debug, Parser)]
#[command(name = "dimseway", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// Configuration file. Default: dimseway.toml in the current directory, and where that is missing
    /// /etc/dimseway/dimseway.toml.
    #[arg(long, global = true, value_name = "FILE", env = "DIMSEWAY_CONFIG")]
    pub(crate) config: Option<PathBuf>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Configuration files that are looked for where none is named.
const USUAL_PLACES: [&str; 2] = ["dimseway.toml", "/etc/dimseway/dimseway.toml"];

impl Cli {
    /// The configuration file that is meant. Where there is none at all, the one that a person would make.
    pub(crate) fn configuration_file(&self) -> PathBuf {
        let usual = || USUAL_PLACES.iter().map(Path::new).find(|place| place.exists());
        let meant = self.config.as_deref().or_else(usual);
        meant.unwrap_or(Path::new(USUAL_PLACES[0])).to_owned()
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the bridge until SIGTERM or Ctrl-C.
    ///
    /// SIGHUP reads the configuration again, as does a change of the file. SIGTERM drains: new
    /// associations are rejected, messages in hand are finished; a second signal ends at once.
    Serve(Serve),
    /// Validate the configuration, and with --connect everything that it names.
    #[command(after_help = "\
Examples:
  dimseway check                             the file alone
  dimseway check --connect                   every peer, origin, credential and disk; one verdict per line
  dimseway check --ready                     for container probes: is the running daemon ready?")]
    Check(Check),
    /// Try it: the bridge and an archive in one process, and a synthetic CT study sent through.
    #[command(after_help = "\
Examples:
  dimseway demo                              in a temporary directory, until Ctrl-C
  dimseway demo --directory ./demo           keep what was stored
  dimseway demo --studies 200                an archive in which there is something to be found
  dimseway demo --peer ME@127.0.0.1:11113    let movescu send studies to ME
  dimseway demo --exit-after-send            as a self test: ends with 0 once the study is delivered")]
    Demo(Demo),
    /// Run the small DICOMweb origin server alone, for trials and tests.
    #[command(after_help = "\
Example:
  dimseway origin --profile standard --directory ./archive --listen 127.0.0.1:8081")]
    Origin(OriginServer),
    /// See what waits for delivery, and decide about it.
    ///
    /// With a daemon running this goes through its admin address; with none, it takes the spool's
    /// own lock. `list`, `show` and `export` also look at a spool that is damaged or belongs to
    /// another user, without changing it.
    #[command(after_help = "\
Examples:
  dimseway queue list --state held
  dimseway queue show 001k0tdt7c5k3                    every attempt and why it failed
  dimseway queue retry --destination archive           make what waits due now
  dimseway queue reroute 001k0tdt7c5k3 --to archive2   its origin is gone from the configuration
  dimseway queue export 001k0tdt7c5k3 --to ./rescue    as Part 10 files")]
    Queue(Queue),
    /// See the calls with side effects that are still to be made, and decide about those that are held.
    ///
    /// They are what modalities report of performed procedure steps, on the way to each `[mpps_sink]`. A call is
    /// held where it was refused for good, or where it may have been made already and nobody can tell.
    #[command(after_help = "\
Examples:
  dimseway calls list --state held
  dimseway calls show 17                     what it says and why it is held
  dimseway calls retry 17                    make it now: whoever says so has looked at what was done
  dimseway calls retry --held ris            all that are held for the sink ris
  dimseway calls discard 17 --yes            nobody will be told")]
    Calls(Calls),
    /// Store files and folders through an association, each with its own transfer syntax.
    ///
    /// Without --to they go to the daemon of the configuration; where none runs, into its spool, under
    /// the spool's lock.
    #[command(after_help = "\
Examples:
  dimseway send ./study                      to the daemon of the configuration
  dimseway send *.dcm --to ARCHIVE@10.0.0.5:104 --from CT1
  dimseway send ./study --folder 'Tumour board/2026'
  dimseway send --document report.pdf photo.jpg --order c232ab00-9414-41ec-b3c8-9f6bdeced846")]
    Send(Send),
    /// Verify a peer with C-ECHO.
    #[command(after_help = "\
Examples:
  dimseway echo                              the daemon of the configuration
  dimseway echo CT1                          a peer of the configuration
  dimseway echo ARCHIVE@10.0.0.5:104")]
    Echo(Echo),
    /// Delete a study, a series or an instance at an origin, for good.
    #[command(after_help = "\
Examples:
  dimseway delete study 1.2.3 --origin archive
  dimseway delete series 1.2.3 1.2.3.1 --origin archive
  dimseway delete instance 1.2.3 1.2.3.1 1.2.3.1.7 --origin archive --yes

The origin deletes permanently: there is no trash to bring it back from. What Dimseway itself still has to
deliver is not touched: `dimseway queue discard`.")]
    Delete(Delete),
    /// See what modalities are to do, and where it comes from.
    #[command(subcommand)]
    Worklist(Worklist),
    /// Orders of a PostDICOM account: find, make, give to people, share, delete.
    ///
    /// The calls are made at once and their outcome is printed; nothing waits in the queue.
    Orders(account::Orders),
    /// Folders of a PostDICOM account: make, find, fill, share.
    Folders(account::Folders),
    /// Values of elements of an order's instances.
    Tags(account::Tags),
    /// The configuration's documentation.
    #[command(subcommand)]
    Config(Config),
    /// Decode the pixels of the object at standard input. Started by the bridge.
    #[command(hide = true)]
    Transcode(Transcode),
}

#[derive(Debug, Args)]
pub(crate) struct Transcode {
    /// Transfer syntax of the object.
    #[arg(long, value_name = "UID")]
    pub(crate) from: Uid,
    /// Transfer syntax to make.
    #[arg(long, value_name = "UID")]
    pub(crate) to: Uid,
    /// Most bytes of a frame.
    #[arg(long, value_name = "BYTES")]
    pub(crate) frame_length: u64,
    /// Bytes kept back while a fault may still show.
    #[arg(long, value_name = "BYTES")]
    pub(crate) kept_back: u64,
    /// Most bytes of memory.
    #[arg(long, value_name = "BYTES")]
    pub(crate) memory: u64,
    /// Most seconds of processor time.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) processor_time: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Write the bound addresses to this file as JSON once everything serves.
    #[arg(long, value_name = "PATH")]
    pub(crate) ready_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Connect to every peer and origin, use every credential, try the spool's disk.
    #[arg(long, conflicts_with = "ready")]
    pub(crate) connect: bool,
    /// Ask the running daemon whether it is ready.
    #[arg(long)]
    pub(crate) ready: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Profile of the embedded origin.
    #[arg(long, default_value = "standard")]
    pub(crate) profile: String,
    /// Keep spool and archive in this directory; a temporary one is removed at the end.
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) directory: Option<PathBuf>,
    /// Address for DIMSE. Default: 127.0.0.1:11112, or a free port where that one is taken.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// Address for the admin page and metrics. Default: 127.0.0.1:8080, or a free port.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) admin: Option<SocketAddr>,
    /// Address of the embedded origin. Default: 127.0.0.1:8081, or a free port.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) origin: Option<SocketAddr>,
    /// Instances of the synthetic study.
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) instances: u32,
    /// Small synthetic studies that the archive has already, with names in several scripts.
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub(crate) studies: u32,
    /// A peer that studies can be sent to by C-MOVE; can be given several times.
    #[arg(long, value_name = "AE@HOST:PORT")]
    pub(crate) peer: Vec<PeerAddress>,
    /// End once the study is delivered and verified.
    #[arg(long)]
    pub(crate) exit_after_send: bool,
    /// Write the bound addresses to this file as JSON once everything serves.
    #[arg(long, value_name = "PATH")]
    pub(crate) ready_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Queue {
    /// Print JSON, as the admin API answers it.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) action: QueueAction,
}

/// A state of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DeliveryState {
    /// Waits for its turn.
    Due,
    /// On its way now.
    Delivering,
    /// Failed, will be tried again.
    Deferred,
    /// Done.
    Delivered,
    /// Waits for a person.
    Held,
    /// Damaged on disk.
    Quarantined,
}

/// Which deliveries are meant.
#[derive(Debug, Clone, Args)]
pub(crate) struct Selection {
    /// Entries, by number, as `queue list` prints them.
    #[arg(value_name = "ENTRY")]
    pub(crate) entries: Vec<String>,
    /// All for this destination: the name of an origin, or peer:AE.
    #[arg(long, value_name = "NAME")]
    pub(crate) destination: Option<String>,
    /// All in this state.
    #[arg(long)]
    pub(crate) state: Option<DeliveryState>,
    /// All of this study.
    #[arg(long, value_name = "UID")]
    pub(crate) study: Option<String>,
    /// All with this SOP Instance UID.
    #[arg(long, value_name = "UID")]
    pub(crate) instance: Option<String>,
}

/// What to do with deliveries.
#[derive(Debug, Subcommand)]
pub(crate) enum QueueAction {
    /// One line per delivery: what is not delivered, unless --all or --state says otherwise.
    List {
        #[command(flatten)]
        selection: Selection,
        /// Delivered ones too. JSON always has them.
        #[arg(long)]
        all: bool,
        /// Lines at most.
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// Continue behind the cursor that the same list printed.
        #[arg(long)]
        cursor: Option<String>,
    },
    /// Everything about one entry: where it came from, where it goes, every attempt.
    Show {
        /// The entry's number.
        entry: String,
    },
    /// Make deferred and held deliveries due now.
    Retry(Selection),
    /// Hold deliveries until they are released.
    Hold {
        #[command(flatten)]
        selection: Selection,
        /// Why, for the next person who looks.
        #[arg(long, default_value = "held by an operator")]
        reason: String,
    },
    /// Release held deliveries.
    Release(Selection),
    /// Give up deliveries for good: the instances are deleted from the spool.
    Discard {
        #[command(flatten)]
        selection: Selection,
        /// Yes, delete the only copy that Dimseway has.
        #[arg(long)]
        yes: bool,
    },
    /// Send entries to other destinations.
    Reroute {
        #[command(flatten)]
        selection: Selection,
        /// New destination: the name of an origin, or peer:AE. It takes the place of the one that
        /// --destination names, or of all that are not delivered.
        #[arg(long, value_name = "NAME")]
        to: String,
    },
    /// Write entries as Part 10 files, whatever their state.
    Export {
        #[command(flatten)]
        selection: Selection,
        /// Directory for the files, named by SOP Instance UID.
        #[arg(long, value_name = "DIRECTORY")]
        to: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Echo {
    /// AE@host:port, or the AE title of a configured peer. Default: the daemon of the configuration.
    #[arg(value_name = "PEER")]
    pub(crate) peer: Option<String>,
    /// Calling AE title.
    #[arg(long, value_name = "AE")]
    pub(crate) from: Option<AeTitle>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Every key with meaning, unit, default and source, as Markdown.
    Reference,
    /// The JSON Schema, for editors.
    Schema,
    /// A file to begin with, every key in it.
    Example,
    /// Every metric with its meaning, as Markdown.
    Metrics,
    /// Manual pages, one for each command, as files for `man`.
    Manual {
        /// Directory for the files; made where it does not exist.
        #[arg(long, value_name = "DIRECTORY")]
        to: PathBuf,
    },
    /// What a shell needs to complete command lines.
    #[command(after_help = "\
Example:
  dimseway config completions bash > /etc/bash_completion.d/dimseway")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// A DIMSE peer on the command line: `AE@host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PeerAddress {
    /// The called AE title.
    pub(crate) ae_title: AeTitle,
    /// Host and port.
    pub(crate) address: String,
}

impl FromStr for PeerAddress {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        let (title, address) =
            value.split_once('@').ok_or("write AE@host:port, such as ARCHIVE@10.0.0.5:104")?;
        let ae_title = title.parse().map_err(|error| format!("`{title}`: {error}"))?;
        let port = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
        match port {
            Some((host, port)) if !host.is_empty() && port != 0 => {
                Ok(Self { ae_title, address: address.to_owned() })
            }
            _ => Err(format!("`{address}`: write host:port, such as 10.0.0.5:104")),
        }
    }
}

#[cfg(test)]
mod documented;
#[cfg(test)]
mod tests;
