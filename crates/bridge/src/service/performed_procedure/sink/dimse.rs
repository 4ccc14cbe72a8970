//! `dimse`: N-CREATE and N-SET to a peer (PS3.4 §F.7).

use async_trait::async_trait;
use bytes::Bytes;
use dataset::identifier::{OnUnmappable, encode_for};
use dimse::{
    Error, Status,
    acse::sop_class::MODALITY_PERFORMED_PROCEDURE_STEP,
    association::Settings,
    command::Response,
    requestor::{self, Proposal, RequestorAssociation},
    socket::QuickAck,
};
use instance::{
    AeTitle, TransferSyntax, Uid,
    transfer_syntax::{EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN},
};

use super::{Earlier, Known, Outcome, Sink};
use crate::{
    config::{Config, PeerAddress},
    forward::peer::connect,
    service::performed_procedure::report::Report,
};

/// (0000,0903) Error ID of a step that may no longer be updated (PS3.4 §F.7.2.2.4).
const MAY_NO_LONGER_BE_UPDATED: u16 = 0xA710;

/// A peer that is told of steps.
pub(super) struct Peer {
    address: PeerAddress,
    called: AeTitle,
    calling: AeTitle,
    on_unmappable: OnUnmappable,
}

impl Peer {
    /// The peer of a configuration; none where it has no address.
    pub(super) fn of(config: &Config, title: &AeTitle) -> Option<Self> {
        let peer = config.peers.iter().find(|peer| peer.ae_title == *title)?;
        Some(Self {
            address: peer.address.clone()?,
            called: title.clone(),
            calling: config.served.first()?.title.clone(),
            on_unmappable: OnUnmappable::default(),
        })
    }

    async fn associate(&self) -> Result<RequestorAssociation<QuickAck>, Outcome> {
        let stream = connect(&self.address)
            .await
            .map_err(|error| Outcome::not_sent(format!("the peer does not take a connection: {error}")))?;
        let syntax = |uid: &str| uid.parse().ok().map(TransferSyntax::new);
        let syntaxes =
            [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN].into_iter().filter_map(syntax).collect();
        let class: Option<Uid> = MODALITY_PERFORMED_PROCEDURE_STEP.parse().ok();
        let proposal = Proposal {
            presentation_contexts: class.map(|class| (class, syntaxes)).into_iter().collect(),
            ..Proposal::new(self.called.clone(), self.calling.clone())
        };
        requestor::request(stream, &proposal, Settings::default())
            .await
            .map_err(|error| Outcome::not_sent(format!("no association: {error}")))
    }
}

#[async_trait]
impl Sink for Peer {
    async fn deliver(&self, report: &Report, known: Known) -> Outcome {
        let mut association = match self.associate().await {
            Ok(association) => association,
            Err(outcome) => return outcome,
        };
        let is_step = |context: &&dimse::association::PresentationContext| {
            context.abstract_syntax.as_str() == MODALITY_PERFORMED_PROCEDURE_STEP
        };
        let Some(context) = association.contexts().iter().find(is_step).cloned() else {
            let _ = association.release().await;
            return Outcome::held("the peer does not accept Modality Performed Procedure Step");
        };
        let encoding = context.transfer_syntax.encoding();
        let written = encode_for(&report.list, encoding, &report.character_set, self.on_unmappable);
        let list = Bytes::from(written.bytes);
        let uid = report.sop_instance_uid.clone();
        let performed = if report.is_create() {
            association.n_create(&context, Some(uid), Some(list)).await
        } else {
            association.n_set(&context, uid, list).await
        };
        match performed {
            Ok((response, _)) => {
                // The answer is there; how the association ends changes nothing.
                let _ = association.release().await;
                of_response(report, known.earlier, &response)
            }
            Err(error) => of_error(&error),
        }
    }
}

