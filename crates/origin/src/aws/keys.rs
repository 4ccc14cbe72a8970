//! The access keys that are taken: one that stays, and those of sessions.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use super::{Options, fault::Fault, options};

/// Sessions at a time. 10,000: more than any test opens; a further one ends all that were before it.
const SESSIONS_MAX: usize = 10_000;

/// The access keys of one origin.
pub(super) struct Keys {
    options: Options,
    /// By the identifier of the key.
    sessions: Mutex<HashMap<String, Session>>,
}

/// An access key that was given out for a time.
#[derive(Debug, Clone)]
pub(super) struct Session {
    pub(super) access_key_id: String,
    pub(super) secret_access_key: String,
    pub(super) session_token: String,
    pub(super) ends: Timestamp,
}

impl Keys {
    pub(super) fn new(options: Options) -> Self {
        Self { options, sessions: Mutex::default() }
    }

    /// A new session.
    pub(super) fn open_session(&self, now: Timestamp) -> Session {
        let life = SignedDuration::try_from(self.options.session_life).unwrap_or(SignedDuration::MAX);
        let session = Session {
            access_key_id: format!("ASIA{}", options::identifier()),
            secret_access_key: options::secret(),
            session_token: options::secret(),
            ends: now.saturating_add(life).unwrap_or(Timestamp::MAX),
        };
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= SESSIONS_MAX {
            sessions.clear();
        }
        sessions.insert(session.access_key_id.clone(), session.clone());
        session
    }

    /// Ends all sessions.
    pub(super) fn revoke_all(&self) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// The secret of the key that a request names, which must show the token of its session.
    pub(super) fn secret(&self, id: &str, token: Option<&str>, now: Timestamp) -> Result<String, Fault> {
        if id == self.options.access_key_id {
            return Ok(self.options.secret_access_key.clone());
        }
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let session = sessions.get(id).filter(|session| token == Some(&session.session_token));
        let session = session.ok_or(Fault::UnknownKey)?;
        if session.ends <= now { Err(Fault::Expired) } else { Ok(session.secret_access_key.clone()) }
    }
}
