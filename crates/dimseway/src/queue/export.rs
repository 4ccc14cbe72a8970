//! An entry as a Part 10 file.

use super::Error;
use bytes::Bytes;
use instance::part10::{self, FileMeta};
use spool::Details;

/// What stands before the data set of an entry in its file.
pub(crate) struct FileHead {
    /// SOP Instance UID, for the file's name.
    pub(crate) name: String,
    /// Preamble and File Meta Information.
    pub(crate) bytes: Bytes,
    /// Bytes of the data set behind it.
    pub(crate) data_set_length: u64,
}

/// The head of the Part 10 file of an entry, in whatever state its deliveries are.
///
/// # Errors
/// The bytes are not kept any more.
pub(crate) fn file_head(details: Details) -> Result<FileHead, Error> {
    if !details.payload_kept {
        return Err(Error::Gone(details.entry.entry_id.to_string()));
    }
    let header = details.entry.header;
    let meta = FileMeta {
        sop_class_uid: header.sop_class_uid,
        sop_instance_uid: header.sop_instance_uid,
        transfer_syntax: header.transfer_syntax,
    };
    let bytes = Bytes::from(part10::write(&meta, Some(&header.calling_ae_title)));
    Ok(FileHead { name: meta.sop_instance_uid.to_string(), bytes, data_set_length: details.entry.length })
}
