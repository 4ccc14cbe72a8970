//! Performed procedure steps and where they go on to.

use super::{count, worklist::Typed};
use crate::config_file::{self, Body, Document, File, KeyPath, Problem, Requirements, SinkType, Update};
use bridge::config::{BackOff, MissingBirthDate, Mpps, MppsRequirements, MppsSink, MppsSinkKind};
use dicomweb::performed_procedure::{Payload, UpdateForm};
use std::time::Duration;

/// After a call of unknown outcome, where the file does not say.
const LOOK_UP_AFTER: Duration = Duration::from_secs(60);

/// What is accepted of performed procedure steps; none where the file says nothing about them.
///
/// # Errors
/// The first problem.
pub(super) fn mpps(file: &File, document: &Document) -> Result<Option<Mpps>, Problem> {
    if !document.holds(&"mpps".into()) && file.mpps_sink.is_empty() {
        return Ok(None);
    }
    let written = &file.mpps;
    Ok(Some(Mpps {
        sinks: sinks(file, document)?,
        requirements: match written.requirements {
            Requirements::TypeOne => MppsRequirements::TypeOne,
            Requirements::All => MppsRequirements::All,
        },
        update_worklist: written.update_worklist,
        data_set_max: usize::try_from(written.data_set_max.0).unwrap_or(usize::MAX),
        workers: count(written.workers),
        lease: written.lease.0,
        back_off: BackOff {
            min: written.back_off.min.0,
            max: written.back_off.max.0,
            jitter: written.back_off.jitter,
        },
        refusals_max: written.refusals_max,
        retention: written.retention.0,
    }))
}

fn sinks(file: &File, document: &Document) -> Result<Vec<MppsSink>, Problem> {
    let all = file.mpps_sink.iter().map(|(name, written)| Ok((name, sink(name, written, document)?)));
    let all: Vec<(&String, MppsSink)> = all.collect::<Result<_, Problem>>()?;
    let Some(named) = &file.mpps.sinks else {
        return Ok(all.into_iter().map(|(_, sink)| sink).collect());
    };
    let path = KeyPath::from("mpps.sinks");
    let of_name = |(index, name): (usize, &String)| {
        let known = all.iter().find(|(known, _)| *known == name).map(|(_, sink)| sink.clone());
        let path = if named.0.len() > 1 { path.index(index) } else { path.clone() };
        known.ok_or_else(|| document.problem(&path, format!("there is no [mpps_sink.{name}]")))
    };
    named.0.iter().enumerate().map(of_name).collect()
}

fn sink(name: &str, written: &config_file::MppsSink, document: &Document) -> Result<MppsSink, Problem> {
    let (word, meant) = match written.r#type {
        SinkType::MppsRs => ("mpps-rs", &["origin", "update", "payload"][..]),
        SinkType::PostDicom => ("postdicom", &["origin", "missing_birth_date", "look_up_after"][..]),
        SinkType::Dimse => ("dimse", &["peer"][..]),
    };
    let of = Typed { document, path: KeyPath::from("mpps_sink").key(name), word };
    of.only(meant, &["origin", "peer", "update", "payload", "missing_birth_date", "look_up_after"])?;
    let kind = match written.r#type {
        SinkType::MppsRs => MppsSinkKind::MppsRs {
            origin: of.needed("origin", written.origin.as_ref())?.clone(),
            update: match written.update {
                Some(Update::Query) | None => UpdateForm::Query,
                Some(Update::Path) => UpdateForm::Path,
            },
            payload: match written.payload {
                Some(Body::Object) | None => Payload::Object,
                Some(Body::Array) => Payload::Array,
            },
        },
        SinkType::PostDicom => MppsSinkKind::PostDicom {
            origin: of.needed("origin", written.origin.as_ref())?.clone(),
            birth_date: match written.missing_birth_date {
                Some(date) => MissingBirthDate::Placeholder(date.0),
                None => MissingBirthDate::Reject,
            },
            look_up_after: written.look_up_after.map_or(LOOK_UP_AFTER, |after| after.0),
        },
        SinkType::Dimse => MppsSinkKind::Dimse { peer: of.needed("peer", written.peer.as_ref())?.0.clone() },
    };
    Ok(MppsSink { name: name.to_owned(), kind })
}
