//! Asking the sources for what is not here.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;
use instance::AeTitle;
use tokio::time::timeout;

use super::{Entry, Inner, SourceError, Wanted, Worklist, refresh, setup::Feed};

/// Why a look-up found out nothing from a source.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookUpError {
    /// Too many others are under way.
    #[error("too many look-ups at the same time")]
    TooMany,
    /// A source did not answer.
    #[error("{feed}: {error}")]
    Source {
        /// The name of the source.
        feed: Arc<str>,
        /// Why.
        error: SourceError,
    },
}

impl Worklist {
    /// Asks the sources that are shown under a title, or without one all, at the same time, for at most [`look_up_timeout`](crate::config::Worklist). The entries
    /// that were found, those of earlier sources first, and the first failure.
    pub(crate) async fn look_up(
        &self,
        called: Option<&AeTitle>,
        wanted: &Wanted,
    ) -> (Vec<Arc<Entry>>, Option<LookUpError>) {
        let inner = &self.inner;
        let Ok(_turn) = inner.look_ups.try_acquire() else { return (Vec::new(), Some(LookUpError::TooMany)) };
        let setup = inner.setup.load_full();
        let patience = setup.config.look_up_timeout;
        let answers = setup.shown(called).map(|feed| inner.look_up_at(feed, wanted, patience));
        let (mut entries, mut failure) = (Vec::new(), None);
        for answer in join_all(answers).await {
            match answer {
                Ok(found) => entries.extend(found.iter().cloned()),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        inner.remember(&entries);
        (entries, failure)
    }

    /// Whether all of what is wanted is among what is kept: its days are in the window.
    pub(crate) fn keeps(&self, wanted: &Wanted) -> bool {
        let setup = self.inner.setup.load();
        let (first, last) = refresh::window(&setup.config, refresh::today(&setup.config));
        wanted.from.is_some_and(|from| from >= first) && wanted.to.is_some_and(|to| to <= last)
    }
}

impl Inner {
    async fn look_up_at(
        &self,
        feed: &Feed,
        wanted: &Wanted,
        patience: Duration,
    ) -> Result<Arc<Vec<Arc<Entry>>>, LookUpError> {
        let fetched = timeout(patience, feed.source.fetch(wanted)).await;
        let fetched = fetched.unwrap_or(Err(SourceError::Timeout));
        let outcome = if fetched.is_ok() { "answered" } else { "failed" };
        self.metrics.worklist_look_ups.with_label_values(&[feed.name.as_ref(), outcome]).inc();
        let fetched = fetched.map_err(|error| LookUpError::Source { feed: Arc::clone(&feed.name), error })?;
        Ok(self.complete_found(fetched.unwrap_or_default(), feed))
    }
}
