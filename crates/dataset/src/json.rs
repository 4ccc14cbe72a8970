//! The DICOM JSON Model (PS3.18 §F.2): a small model, a tolerant reader, a writer, and the way
//! from a data set to JSON that holds no data set.
//!
//! The reader takes what servers send in the field: null anywhere, numbers as strings and strings
//! as numbers, plain strings for person names, missing or unknown VRs, keys that the standard does
//! not know, and strings with characters that JSON or Unicode does not have. One bad element costs that element, one bad item that item, never the page.

mod canonical;
mod damaged;
mod from_data_set;
mod item;
mod model;
mod plain;
mod read;
#[cfg(test)]
mod tests;
mod value;
mod write;

pub use self::{
    from_data_set::{BulkData, Converter, FromDataSetError, Options, Select, from_data_set},
    item::{keyword, tag},
    model::{Content, Element, Item, PersonName, Value},
    read::{BadItem, ReadError, ReadLimits, Reader, read_all},
    write::{write_array, write_item},
};
