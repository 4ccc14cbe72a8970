//! What was accepted for an origin and is not delivered yet, in pages.

use std::sync::Arc;

use instance::Uid;
use spool::{Deliveries, Destination, Entry, EntryId};

use super::QueryError;
use crate::association::Context;

/// Entries that are read at once.
const PAGE: usize = 200;

/// What the spool holds for one origin.
#[derive(Clone)]
pub(crate) struct Undelivered {
    deliveries: Arc<dyn Deliveries>,
    destination: Destination,
    pending_max: usize,
}

/// A position in a list of studies or instances.
pub(crate) struct Pages {
    undelivered: Undelivered,
    /// The study whose instances are listed; without it studies are.
    study: Option<Uid>,
    page: std::vec::IntoIter<Entry>,
    after: Option<Uid>,
    ended: bool,
}

impl Undelivered {
    /// What is on its way to `origin`; none where queries are not to show it.
    pub(crate) fn of(context: &Context, origin: &str) -> Option<Self> {
        let query = &context.snapshot.config.query;
        query.pending_visible.then(|| Self {
            deliveries: Arc::clone(&context.core.ports.deliveries),
            destination: Destination::Origin(origin.to_owned()),
            pending_max: query.pending_max,
        })
    }

    /// One entry, delivered or not.
    pub(crate) async fn entry(&self, entry_id: EntryId) -> Result<Entry, QueryError> {
        let details = self.deliveries.show(entry_id).await.map_err(QueryError::Spool)?;
        Ok(details.entry)
    }

    /// Counts an entry that may be part of what is wanted. Those that cannot be are read and forgotten:
    /// a backlog of others refuses nobody.
    ///
    /// # Errors
    /// There are too many of them.
    pub(crate) const fn count(&self, taken: &mut usize) -> Result<(), QueryError> {
        *taken += 1;
        if *taken > self.pending_max {
            return Err(QueryError::TooManyPending(self.pending_max));
        }
        Ok(())
    }

    /// Studies, each by one of its entries.
    pub(crate) fn studies(&self) -> Pages {
        self.pages(None)
    }

    /// Instances of a study.
    pub(crate) fn instances(&self, study: &Uid) -> Pages {
        self.pages(Some(study.clone()))
    }

    fn pages(&self, study: Option<Uid>) -> Pages {
        Pages { undelivered: self.clone(), study, page: Vec::new().into_iter(), after: None, ended: false }
    }
}

impl Pages {
    /// The next entry; none behind the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Entry>, QueryError> {
        if self.page.len() == 0 && !self.ended {
            let Undelivered { deliveries, destination, .. } = &self.undelivered;
            let after = self.after.as_ref();
            let page = match &self.study {
                None => deliveries.undelivered_studies(destination, after, PAGE).await,
                Some(study) => deliveries.undelivered_instances(destination, study, after, PAGE).await,
            };
            let page = page.map_err(QueryError::Spool)?;
            self.ended = page.len() < PAGE;
            self.after = page.last().map(|entry| match &self.study {
                None => entry.trailer.identity.study_instance_uid.clone(),
                Some(_) => entry.trailer.identity.sop_instance_uid.clone(),
            });
            self.page = page.into_iter();
        }
        Ok(self.page.next())
    }
}
