//! Retrieve (PS3.4 §C.4.2, §C.4.3): C-MOVE and C-GET as service class provider.
//!
//! [`keys`] reads what is asked for and the query service lists the instances below it, or only counts them
//! ([`outlined`]). [`instances`] makes requests of that list, [`operation`] carries them out: [`fetch`] asks for instances,
//! [`read_ahead`] reads answers, [`data_set`] resumes what breaks, [`sub_operation`] sends one instance to
//! the [`recipient`], and [`counts`] says how it ended. [`provider`] puts all of it together and answers.

mod back_off;
mod counts;
mod data_set;
mod environment;
mod failures;
mod fetch;
mod instances;
mod keys;
mod operation;
mod outlined;
mod provider;
mod read_ahead;
pub(crate) mod recipient;
mod refusal;
mod source;
mod sub_operation;
mod transcode;

use bytes::Bytes;
use dataset::identifier::Identifier;
use dimse::command::{CGetRq, CMoveRq};
use futures::{StreamExt, stream};
use tokio::sync::mpsc;
use tracing::Instrument;

pub(crate) use self::{
    failures::Cause, keys::KeyError, recipient::destination::Destinations, refusal::RetrieveRefusal,
};
use self::{
    keys::{Keys, Tolerance},
    provider::{Provider, Target},
};
use super::{Invocation, Replies, Reply};
use crate::{config::Relational, mapping::status};

/// C-MOVE (PS3.4 §C.4.2): sends instances to a peer of the configuration.
pub(crate) fn move_(invocation: Invocation, request: CMoveRq, identifier: Bytes) -> Replies {
    let destination = invocation.context.snapshot.peer(&request.move_destination).cloned();
    let address = destination.as_ref().and_then(|peer| peer.address.clone());
    let target = destination.zip(address).ok_or(RetrieveRefusal::DestinationUnknown);
    let target = target.map(|(peer, address)| Target::Destination(Box::new(peer), address));
    answer(invocation, request.priority, target, &identifier)
}

/// C-GET (PS3.4 §C.4.3): sends instances to the requestor, on its own association.
pub(crate) fn get(invocation: Invocation, request: CGetRq, identifier: Bytes) -> Replies {
    answer(invocation, request.priority, Ok(Target::Requestor), &identifier)
}

fn answer(
    invocation: Invocation,
    priority: dimse::command::Priority,
    target: Result<Target, RetrieveRefusal>,
    identifier: &[u8],
) -> Replies {
    let keys = read_keys(&invocation, identifier).map_err(RetrieveRefusal::from);
    let (keys, target) = match keys.and_then(|keys| Ok((keys, target?))) {
        Ok(both) => both,
        Err(refusal) => {
            tracing::warn!(message_id = invocation.message_id, cause = %refusal, "retrieve refused");
            let response = invocation.response(dimse::Status::SUCCESS);
            return Reply::new(status::retrieve_refused(response, &refusal)).alone();
        }
    };
    // The retrieve goes on while the association writes something else, so it has a task of its own. It
    // ends when nobody takes its replies any more.
    let (sender, replies) = mpsc::channel(1);
    let connections = invocation.context.core.connections.clone();
    // As that of the association, at every level of the log.
    let span = tracing::error_span!("retrieve", message_id = invocation.message_id, to = target.label());
    let provider = Provider::new(invocation, priority, keys, target);
    connections.spawn(provider.provide(sender).instrument(span));
    stream::unfold(replies, |mut replies| async move { Some((replies.recv().await?, replies)) }).boxed()
}

fn read_keys(invocation: &Invocation, identifier: &[u8]) -> Result<Keys, KeyError> {
    let peer = invocation.peer().map(|peer| &peer.query);
    let encoding = invocation.presentation_context.transfer_syntax.encoding();
    let assumed = peer.and_then(|peer| peer.character_set.as_ref());
    let identifier = Identifier::read(identifier, encoding, assumed)?;
    let always = peer.is_some_and(|peer| peer.relational == Relational::Always);
    let tolerance = Tolerance {
        relational: invocation.options.relational || always,
        lenient: peer.is_some_and(|peer| peer.lenient),
    };
    keys::read(&identifier, invocation.class.model, tolerance)
}
