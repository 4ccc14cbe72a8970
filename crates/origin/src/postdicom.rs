//! The personality `postdicom`: orders, folders, sharing and assignment beside a DICOMweb of a few flat
//! paths, as the vendor's own clients use them.
//!
//! What those clients send is known; what the server answers is not, so answers have switchable shapes
//! ([`AnswerShape`], [`StoreAnswer`]). Requests are taken as strictly as the facts allow. Every refusal
//! says in the field `X-Error-Reason` why.
//!
//! Nothing says how the vendor matches, so this is assumed: the name of a patient or folder is found by any
//! part of it, whatever its case; other values have to be equal, the modality to that of the order; a range
//! of dates finds an order whose scheduled date or Study Date is in it.

mod account;
mod answer;
mod function;
mod functions;
mod options;
mod origin;
mod parameters;
mod records;
pub(crate) mod routes;
mod store;

pub use account::{Account, Entity};
pub use options::{AnswerShape, CreationAnswer, Options, StoreAnswer, UnknownShape};
pub use records::{Folder, NewFolder, NewOrder, Order, Share, Shared};
pub(crate) use store::Store;
