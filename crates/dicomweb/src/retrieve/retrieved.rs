//! The instances of an answer, one after the other.

use bytes::Bytes;
use futures::stream::BoxStream;
use instance::part10::FileMeta;

use super::Retrieve;
use crate::{Client, Error};

/// The answer to a retrieve: instances in the order in which the server sends them. Dropping it, and the
/// data set that is being read, resets the request at once.
#[derive(Debug)]
pub struct Retrieved {}

/// One instance: its File Meta Information, read, and its data set, to be read.
pub struct RetrievedInstance {
    /// What its File Meta Information says (PS3.10 §7.1). Where that names no transfer syntax, the one of
    /// the part's header fields (PS3.18 §8.7.3.5.2).
    pub file_meta: FileMeta,
    /// Bytes of the data set, where the server has announced them.
    pub length: Option<u64>,
    /// The data set. It ends only where it is whole: a part that is cut, or that is not as long as
    /// announced, is an error.
    pub data_set: BoxStream<'static, Result<Bytes, Error>>,
}

impl Client {
    /// Retrieves the instances of a study or series, or one instance, as a stream (PS3.18 §10.4).
    ///
    /// # Errors
    /// Any error of the request: [`Error::Refused`] with 404 or 410 where nothing is there and with 406
    /// where the server cannot give the transfer syntax, [`Error::Profile`] where the profile has no such
    /// request.
    pub async fn retrieve(&self, _retrieve: &Retrieve) -> Result<Retrieved, Error> {
        Err(Error::Profile("no retrieve"))
    }
}

impl Retrieved {
    /// The next instance; `None` behind the last one of a complete answer. Waits until the data set of the
    /// instance before has been read or dropped; what is left of it is read and dropped.
    ///
    /// # Errors
    /// Any error of the connection, an answer that is cut or malformed, and a part that is no Part 10
    /// file. All are final.
    pub async fn next_part(&mut self) -> Result<Option<RetrievedInstance>, Error> {
        Ok(None)
    }
}
