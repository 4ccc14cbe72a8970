//! Whether an instance is there: QIDO-RS (PS3.18 §10.6) or metadata (PS3.18 §10.4).

use instance::Identity;

use crate::{Client, Error};

/// Whether an origin holds an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It is there.
    Present,
    /// It is not.
    Absent,
    /// The profile has no way to ask.
    NotAskable,
}

impl Client {
    /// Asks the origin whether it holds an instance, in the way of the profile.
    ///
    /// # Errors
    /// Any error of the request; an answer that cannot be read is an error, never "absent".
    pub async fn find_instance(&self, _identity: &Identity) -> Result<Presence, Error> {
        todo!()
    }
}
