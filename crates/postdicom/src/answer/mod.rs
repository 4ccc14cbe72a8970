//! Answers, read with tolerance.
//!
//! No answer of the vendor's endpoints was ever published. What is known are the shapes of the vendor's
//! browser interface, from a copy of its library: `{Success, Message, …}` around lists called
//! `SearchResultList`, `SubFolderList` and `PatientOrderList`, or `{ResponseCode, ResponseMessage}` with
//! JSON in a string. So names are compared without regard to capitals and punctuation, lists found at any
//! of the known places or where they alone can be, JSON inside of strings is read, and numbers count as
//! text. What does not look like anything known is an error that outlines its shape, never "nothing found".

mod acknowledgement;
mod folder;
mod order;
mod shape;
mod tag_content;
#[cfg(test)]
mod tests;

pub use acknowledgement::{Acknowledgement, Created, ShareLink};
pub use folder::{Folder, FolderList};
pub use order::{Order, OrderList};
pub use tag_content::TagContent;

pub(crate) use shape::{failure, json};
