//! `ups-rs`: the workitems of an origin (PS3.18 §11) that are scheduled or in progress.

mod order;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use dataset::json::Item;
use dicomweb::{Client, WorklistSearch};
use futures::{StreamExt, stream};
use instance::{Tag, Uid};
use jiff::tz::TimeZone;

use self::order::{PROCEDURE_STEP_STATE, REQUESTS, START, STATION_NAME_CODES};
use super::{Fetched, Source, SourceError, Wanted, dicom_web};

/// Workitems that are retrieved at the same time. 4: a refresh of 200 over a line of 100 ms takes 5 s.
const RETRIEVED_AT_ONCE: usize = 4;

/// Workitems of one look-up that are retrieved. 8: two rounds within its 3 s.
const RETRIEVED_OF_LOOK_UP: usize = 8;

/// The states of workitems that somebody has still to do with (PS3.4 §CC.1.1). One search for each, since a key
/// has one value; a workitem that is begun between the two is found by the second.
const STATES: [&str; 2] = ["SCHEDULED", "IN PROGRESS"];

/// The source.
pub(crate) struct UpsRs {
    client: Client,
    /// What the configuration calls its devices.
    equipment: Vec<String>,
    time_zone: TimeZone,
    workitems_max: usize,
    /// Workitems that were retrieved, as they were listed then.
    retrieved: Mutex<HashMap<Uid, Arc<Retrieved>>>,
}

struct Retrieved {
    listed: Item,
    /// None where the origin does not have it any more.
    whole: Option<Item>,
}

impl UpsRs {
    /// A source that states times without an offset in `time_zone`.
    pub(crate) fn new(
        client: Client,
        equipment: Vec<String>,
        time_zone: TimeZone,
        workitems_max: usize,
    ) -> Self {
        Self { client, equipment, time_zone, workitems_max, retrieved: Mutex::default() }
    }

    /// The workitems that match, each once and as it is now.
    async fn listed(&self, wanted: &Wanted) -> Result<dicom_web::Found, SourceError> {
        let (mut by_uid, mut order, mut unreadable) = (HashMap::new(), Vec::new(), 0);
        let states = self.client.profile().worklist.workitems.has(&[PROCEDURE_STEP_STATE]);
        for state in STATES.into_iter().map(Some).filter(|_| states).chain((!states).then_some(None)) {
            let search = search(wanted, state);
            let found = dicom_web::gather(self.client.workitems(&search, dicom_web::limits(wanted))).await?;
            unreadable += found.unreadable;
            for item in found.items {
                let Some(uid) = item.uid(Tag::SOP_INSTANCE_UID) else { continue };
                if by_uid.insert(uid.clone(), item).is_none() {
                    order.push(uid);
                }
            }
        }
        let items: Vec<_> = order.iter().filter_map(|uid| by_uid.remove(uid)).collect();
        if items.len() > wanted.orders_max {
            return Err(SourceError::TooMany(wanted.orders_max));
        }
        Ok(dicom_web::Found { items, unreadable })
    }

    /// The whole of workitems whose search leaves out what an entry needs, as far as they are known or may be
    /// retrieved now. One that is not answered is left for the next time.
    async fn retrieve(&self, listed: &[Item], is_look_up: bool) -> HashMap<Uid, Arc<Retrieved>> {
        let known =
            |uid: &Uid| self.retrieved.lock().unwrap_or_else(PoisonError::into_inner).get(uid).cloned();
        let (mut found, mut asking) = (HashMap::new(), Vec::new());
        let max = if is_look_up { RETRIEVED_OF_LOOK_UP } else { self.workitems_max };
        for item in listed.iter().filter(|item| lacks_something(item)) {
            let Some(uid) = item.uid(Tag::SOP_INSTANCE_UID) else { continue };
            match known(&uid).filter(|retrieved| retrieved.listed == *item) {
                Some(retrieved) => _ = found.insert(uid, retrieved),
                None if asking.len() < max => asking.push((uid, item.clone())),
                None => {}
            }
        }
        let mut answers = stream::iter(asking.into_iter().map(|(uid, listed)| self.ask(uid, listed)))
            .buffer_unordered(RETRIEVED_AT_ONCE);
        while let Some(answer) = answers.next().await {
            found.extend(answer);
        }
        drop(answers);
        if !is_look_up {
            self.retrieved.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&found);
        }
        found
    }

    async fn ask(&self, uid: Uid, listed: Item) -> Option<(Uid, Arc<Retrieved>)> {
        match self.client.workitem(&uid).await {
            Ok(whole) => Some((uid, Arc::new(Retrieved { listed, whole }))),
            Err(error) => {
                tracing::debug!(%error, "a workitem cannot be retrieved");
                None
            }
        }
    }
}

/// What an origin can match of what is wanted: moments with a day to spare, since its time zone may be another.
/// They are written to the second, because some servers take a day for its first moment at both ends.
fn search(wanted: &Wanted, state: Option<&str>) -> WorklistSearch {
    let mut matching = Vec::new();
    if let Some((from, to)) = dicom_web::days(wanted) {
        let moment = |day: String, time| if day.is_empty() { day } else { format!("{day}{time}") };
        let range = format!("{}-{}", moment(from, "000000"), moment(to, "235959"));
        matching.push((vec![START], range.into()));
    }
    let keys = [
        (vec![Tag::PATIENT_ID], wanted.patient_id.as_deref()),
        (vec![REQUESTS, Tag::ACCESSION_NUMBER], wanted.accession_number.as_deref()),
        (vec![PROCEDURE_STEP_STATE], state),
    ];
    matching.extend(keys.into_iter().filter_map(|(path, text)| Some((path, text?.into()))));
    WorklistSearch { matching, include_all: true }
}

/// Whether a result leaves out what an entry needs, which the workitem may have. What is there without a value,
/// the workitem has none of.
fn lacks_something(item: &Item) -> bool {
    [START, Tag::PATIENT_NAME, Tag::PATIENT_ID, STATION_NAME_CODES, REQUESTS]
        .into_iter()
        .any(|tag| item.get(tag).is_none())
}

#[async_trait]
impl Source for UpsRs {
    async fn fetch(&self, wanted: &Wanted) -> Result<Option<Fetched>, SourceError> {
        let found = self.listed(wanted).await?;
        let retrieved = self.retrieve(&found.items, wanted.is_look_up).await;
        let mut orders = Vec::new();
        for listed in &found.items {
            let uid = listed.uid(Tag::SOP_INSTANCE_UID);
            let workitem = match uid.as_ref().and_then(|uid| retrieved.get(uid)) {
                Some(retrieved) => retrieved.whole.as_ref(),
                None => Some(listed),
            };
            if let Some(workitem) = workitem {
                orders.extend(order::orders(workitem, uid.as_ref(), &self.equipment, &self.time_zone));
            }
        }
        Ok(Some(Fetched { orders, unreadable: found.unreadable }))
    }
}
