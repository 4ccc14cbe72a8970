//! The instances of an answer, one after the other.

use std::fmt;

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use instance::part10::{self, FileMeta, InvalidFile};
use tokio::sync::oneshot;

use super::Retrieve;
use super::parts::{PartHead, Parts};
use crate::error::Unreadable;
use crate::patience::Patience;
use crate::{Client, Error};

/// The answer to a retrieve: instances in the order in which the server sends them. Dropping it, and the
/// data set that is being read, resets the request at once.
pub struct Retrieved(Hand);

/// Where the parts of the answer are.
enum Hand {
    Here(Parts),
    /// With a data set, which gives them back when it has been read or dropped.
    Lent(oneshot::Receiver<Parts>),
    Ended,
    /// Something broke, so that nothing more is to be had.
    Broken,
}

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
    /// Retrieves the instances of a study or series, or one instance, as a stream (PS3.18 §10.4). An
    /// answer of 204 holds none.
    ///
    /// A request that breaks down before its answer begins is sent once more; one that is put off (429,
    /// 503) is repeated within [`Timeouts::unavailable`](crate::Timeouts::unavailable).
    ///
    /// # Errors
    /// Any error of the request: [`Error::Refused`] with 404 or 410 where nothing is there and with 406
    /// where the server cannot give the transfer syntax, [`Error::Profile`] where the profile has no such
    /// request.
    pub async fn retrieve(&self, retrieve: &Retrieve) -> Result<Retrieved, Error> {
        let url = retrieve.url(self)?;
        let accept = retrieve.accept(self.profile())?;
        let mut patience = Patience::new(self.inner.timeouts.unavailable);
        let response = self.get_patiently(&self.inner.retrieve, None, &url, &accept, &mut patience).await?;
        if !response.status().is_success() {
            return Err(self.refused(&response, false));
        }
        Ok(Retrieved::of(Parts::of(self, response)?))
    }
}

impl Retrieved {
    pub(super) fn of(parts: Parts) -> Self {
        Self(Hand::Here(parts))
    }

    /// The next instance; `None` behind the last one of a complete answer. Waits until the data set of the
    /// instance before has been read or dropped; what is left of it is read and dropped.
    ///
    /// # Errors
    /// Any error of the connection, an answer that is cut or malformed, and a part that is no Part 10
    /// file. All are final, and so is dropping the future of this method before it is ready.
    pub async fn next_part(&mut self) -> Result<Option<RetrievedInstance>, Error> {
        let broken = || Error::Unreadable(Unreadable::Cut);
        let mut parts = match std::mem::replace(&mut self.0, Hand::Broken) {
            Hand::Here(parts) => parts,
            Hand::Lent(parts) => parts.await.map_err(|_| broken())?,
            Hand::Ended => {
                self.0 = Hand::Ended;
                return Ok(None);
            }
            Hand::Broken => return Err(broken()),
        };
        let Some(head) = parts.next_part().await? else {
            self.0 = Hand::Ended;
            return Ok(None);
        };
        let (file_meta, first) = file_meta(&mut parts, &head).await?;
        let length = head.length.and_then(|length| length.checked_sub(first.at));
        if head.length.is_some() && length.is_none() {
            return Err(Error::Unreadable(Unreadable::Malformed));
        }
        let (back, lent) = oneshot::channel();
        self.0 = Hand::Lent(lent);
        let data_set = DataSet { parts: Some(parts), back: Some(back), left: length, first: first.bytes };
        Ok(Some(RetrievedInstance { file_meta, length, data_set: data_set.into_stream() }))
    }
}

/// The first bytes of a data set.
struct First {
    /// Where they stand in the part.
    at: u64,
    bytes: Bytes,
}

/// Reads on until the File Meta Information is complete and the data set has begun, or the part has ended.
async fn file_meta(parts: &mut Parts, head: &PartHead) -> Result<(FileMeta, First), Error> {
    let malformed = || Error::Unreadable(Unreadable::Malformed);
    let mut file = Bytes::new();
    loop {
        let chunk = parts.next_chunk().await?;
        let ended = chunk.is_none();
        match chunk {
            // Most often everything is in the first chunk, which needs no copy.
            Some(chunk) if file.is_empty() => file = chunk,
            Some(chunk) => file = [file, chunk].concat().into(),
            None => {}
        }
        match part10::read_with(&file, head.transfer_syntax.as_ref()) {
            // At the very end of what is there, another element of the same group may still come.
            Ok((_, at)) if at == file.len() && !ended => {}
            Ok((file_meta, at)) => {
                let bytes = file.split_off(at);
                return Ok((file_meta, First { at: at as u64, bytes }));
            }
            Err(InvalidFile::Incomplete) if !ended => {}
            Err(_) => return Err(malformed()),
        }
    }
}

/// A data set that is being read.
struct DataSet {
    /// None once it has failed.
    parts: Option<Parts>,
    back: Option<oneshot::Sender<Parts>>,
    /// Bytes that must still come, where they were announced.
    left: Option<u64>,
    first: Bytes,
}

impl DataSet {
    fn into_stream(self) -> BoxStream<'static, Result<Bytes, Error>> {
        stream::try_unfold(self, |mut data_set| async move {
            let chunk = data_set.next().await.inspect_err(|_| data_set.parts = None)?;
            Ok(chunk.map(|chunk| (chunk, data_set)))
        })
        .into_stream()
        .boxed()
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let chunk = if self.first.is_empty() {
            match &mut self.parts {
                Some(parts) => parts.next_chunk().await?,
                None => return Err(Error::Unreadable(Unreadable::Cut)),
            }
        } else {
            Some(std::mem::take(&mut self.first))
        };
        if let Some(left) = &mut self.left {
            let length = chunk.as_ref().map_or(0, Bytes::len) as u64;
            *left = left.checked_sub(length).ok_or(Error::Unreadable(Unreadable::Malformed))?;
            if chunk.is_none() && *left > 0 {
                return Err(Error::Unreadable(Unreadable::Cut));
            }
        }
        Ok(chunk)
    }
}

impl Drop for DataSet {
    fn drop(&mut self) {
        if let (Some(parts), Some(back)) = (self.parts.take(), self.back.take()) {
            // Where the answer has been dropped as well, the parts go with it and the request is reset.
            let _ = back.send(parts);
        }
    }
}

impl fmt::Debug for Retrieved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retrieved").finish_non_exhaustive()
    }
}

impl fmt::Debug for RetrievedInstance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetrievedInstance")
            .field("file_meta", &self.file_meta)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}
