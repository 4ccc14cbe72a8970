//! The instances that exist below what a retrieve names (PS3.4 §C.4.2.1.4).

use std::{collections::HashSet, sync::Arc};

use dataset::{
    character_set::CharacterSet,
    element::VR,
    json::{Element, Item},
    matching::{Condition, Keys, Options},
};
use dicomweb::search::Level;
use futures::{
    SinkExt,
    channel::mpsc,
    stream::{self, BoxStream, StreamExt},
};
use instance::{Tag, Uid};
use spool::{Entry, EntryId};

use super::{
    Budget, QueryError, level::AVAILABLE_TRANSFER_SYNTAX_UID, searched::Searched, undelivered::Undelivered,
};
use crate::{association::Context, snapshot::Origin};

/// Instances that are listed before the first of them is taken.
const AHEAD: usize = 64;

/// What the unique keys of a retrieve name. A list that is empty does not narrow; at least one of
/// them is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Scope {
    /// Patient ID, matched as a single value.
    pub(crate) patient_id: Option<String>,
    /// Study Instance UIDs.
    pub(crate) studies: Vec<Uid>,
    /// Series Instance UIDs.
    pub(crate) series: Vec<Uid>,
    /// SOP Instance UIDs.
    pub(crate) instances: Vec<Uid>,
}

/// An instance that exists.
#[derive(Debug, Clone)]
pub(crate) struct ListedInstance {
    /// Study Instance UID.
    pub(crate) study_instance_uid: Uid,
    /// Series Instance UID.
    pub(crate) series_instance_uid: Uid,
    /// SOP Instance UID.
    pub(crate) sop_instance_uid: Uid,
    /// SOP Class UID, where the origin tells it.
    pub(crate) sop_class_uid: Option<Uid>,
    /// Transfer syntax, where it is known before the instance is read: (0008,3002) Available Transfer
    /// Syntax UID of a search (PS3.18 §10.6.3.3), or that of the spool's entry.
    pub(crate) transfer_syntax: Option<Uid>,
    /// Where its bytes are.
    pub(crate) source: Source,
}

/// Where the bytes of an instance are.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// At this origin.
    Origin(Arc<Origin>),
    /// In the spool, not delivered yet. Should the entry be gone once it is read, it was delivered
    /// meanwhile and is at `origin`.
    Spool {
        /// Its number.
        entry_id: EntryId,
        /// Bytes of its data set.
        length: u64,
        /// Where it is on its way to.
        origin: Arc<Origin>,
    },
}

/// Lists the instances within `scope` at `origins`, each SOP Instance once: the first origin that has
/// it is its source, and the spool where no origin has it. The stream ends after its first error, and
/// is bounded by the limits of [`Query`](crate::config::Query); dropping it ends its requests.
pub(crate) fn list(
    context: &Arc<Context>,
    origins: Vec<Arc<Origin>>,
    scope: Scope,
) -> BoxStream<'static, Result<ListedInstance, QueryError>> {
    let (sender, listed) = mpsc::channel(AHEAD);
    let budget = Budget::new(&context.snapshot.config.query);
    let listing =
        Listing { context: Arc::clone(context), scope, budget, listed: sender, seen: HashSet::new() };
    // One stream that is both: what it yields, and the work that makes it.
    stream::select(listed, stream::once(listing.run(origins)).filter_map(|()| async { None })).boxed()
}

/// A listing under way.
struct Listing {
    context: Arc<Context>,
    scope: Scope,
    budget: Budget,
    listed: mpsc::Sender<Result<ListedInstance, QueryError>>,
    /// SOP Instance UIDs that were listed. Who asked holds the list anyway.
    seen: HashSet<Uid>,
}

impl Listing {
    async fn run(mut self, origins: Vec<Arc<Origin>>) {
        if let Err(error) = self.list(origins).await {
            // Who does not take it has gone.
            let _ = self.listed.send(Err(error)).await;
        }
    }

    /// The spool is looked at first and shown last: what is delivered meanwhile is then seen at least
    /// once.
    async fn list(&mut self, origins: Vec<Arc<Origin>>) -> Result<(), QueryError> {
        let (mut undelivered, mut taken) = (Vec::new(), 0);
        for origin in &origins {
            self.look_into_the_spool(origin, &mut undelivered, &mut taken).await?;
        }
        for origin in origins {
            let searched = Searched { origin, metrics: Arc::clone(&self.context.core.metrics) };
            self.search(&searched).await?;
        }
        for instance in undelivered {
            self.show(instance).await;
        }
        Ok(())
    }

    async fn search(&mut self, searched: &Searched) -> Result<(), QueryError> {
        let keys = self.scope.keys();
        let Some(patient_id) = self.scope.patient_id.clone() else {
            return self.search_instances(searched, &keys).await;
        };
        let of_patient = studies_of(&patient_id, &self.scope.studies);
        let mut studies = searched.rows(Level::Study, &of_patient, &[Tag::PATIENT_ID]);
        while let Some(row) = studies.next(&self.budget).await? {
            if !of_patient.matches(&row) {
                continue;
            }
            let Some(study) = row.uid(Tag::STUDY_INSTANCE_UID) else {
                return Err(QueryError::unreadable(&searched.origin.name));
            };
            let mut keys = keys.clone();
            keys.insert(Tag::STUDY_INSTANCE_UID, Condition::ListOfUid(vec![study]));
            self.search_instances(searched, &keys).await?;
        }
        Ok(())
    }

