//! Retrieval of one instance (PS3.18 §10.4).

use bytes::Bytes;
use futures::stream::BoxStream;
use instance::Identity;

use crate::{Client, Error};

impl Client {
    /// The Part 10 file of one instance as the origin holds it, in the transfer syntax it has there
    /// (`transfer-syntax=*`), as a stream; `None` where the origin says that it has none.
    ///
    /// # Errors
    /// Any error of the request; an error while the bytes come is an item of the stream.
    pub async fn retrieve_instance(
        &self,
        _identity: &Identity,
    ) -> Result<Option<BoxStream<'static, Result<Bytes, Error>>>, Error> {
        todo!()
    }
}
