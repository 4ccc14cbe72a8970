//! Upper Layer association and DIMSE messages, acceptor and requestor.
//!
//! The way of a message: [`acse::acceptor`] or [`acse::requestor`] makes an [`association::Association`]
//! of a stream; its [`MessageReceiver`] and [`MessageSender`] exchange [`command`] sets and the fragments of
//! data sets. This room knows streams only: sockets, TLS, AE title checks and configuration are the
//! caller's, and a data set passes through as bytes.

pub mod acse;
pub mod association;
pub mod command;
mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod message;
mod pdu;
mod pdv;
pub mod socket;
mod status;

pub use acse::requestor;
pub use error::{Abort, AbortSource, Error, Incompatibility, Misbehaviour, Timer, abort_for};
pub use message::{Event, Message, MessageReceiver, MessageSender};
pub use status::{Category, Status};