    async fn search_instances(&mut self, searched: &Searched, keys: &Keys) -> Result<(), QueryError> {
        let include = [Tag::SOP_CLASS_UID, AVAILABLE_TRANSFER_SYNTAX_UID];
        let mut rows = searched.rows(Level::Instance, keys, &include);
        while let Some(row) = rows.next(&self.budget).await? {
            // One that lacks a UID is no other instance for that.
            if !keys.matches_assuming(&row, |_| true) {
                continue;
            }
            let uids = (
                row.uid(Tag::STUDY_INSTANCE_UID),
                row.uid(Tag::SERIES_INSTANCE_UID),
                row.uid(Tag::SOP_INSTANCE_UID),
            );
            let (Some(study_instance_uid), Some(series_instance_uid), Some(sop_instance_uid)) = uids else {
                return Err(QueryError::unreadable(&searched.origin.name));
            };
            self.show(ListedInstance {
                study_instance_uid,
                series_instance_uid,
                sop_instance_uid,
                sop_class_uid: row.uid(Tag::SOP_CLASS_UID),
                transfer_syntax: row.uid(AVAILABLE_TRANSFER_SYNTAX_UID),
                source: Source::Origin(Arc::clone(&searched.origin)),
            })
            .await;
        }
        Ok(())
    }

    async fn look_into_the_spool(
        &self,
        origin: &Arc<Origin>,
        found: &mut Vec<ListedInstance>,
        taken: &mut usize,
    ) -> Result<(), QueryError> {
        let Some(undelivered) = Undelivered::of(&self.context, &origin.name) else { return Ok(()) };
        let mut studies = self.scope.studies.clone();
        if studies.is_empty() {
            let mut pages = undelivered.studies();
            while let Some(entry) = pages.next().await? {
                // A study is one patient's.
                if self.scope.is_of_patient(&entry) {
                    undelivered.count(taken)?;
                    studies.push(entry.trailer.identity.study_instance_uid);
                }
            }
        }
        for study in studies {
            let mut pages = undelivered.instances(&study);
            while let Some(entry) = pages.next().await? {
                if self.scope.holds(&entry) {
                    undelivered.count(taken)?;
                    found.push(ListedInstance::from_spool(entry, origin));
                }
            }
        }
        Ok(())
    }

    async fn show(&mut self, instance: ListedInstance) {
        if self.seen.insert(instance.sop_instance_uid.clone()) {
            // Where nobody takes it this is dropped at the next wait.
            let _ = self.listed.feed(Ok(instance)).await;
        }
    }
}

impl Scope {
    /// The keys that narrow a search for series or instances.
    pub(super) fn keys(&self) -> Keys {
        let mut keys = Keys::default();
        for (tag, uids) in [
            (Tag::STUDY_INSTANCE_UID, &self.studies),
            (Tag::SERIES_INSTANCE_UID, &self.series),
            (Tag::SOP_INSTANCE_UID, &self.instances),
        ] {
            if !uids.is_empty() {
                keys.insert(tag, Condition::ListOfUid(uids.clone()));
            }
        }
        keys
    }

    /// Whether an entry of one of the studies is within.
    fn holds(&self, entry: &Entry) -> bool {
        let identity = &entry.trailer.identity;
        (self.series.is_empty() || self.series.contains(&identity.series_instance_uid))
            && (self.instances.is_empty() || self.instances.contains(&identity.sop_instance_uid))
            && self.is_of_patient(entry)
    }

    fn is_of_patient(&self, entry: &Entry) -> bool {
        let patient_id = || {
            let character_set = CharacterSet::from_value(&entry.trailer.character_set);
            let value = entry.trailer.attribute(Tag::PATIENT_ID)?;
            character_set.decode_values(value).into_iter().next()
        };
        self.patient_id.as_ref().is_none_or(|wanted| patient_id().as_ref() == Some(wanted))
    }
}

impl ListedInstance {
    fn from_spool(entry: Entry, origin: &Arc<Origin>) -> Self {
        let identity = entry.trailer.identity;
        Self {
            study_instance_uid: identity.study_instance_uid,
            series_instance_uid: identity.series_instance_uid,
            sop_instance_uid: identity.sop_instance_uid,
            sop_class_uid: Some(identity.sop_class_uid),
            transfer_syntax: Some(entry.header.transfer_syntax.uid().clone()),
            source: Source::Spool {
                entry_id: entry.entry_id,
                length: entry.length,
                origin: Arc::clone(origin),
            },
        }
    }
}

/// Keys for the studies of a patient.
fn studies_of(patient_id: &str, studies: &[Uid]) -> Keys {
    let identifier: Item = [(Tag::PATIENT_ID, Element::text(VR::LO, patient_id))].into_iter().collect();
    let mut keys = Keys::read(&identifier, Options::default()).unwrap_or_default();
    if !studies.is_empty() {
        keys.insert(Tag::STUDY_INSTANCE_UID, Condition::ListOfUid(studies.to_vec()));
    }
    keys
}
