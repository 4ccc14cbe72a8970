//! What `dimseway send` takes on the command line.

use super::PeerAddress;
use crate::config_file::Span;
use clap::Args;
use instance::AeTitle;
use postdicom::{FolderPath, InstitutionUuid, OrderUuid};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Send {
    /// Files and folders; folders are searched whole, files that are no DICOM files are skipped.
    #[arg(required = true, value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    /// Where to: AE@host:port. Default: the daemon of the configuration.
    #[arg(long, value_name = "AE@HOST:PORT")]
    pub(crate) to: Option<PeerAddress>,
    /// Calling AE title. Default: the first peer of the configuration that may store, else DIMSEWAY.
    #[arg(long, value_name = "AE")]
    pub(crate) from: Option<AeTitle>,
    /// Show the orders of what was sent in this folder of the PostDICOM account; it is made where it is not
    /// there.
    #[arg(long, value_name = "PATH")]
    pub(crate) folder: Option<FolderPath>,
    /// The files are documents: PDF, JPEG, PNG, BMP or MP4. Each is wrapped as a DICOM object with the
    /// patient and study of --order.
    #[arg(long, requires = "order")]
    pub(crate) document: bool,
    /// The order that the documents belong to.
    #[arg(long, value_name = "UUID", requires = "document")]
    pub(crate) order: Option<OrderUuid>,
    /// Institution of the order. Default: the first of the configuration.
    #[arg(long, value_name = "UUID", requires = "order")]
    pub(crate) institution: Option<InstitutionUuid>,
    /// Origin with the account, for --folder and --order. Default: the only one with profile postdicom.
    #[arg(long, value_name = "NAME")]
    pub(crate) origin: Option<String>,
    /// With --folder: how long to wait until what was sent has an order.
    #[arg(long, value_name = "TIME", default_value = "60s", requires = "folder")]
    pub(crate) wait: Span,
}
