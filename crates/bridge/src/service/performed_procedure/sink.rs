//! Where steps go on to: the seam, and its implementations.

mod dimse;
mod mpps_rs;
mod postdicom;
mod worklist;

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;

pub(crate) use self::worklist::Follower;
pub(super) use self::worklist::{BY_ENTRY, ENTRIES};
use super::{WORKLIST, report::Report};
use crate::{
    config::{Config, MppsSinkKind},
    snapshot::Origin,
};

/// Where steps go on to.
#[async_trait]
pub(crate) trait Sink: Send + Sync {
    /// Delivers a report. Those of one step come one at a time, in order, and the next one only when this one
    /// was delivered.
    async fn deliver(&self, report: &Report, known: Known) -> Outcome;
}

/// What is known beside a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    /// Of an earlier attempt to deliver it.
    pub(crate) earlier: Earlier,
    /// Whether a step that it names is on the worklist. Of an N-CREATE only.
    pub(crate) is_scheduled: bool,
}

/// What is known of an earlier attempt to deliver the same report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Earlier {
    /// There was none, or it had no effect.
    NoEffect,
    /// There was one whose outcome is not known.
    OutcomeUnknown,
}

/// What came of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The sink has it, or needs nothing of it.
    Delivered,
    /// It had no effect; to be tried again.
    NoEffect {
        /// Not before so long, where the sink said so.
        after: Option<Duration>,
        /// Whether it was a refusal, of which only some are borne.
        refused: bool,
        /// Why, in words.
        reason: String,
    },
    /// It may have had an effect; to be looked at again.
    Unknown {
        /// Not before so long.
        after: Option<Duration>,
        /// Whether it was a refusal, of which only some are borne.
        refused: bool,
        /// Why, in words.
        reason: String,
    },
    /// A person has to look at it.
    Held {
        /// Why, in words.
        reason: String,
    },
}

impl Outcome {
    fn held(reason: impl Into<String>) -> Self {
        Self::Held { reason: reason.into() }
    }

    fn not_sent(reason: impl Into<String>) -> Self {
        Self::NoEffect { after: None, refused: false, reason: reason.into() }
    }

    fn unknown(reason: impl Into<String>) -> Self {
        Self::Unknown { after: None, refused: false, reason: reason.into() }
    }
}

/// The sinks of a configuration, by name.
pub(crate) struct Sinks(HashMap<String, Arc<dyn Sink>>);

impl std::fmt::Debug for Sinks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Sinks {
    /// The sinks of a configuration that was checked.
    pub(crate) fn new(config: &Config, origins: &HashMap<String, Arc<Origin>>) -> Self {
        let mut sinks: HashMap<String, Arc<dyn Sink>> = HashMap::new();
        for sink in config.mpps.iter().flat_map(|mpps| &mpps.sinks) {
            let made: Option<Arc<dyn Sink>> = match &sink.kind {
                MppsSinkKind::MppsRs { origin, update, payload } => origins.get(origin).map(|origin| {
                    let (client, update, payload) = (origin.client.clone(), *update, *payload);
                    Arc::new(mpps_rs::MppsRs { client, update, payload }) as Arc<dyn Sink>
                }),
                MppsSinkKind::Dimse { peer } => dimse::Peer::of(config, peer).map(|peer| Arc::new(peer) as _),
                MppsSinkKind::PostDicom { origin, birth_date, look_up_after } => {
                    let account = origins.get(origin).and_then(|origin| origin.postdicom.as_ref());
                    account.and_then(|account| {
                        postdicom::Orders::of(config, account, *birth_date, *look_up_after)
                            .map(|orders| Arc::new(orders) as Arc<dyn Sink>)
                    })
                }
            };
            sinks.extend(made.map(|made| (sink.name.clone(), made)));
        }
        Self(sinks)
    }

    /// Sinks that a test has made.
    #[cfg(test)]
    pub(super) fn of(sinks: impl IntoIterator<Item = (String, Arc<dyn Sink>)>) -> Self {
        Self(sinks.into_iter().collect())
    }

    /// The sink of this name, if it is configured.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<dyn Sink>> {
        self.0.get(name).cloned()
    }

    /// A name as a label of metrics: only those of the configuration.
    pub(crate) fn label(&self, name: &str) -> String {
        let is_known = name == WORKLIST || self.0.contains_key(name);
        if is_known { name.to_owned() } else { crate::metrics::OTHER.to_owned() }
    }
}
