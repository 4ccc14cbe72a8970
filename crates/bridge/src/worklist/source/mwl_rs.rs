//! `mwl-rs`: the scheduled procedure steps of an origin (PS3.18 §14), which are entries already.

use async_trait::async_trait;
use dicomweb::{Client, WorklistSearch};
use instance::Tag;

use super::{Fetched, Order, Source, SourceError, Wanted, dicom_web, id_of};
use crate::worklist::{START_DATE, STEPS};

/// The source.
pub(crate) struct MwlRs {
    client: Client,
}

impl MwlRs {
    pub(crate) const fn new(client: Client) -> Self {
        Self { client }
    }
}

/// What an origin can match of what is wanted: days with one to spare, since its time zone may be another.
fn search(wanted: &Wanted) -> WorklistSearch {
    let mut matching = Vec::new();
    if let Some((from, to)) = dicom_web::days(wanted) {
        matching.push((vec![STEPS, START_DATE], format!("{from}-{to}").into()));
    }
    for (tag, text) in
        [(Tag::PATIENT_ID, &wanted.patient_id), (Tag::ACCESSION_NUMBER, &wanted.accession_number)]
    {
        matching.extend(text.as_ref().map(|text| (vec![tag], text.as_str().into())));
    }
    WorklistSearch { matching, include_all: true }
}

#[async_trait]
impl Source for MwlRs {
    async fn fetch(&self, wanted: &Wanted) -> Result<Option<Fetched>, SourceError> {
        let limits = dicom_web::limits(wanted);
        let found = dicom_web::gather(self.client.scheduled_procedure_steps(&search(wanted), limits)).await?;
        let order = |item| Order { id: id_of(&item), item, ..Order::default() };
        let orders = found.items.into_iter().map(order).collect();
        Ok(Some(Fetched { orders, unreadable: found.unreadable }))
    }
}