fn of_error(error: &Error) -> Outcome {
    match error {
        Error::PeerIncompatible(_) => Outcome::held(error.to_string()),
        _ => Outcome::unknown(error.to_string()),
    }
}

fn of_response(report: &Report, earlier: Earlier, response: &Response) -> Outcome {
    let status = response.status;
    let repeated = earlier == Earlier::OutcomeUnknown;
    let may_no_longer = response.error_id == Some(MAY_NO_LONGER_BE_UPDATED);
    let reason = format!("the peer answered {status}");
    match status {
        _ if status.is_done() => Outcome::Delivered,
        // The attempt before has done it, and only its answer was lost.
        Status::DUPLICATE_SOP_INSTANCE if repeated && report.is_create() => Outcome::Delivered,
        Status::PROCESSING_FAILURE if repeated && may_no_longer && report.status.is_final() => {
            Outcome::Delivered
        }
        Status::PROCESSING_FAILURE if may_no_longer => Outcome::held(reason),
        Status::RESOURCE_LIMITATION | Status::OUT_OF_RESOURCES => {
            Outcome::NoEffect { after: None, refused: false, reason }
        }
        Status::PROCESSING_FAILURE => Outcome::NoEffect { after: None, refused: true, reason },
        _ => Outcome::held(reason),
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use dataset::{character_set::CharacterSet, json::Item};
    use dimse::command::Operation;

    use super::*;
    use crate::service::performed_procedure::step;

    fn report(number: u32, status: step::Status) -> Report {
        Report {
            sink: "ris".into(),
            sop_instance_uid: "1.2.3".parse().unwrap(),
            number,
            status,
            character_set: CharacterSet::default(),
            accepted_at: SystemTime::now(),
            list: Item::new(),
        }
    }

    #[test]
    fn answers_of_a_peer_have_their_outcomes() {
        use Earlier::{NoEffect, OutcomeUnknown};
        let (create, set, last) = (
            report(1, step::Status::InProgress),
            report(2, step::Status::InProgress),
            report(3, step::Status::Completed),
        );
        #[derive(Debug, PartialEq)]
        enum Kind {
            Delivered,
            Again { refused: bool },
            Held,
        }
        let cases = [
            (&create, NoEffect, 0x0000, None, Kind::Delivered),
            (&set, NoEffect, 0x0107, None, Kind::Delivered),
            (&create, NoEffect, 0x0111, None, Kind::Held),
            (&create, OutcomeUnknown, 0x0111, None, Kind::Delivered),
            (&set, OutcomeUnknown, 0x0111, None, Kind::Held),
            (&set, NoEffect, 0x0112, None, Kind::Held),
            (&set, NoEffect, 0x0110, None, Kind::Again { refused: true }),
            (&set, NoEffect, 0x0110, Some(0xA710), Kind::Held),
            (&set, OutcomeUnknown, 0x0110, Some(0xA710), Kind::Held),
            (&last, NoEffect, 0x0110, Some(0xA710), Kind::Held),
            (&last, OutcomeUnknown, 0x0110, Some(0xA710), Kind::Delivered),
            (&create, NoEffect, 0x0213, None, Kind::Again { refused: false }),
            (&create, NoEffect, 0xA700, None, Kind::Again { refused: false }),
            (&create, NoEffect, 0x0120, None, Kind::Held),
            (&create, NoEffect, 0x0124, None, Kind::Held),
        ];
        for (report, earlier, status, error_id, expected) in cases {
            let mut response = Response::new(Operation::NSet, 1, Status(status));
            response.error_id = error_id;
            let kind = match of_response(report, earlier, &response) {
                Outcome::Delivered => Kind::Delivered,
                Outcome::NoEffect { refused, .. } => Kind::Again { refused },
                Outcome::Held { .. } => Kind::Held,
                unknown @ Outcome::Unknown { .. } => panic!("{unknown:?}"),
            };
            assert_eq!(kind, expected, "{status:04X} {earlier:?} of report {}", report.number);
        }
    }
}
