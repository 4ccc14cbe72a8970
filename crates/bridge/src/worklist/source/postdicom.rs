//! The orders of a PostDICOM account.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use dataset::{
    element::VR,
    json::{Element, Item},
};
use futures::{StreamExt, stream};
use instance::Tag;
use jiff::ToSpan;
use postdicom::{
    Client, Date, InstitutionUuid, OrderUuid,
    request::{GetPatientOrderList, GetPatientOrderProperties},
};

use super::{Fetched, Order, Source, SourceError, Wanted, id_of};
use crate::worklist::{
    Provenance, Provenances, START_DATE, STEPS,
    attribute::{
        BIRTH_DATE, OTHER_PATIENT_IDS, PROCEDURE_DESCRIPTION, PROCEDURE_ID, REASON, REFERRING_PHYSICIAN,
        REQUESTING_PHYSICIAN, SEX, START_TIME, STUDY_DESCRIPTION,
    },
};

/// Properties that are asked for at the same time. 4; the vendor documents no rate limit.
const PROPERTIES_AT_ONCE: usize = 4;

/// Orders of one look-up whose properties are asked for. 8: two rounds within its 3 s.
const PROPERTIES_OF_LOOK_UP: usize = 8;

/// The source.
pub(crate) struct PostDicom {
    client: Client,
    institutions: Vec<InstitutionUuid>,
    with_images: bool,
    properties_max: usize,
    /// Properties that were asked for, by order as it was listed then.
    properties: Mutex<HashMap<OrderUuid, Arc<Asked>>>,
}

struct Asked {
    listed: postdicom::Order,
    properties: postdicom::Order,
}

impl PostDicom {
    pub(crate) fn new(
        client: Client,
        institutions: Vec<InstitutionUuid>,
        with_images: bool,
        properties_max: usize,
    ) -> Self {
        Self { client, institutions, with_images, properties_max, properties: Mutex::default() }
    }

    /// What the vendor can match of what is wanted: days with one to spare, since no time zone is stated. A
    /// value that the vendor would not take is matched here alone.
    fn request(&self, wanted: &Wanted) -> GetPatientOrderList {
        GetPatientOrderList {
            institutions: self.institutions.clone(),
            patient_id: wanted.patient_id.as_ref().and_then(|text| text.parse().ok()),
            accession_number: wanted.accession_number.as_ref().and_then(|text| text.parse().ok()),
            study_date_from: wanted.from.map(|day| Date::from(day.saturating_sub(1.day()))),
            study_date_to: wanted.to.map(|day| Date::from(day.saturating_add(1.day()))),
            ..GetPatientOrderList::default()
        }
    }

    /// The properties of orders whose list leaves out what an entry needs, as far as they are known or may be
    /// asked for now. One that is not answered is left for the next time.
    async fn properties(
        &self,
        orders: &[postdicom::Order],
        is_look_up: bool,
    ) -> HashMap<OrderUuid, Arc<Asked>> {
        let known = |uuid: &OrderUuid| {
            self.properties.lock().unwrap_or_else(PoisonError::into_inner).get(uuid).cloned()
        };
        let (mut found, mut asking) = (HashMap::new(), Vec::new());
        let max = if is_look_up { PROPERTIES_OF_LOOK_UP } else { self.properties_max };
        for order in orders.iter().filter(|order| lacks_something(order)) {
            let Some(uuid) = &order.uuid else { continue };
            match known(uuid).filter(|asked| asked.listed == *order) {
                Some(asked) => _ = found.insert(uuid.clone(), asked),
                None if asking.len() < max => asking.push(order),
                None => {}
            }
        }
        let mut answers = stream::iter(asking.into_iter().cloned().map(|order| self.ask(order)))
            .buffer_unordered(PROPERTIES_AT_ONCE);
        while let Some(answer) = answers.next().await {
            found.extend(answer);
        }
        drop(answers);
        let mut properties = self.properties.lock().unwrap_or_else(PoisonError::into_inner);
        if is_look_up {
            return found;
        }
        properties.clone_from(&found);
        found
    }

    async fn ask(&self, listed: postdicom::Order) -> Option<(OrderUuid, Arc<Asked>)> {
        let order = listed.uuid.clone()?;
        let institution = listed.institution.clone().or_else(|| self.institutions.first().cloned())?;
        let request = GetPatientOrderProperties { institution, order: order.clone() };
        match self.client.get_patient_order_properties(request).await {
            // That there are none is an answer too.
            Ok(properties) => {
                let properties = properties.unwrap_or_default();
                Some((order, Arc::new(Asked { listed, properties })))
            }
            Err(error) => {
                tracing::debug!(%error, "the properties of an order cannot be had");
                None
            }
        }
    }
}

