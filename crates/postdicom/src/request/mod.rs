//! What is asked of the vendor: one type per function, one [`Call`] for all of them.

mod call;
mod folder;
mod order;
mod share;
mod tag_content;

pub use call::{Call, Restored, UnreadableCall};
pub use folder::{AddOrderToFolder, CreateFolder, SearchFolder};
pub use order::{
    AssignOrderToUser, AssignOrderToUserGroup, CreatePatientOrder, DeletePatientOrder, GetPatientOrderList,
    GetPatientOrderProperties,
};
pub use share::{CreateShareLink, ShareFolderWithUrl, SharePatientOrderWithUrl};
pub(crate) use tag_content::tag_of;
pub use tag_content::{DicomTagId, GetDicomTagContent};
