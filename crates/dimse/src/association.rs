//! An established association and its two halves (PS3.8 §9.2, state Sta6).

use std::{sync::Arc, time::Duration};

use instance::{TransferSyntax, Uid};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf},
    sync::Semaphore,
};

use crate::{
    acse::{ExtendedNegotiation, RoleSelection, Roles},
    message::{MessageReceiver, MessageSender},
};

/// Default Maximum-length-received: 256 KiB. Beyond that the cost per PDU no longer counts.
pub const MAX_PDU_LENGTH_DEFAULT: u32 = 256 * 1024;

/// Bytes of an A-ASSOCIATE-RQ that every new connection may send: 32 KiB. 128 presentation contexts with
/// six transfer syntaxes each take less.
pub const ASSOCIATE_LENGTH_USUAL: usize = 32 * 1024;

/// Timers and limits of one association.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Timers.
    pub timers: Timers,
    /// Most bytes of an A-ASSOCIATE-RQ or -AC, which no maximum length governs (PS3.8 §D.1 is of P-DATA-TF
    /// only). Default 1 MiB: 128 presentation contexts with 60 transfer syntaxes each take about 500 KB.
    pub associate_length_max: u32,
    /// Permits for A-ASSOCIATE-RQ longer than [`ASSOCIATE_LENGTH_USUAL`], which are read only as many at
    /// a time: connections that have proved nothing yet must not fill the memory. Shared by clones.
    /// Default 16, which with the longest ones are 16 MiB.
    pub long_associates: Arc<Semaphore>,
    /// Most bytes of a P-DATA-TF variable field that we send, whatever the peer takes. Default 128 KiB: longer
    /// ones gain nothing, and some peers that announce no limit have one.
    pub sent_pdu_length_max: u32,
    /// Bytes of the buffer that one association receives into while a message is in flight. Default 128 KiB;
    /// a fragment handed out is never longer. An idle association holds none.
    pub receive_buffer_length: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            timers: Timers::default(),
            associate_length_max: 1024 * 1024,
            long_associates: Arc::new(Semaphore::new(16)),
            sent_pdu_length_max: 128 * 1024,
            receive_buffer_length: 128 * 1024,
        }
    }
}

/// The timers of one association.
#[derive(Debug, Clone, Copy)]
pub struct Timers {
    /// ARTIM (PS3.8 §9.1.5): for the A-ASSOCIATE-RQ of a new connection as a whole, and for the peer's close
    /// after a reject, release or abort. Default 30 s, the value that most implementations use.
    pub artim: Duration,
    /// For the answer to our A-ASSOCIATE-RQ. Default 30 s.
    pub associate: Duration,
    /// Silence between two messages. Default 30 min: ultrasound devices keep an association open for a
    /// whole examination.
    pub idle: Duration,
    /// Silence inside a message or PDU: it restarts with every byte. Default 60 s, beyond which a TCP
    /// connection with retransmissions is lost in practice.
    pub message: Duration,
    /// For a DIMSE response to our request. Default 10 min: a peer may store on tape.
    pub response: Duration,
    /// The peer takes no byte of what is written. Default 60 s, as for `message`.
    pub write: Duration,
    /// For the answer to our A-RELEASE-RQ. Default 30 s.
    pub release: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            artim: Duration::from_secs(30),
            associate: Duration::from_secs(30),
            idle: Duration::from_secs(30 * 60),
            message: Duration::from_secs(60),
            response: Duration::from_secs(10 * 60),
            write: Duration::from_secs(60),
            release: Duration::from_secs(30),
        }
    }
}

/// An accepted presentation context. Cloning is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentationContext {
    /// Presentation-context-ID.
    pub id: u8,
    /// The abstract syntax: a SOP Class.
    pub abstract_syntax: Uid,
    /// The accepted transfer syntax.
    pub transfer_syntax: TransferSyntax,
}

/// The accepted presentation contexts of an association, in the order proposed.
#[derive(Debug, Clone, Default)]
pub struct PresentationContexts(Arc<[PresentationContext]>);

