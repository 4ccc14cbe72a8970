//! From the configuration to sources that can be asked.

use std::{collections::HashMap, sync::Arc, time::Duration};

use instance::AeTitle;
use jiff::tz::TimeZone;

use super::source::{self, Source};
use crate::{
    config::{Config, ConfigError, Worklist, WorklistSource, WorklistSourceKind},
    snapshot::StartError,
};

/// From the end of one look at a folder to the next: a listing costs no more than a directory entry for each
/// file.
const FOLDER_REFRESH: Duration = Duration::from_secs(2);

/// A worklist as configured, ready to be run.
#[derive(Default)]
pub(crate) struct Setup {
    pub(crate) config: Worklist,
    pub(crate) feeds: Vec<Feed>,
    /// The sources of each AE title under which not all of the worklist is shown.
    pub(crate) views: HashMap<AeTitle, View>,
}

/// The names of sources, merged in this order.
pub(crate) type View = Arc<[Arc<str>]>;

/// A source, and when it is asked.
#[derive(Clone)]
pub(crate) struct Feed {
    pub(crate) name: Arc<str>,
    pub(crate) source: Arc<dyn Source>,
    pub(crate) refresh: Duration,
    pub(crate) time_zone: TimeZone,
}

impl Setup {
    /// Makes the clients of all sources.
    pub(crate) fn new(config: &Config) -> Result<Self, StartError> {
        let worklist = config.worklist.clone();
        let feeds = worklist.sources.iter().map(|source| feed(config, source)).collect::<Result<_, _>>()?;
        let narrowed = config.served.iter().filter(|served| !served.worklist.is_empty());
        let view = |names: &[String]| names.iter().map(|name| name.as_str().into()).collect();
        let views = narrowed.map(|served| (served.title.clone(), view(&served.worklist))).collect();
        Ok(Self { config: worklist, feeds, views })
    }
}

impl Setup {
    /// The sources that are shown under a title, or without one all, in the order in which they are merged.
    pub(crate) fn shown(&self, called: Option<&AeTitle>) -> impl Iterator<Item = &Feed> {
        let view = called.and_then(|title| self.views.get(title));
        let all = self.feeds.iter().filter(move |_| view.is_none());
        let named = view.into_iter().flat_map(|names| names.iter());
        all.chain(named.filter_map(|name| self.feeds.iter().find(|feed| feed.name == *name)))
    }
}

fn feed(config: &Config, source: &WorklistSource) -> Result<Feed, StartError> {
    let WorklistSource { name, kind, refresh, time_zone } = source;
    let usual = match kind {
        WorklistSourceKind::Folder { .. } => FOLDER_REFRESH.min(config.worklist.refresh),
        _ => config.worklist.refresh,
    };
    Ok(Feed {
        name: name.as_str().into(),
        source: asked(config, source)?,
        refresh: refresh.unwrap_or(usual),
        time_zone: time_zone.clone().unwrap_or_else(|| config.worklist.time_zone.clone()),
    })
}

fn asked(config: &Config, source: &WorklistSource) -> Result<Arc<dyn Source>, StartError> {
    let WorklistSource { name, kind, time_zone, .. } = source;
    let fault =
        |key: &str, message: String| ConfigError { key: format!("worklist_source.{name}.{key}"), message };
    Ok(match kind {
        WorklistSourceKind::Folder { directory, character_set } => {
            Arc::new(source::folder::Folder::new(directory.clone(), character_set.clone()))
        }
        WorklistSourceKind::PostDicom { origin, with_images, properties_max } => {
            let known = config.origins.iter().find(|known| known.name == *origin);
            let account = known.and_then(|known| known.postdicom.as_ref().zip(known.account()));
            let (postdicom, client) =
                account.ok_or_else(|| fault("origin", format!("there is no [origin.{origin}.postdicom]")))?;
            let client = ::postdicom::Client::new(client).map_err(|source| StartError::WorklistSource {
                source_name: name.to_owned(),
                reason: source.to_string(),
            })?;
            Arc::new(source::postdicom::PostDicom::new(
                client,
                postdicom.institutions.clone(),
                *with_images,
                *properties_max,
            ))
        }
        WorklistSourceKind::MwlRs { origin } => {
            Arc::new(source::mwl_rs::MwlRs::new(dicom_web(config, name, origin)?))
        }
        WorklistSourceKind::UpsRs { origin, workitems_max } => {
            let equipment = config.worklist.equipment.iter().map(|known| known.uuid.clone()).collect();
            let time_zone = time_zone.clone().unwrap_or_else(|| config.worklist.time_zone.clone());
            let client = dicom_web(config, name, origin)?;
            Arc::new(source::ups_rs::UpsRs::new(client, equipment, time_zone, *workitems_max))
        }
        WorklistSourceKind::Dimse { peer } => {
            let known = config.peers.iter().find(|known| known.ae_title == *peer);
            let known =
                known.ok_or_else(|| fault("peer", format!("there is no [[peer]] with ae_title {peer}")))?;
            let address = known
                .address
                .clone()
                .ok_or_else(|| fault("peer", format!("the peer {peer} needs an address to be asked")))?;
            let calling = config
                .served
                .first()
                .map(|served| served.title.clone())
                .ok_or_else(|| fault("peer", "at least one AE title must be served".to_owned()))?;
            let character_set = known.query.character_set.clone();
            Arc::new(source::dimse::Peer::new(peer.clone(), calling, address, character_set))
        }
    })
}

/// A client of its own for the worklist, so that its requests do not wait for those of queries.
fn dicom_web(config: &Config, name: &str, origin: &str) -> Result<dicomweb::Client, StartError> {
    let known = config.origins.iter().find(|known| known.name == origin).ok_or_else(|| ConfigError {
        key: format!("worklist_source.{name}.origin"),
        message: format!("there is no origin {origin}"),
    })?;
    dicomweb::Client::new(known.client.clone()).map_err(|source| StartError::WorklistSource {
        source_name: name.to_owned(),
        reason: source.to_string(),
    })
}
