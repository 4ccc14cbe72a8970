//! C-MOVE and C-GET as service class user (PS3.4 §C.4.2.2, §C.4.3.2).

use std::net::SocketAddr;

use instance::Tag;

use crate::find::{Elements, Identifier};
use crate::instances::{EXPLICIT_VR_LITTLE_ENDIAN, Instance};
use crate::scripted_peer::{Message, Response, ScriptedPeer};
use crate::wire::{self, Proposal};

/// Patient Root Query/Retrieve Information Model - MOVE (PS3.4 §C.6.1.3).
pub const PATIENT_ROOT_MOVE: &str = "1.2.840.10008.5.1.4.1.2.1.2";
/// Study Root Query/Retrieve Information Model - MOVE (PS3.4 §C.6.2.3).
pub const STUDY_ROOT_MOVE: &str = "1.2.840.10008.5.1.4.1.2.2.2";
/// Patient/Study Only Query/Retrieve Information Model - MOVE, retired (PS3.4-2004 §C.6.3).
pub const PATIENT_STUDY_ONLY_MOVE: &str = "1.2.840.10008.5.1.4.1.2.3.2";
/// Patient Root Query/Retrieve Information Model - GET (PS3.4 §C.6.1.3).
pub const PATIENT_ROOT_GET: &str = "1.2.840.10008.5.1.4.1.2.1.3";
/// Study Root Query/Retrieve Information Model - GET (PS3.4 §C.6.2.3).
pub const STUDY_ROOT_GET: &str = "1.2.840.10008.5.1.4.1.2.2.3";

const PATIENT_ID: Tag = Tag(0x0010, 0x0020);
const STUDY_INSTANCE_UID: Tag = Tag(0x0020, 0x000D);
const SERIES_INSTANCE_UID: Tag = Tag(0x0020, 0x000E);
const SOP_INSTANCE_UID: Tag = Tag(0x0008, 0x0018);
const FAILED_SOP_INSTANCE_UID_LIST: Tag = Tag(0x0008, 0x0058);

/// The presentation context of the information model.
const CONTEXT: u8 = 1;

/// The identifier for a patient.
#[must_use]
pub fn patient(patient_id: &str) -> Identifier {
    Identifier::of_level("PATIENT").with(PATIENT_ID, "LO", patient_id)
}

/// The identifier for studies.
#[must_use]
pub fn studies(uids: &[&str]) -> Identifier {
    Identifier::of_level("STUDY").with(STUDY_INSTANCE_UID, "UI", uids.join("\\"))
}

/// The identifier for series of a study.
#[must_use]
pub fn series(study: &str, uids: &[&str]) -> Identifier {
    let identifier = Identifier::of_level("SERIES").with(STUDY_INSTANCE_UID, "UI", study);
    identifier.with(SERIES_INSTANCE_UID, "UI", uids.join("\\"))
}

/// The identifier for instances of a series.
#[must_use]
pub fn images(study: &str, series: &str, uids: &[&str]) -> Identifier {
    let identifier = Identifier::of_level("IMAGE").with(STUDY_INSTANCE_UID, "UI", study);
    identifier.with(SERIES_INSTANCE_UID, "UI", series).with(SOP_INSTANCE_UID, "UI", uids.join("\\"))
}

/// A response to C-MOVE or C-GET.
#[derive(Debug, Clone)]
pub struct Progress {
    /// Status, comment and what every response has.
    pub response: Response,
    /// Remaining (0000,1020), where given.
    pub remaining: Option<u16>,
    /// Completed (0000,1021), where given.
    pub completed: Option<u16>,
    /// Failed (0000,1022), where given.
    pub failed: Option<u16>,
    /// Warning (0000,1023), where given.
    pub warning: Option<u16>,
    /// (0008,0058), where the response has an identifier.
    pub failed_instances: Option<Vec<String>>,
}

