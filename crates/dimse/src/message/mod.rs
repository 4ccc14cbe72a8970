//! DIMSE messages on an association (PS3.7 §6.3, PS3.8 §9.3.5, §E).

mod receiver;
mod sender;
#[cfg(test)]
mod tests;

pub use receiver::MessageReceiver;
pub(crate) use receiver::{ReleasePdu, await_close};
pub use sender::MessageSender;

use crate::{association::PresentationContext, command::Command};

/// What arrives on an association.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A message whose command set is complete. Its data set, if any, is fetched with
    /// [`MessageReceiver::next_fragment`].
    Message(Message),
    /// A-RELEASE-RQ: the caller finishes what it owes and calls [`MessageSender::release_response`].
    Release,
}

/// A message: its command, and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The presentation context on which it came, and on which it is answered.
    pub presentation_context: PresentationContext,
    /// The command set.
    pub command: Command,
    /// Whether a data set follows.
    pub has_data_set: bool,
}
