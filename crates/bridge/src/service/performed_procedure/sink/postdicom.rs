//! `postdicom`: a procedure that nobody has scheduled becomes an order.

use std::{borrow::Cow, str::FromStr, time::Duration};

use async_trait::async_trait;
use dataset::json::{Item, Value};
use instance::Tag;
use postdicom::{
    Call, Client, Date, DateTime, Delivery, EquipmentUuid, Error, Evidence, InstitutionUuid, Once, Remedy,
    SideEffect,
    request::{CreatePatientOrder, GetPatientOrderList, GetPatientOrderProperties},
};

use super::{Earlier, Known, Outcome, Sink};
use crate::{
    config::{Config, Equipment, MissingBirthDate},
    service::performed_procedure::{
        attribute::{
            DESCRIPTION, PATIENT_BIRTH_DATE, PATIENT_SEX, PERFORMED_STATION_AE_TITLE,
            REQUESTED_PROCEDURE_DESCRIPTION, REQUESTED_PROCEDURE_ID, SCHEDULED_STEP_ATTRIBUTES_SEQUENCE,
            START_DATE, START_TIME,
        },
        report::Report,
    },
    snapshot::Account,
};

/// Orders of a patient that are looked at for one Requested Procedure ID. 64: beyond, a person looks.
const CANDIDATES_MAX: usize = 64;

/// Makes orders of unscheduled procedures.
pub(super) struct Orders {
    client: Client,
    institution: InstitutionUuid,
    birth_date: MissingBirthDate,
    look_up_after: Duration,
    equipment: Vec<Equipment>,
}

impl Orders {
    /// The account of a configuration; none where it has no institution.
    pub(super) fn of(
        config: &Config,
        account: &Account,
        birth_date: MissingBirthDate,
        look_up_after: Duration,
    ) -> Option<Self> {
        Some(Self {
            client: account.client.clone(),
            institution: account.config.institutions.first()?.clone(),
            birth_date,
            look_up_after,
            equipment: config.worklist.equipment.clone(),
        })
    }

    /// The order of a step, or the attribute that is in the way.
    fn order(&self, step: &Item) -> Result<CreatePatientOrder, String> {
        let scheduled = step.items(SCHEDULED_STEP_ATTRIBUTES_SEQUENCE).next();
        let of_scheduled = |tag| scheduled.and_then(|item| item.text(tag));
        let birth_date = match (step.text(PATIENT_BIRTH_DATE), self.birth_date) {
            (Some(text), _) => date(&text).ok_or("the patient's birth date is no date")?,
            (None, MissingBirthDate::Placeholder(date)) => date,
            (None, MissingBirthDate::Reject) => {
                return Err("the patient's birth date is missing, and no placeholder is configured".into());
            }
        };
        let order = CreatePatientOrder::new(
            self.institution.clone(),
            needed("the patient's name", name(step))?,
            needed("the patient's ID", step.text(Tag::PATIENT_ID))?,
            birth_date,
            needed("the modality", step.text(Tag::MODALITY))?,
        );
        let procedure = of_scheduled(REQUESTED_PROCEDURE_DESCRIPTION);
        Ok(CreatePatientOrder {
            patient_sex: step.text(PATIENT_SEX).and_then(|sex| sex.parse().ok()),
            study_description: optional(step.text(DESCRIPTION).or_else(|| procedure.clone())),
            accession_number: match of_scheduled(Tag::ACCESSION_NUMBER) {
                Some(number) => Some(needed("the accession number", Some(number))?),
                None => None,
            },
            order_scheduled_datetime: started_at(step),
            requested_procedure_id: optional(of_scheduled(REQUESTED_PROCEDURE_ID)),
            requested_procedure_description: optional(procedure),
            scheduled_equipment: self.equipment(step),
            ..order
        })
    }

    /// The device that has this AE title.
    fn equipment(&self, step: &Item) -> Option<EquipmentUuid> {
        let title = step.text(PERFORMED_STATION_AE_TITLE)?;
        let known = self.equipment.iter().find(|known| known.ae_title.as_str() == title)?;
        known.uuid.parse().ok()
    }

    async fn make(&self, order: CreatePatientOrder) -> Outcome {
        if order.accession_number.is_some() {
            return match self.client.create_order_once(order).await {
                Ok(Once::Created(_) | Once::Existed(_)) => Outcome::Delivered,
                Ok(Once::Unclear(_)) => Outcome::held(
                    "there may be such an order: those that PostDICOM lists say too little to tell",
                ),
                Err(error) => self.of_error(&error, true),
            };
        }
        match self.is_ordered(&order).await {
            Ok(true) => return Outcome::Delivered,
            Ok(false) => {}
            Err(outcome) => return outcome,
        }
        match self.client.create_patient_order(order).await {
            Ok(_) => Outcome::Delivered,
            Err(error) => self.of_error(&error, false),
        }
    }

