//! Queries and retrieves: what was written for all, for an AE title and for a peer.

use crate::config_file::{self, Document, File, KeyPath, Problem};
use bridge::{
    config::{OnUnmappable, PeerQuery, PeerRetrieve, Query, Relational, Retrieve, UnsupportedKeys, WarnFf01},
    transcode::Limits,
};
use dataset::character_set::CharacterSet;

/// Where queries go and what they may cost.
pub(super) fn query(file: &File) -> Query {
    let written = &file.query;
    Query {
        origins: written.origin.0.clone(),
        results_max: super::count(written.results_max),
        rows_max: super::count(written.rows_max),
        requests_max: super::count(written.requests_max),
        count_related: written.count_related,
        count_rows_max: super::count(written.count_rows_max),
        look_ups_max: super::count(written.look_ups_max),
        pending_visible: written.pending_visible,
        pending_max: super::count(written.pending_max),
        identifier_max: usize::try_from(written.identifier_max.0).unwrap_or(usize::MAX),
    }
}

/// How retrieves are carried out.
pub(super) fn retrieve(file: &File) -> Retrieve {
    let written = &file.retrieve;
    let limits = &written.transcode_limits;
    Retrieve {
        stall: written.stall.0,
        requests: super::count(written.requests),
        associations: super::count(written.associations),
        response: written.response.0,
        pending_interval: written.pending_interval.0,
        instances_max: super::count(written.instances_max),
        transcode: written.transcode,
        transcode_limits: Limits {
            children_max: super::count(limits.children_max),
            memory_max: limits.memory_max.0,
            frame_length_max: limits.frame_length_max.0,
            length_max: limits.length_max.0,
            kept_back_max: limits.kept_back_max.0,
            processor_time_max: limits.processor_time_max.0,
            stall_max: limits.stall_max.0,
        },
        ..Retrieve::default()
    }
}

/// What a peer needs in queries and retrieves.
///
/// # Errors
/// A character set that is none.
pub(super) fn of_peer(
    peer: &config_file::Peer,
    path: &KeyPath,
    document: &Document,
) -> Result<(PeerQuery, PeerRetrieve), Problem> {
    let query = PeerQuery {
        character_set: character_set(&peer.character_set.0)
            .map_err(|message| document.problem(&path.key("character_set"), message))?,
        on_unmappable: match peer.on_unmappable {
            config_file::OnUnmappable::Utf8 => OnUnmappable::Utf8,
            config_file::OnUnmappable::Replace => OnUnmappable::Replace,
        },
        relational: match peer.relational {
            config_file::Relational::Negotiated => Relational::Negotiated,
            config_file::Relational::Always => Relational::Always,
        },
        unsupported_keys: match peer.unsupported_keys {
            config_file::UnsupportedKeys::Omit => UnsupportedKeys::Omit,
            config_file::UnsupportedKeys::Empty => UnsupportedKeys::Empty,
        },
        warn_ff01: if peer.warn_ff01 { WarnFf01::Yes } else { WarnFf01::No },
        lenient: peer.lenient,
    };
    let retrieve = PeerRetrieve {
        associations: peer.retrieve.associations.map(super::count),
        stall: peer.retrieve.stall.map(|stall| stall.0),
        transcode: peer.retrieve.transcode,
    };
    Ok((query, retrieve))
}

/// The values of Specific Character Set; none is no assumption.
pub(super) fn character_set(values: &[String]) -> Result<Option<CharacterSet>, String> {
    if values.is_empty() {
        return Ok(None);
    }
    let set = values.join("\\").parse::<CharacterSet>();
    set.map(Some).map_err(|error| format!("{error}; write one such as \"ISO_IR 100\", or several as a list"))
}
