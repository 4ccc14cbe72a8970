//! Sends instances by C-STORE exactly as they are: body unchanged, in their own transfer syntax.

use std::net::SocketAddr;

use crate::instances::Instance;
use crate::scripted_peer::{Received, Response, ScriptedPeer};
use crate::wire::{self, Proposal, pdu};

/// An association for some instances.
pub struct Sender {
    peer: ScriptedPeer,
    contexts: Vec<(String, String)>,
    message_id: u16,
}

impl Sender {
    /// Opens an association that offers the SOP class and transfer syntax of each instance, one
    /// presentation context per pair.
    ///
    /// # Panics
    /// Where it is refused.
    #[must_use]
    pub fn open<'a>(address: SocketAddr, instances: impl IntoIterator<Item = &'a Instance>) -> Self {
        Self::open_as(address, "MODALITY", "DIMSEWAY", instances)
    }

    /// The same with AE titles.
    ///
    /// # Panics
    /// Where it is refused.
    #[must_use]
    pub fn open_as<'a>(
        address: SocketAddr,
        calling: &str,
        called: &str,
        instances: impl IntoIterator<Item = &'a Instance>,
    ) -> Self {
        let mut contexts: Vec<(String, String)> = Vec::new();
        for instance in instances {
            let pair = (instance.sop_class.clone(), instance.transfer_syntax.clone());
            if !contexts.contains(&pair) {
                contexts.push(pair);
            }
        }
        let mut proposal = Proposal::new(&[]);
        proposal.calling = calling.to_owned();
        proposal.called = called.to_owned();
        proposal.contexts =
            contexts.iter().map(|(class, syntax)| (class.clone(), vec![syntax.clone()])).collect();
        Self { peer: ScriptedPeer::associate(address, &proposal), contexts, message_id: 0 }
    }

    /// Opens an association with the proposal given, which has a context for each of the instances.
    ///
    /// # Panics
    /// Where it is refused.
    #[must_use]
    pub fn open_with(address: SocketAddr, proposal: &Proposal) -> Self {
        let contexts =
            proposal.contexts.iter().map(|(class, syntaxes)| (class.clone(), syntaxes[0].clone())).collect();
        Self { peer: ScriptedPeer::associate(address, proposal), contexts, message_id: 0 }
    }

    /// Opens an association for one instance; nothing where the peer is gone or ends it.
    #[must_use]
    pub fn try_open(address: SocketAddr, instance: &Instance) -> Option<Self> {
        let (class, syntax) = (instance.sop_class.clone(), instance.transfer_syntax.clone());
        let proposal = Proposal::new(&[(class.as_str(), &[syntax.as_str()])]);
        let peer = ScriptedPeer::try_associate(address, &proposal)?;
        Some(Self { peer, contexts: vec![(class, syntax)], message_id: 0 })
    }

    /// The presentation context for an instance.
    ///
    /// # Panics
    /// Where none was offered.
    #[must_use]
    pub fn context(&self, instance: &Instance) -> u8 {
        let found = self
            .contexts
            .iter()
            .position(|(class, syntax)| *class == instance.sop_class && *syntax == instance.transfer_syntax);
        wire::context_id(found.expect("a context for the instance"))
    }

    /// Stores an instance; the answer, or nothing where the connection ended before it.
    pub fn store(&mut self, instance: &Instance) -> Option<Response> {
        if !self.send_request(instance) || !self.send_data_set(instance, instance.data_set.len(), true) {
            return None;
        }
        self.response()
    }

    /// Sends the command alone.
    pub fn send_request(&mut self, instance: &Instance) -> bool {
        self.message_id += 1;
        let command = wire::store_request(self.message_id, &instance.sop_class, &instance.sop_instance);
        let context = self.context(instance);
        self.peer.try_send(&wire::p_data(context, true, true, &command))
    }

    /// Sends the first `bytes` of the data set, and says with the last fragment whether that is all.
    pub fn send_data_set(&mut self, instance: &Instance, bytes: usize, is_whole: bool) -> bool {
        let context = self.context(instance);
        let data = &instance.data_set[..bytes];
        let mut fragments = data.chunks(self.peer.fragment_length()).peekable();
        if data.is_empty() {
            return self.peer.try_send(&wire::p_data(context, false, is_whole, &[]));
        }
        while let Some(fragment) = fragments.next() {
            let is_last = is_whole && fragments.peek().is_none();
            if !self.peer.try_send(&wire::p_data(context, false, is_last, fragment)) {
                return false;
            }
        }
        true
    }

    /// The next response; nothing where the connection ends first.
    pub fn response(&mut self) -> Option<Response> {
        self.peer.next_response()
    }

    /// The connection, for what goes beyond storing.
    pub const fn peer(&mut self) -> &mut ScriptedPeer {
        &mut self.peer
    }

    /// Orderly release.
    pub fn release(self) {
        self.peer.release();
    }

    /// A reset in the middle of whatever was going on.
    pub fn reset(self) {
        self.peer.reset();
    }

    /// A-ABORT (PS3.8 §9.3.8), and waits for the close.
    pub fn abort(mut self) {
        let _ = self.peer.try_send(&wire::pdu_of(pdu::ABORT, &[0, 0, 0, 0]));
        while self.peer.receive() != Received::Closed {}
    }
}

/// Stores instances over one association, each of which has to be answered with success.
///
/// # Panics
/// Where one is not.
pub fn store_all(address: SocketAddr, instances: &[Instance]) {
    let mut sender = Sender::open(address, instances);
    for instance in instances {
        let response = sender.store(instance).expect("an answer");
        assert_eq!(response.status, 0x0000, "{}: {response:?}", instance.sop_instance);
    }
    sender.release();
}