#[async_trait]
impl Source for PostDicom {
    async fn fetch(&self, wanted: &Wanted) -> Result<Option<Fetched>, SourceError> {
        let mut list = self.client.get_patient_order_list(self.request(wanted)).await?;
        if !self.with_images {
            list.orders.retain(|order| order.images.unwrap_or_default() == 0);
        }
        let properties = self.properties(&list.orders, wanted.is_look_up).await;
        let order = |listed: &postdicom::Order| {
            let asked = listed.uuid.as_ref().and_then(|uuid| properties.get(uuid));
            order(listed, asked.map(|asked| &asked.properties))
        };
        let orders = list.orders.iter().map(order).collect();
        Ok(Some(Fetched { orders, unreadable: list.skipped }))
    }
}

/// Whether the list leaves out what an entry needs, which the properties may have.
fn lacks_something(order: &postdicom::Order) -> bool {
    order.scheduled_equipment.is_none()
        || order.order_scheduled_datetime.is_none()
        || order.patient_name.is_none()
        || order.patient_id.is_none()
        || order.modality.is_none()
}

/// An order in DICOM's words.
fn order(listed: &postdicom::Order, properties: Option<&postdicom::Order>) -> Order {
    let mut provenance = Provenances::default();
    let mut step = Item::new();
    let mut item = Item::new();
    macro_rules! first {
        ($field:ident) => {
            listed.$field.as_ref().or(properties.and_then(|order| order.$field.as_ref()))
        };
    }
    macro_rules! text {
        ($item:ident, $tag:expr, $vr:ident, $field:ident) => {
            if let Some(value) = first!($field) {
                $item.insert($tag, Element::text(VR::$vr, value.expose()));
            }
        };
    }
    text!(item, Tag::PATIENT_NAME, PN, patient_name);
    text!(item, Tag::PATIENT_ID, LO, patient_id);
    text!(item, OTHER_PATIENT_IDS, LO, other_patient_id);
    text!(item, STUDY_DESCRIPTION, LO, study_description);
    text!(item, Tag::ACCESSION_NUMBER, SH, accession_number);
    text!(item, PROCEDURE_ID, SH, requested_procedure_id);
    text!(item, PROCEDURE_DESCRIPTION, LO, requested_procedure_description);
    text!(item, REQUESTING_PHYSICIAN, PN, requesting_physician);
    text!(item, REFERRING_PHYSICIAN, PN, referring_physicians_name);
    text!(item, REASON, LO, patient_complaints);
    text!(step, Tag::MODALITY, CS, modality);
    if let Some(sex) = first!(patient_sex).and_then(|sex| sex_of(sex.expose())) {
        item.insert(SEX, Element::text(VR::CS, sex));
    }
    if let Some(day) = first!(patient_birthdate) {
        item.insert(BIRTH_DATE, Element::text(VR::DA, &day.to_dicom()));
    }
    if let Some(uid) = first!(study_instance_uid) {
        item.insert(Tag::STUDY_INSTANCE_UID, Element::text(VR::UI, uid.as_str()));
    }
    if let Some(at) = first!(order_scheduled_datetime) {
        step.insert(START_DATE, Element::text(VR::DA, &at.date().to_dicom()));
        let time = format!("{:02}{:02}00", at.hour(), at.minute());
        step.insert(START_TIME, Element::text(VR::TM, &time));
    } else if let Some(day) = first!(study_date) {
        step.insert(START_DATE, Element::text(VR::DA, &day.to_dicom()));
        provenance.insert(START_DATE, Provenance::Derived);
    }
    let equipment = first!(scheduled_equipment).map(|uuid| uuid.as_str().to_owned());
    item.insert(STEPS, Element::sequence([step]));
    let id = listed.uuid.as_ref().map_or_else(|| id_of(&item), |uuid| uuid.as_str().to_owned());
    Order { id, item, provenance, equipment }
}

/// (0010,0040) Patient's Sex of the code or the word that stands for it.
fn sex_of(text: &str) -> Option<&'static str> {
    ["M", "F", "O"].into_iter().find(|code| {
        let word = match *code {
            "M" => "male",
            "F" => "female",
            _ => "other",
        };
        text.eq_ignore_ascii_case(code) || text.eq_ignore_ascii_case(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sex_is_a_code_or_nothing() {
        let cases = [("M", Some("M")), ("female", Some("F")), ("Other", Some("O")), ("?", None), ("", None)];
        for (text, expected) in cases {
            assert_eq!(sex_of(text), expected, "{text}");
        }
    }
}
