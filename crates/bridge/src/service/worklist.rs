//! Modality Worklist (PS3.4 §K): C-FIND as service class provider.
//!
//! [`request`] reads what is asked for, [`mod@find`] holds it against the [`worklist`](crate::worklist) and
//! [`answer`] makes the identifiers of what matches. [`mod@search`] does so for user agents of PS3.18.

mod answer;
mod find;
mod request;
mod search;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    find::{WorklistError, find},
    request::RequestError,
    search::{Page, search},
};
