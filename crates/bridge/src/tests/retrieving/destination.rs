//! A destination that stores, and misbehaves where a test wants it to.

use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use dimse::{
    Abort, Error, Event, MessageReceiver, MessageSender, Status,
    acse::{self, AssociateReject, ContextResult, Policy, acceptor},
    association::Settings,
    command::{CStoreRq, Command, MoveOriginator, Operation, Response},
};
use tokio::{
    io::{ReadHalf, WriteHalf},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

/// An instance as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) uid: String,
    pub(super) class: String,
    pub(super) syntax: String,
    pub(super) data_set: Vec<u8>,
    pub(super) move_originator: Option<MoveOriginator>,
}

/// What the destination does with an instance instead of storing it.
#[derive(Clone)]
pub(super) enum Act {
    /// Reads it and answers with this status.
    Answer(u16),
    /// Aborts in the middle of it.
    Abort,
    /// Reads so many bytes and then nothing, until a permit is there.
    Hold(usize, Arc<Semaphore>),
    /// Reads it and does not answer.
    Silence,
}

#[derive(Default)]
struct Inner {
    stored: Vec<Stored>,
    acts: HashMap<String, VecDeque<Act>>,
    refused_syntaxes: Vec<String>,
    rejections: VecDeque<AssociateReject>,
    associations: usize,
    open: usize,
    open_max: usize,
    begun: usize,
    cut: usize,
}

/// The destination. Cloning gives the same one.
#[derive(Clone, Default)]
pub(super) struct Destination(Arc<Mutex<Inner>>);

impl Destination {
    pub(super) async fn serve(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let destination = self.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let destination = destination.clone();
                tokio::spawn(async move { destination.connection(stream).await });
            }
        });
        address
    }

    /// With the next instances of this UID, one after the other.
    pub(super) fn when(&self, uid: &str, act: Act) {
        self.inner().acts.entry(uid.to_owned()).or_default().push_back(act);
    }

    /// Does not accept this transfer syntax.
    pub(super) fn refuse_syntax(&self, syntax: &str) {
        self.inner().refused_syntaxes.push(syntax.to_owned());
    }

    /// Rejects the next association.
    pub(super) fn reject(&self, reject: AssociateReject) {
        self.inner().rejections.push_back(reject);
    }

    /// Whole instances, in the order in which they arrived.
    pub(super) fn stored(&self) -> Vec<Stored> {
        self.inner().stored.clone()
    }

    /// Instances whose request has arrived.
    pub(super) fn begun(&self) -> usize {
        self.inner().begun
    }

    /// Instances that never came to their end.
    pub(super) fn cut(&self) -> usize {
        self.inner().cut
    }

    pub(super) fn associations(&self) -> usize {
        self.inner().associations
    }

    pub(super) fn open_max(&self) -> usize {
        self.inner().open_max
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    async fn connection(&self, stream: TcpStream) {
        let requested = acceptor::read_associate_request(stream, Settings::default()).await.unwrap();
        let rejection = self.inner().rejections.pop_front();
        if let Some(reject) = rejection {
            let _ = requested.reject(reject).await;
            return;
        }
        let mut accept = acse::negotiate(requested.request(), &Policy::default()).unwrap();
        let refused = self.inner().refused_syntaxes.clone();
        for answer in &mut accept.presentation_contexts {
            if let ContextResult::Acceptance(syntax) = &answer.result
                && refused.iter().any(|refused| refused == syntax.uid().as_str())
            {
                answer.result = ContextResult::TransferSyntaxesNotSupported;
            }
        }
        let (mut receiver, mut sender) = requested.accept(accept).await.unwrap().split();
        {
            let mut inner = self.inner();
            inner.associations += 1;
            inner.open += 1;
            inner.open_max = inner.open_max.max(inner.open);
        }
        match self.serve_association(&mut receiver, &mut sender).await {
            Ok(()) => {}
            Err(Error::Ended) => sender.abort(Abort::SERVICE_USER).await,
            Err(_) => self.inner().cut += 1,
        }
        self.inner().open -= 1;
    }

    async fn serve_association(
        &self,
        receiver: &mut MessageReceiver<ReadHalf<TcpStream>>,
        sender: &mut MessageSender<WriteHalf<TcpStream>>,
    ) -> Result<(), Error> {
        loop {
            let message = match receiver.next_message().await {
                Ok(Event::Message(message)) => message,
                Ok(Event::Release) => return sender.release_response().await,
                // Between two instances nothing is cut.
                Err(_) => return Ok(()),
            };
            let Command::CStoreRq(request) = message.command else { return Err(Error::Ended) };
            let uid = request.affected_sop_instance_uid.to_string();
            self.inner().begun += 1;
            let act = self.inner().acts.get_mut(&uid).and_then(VecDeque::pop_front);
            let mut data_set = Vec::new();
            while let Some(fragment) = receiver.next_fragment().await? {
                data_set.extend_from_slice(&fragment);
                match &act {
                    Some(Act::Abort) => return Err(Error::Ended),
                    Some(Act::Hold(length, may_go_on)) if data_set.len() > *length => {
                        may_go_on.acquire().await.unwrap().forget();
                        may_go_on.add_permits(1);
                    }
                    _ => {}
                }
            }
            let status = match act {
                Some(Act::Answer(status)) => Status(status),
                Some(Act::Silence) => continue,
                _ => Status::SUCCESS,
            };
            if status.is_done() {
                let syntax = message.presentation_context.transfer_syntax.uid().to_string();
                self.keep(uid, request.clone(), syntax, data_set);
            }
            let response = Response::new(Operation::CStore, request.message_id, status);
            sender.send_command(message.presentation_context.id, &Command::Rsp(response)).await?;
        }
    }

    fn keep(&self, uid: String, request: CStoreRq, syntax: String, data_set: Vec<u8>) {
        let class = request.affected_sop_class_uid.to_string();
        let move_originator = request.move_originator;
        self.inner().stored.push(Stored { uid, class, syntax, data_set, move_originator });
    }
}
