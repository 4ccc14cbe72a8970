//! Retrieval (PS3.18 §10.4) and deletion.

mod file;
mod metadata;
mod parts;
mod request;
mod retrieved;
#[cfg(test)]
mod tests;

pub use file::FileStream;
pub use request::{Accept, Retrieve};
pub use retrieved::{Retrieved, RetrievedInstance};

use crate::Error;
use crate::error::Unreadable;
use crate::multipart::{Malformed, ReadError};

fn multipart_error(error: ReadError<Error>) -> Error {
    match error {
        ReadError::Body(error) => error,
        ReadError::Malformed(Malformed::Cut) => Error::Unreadable(Unreadable::Cut),
        ReadError::Malformed(_) => Error::Unreadable(Unreadable::Malformed),
    }
}
