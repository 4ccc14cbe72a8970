//! Why a query did not come to its end.

/// Why a query did not come to its end. What it means to a DIMSE peer stands in
/// [`mapping::status`](crate::mapping::status).
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueryError {
    /// The called AE title has no origin to search.
    #[error("no origin is configured for queries under this AE title")]
    NoOrigin,
    /// An origin did not answer a search, or not to its end.
    #[error("origin {origin}: {source}")]
    Origin {
        /// The name of the origin.
        origin: String,
        /// What its client says.
        source: dicomweb::Error,
    },
    /// PostDICOM's orders could not be listed, or do not tell what they must.
    #[error("origin {origin}: {source}")]
    Orders {
        /// The name of the origin.
        origin: String,
        /// What the client of the vendor's own end points says.
        source: postdicom::Error,
    },
    /// More than [`PostDicom::patients_max`](crate::config::PostDicom::patients_max) patients would have to
    /// be asked for one by one.
    #[error("more than {0} patients must be asked for one by one")]
    TooManyPatients(usize),
    /// The spool could not tell what is not delivered yet.
    #[error("the spool cannot be searched: {0}")]
    Spool(#[source] spool::Error),
    /// More results than [`Query::results_max`](crate::config::Query::results_max).
    #[error("there are more than {0} results")]
    TooManyResults(usize),
    /// More rows than [`Query::rows_max`](crate::config::Query::rows_max) were read.
    #[error("more than {0} rows were read")]
    TooManyRows(usize),
    /// More than [`Query::requests_max`](crate::config::Query::requests_max) requests would be needed.
    #[error("more than {0} requests to origins are needed")]
    TooManyRequests(usize),
    /// More than [`Query::pending_max`](crate::config::Query::pending_max) undelivered instances.
    #[error("more than {0} undelivered instances were looked at")]
    TooManyPending(usize),
}

impl QueryError {
    /// An answer of this origin says less than it must.
    pub(crate) fn unreadable(origin: &str) -> Self {
        let source = dicomweb::Error::Unreadable(dicomweb::error::Unreadable::Malformed);
        Self::Origin { origin: origin.to_owned(), source }
    }
}
