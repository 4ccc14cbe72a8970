//! N-CREATE, N-SET and N-GET of steps that are kept.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use dataset::{
    character_set::CharacterSet,
    identifier::{Identifier, Limits},
    json::Item,
};
use instance::{Encoding, Tag, Uid};
use spool::{Call, Documents, Outbox, Write};
use tokio::sync::Semaphore;

use super::{
    STEP, WORKLIST,
    fault::Fault,
    report::Report,
    requirement,
    step::{Status, Step},
};
use crate::config::Mpps;

/// Requests that are carried out at the same time. 8: each may take some 20 MB for its data set in several
/// forms, and the documents are written one after the other anyway.
const AT_ONCE: usize = 8;

/// How often an N-SET begins again because another one was faster. 16: a modality sends one at a time.
const CONFLICTS_MAX: usize = 16;

/// Reads and writes steps.
pub(crate) struct Provider {
    documents: Arc<dyn Documents>,
    outbox: Arc<dyn Outbox>,
    turns: Semaphore,
}

/// A step that was created.
#[derive(Debug, PartialEq)]
pub(crate) struct Created {
    /// Its SOP Instance UID.
    pub(crate) sop_instance_uid: Uid,
}

/// What an N-GET gives.
#[derive(Debug, PartialEq)]
pub(crate) struct Got {
    /// Attributes that were asked for and are there.
    pub(crate) attributes: Item,
    /// Attributes that were asked for and are not there.
    pub(crate) unknown: Vec<Tag>,
    /// The character set that the modality uses.
    pub(crate) character_set: CharacterSet,
}

/// A data set as it arrived.
pub(crate) struct DataSet<'a> {
    pub(crate) bytes: Bytes,
    pub(crate) encoding: Encoding,
    /// The character set where it names none.
    pub(crate) assumed: Option<&'a CharacterSet>,
}

impl Provider {
    pub(crate) fn new(documents: Arc<dyn Documents>, outbox: Arc<dyn Outbox>) -> Self {
        Self { documents, outbox, turns: Semaphore::new(AT_ONCE) }
    }

    /// Creates a step (PS3.4 §F.7.2.1). It is kept, and all sinks will be told, when this returns.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(crate) async fn create(
        &self,
        mpps: &Mpps,
        sop_instance_uid: Option<Uid>,
        data_set: DataSet<'_>,
    ) -> Result<Created, Fault> {
        let _turn = self.turns.acquire().await;
        let Identifier { item: mut attributes, character_set, .. } = read(mpps, &data_set, data_set.assumed)?;
        let sop_instance_uid = sop_instance_uid.unwrap_or_else(requirement::new_uid);
        // What exists already is a better answer than what is wrong with its repetition.
        if self.documents.get(STEP, sop_instance_uid.as_str()).await?.is_some() {
            return Err(Fault::Duplicate);
        }
        requirement::of_create(&mut attributes, mpps.requirements)?;
        let step = Step { reports: 1, character_set, attributes };
        match self.keep(mpps, &sop_instance_uid, &step, &step.attributes, None).await {
            Err(Fault::Spool(spool::Error::Conflict { .. })) => Err(Fault::Duplicate),
            kept => kept.map(|()| Created { sop_instance_uid }),
        }
    }

    /// Changes a step (PS3.4 §F.7.2.2). The change is kept, and all sinks will be told, when this returns.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(crate) async fn set(
        &self,
        mpps: &Mpps,
        sop_instance_uid: &Uid,
        data_set: DataSet<'_>,
    ) -> Result<Status, Fault> {
        let _turn = self.turns.acquire().await;
        for _ in 0..CONFLICTS_MAX {
            let (version, step) = self.load(sop_instance_uid).await?;
            if step.status()?.is_final() {
                return Err(Fault::MayNoLongerBeUpdated);
            }
            // PS3.4 §F.7.2.2.1: an N-SET is in the character set of the N-CREATE.
            let assumed = Some(&step.character_set).filter(|set| !set.as_str().is_empty());
            let read = read(mpps, &data_set, assumed.or(data_set.assumed))?;
            let mut modifications = read.item;
            let attributes = requirement::of_set(&step.attributes, &mut modifications, mpps.requirements)?;
            let character_set = match (step.character_set.as_str(), read.character_set_named) {
                ("", true) => read.character_set,
                _ => step.character_set,
            };
            let step = Step { reports: step.reports.saturating_add(1), character_set, attributes };
            let status = step.status()?;
            match self.keep(mpps, sop_instance_uid, &step, &modifications, Some(version)).await {
                Err(Fault::Spool(spool::Error::Conflict { .. })) => {}
                kept => return kept.map(|()| status),
            }
        }
        Err(Fault::Contended)
    }

    /// Gives attributes of a step (PS3.4 §F.8.2.1), all of them where none is named.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(crate) async fn get(&self, sop_instance_uid: &Uid, tags: &[Tag]) -> Result<Got, Fault> {
        let _turn = self.turns.acquire().await;
        let (_, step) = self.load(sop_instance_uid).await?;
        let Step { character_set, mut attributes, .. } = step;
        if tags.is_empty() {
            return Ok(Got { attributes, unknown: Vec::new(), character_set });
        }
        let (mut found, mut unknown) = (Vec::new(), Vec::new());
        // The character set is written with every answer that needs one.
        for tag in tags.iter().filter(|tag| **tag != Tag::SPECIFIC_CHARACTER_SET) {
            match attributes.remove(*tag) {
                Some(element) => found.push((*tag, element)),
                None if found.iter().any(|(found, _)| found == tag) => {}
                None => unknown.push(*tag),
            }
        }
        Ok(Got { attributes: found.into_iter().collect(), unknown, character_set })
    }

    async fn load(&self, sop_instance_uid: &Uid) -> Result<(u64, Step), Fault> {
        let document = self.documents.get(STEP, sop_instance_uid.as_str()).await?;
        let document = document.ok_or(Fault::NoSuchInstance)?;
        Ok((document.version, Step::read(&document.value)?))
    }

    /// Keeps a step together with the reports to all sinks.
    async fn keep(
        &self,
        mpps: &Mpps,
        sop_instance_uid: &Uid,
        step: &Step,
        list: &Item,
        expected: Option<u64>,
    ) -> Result<(), Fault> {
        let report = Report {
            sink: String::new(),
            sop_instance_uid: sop_instance_uid.clone(),
            number: step.reports,
            status: step.status()?,
            character_set: step.character_set.clone(),
            accepted_at: SystemTime::now(),
            list: list.clone(),
        };
        let mut report = report;
        let names = mpps.sinks.iter().map(|sink| sink.name.as_str());
        let mut call = |name: &str| {
            name.clone_into(&mut report.sink);
            report.call()
        };
        let calls: Vec<Call> =
            mpps.update_worklist.then_some(WORKLIST).into_iter().chain(names).map(&mut call).collect();
        let key = sop_instance_uid.as_str().to_owned();
        let document = Write { kind: STEP.to_owned(), key, expected, value: step.write() };
        self.outbox.put_and_enqueue(document, calls).await?;
        Ok(())
    }
}

fn read(mpps: &Mpps, data_set: &DataSet<'_>, assumed: Option<&CharacterSet>) -> Result<Identifier, Fault> {
    let limits = Limits::of_length(mpps.data_set_max);
    Identifier::read_within(&data_set.bytes, data_set.encoding, assumed, limits).map_err(Fault::Unreadable)
}
