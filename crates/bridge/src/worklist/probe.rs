//! Looking at a worklist without running it: its sources asked once, or what the documents keep of it.

use std::sync::Arc;

use futures::future::join_all;
use spool::Documents;
use tokio::time::timeout;

use super::{LeftOut, Setup, SourceError, Worklist, refresh, source::Wanted};
use crate::{Metrics, StartError, config::Config};

/// What a source answered.
#[derive(Debug)]
pub struct Probed {
    /// Its name.
    pub source: String,
    /// What it gave for the days that are kept.
    pub answer: Result<ProbedList, SourceError>,
}

/// What a source gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbedList {
    /// Entries that it would add to the worklist.
    pub entries: usize,
    /// Orders that would be left out, by reason.
    pub left_out: Vec<(LeftOut, usize)>,
    /// Files or answers that could not be read.
    pub unreadable: usize,
}

impl Worklist {
    /// Asks every source of a configuration once for the days that are kept, all at the same time, and keeps
    /// nothing of it.
    ///
    /// # Errors
    /// A configuration that cannot be put to use.
    pub async fn probe(config: &Config) -> Result<Vec<Probed>, StartError> {
        let setup = Setup::new(config)?;
        let config = &setup.config;
        let today = refresh::today(config);
        let (from, to) = refresh::window(config, today);
        let wanted = Wanted::between(from, to, config.orders_max);
        let asked = setup.feeds.iter().map(async |feed| {
            let fetched = timeout(config.refresh_timeout, feed.source.fetch(&wanted)).await;
            let answer = fetched.unwrap_or(Err(SourceError::Timeout)).map(|fetched| {
                refresh::complete(fetched.unwrap_or_default(), feed, config, today, (Some(from), Some(to)))
                    .into()
            });
            Probed { source: feed.name.to_string(), answer }
        });
        Ok(join_all(asked).await)
    }

    /// The worklist as the documents keep it, to be shown. No source is asked.
    ///
    /// # Errors
    /// A configuration that cannot be put to use.
    pub async fn kept(
        config: &Config,
        documents: Arc<dyn Documents>,
        metrics: Arc<Metrics>,
    ) -> Result<Self, StartError> {
        let worklist = Self::new(documents, metrics, Setup::new(config)?);
        worklist.load().await;
        Ok(worklist)
    }
}
