//! Query (PS3.4 §C.4.1): C-FIND as service class provider, and what exists for C-MOVE and C-GET.
//!
//! [`request`] reads what is asked for; [`rows`] gives what an origin has that may match, by the searches
//! that [`identifier_to_search`](crate::mapping::identifier_to_search) plans; [`above`], [`related`]
//! and [`untold`] add what the origin did not say; what then matches is shown as [`answer`] says.
//! [`mod@find`] is all of this for one C-FIND. [`listing`] lists the instances below what a retrieve names,
//! [`outline`](mod@outline) only counts them.

mod above;
mod answer;
mod budget;
mod error;
mod find;
pub(crate) mod level;
pub(crate) mod listing;
mod origins;
mod outline;
mod patients;
mod pending;
mod related;
pub(crate) mod request;
mod rows;
mod searched;
mod seen;
mod undelivered;
mod untold;

pub(crate) use self::{
    answer::part_of,
    budget::Budget,
    error::QueryError,
    find::find,
    listing::{ListedInstance, Scope, Source, list},
    origins::origins,
    outline::{OutlinedSeries, outline},
    request::{Request, RequestError, in_words, key_in_words},
};
