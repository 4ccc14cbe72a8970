//! A stopped or damaged spool, looked at without changing it.

use std::{
    fs::File,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use instance::Uid;
use rusqlite::Connection;

use super::{
    directory,
    format::BLOCK_PAYLOAD,
    index::{self, query},
    lock,
    ports::blocking,
    reader::Payload,
    recovery, segment,
};
use crate::{Cursor, Details, EntryId, Error, Filter, Page};

/// Lists, shows and reads what a spool holds, without its lock and without a change to it. Where the
/// index cannot be read the segments are, which takes as long as reading their headers and trailers.
/// Entries that the index did not come to know before a crash show only once the spool was opened for
/// work again.
#[derive(Clone)]
pub struct ReadOnlySpool {
    connection: Arc<Mutex<Connection>>,
    segments: PathBuf,
    from_segments: bool,
}

impl std::fmt::Debug for ReadOnlySpool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadOnlySpool").field("from_segments", &self.from_segments).finish_non_exhaustive()
    }
}

impl ReadOnlySpool {
    /// Opens a spool for looking. Blocks.
    ///
    /// # Errors
    /// [`Error::Io`] where there is no spool; [`Error::Unsupported`].
    pub fn open(directory: &Path) -> Result<Self, Error> {
        let segments = directory::segments(directory);
        std::fs::metadata(&segments)?;
        let path = directory::index(directory);
        let opened = index::open_for_reading(&path).and_then(|connection| {
            directory::readable(&connection)?;
            Ok(connection)
        });
        let (connection, from_segments) = match opened {
            Ok(connection) => (connection, false),
            Err(error) => {
                tracing::warn!(%error, "the index cannot be read; the segments are read instead");
                let connection = index::open_in_memory()?;
                recovery::recover(&connection, &segments, true)?;
                (connection, true)
            }
        };
        Ok(Self { connection: Arc::new(Mutex::new(connection)), segments, from_segments })
    }

    /// Whether the index could not be read, so that delivery states are not known: everything shows
    /// as due or held.
    #[must_use]
    pub const fn is_from_segments(&self) -> bool {
        self.from_segments
    }

    async fn query<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let connection = Arc::clone(&self.connection);
        blocking(move || read(&lock(&connection))).await
    }

    /// As [`crate::Deliveries::list`].
    ///
    /// # Errors
    /// [`Error::Index`].
    pub async fn list(&self, filter: &Filter, cursor: Option<Cursor>, limit: usize) -> Result<Page, Error> {
        let filter = filter.clone();
        self.query(move |connection| query::list(connection, &filter, cursor.as_ref(), limit)).await
    }

    /// As [`crate::Deliveries::show`].
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn show(&self, entry_id: EntryId) -> Result<Details, Error> {
        self.query(move |connection| query::details(connection, entry_id)).await
    }

    /// As [`crate::Deliveries::find_by_sop_instance`].
    ///
    /// # Errors
    /// [`Error::Index`].
    pub async fn find_by_sop_instance(&self, sop_instance_uid: &Uid) -> Result<Vec<Details>, Error> {
        let uid = sop_instance_uid.clone();
        self.query(move |connection| query::by_sop_instance(connection, uid.as_str())).await
    }

    /// As [`crate::Payloads::read`], but a running daemon may recycle the bytes meanwhile, which then
    /// reads as [`Error::Corrupt`].
    pub fn read(&self, entry_id: EntryId, range: Range<u64>) -> BoxStream<'static, Result<Bytes, Error>> {
        let this = self.clone();
        let opened = async move {
            let location = this.query(move |connection| query::location(connection, entry_id)).await?;
            if range.start > range.end || range.end > location.length {
                let Range { start, end } = range;
                return Err(Error::Range { entry_id, start, end, length: location.length });
            }
            let number = location.segment.ok_or(Error::PayloadGone(entry_id))?;
            let path = segment::path(&this.segments, number);
            let file = blocking(move || Ok(File::open(path)?)).await?;
            Ok((Payload { entry_id, file: Arc::new(file), location }, range))
        };
        stream::once(opened)
            .flat_map(|opened| match opened {
                Ok((payload, range)) => stream::unfold(Some((payload, range)), chunk).boxed(),
                Err(error) => stream::once(async { Err(error) }).boxed(),
            })
            .boxed()
    }
}

type Rest = Option<(Payload, Range<u64>)>;

async fn chunk(rest: Rest) -> Option<(Result<Bytes, Error>, Rest)> {
    let (payload, range) = rest.filter(|(_, range)| !range.is_empty())?;
    let read = blocking(move || {
        let index = range.start / BLOCK_PAYLOAD as u64;
        let begins = index * BLOCK_PAYLOAD as u64;
        let block = payload.block(index)?;
        let end = block.len().min((range.end - begins) as usize);
        let bytes = block.slice((range.start - begins) as usize..end);
        Ok((bytes, (payload, begins + end as u64..range.end)))
    });
    Some(match read.await {
        Ok((bytes, rest)) => (Ok(bytes), Some(rest)),
        Err(error) => (Err(error), None),
    })
}
