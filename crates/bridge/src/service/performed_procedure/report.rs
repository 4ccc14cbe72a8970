//! What a sink is told about a step: one accepted request.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use dataset::{character_set::CharacterSet, json::Item};
use instance::Uid;
use serde::{Deserialize, Serialize};
use spool::Call;

use super::{
    CALL,
    step::{Status, read_with_header, write_with_header},
};

/// An accepted request on its way to one sink.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Report {
    /// The name of the sink.
    pub(crate) sink: String,
    /// The step.
    pub(crate) sop_instance_uid: Uid,
    /// Which request of the step it was, from 1. The first is the N-CREATE, all others are N-SETs.
    pub(crate) number: u32,
    /// The status of the step behind it.
    pub(crate) status: Status,
    /// The character set that the modality uses.
    pub(crate) character_set: CharacterSet,
    /// When it was accepted.
    pub(crate) accepted_at: SystemTime,
    /// The attribute list or modification list.
    pub(crate) list: Item,
}

#[derive(Serialize, Deserialize)]
struct Header {
    version: u8,
    sink: String,
    sop_instance_uid: String,
    number: u32,
    status: Status,
    character_set: String,
    /// Milliseconds since 1970.
    accepted_at: u64,
}

const VERSION: u8 = 1;

impl Report {
    /// Whether it is the N-CREATE.
    pub(crate) const fn is_create(&self) -> bool {
        self.number == 1
    }

    /// What it is, without anything about the patient.
    pub(super) fn in_words(&self) -> String {
        let operation = if self.is_create() { "N-CREATE" } else { "N-SET" };
        format!("report {} of {}: {operation}, {}", self.number, self.sop_instance_uid, self.status.as_str())
    }

    /// The call that delivers it. Those of one step and sink are made in the order in which they are added.
    pub(super) fn call(&self) -> Call {
        let accepted_at = self.accepted_at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let header = Header {
            version: VERSION,
            sink: self.sink.clone(),
            sop_instance_uid: self.sop_instance_uid.as_str().to_owned(),
            number: self.number,
            status: self.status,
            character_set: self.character_set.as_str().to_owned(),
            accepted_at: u64::try_from(accepted_at.as_millis()).unwrap_or(u64::MAX),
        };
        Call {
            kind: CALL.to_owned(),
            key: format!("{}/{}", self.sink, self.sop_instance_uid.as_str()),
            body: write_with_header(&header, &self.list),
            not_before: self.accepted_at,
        }
    }

    /// Reads the body of a call; none where it is no report.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let (header, list) = read_with_header::<Header>(body)?;
        if header.version != VERSION {
            return None;
        }
        Some(Self {
            sink: header.sink,
            sop_instance_uid: header.sop_instance_uid.parse().ok()?,
            number: header.number,
            status: header.status,
            character_set: CharacterSet::from_value(header.character_set.as_bytes()),
            accepted_at: UNIX_EPOCH.checked_add(Duration::from_millis(header.accepted_at))?,
            list,
        })
    }
}