impl PresentationContexts {
    /// The context with this Presentation-context-ID.
    #[must_use]
    pub fn get(&self, id: u8) -> Option<&PresentationContext> {
        self.0.iter().find(|context| context.id == id)
    }

    /// The first context for an abstract syntax with a transfer syntax.
    #[must_use]
    pub fn find(
        &self,
        abstract_syntax: &Uid,
        transfer_syntax: &TransferSyntax,
    ) -> Option<&PresentationContext> {
        self.iter().find(|c| c.abstract_syntax == *abstract_syntax && c.transfer_syntax == *transfer_syntax)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &PresentationContext> {
        self.0.iter()
    }
}

impl FromIterator<PresentationContext> for PresentationContexts {
    fn from_iter<T: IntoIterator<Item = PresentationContext>>(iter: T) -> Self {
        Self(iter.into_iter().collect())
    }
}

/// An established association (Sta6).
#[derive(Debug)]
pub struct Association<S> {
    stream: S,
    negotiated: Negotiated,
    settings: Settings,
}

/// What both sides agreed on.
#[derive(Debug, Clone)]
pub struct Negotiated {
    /// The accepted presentation contexts.
    pub contexts: PresentationContexts,
    /// Most bytes of a P-DATA-TF variable field that we take.
    pub own_max_pdu_length: u32,
    /// Most bytes of a P-DATA-TF variable field that the peer takes; 0 is unlimited.
    pub peer_max_pdu_length: u32,
    /// Operations that the requestor may have outstanding; 0 is unlimited.
    pub operations_invoked_max: u16,
    /// Operations that the acceptor may have outstanding, such as the sub-operations of a C-GET; 0 is unlimited.
    pub operations_performed_max: u16,
    /// Roles that were selected.
    pub role_selections: Vec<RoleSelection>,
    /// Extended negotiations that were answered.
    pub extended_negotiations: Vec<ExtendedNegotiation>,
}

impl Negotiated {
    /// The shortest maximum length that leaves room for content: the head of a presentation data value and
    /// two bytes, since fragments have an even length (PS3.8 §9.3.5.1, §D.1).
    pub const PEER_MAX_PDU_LENGTH_MIN: u32 = 8;

    /// The roles of the requestor for a SOP Class: those selected, or SCU alone (PS3.7 §D.3.3.4).
    #[must_use]
    pub fn roles(&self, sop_class: &Uid) -> Roles {
        let selected = self.role_selections.iter().find(|selection| selection.sop_class_uid == *sop_class);
        selected.map_or(Roles::DEFAULT, |selection| selection.roles)
    }
}

impl<S> Association<S> {
    pub(crate) const fn new(stream: S, negotiated: Negotiated, settings: Settings) -> Self {
        Self { stream, negotiated, settings }
    }

    /// What both sides agreed on.
    #[must_use]
    pub const fn negotiated(&self) -> &Negotiated {
        &self.negotiated
    }

    pub(crate) const fn timers(&self) -> Timers {
        self.settings.timers
    }

    /// The accepted presentation contexts.
    #[must_use]
    pub const fn contexts(&self) -> &PresentationContexts {
        &self.negotiated.contexts
    }

    /// Operations that the requestor may have outstanding; 0 is unlimited, 1 the default.
    #[must_use]
    pub const fn operations_invoked_max(&self) -> u16 {
        self.negotiated.operations_invoked_max
    }
}

impl<S> Association<S>
where
    S: AsyncRead + AsyncWrite,
{
    /// The two halves, which work at the same time: reading never waits for writing.
    pub fn split(self) -> (MessageReceiver<ReadHalf<S>>, MessageSender<WriteHalf<S>>) {
        let (reader, writer) = tokio::io::split(self.stream);
        (
            MessageReceiver::new(reader, &self.negotiated, &self.settings),
            MessageSender::new(writer, &self.negotiated, &self.settings),
        )
    }
}

#[cfg(test)]
mod tests;
