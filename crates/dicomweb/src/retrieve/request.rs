//! What is retrieved.

use instance::{TransferSyntax, Uid};

/// A study, a series or an instance to retrieve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retrieve {
    /// The study.
    pub study: Uid,
    /// Only this series.
    pub series: Option<Uid>,
    /// Only this instance of the series.
    pub instance: Option<Uid>,
    /// In which transfer syntaxes.
    pub transfer_syntax: Accept,
}

/// Transfer syntaxes in which instances are wanted (PS3.18 §8.7.3.5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accept {
    /// Each as it is stored: `transfer-syntax=*`. From a server that does not know it, in the server's
    /// default.
    Any,
    /// One of these, the most wanted first.
    These(Vec<TransferSyntax>),
}
