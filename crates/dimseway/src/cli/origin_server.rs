//! `dimseway origin`: what the embedded origin server is told.

use crate::config_file::{Size, Span};
use clap::Args;
use std::{net::SocketAddr, path::PathBuf};

#[derive(Debug, Args)]
pub(crate) struct OriginServer {
    /// Profile of the server to stand in for.
    #[arg(long, default_value = "standard")]
    pub(crate) profile: String,
    /// Where the instances are kept.
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) directory: PathBuf,
    /// Address to listen on.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// Ask for Basic authentication with this user name. Profile postdicom always asks, and makes up what
    /// is not given.
    #[arg(long, requires = "password")]
    pub(crate) username: Option<String>,
    /// The password that goes with it.
    #[arg(long, requires = "username", env = "DIMSEWAY_ORIGIN_PASSWORD", hide_env_values = true)]
    pub(crate) password: Option<String>,
    /// Profile postdicom: shape of the answers of its functions: search-result, array, result,
    /// response-message, response-text, text or empty.
    #[arg(long, value_name = "NAME", default_value = "search-result")]
    pub(crate) answer_shape: origin::postdicom::AnswerShape,
    /// Profile postdicom: what a store request is answered with: data-set, text or empty.
    #[arg(long, value_name = "NAME", default_value = "data-set")]
    pub(crate) store_answer: origin::postdicom::StoreAnswer,
    /// Profile postdicom: what becomes of answers about something new: sent, lost or never-made.
    #[arg(long, value_name = "NAME", default_value = "sent")]
    pub(crate) creation_answer: origin::postdicom::CreationAnswer,
    /// Profiles azure and google: how long a token is taken: "60s".
    #[arg(long, value_name = "TIME", default_value = "1h")]
    pub(crate) token_life_time: Span,
    /// Profiles azure and google: take requests without a token.
    #[arg(long)]
    pub(crate) no_tokens: bool,
    /// Profile azure: file in PEM with the certificate or public key that checks the client's assertions.
    #[arg(long, value_name = "FILE")]
    pub(crate) client_key: Option<PathBuf>,
    /// Profile azure: issuer of the tokens that workloads show, with its public key in PEM.
    #[arg(long, value_name = "URL", requires = "workload_key", requires = "workload_subject")]
    pub(crate) workload_issuer: Option<String>,
    /// Profile azure: who those tokens are about, as "system:serviceaccount:NAMESPACE:NAME".
    #[arg(long, value_name = "NAME", requires = "workload_issuer")]
    pub(crate) workload_subject: Option<String>,
    /// Profile azure: file in PEM with the public key of that issuer.
    #[arg(long, value_name = "FILE", requires = "workload_issuer")]
    pub(crate) workload_key: Option<PathBuf>,
    /// Profile azure: every path names a data partition.
    #[arg(long)]
    pub(crate) partitions: bool,
    /// Profile azure: largest store request: "2GiB".
    #[arg(long, value_name = "SIZE", default_value = "4GB")]
    pub(crate) request_bytes_max: Size,
    /// What goes wrong on purpose; can be given several times: throttle=429 or throttle=503, with
    /// ":SECONDS" for Retry-After and ":REQUESTS" behind that; pending=INSTANCES; erroneous=GGGGEEEE;
    /// repeat-matches; token=unavailable, token=page or token=slow:SECONDS.
    #[arg(long, value_name = "FAULT")]
    pub(crate) fault: Vec<origin::Fault>,
    /// Wait so long before every answer, as on a long line: "100ms".
    #[arg(long, value_name = "TIME", default_value = "0s")]
    pub(crate) answer_delay: Span,
    /// Write the base URL to this file as JSON once it serves.
    #[arg(long, value_name = "PATH")]
    pub(crate) ready_file: Option<PathBuf>,
}
