//! PostDICOM's own endpoints, beside DICOMweb: orders, folders, assignment, sharing, tag content.
//!
//! A request is a type of [`request`]; a [`Client`] sends it and reads the answer. Requests are checked
//! before they are sent, and written as the vendor's own clients write them ([`Conventions`]). A call with
//! side effects is never sent twice by this room: [`Error::delivery`] says whether it provably never left,
//! and [`Client::look_up`] whether it took effect.
//!
//! This room speaks HTTP and knows nothing of associations, queues or configuration files. Patients' data
//! and passwords show in no `Debug` and no error.

pub mod answer;
mod base_url;
pub mod client;
pub mod conventions;
mod date;
mod error;
mod field;
mod folder_path;
mod function;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod identifier;
mod once;
pub mod pace;
mod parameters;
mod prepared;
mod proxy;
pub mod request;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod text;
mod tls;

pub use answer::{Acknowledgement, Created, Folder, FolderList, Order, OrderList, ShareLink, TagContent};
pub use base_url::{BaseUrl, InvalidBaseUrl};
pub use client::{Client, ClientConfig, Credentials, Evidence, Incomplete, Timeouts};
pub use conventions::{
    BooleanStyle, Conventions, EmptyAnswer, EmptyList, EmptyParameters, HttpVersion, ListStyle,
    ReasonOnSuccess, Route, RoutePath, TagForm, Transport, Unconfirmed, UuidForm,
};
pub use date::{Date, DateTime};
pub use error::{Delivery, Error, Reason, Remedy, Unreadable, remedy_of};
pub use field::{Fault, InvalidField};
pub use folder_path::{FolderAtPath, FolderPath, FolderPathError};
pub use function::{Function, SideEffect, UnknownFunction};
pub use identifier::{
    EquipmentUuid, FolderUuid, InstitutionUuid, OrderUuid, SeriesUuid, UserGroupUuid, UserUuid,
};
pub use once::{Comparison, Decision, Once, compare, decide, search_before};
pub use pace::Pace;
pub use prepared::Prepared;
pub use proxy::Proxy;
pub use request::Call;
pub use text::{AccessionNumber, Modality, ModalityList, PatientId, PatientName, Sex, SharePassword, Text};
pub use tls::{Tls, UnusableFile};

/// An error that this room only passes on.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
