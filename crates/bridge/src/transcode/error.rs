//! Why an object cannot be had in another transfer syntax.

use std::io;

use dataset::rewrite::RewriteError;
use instance::TransferSyntax;

use crate::rewriting::Failed;

/// Why an object cannot be had in another transfer syntax. No variant tells of the patient.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TranscodeError {
    /// None of the acceptable transfer syntaxes can be made: what is made is always uncompressed little
    /// endian.
    #[error("neither Explicit nor Implicit VR Little Endian is acceptable instead of {}", .0.uid())]
    NoTarget(TransferSyntax),
    /// Nothing here decodes the stored transfer syntax: it is private, a video, or a format without codec.
    #[error("transfer syntax {} cannot be decoded here", .0.uid())]
    NoDecoder(TransferSyntax),
    /// The object, or one frame of it, is larger than [`Limits`](super::Limits) allow, or too large for
    /// the other transfer syntax.
    #[error("too large to transcode: {0}")]
    TooLarge(String),
    /// The data set or its pixel data are broken, or ask for what the codec does not do.
    #[error("the object cannot be transcoded: {0}")]
    Undecodable(String),
    /// The data set ends too early.
    #[error("the object is cut")]
    Truncated,
    /// The source of the data set failed.
    #[error("the object could not be read: {0}")]
    Source(#[source] io::Error),
    /// The child took too much time.
    #[error("transcoding took too long")]
    TimedOut,
    /// The child ended for a reason of its own, such as its memory limit.
    #[error("the transcoding child process ended: {0}")]
    ChildEnded(String),
    /// The child could not be started or spoken to.
    #[error("the transcoding child process could not be used: {0}")]
    Child(#[source] io::Error),
}

impl From<TranscodeError> for io::Error {
    fn from(error: TranscodeError) -> Self {
        Self::other(error)
    }
}

impl From<Failed<io::Error>> for TranscodeError {
    fn from(failed: Failed<io::Error>) -> Self {
        match failed {
            Failed::Source(error) => Self::Source(error),
            Failed::DataSet(RewriteError::Truncated(_)) => Self::Truncated,
            Failed::DataSet(other) => Self::Undecodable(other.to_string()),
        }
    }
}
