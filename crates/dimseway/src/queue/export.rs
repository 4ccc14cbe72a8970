//! An entry as a Part 10 file.

use super::{Error, entry_id};
use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use instance::part10::{self, FileMeta};
use spool::{Deliveries, Payloads};

/// A Part 10 file in pieces.
pub(crate) struct FileStream {
    /// SOP Instance UID, for the file's name.
    pub(crate) name: String,
    /// Bytes of the whole file.
    pub(crate) length: u64,
    /// The bytes. A damaged entry ends with an error, and what came before is still its own.
    pub(crate) bytes: BoxStream<'static, Result<Bytes, spool::Error>>,
}

/// The Part 10 file of an entry, in whatever state its deliveries are.
///
/// # Errors
/// No such entry, its bytes are not kept any more, or the spool's.
pub(crate) async fn file_of(
    deliveries: &dyn Deliveries,
    payloads: &dyn Payloads,
    entry: &str,
) -> Result<FileStream, Error> {
    let id = entry_id(entry)?;
    let details = deliveries.show(id).await?;
    if !details.payload_kept {
        return Err(Error::Gone(entry.to_owned()));
    }
    let header = details.entry.header;
    let meta = FileMeta {
        sop_class_uid: header.sop_class_uid,
        sop_instance_uid: header.sop_instance_uid.clone(),
        transfer_syntax: header.transfer_syntax,
    };
    let head = Bytes::from(part10::write(&meta, Some(&header.calling_ae_title)));
    let length = details.entry.length + head.len() as u64;
    let data_set = payloads.read(id, 0..details.entry.length);
    let bytes = futures::stream::once(async { Ok(head) }).chain(data_set).boxed();
    Ok(FileStream { name: header.sop_instance_uid.to_string(), length, bytes })
}