impl Progress {
    fn read(message: &Message) -> Self {
        let number = |element: u16| {
            message.command.get(&element).map(|value| u16::from_le_bytes([value[0], value[1]]))
        };
        let failed_instances = message.data_set.as_ref().map(|bytes| {
            let elements = Elements::read(bytes);
            let list = elements.text(FAILED_SOP_INSTANCE_UID_LIST).expect("the list and nothing else");
            list.split('\\').map(str::to_owned).collect()
        });
        Self {
            response: Response::read(&message.command),
            remaining: number(0x1020),
            completed: number(0x1021),
            failed: number(0x1022),
            warning: number(0x1023),
            failed_instances,
        }
    }

    /// The status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.response.status
    }

    /// Completed, failed and warning.
    ///
    /// # Panics
    /// Where one of them is missing.
    #[must_use]
    pub fn counts(&self) -> (u16, u16, u16) {
        let count = |count: Option<u16>| count.expect("a response with counts");
        (count(self.completed), count(self.failed), count(self.warning))
    }

    /// (0008,0058) in ascending order; empty where there is none.
    #[must_use]
    pub fn failed_list(&self) -> Vec<String> {
        let mut list = self.failed_instances.clone().unwrap_or_default();
        list.sort();
        list
    }
}

/// Everything that came back to one C-MOVE or C-GET.
#[derive(Debug, Clone)]
pub struct Retrieved {
    /// Pending responses.
    pub pending: Vec<Progress>,
    /// The final one.
    pub last: Progress,
}

/// What comes next on the association.
#[derive(Debug, Clone)]
pub enum Incoming {
    /// A response.
    Progress(Progress),
    /// A sub-operation of C-GET.
    Store(Stored),
}

/// An instance that came by a sub-operation of C-GET.
#[derive(Debug, Clone)]
pub struct Stored {
    /// Its presentation context.
    pub context: u8,
    /// Message ID of the request.
    pub message_id: u16,
    /// Affected SOP Class UID.
    pub sop_class: String,
    /// Affected SOP Instance UID.
    pub sop_instance: String,
    /// The transfer syntax of the presentation context.
    pub transfer_syntax: String,
    /// The data set.
    pub data_set: Vec<u8>,
}

/// An association for C-MOVE or C-GET in one information model.
pub struct Retriever {
    peer: ScriptedPeer,
    model: &'static str,
    message_id: u16,
}

impl Retriever {
    /// Opens an association as `MODALITY` for C-MOVE.
    ///
    /// # Panics
    /// Where it is refused.
    #[must_use]
    pub fn open(address: SocketAddr, model: &'static str) -> Self {
        Self::open_with(address, model, |_| {})
    }

    /// The same with an altered proposal.
    ///
    /// # Panics
    /// Where it is refused.
    #[must_use]
    pub fn open_with(address: SocketAddr, model: &'static str, change: impl FnOnce(&mut Proposal)) -> Self {
        let mut proposal = Proposal::new(&[(model, &[EXPLICIT_VR_LITTLE_ENDIAN])]);
        change(&mut proposal);
        Self { peer: ScriptedPeer::associate(address, &proposal), model, message_id: 0 }
    }

    /// Opens an association for C-GET that takes pairs of SOP class and transfer syntax, each in a
    /// presentation context of its own and as the provider of the class.
    ///
    /// # Panics
    /// Where it is refused.
    #[must_use]
    pub fn open_to_get(address: SocketAddr, model: &'static str, pairs: &[(&str, &str)]) -> Self {
        Self::open_with(address, model, |proposal| {
            for (class, syntax) in pairs {
                proposal.contexts.push(((*class).to_owned(), vec![(*syntax).to_owned()]));
                if !proposal.provided.iter().any(|provided| provided == class) {
                    proposal.provided.push((*class).to_owned());
                }
            }
        })
    }

    /// The connection.
    pub const fn peer(&mut self) -> &mut ScriptedPeer {
        &mut self.peer
    }

    /// Sends a C-MOVE-RQ; its Message ID.
    pub fn begin_move(&mut self, destination: &str, identifier: &[u8]) -> u16 {
        self.message_id += 1;
        let command = wire::move_request(self.message_id, self.model, destination);
        self.request(&command, identifier)
    }

    /// Sends a C-GET-RQ; its Message ID.
    pub fn begin_get(&mut self, identifier: &[u8]) -> u16 {
        self.message_id += 1;
        let command = wire::get_request(self.message_id, self.model);
        self.request(&command, identifier)
    }

