//! The configuration file: what was written, before the bridge's own configuration is made of it.
//!
//! The types here are the reference: their comments, defaults and examples become
//! `docs/configuration.md` and the example file.

mod auth;
mod azure;
mod capabilities;
mod clock;
mod document;
mod intake;
mod later;
mod mpps;
mod operation;
mod origin;
pub(crate) mod postdicom;
mod pull;
mod query;
mod rate_limit;
mod reference;
mod routing;
mod units;
mod values;
mod web;
mod worklist;

pub(crate) use auth::{Algorithm, AuthType, SecretPlace, StreamedBody};
pub(crate) use azure::{Azure, Version as AzureVersion};
pub(crate) use capabilities::{
    Attribute, AttributePath, Attributes, Capabilities, ChangeFeed, IncludeField, Level, Lookup,
    Paths as PathsOverride, PersonNames, Retrieve as RetrieveOverride, Search as SearchOverride, StoreForm,
    StoreMethod, TransferSyntaxes, Values, Worklist as WorklistOverride,
};
pub(crate) use clock::{ClockTime, ZoneName};
pub(crate) use document::{Document, KeyPath, Problem};
pub(crate) use intake::{Ae, Allow, Dimse, Peer, UnknownPeers};
pub(crate) use mpps::{Body, Mpps, MppsSink, Requirements, SinkType, Update};
pub(crate) use operation::{Admin, BackOff, Forward, Log, LogFormat, Spool};
pub(crate) use origin::{Duplicate, Origin, StoreResponse};
pub(crate) use pull::{Pull, PullMethod};
pub(crate) use query::{OnUnmappable, PeerRetrieve, Query, Relational, Retrieve, UnsupportedKeys};
pub(crate) use rate_limit::{Day, RateLimit};
pub(crate) use reference::{example, reference, schema};
pub(crate) use routing::{Acknowledge, Match, Route, Routing, Unrouted};
pub(crate) use units::{Size, Span};
pub(crate) use values::{HeaderValue, HostPort, ListenAddress, Network, OneOrMany, Parsed};
pub(crate) use web::Web;
pub(crate) use worklist::{
    Discontinued, Equipment, MissingStart, SourceType, Unassigned, Worklist, WorklistFallback, WorklistSource,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, io::Read as _, path::Path};

/// Bytes of the largest configuration file: 10,000 peers of 400 bytes.
const FILE_LENGTH_MAX: u64 = 4 << 20;

/// Everything that a configuration file may say.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct File {
    pub(crate) dimse: Dimse,
    pub(crate) ae: Vec<Ae>,
    pub(crate) peer: Vec<Peer>,
    pub(crate) origin: BTreeMap<String, Origin>,
    pub(crate) route: Vec<Route>,
    pub(crate) routing: Routing,
    pub(crate) query: Query,
    pub(crate) retrieve: Retrieve,
    pub(crate) worklist: Worklist,
    pub(crate) worklist_source: BTreeMap<String, WorklistSource>,
    pub(crate) equipment: Vec<Equipment>,
    pub(crate) mpps: Mpps,
    pub(crate) mpps_sink: BTreeMap<String, MppsSink>,
    pub(crate) web: Web,
    pub(crate) spool: Spool,
    pub(crate) forward: Forward,
    pub(crate) pull: Vec<Pull>,
    pub(crate) admin: Admin,
    pub(crate) log: Log,
}

impl File {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// The first problem in the file: it is absent, is no TOML, has a key that is unknown or not
    /// served by this version, or a value of the wrong type.
    pub(crate) fn read(path: &Path) -> Result<(Self, Document), Problem> {
        let whole =
            |message: String| Problem { file: path.to_owned(), line: None, key: String::new(), message };
        let unreadable = |error: std::io::Error| whole(format!("cannot be read: {error}"));
        let mut text = String::new();
        // What is no regular file does not say how long it is.
        let file = std::fs::File::open(path).map_err(unreadable)?;
        file.take(FILE_LENGTH_MAX + 1).read_to_string(&mut text).map_err(unreadable)?;
        if text.len() as u64 > FILE_LENGTH_MAX {
            return Err(whole(format!("has more than {FILE_LENGTH_MAX} bytes")));
        }
        Self::parse(Document::new(path.to_owned(), text))
    }

    /// Reads a document.
    ///
    /// # Errors
    /// As [`File::read`].
    pub(crate) fn parse(document: Document) -> Result<(Self, Document), Problem> {
        later::refuse(&document)?;
        match toml::from_str(document.text()) {
            Ok(file) => Ok((file, document)),
            Err(error) => Err(document.toml_problem(&error)),
        }
    }
}

#[cfg(test)]
mod tests;
