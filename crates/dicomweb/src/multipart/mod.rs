//! multipart/related bodies (RFC 2387 in the grammar of RFC 2046 §5.1; PS3.18 §8.6.1.2), read and
//! written as streams.

mod boundary;
mod decoder;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

pub use boundary::{Boundary, InvalidBoundary};
pub use decoder::Malformed;
pub use reader::{ReadError, Reader, ReaderLimits};
pub use writer::{Part, Writer, part_headers};