    /// Whether the patient has an order with this Requested Procedure ID.
    async fn is_ordered(&self, order: &CreatePatientOrder) -> Result<bool, Outcome> {
        let Some(wanted) = &order.requested_procedure_id else { return Ok(false) };
        let search = GetPatientOrderList {
            institutions: vec![order.institution.clone()],
            patient_id: Some(order.patient_id.clone()),
            ..GetPatientOrderList::default()
        };
        let of_search = |error: Error| of_search(&error);
        let list = self.client.get_patient_order_list(search).await.map_err(of_search)?;
        if list.skipped > 0 || list.orders.len() > CANDIDATES_MAX {
            return Err(Outcome::held("the orders of the patient cannot all be read"));
        }
        for mut found in list.orders {
            if found
                .patient_id
                .as_ref()
                .is_some_and(|id| id.expose().trim() != order.patient_id.expose().trim())
            {
                continue;
            }
            if let (None, Some(uuid)) = (&found.requested_procedure_id, found.uuid.clone()) {
                let institution = found.institution.clone().unwrap_or_else(|| order.institution.clone());
                let properties = GetPatientOrderProperties { institution, order: uuid };
                let described = self.client.get_patient_order_properties(properties).await;
                found = described.map_err(of_search)?.unwrap_or(found);
            }
            let id = found.requested_procedure_id.as_ref();
            if id.is_some_and(|id| id.expose().trim() == wanted.expose().trim()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// What follows from an error of the creation. `is_askable`: whether a search shows if it took effect.
    fn of_error(&self, error: &Error, is_askable: bool) -> Outcome {
        let reason = error.to_string();
        if error.delivery() == Delivery::OutcomeUnknown {
            if is_askable {
                return Outcome::Unknown { after: Some(self.look_up_after), refused: false, reason };
            }
            return Outcome::held(format!(
                "outcome unknown: {reason}; without an accession number no search \
                                          shows whether the order was made"
            ));
        }
        match error.remedy(SideEffect::Searchable) {
            Remedy::Retry { after } => Outcome::NoEffect { after, refused: false, reason },
            Remedy::FixCredentials => Outcome::not_sent(reason),
            Remedy::Reject => Outcome::held(reason),
            Remedy::OutcomeUnknown => Outcome::unknown(reason),
        }
    }
}

#[async_trait]
impl Sink for Orders {
    async fn deliver(&self, report: &Report, known: Known) -> Outcome {
        // Only what begins a procedure makes an order, and only where there is none.
        if !report.is_create() || known.is_scheduled {
            return Outcome::Delivered;
        }
        let order = match self.order(&report.list) {
            Ok(order) => order,
            Err(reason) => return Outcome::Held { reason },
        };
        if known.earlier == Earlier::OutcomeUnknown {
            match self.client.look_up(&Call::from(order.clone())).await {
                Ok(Evidence::Present { .. }) => return Outcome::Delivered,
                Ok(Evidence::Absent) => {}
                Ok(Evidence::Unaskable) => {
                    return Outcome::held("outcome unknown: no search shows whether the order was made");
                }
                Err(error) => {
                    let reason = format!("it cannot be looked up: {error}");
                    return Outcome::Unknown { after: Some(self.look_up_after), refused: false, reason };
                }
            }
        }
        self.make(order).await
    }
}

/// An error of a search has no consequence.
fn of_search(error: &Error) -> Outcome {
    let reason = format!("orders cannot be searched: {error}");
    match error.remedy(SideEffect::None) {
        Remedy::Retry { after } => Outcome::NoEffect { after, refused: false, reason },
        Remedy::Reject => Outcome::NoEffect { after: None, refused: true, reason },
        Remedy::FixCredentials | Remedy::OutcomeUnknown => Outcome::not_sent(reason),
    }
}

/// A value that the vendor insists on. The message does not hold it.
fn needed<T: FromStr<Err: std::fmt::Display>>(what: &str, text: Option<Cow<'_, str>>) -> Result<T, String> {
    let text = text.ok_or_else(|| format!("{what} is missing"))?;
    text.parse().map_err(|fault| format!("{what} cannot be sent: {fault}"))
}

/// A value that an order may have; one that cannot be sent is left out.
fn optional<T: FromStr>(text: Option<Cow<'_, str>>) -> Option<T> {
    text.and_then(|text| text.parse().ok())
}

/// The name in its alphabetic form, or in the one that there is.
fn name(step: &Item) -> Option<Cow<'_, str>> {
    match step.values(Tag::PATIENT_NAME).first()? {
        Value::Name(name) => [&name.alphabetic, &name.ideographic, &name.phonetic]
            .into_iter()
            .find(|group| !group.is_empty())
            .map(|group| Cow::Borrowed(group.as_str())),
        other => other.text(),
    }
}

/// `YYYYMMDD` (PS3.5 §6.2).
fn date(text: &str) -> Option<Date> {
    let date: jiff::civil::Date = text.parse().ok()?;
    let (year, month, day) = (date.year(), date.month(), date.day());
    Date::new(u16::try_from(year).ok()?, u8::try_from(month).ok()?, u8::try_from(day).ok()?)
}

/// When the step began. The vendor knows minutes.
fn started_at(step: &Item) -> Option<DateTime> {
    let (day, time) = (date(&step.text(START_DATE)?)?, step.text(START_TIME)?);
    let part = |range: std::ops::Range<usize>| time.get(range).map_or(Some(0), |part| part.parse().ok());
    DateTime::new(day, part(0..2)?, part(2..4)?)
}