    fn request(&mut self, command: &[u8], identifier: &[u8]) -> u16 {
        self.peer.send(&wire::p_data(CONTEXT, true, true, command));
        let mut fragments = identifier.chunks(self.peer.fragment_length()).peekable();
        if identifier.is_empty() {
            self.peer.send(&wire::p_data(CONTEXT, false, true, &[]));
        }
        while let Some(fragment) = fragments.next() {
            let is_last = fragments.peek().is_none();
            self.peer.send(&wire::p_data(CONTEXT, false, is_last, fragment));
        }
        self.message_id
    }

    /// Moves, and takes every response.
    ///
    /// # Panics
    /// Where the association ends before the final one.
    pub fn move_to(&mut self, destination: &str, identifier: &Identifier) -> Retrieved {
        self.begin_move(destination, &identifier.bytes());
        self.rest(|_| panic!("a sub-operation on the association of a C-MOVE"))
    }

    /// Gets, answers every sub-operation as `answer` says, and takes every response.
    ///
    /// # Panics
    /// Where the association ends before the final one.
    pub fn get(&mut self, identifier: &Identifier, answer: impl FnMut(&Stored) -> u16) -> Retrieved {
        self.begin_get(&identifier.bytes());
        self.rest(answer)
    }

    /// What comes next; nothing where the association ends first.
    ///
    /// # Panics
    /// Where it is neither a response nor a sub-operation.
    pub fn incoming(&mut self) -> Option<Incoming> {
        let message = self.peer.next_message()?;
        if message.command[&0x0100] != [0x01, 0x00] {
            return Some(Incoming::Progress(Progress::read(&message)));
        }
        let uid = |element: u16| {
            let text = std::str::from_utf8(&message.command[&element]).expect("a UID");
            text.trim_end_matches('\0').to_owned()
        };
        let id = &message.command[&0x0110];
        let (result, transfer_syntax) = self.peer.acceptance().contexts[&message.context].clone();
        assert_eq!(result, 0, "a presentation context that was accepted");
        Some(Incoming::Store(Stored {
            context: message.context,
            message_id: u16::from_le_bytes([id[0], id[1]]),
            sop_class: uid(0x0002),
            sop_instance: uid(0x1000),
            transfer_syntax,
            data_set: message.data_set.expect("a C-STORE-RQ has a data set"),
        }))
    }

    /// Answers a sub-operation.
    pub fn answer(&mut self, stored: &Stored, status: u16) {
        let Stored { context, message_id, sop_class, sop_instance, .. } = stored;
        let command = wire::store_response(*message_id, sop_class, sop_instance, status);
        self.peer.send(&wire::p_data(*context, true, true, &command));
    }

    /// All that comes up to the final response.
    ///
    /// # Panics
    /// Where the association ends before it.
    pub fn rest(&mut self, mut answer: impl FnMut(&Stored) -> u16) -> Retrieved {
        let mut pending = Vec::new();
        loop {
            match self.incoming().expect("the final response before the end of the association") {
                Incoming::Progress(progress) if progress.status() == 0xFF00 => {
                    assert!(progress.failed_instances.is_none(), "a pending response with an identifier");
                    pending.push(progress);
                }
                Incoming::Progress(last) => return Retrieved { pending, last },
                Incoming::Store(stored) => {
                    let status = answer(&stored);
                    self.answer(&stored, status);
                }
            }
        }
    }

    /// Sends C-CANCEL.
    pub fn cancel(&mut self, message_id: u16) {
        self.peer.send(&wire::p_data(CONTEXT, true, true, &wire::cancel_request(message_id)));
    }

    /// Orderly release.
    pub fn release(self) {
        self.peer.release();
    }
}

/// The pairs of SOP class and transfer syntax of some instances, each once.
#[must_use]
pub fn pairs(instances: &[Instance]) -> Vec<(&str, &str)> {
    let mut pairs: Vec<_> =
        instances.iter().map(|instance| (&*instance.sop_class, &*instance.transfer_syntax)).collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}
