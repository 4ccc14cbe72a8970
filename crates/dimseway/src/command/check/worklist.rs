//! Whether the sources of the worklist answer, and the sinks of performed procedure steps are there.

use super::{Verdict, join, refused};
use crate::{
    configuration::Configuration,
    exit::in_one_line,
    requestor::{self, Callee},
};
use bridge::{
    config::{MppsSink, MppsSinkKind},
    worklist::{ProbedList, Worklist},
};
use dicomweb::Client;
use instance::{TransferSyntax, Uid, transfer_syntax::IMPLICIT_VR_LITTLE_ENDIAN};
use std::time::Instant;

/// Modality Performed Procedure Step SOP Class (PS3.4 §F.7.1).
const PERFORMED_PROCEDURE_STEP: &str = "1.2.840.10008.3.1.2.3.3";

/// A step that nobody has.
const NOBODYS: &str = "2.25.0";

/// Asks every source once, as a refresh does, and every sink whether it is there; nothing is kept or changed.
/// The lines to print.
pub(super) async fn verdicts(configuration: &Configuration) -> Vec<(String, Verdict)> {
    let mut verdicts = Vec::new();
    match Worklist::probe(&configuration.bridge).await {
        Ok(probed) => verdicts.extend(probed.into_iter().map(|probed| {
            let verdict = match probed.answer {
                Ok(list) => Verdict::Good(in_words(&list)),
                Err(error) => {
                    let error = anyhow::Error::new(error);
                    let keys = format!("worklist_source.{}", probed.source);
                    Verdict::Bad(format!("{}; look at `{keys}` and what it names", in_one_line(&error)))
                }
            };
            (format!("worklist source {}", probed.source), verdict)
        })),
        Err(error) => verdicts.push(("worklist".to_owned(), Verdict::Bad(error.to_string()))),
    }
    for sink in configuration.bridge.mpps.iter().flat_map(|mpps| &mpps.sinks) {
        verdicts.push((format!("mpps sink {}", sink.name), ask(configuration, sink).await));
    }
    verdicts
}

fn in_words(list: &ProbedList) -> String {
    let mut words = format!("answers with {} entries", list.entries);
    for (reason, orders) in &list.left_out {
        words.push_str(&format!(", {orders} left out ({})", reason.as_str().replace('_', " ")));
    }
    if list.unreadable > 0 {
        words.push_str(&format!(", {} unreadable", list.unreadable));
    }
    words
}

async fn ask(configuration: &Configuration, sink: &MppsSink) -> Verdict {
    let config = &configuration.bridge;
    match &sink.kind {
        MppsSinkKind::PostDicom { origin, .. } => {
            Verdict::Untested(format!("makes orders; see the account of origin {origin}"))
        }
        MppsSinkKind::MppsRs { origin, .. } => {
            let known = config.origins.iter().find(|known| known.name == *origin);
            match known.map(|known| Client::new(known.client.clone())) {
                Some(Ok(client)) => look_up(&client).await,
                Some(Err(error)) => Verdict::Bad(error.to_string()),
                None => Verdict::Bad(format!("there is no origin {origin}")),
            }
        }
        MppsSinkKind::Dimse { peer } => {
            let known = config.peers.iter().find(|known| known.ae_title == *peer);
            let address = known.and_then(|known| known.address.as_ref());
            let (Some(address), Some(served)) = (address, config.served.first()) else {
                return Verdict::Bad(format!("the peer {peer} has no address"));
            };
            negotiate(&Callee {
                called: peer.clone(),
                address: join(&address.host, address.port),
                calling: served.title.clone(),
            })
            .await
        }
    }
}

/// Asks for a step that nobody has: servers without the resource answer 404 too, which only a report shows.
async fn look_up(client: &Client) -> Verdict {
    // INVARIANT: the literal is a UID.
    #[expect(clippy::expect_used, reason = "a literal")]
    let uid: Uid = NOBODYS.parse().expect("a UID");
    let started = Instant::now();
    match client.performed_procedure_step(&uid).await {
        Ok(_) => Verdict::Good(format!("a step that nobody has is answered in {:.1?}", started.elapsed())),
        Err(error) => Verdict::Bad(refused(&error)),
    }
}

/// Proposes the SOP Class to a peer.
async fn negotiate(callee: &Callee) -> Verdict {
    // INVARIANT: the literals are UIDs.
    #[expect(clippy::expect_used, reason = "literals")]
    let (class, syntax): (Uid, Uid) =
        (PERFORMED_PROCEDURE_STEP.parse().expect("a UID"), IMPLICIT_VR_LITTLE_ENDIAN.parse().expect("a UID"));
    let syntax = TransferSyntax::new(syntax);
    match requestor::open(callee, &[(class.clone(), syntax.clone())]).await {
        Ok(association) => {
            let accepted = association.contexts().find(&class, &syntax).is_some();
            // What was asked is answered; how the association ends says nothing about it.
            let _ = association.release().await;
            match accepted {
                true => Verdict::Good("accepts Modality Performed Procedure Step".to_owned()),
                false => Verdict::Bad("does not accept Modality Performed Procedure Step".to_owned()),
            }
        }
        Err(error) => Verdict::Bad(in_one_line(&error)),
    }
}
