//! Orders for people and for programs.

use crate::table;
use postdicom::Order;
use serde_json::{Map, Value};

/// One fact about an order: its name in JSON, its name for people, its value.
type Fact = (&'static str, &'static str, Option<String>);

/// What is known of an order, in the order in which it is told.
fn known(order: &Order) -> Vec<Fact> {
    let text = |text: &Option<postdicom::Text>| text.as_ref().map(|text| text.expose().to_owned());
    let name = |name: &Option<postdicom::PatientName>| name.as_ref().map(|name| name.expose().to_owned());
    let id = |id: &Option<postdicom::PatientId>| id.as_ref().map(|id| id.expose().to_owned());
    vec![
        ("order", "order", order.uuid.as_ref().map(ToString::to_string)),
        ("institution", "institution", order.institution.as_ref().map(ToString::to_string)),
        ("patient_name", "patient's name", name(&order.patient_name)),
        ("patient_id", "patient ID", id(&order.patient_id)),
        ("other_patient_id", "other patient ID", id(&order.other_patient_id)),
        ("patient_sex", "sex", text(&order.patient_sex)),
        ("patient_birthdate", "date of birth", order.patient_birthdate.map(postdicom::Date::to_text)),
        ("modality", "modality", text(&order.modality)),
        ("study_description", "study description", text(&order.study_description)),
        (
            "accession_number",
            "accession number",
            order.accession_number.as_ref().map(|number| number.expose().to_owned()),
        ),
        ("patient_complaints", "complaints", text(&order.patient_complaints)),
        ("scheduled", "scheduled", order.order_scheduled_datetime.map(postdicom::DateTime::to_text)),
        ("study_date", "study date", order.study_date.map(postdicom::Date::to_text)),
        ("requested_procedure_id", "procedure ID", text(&order.requested_procedure_id)),
        (
            "requested_procedure_description",
            "procedure description",
            text(&order.requested_procedure_description),
        ),
        ("requesting_physician", "requesting physician", name(&order.requesting_physician)),
        ("referring_physicians_name", "referring physician", name(&order.referring_physicians_name)),
        ("scheduled_equipment", "equipment", order.scheduled_equipment.as_ref().map(ToString::to_string)),
        ("status", "status", text(&order.status)),
        ("study_instance_uid", "study", order.study_instance_uid.as_ref().map(ToString::to_string)),
        ("images", "images", order.images.map(|count| count.to_string())),
        ("documents", "documents", order.documents.map(|count| count.to_string())),
    ]
}

/// An order as JSON: what is known under names that stay, and the answer as it came.
pub(crate) fn json(order: &Order) -> Value {
    let known =
        known(order).into_iter().filter_map(|(name, _, value)| Some((name.to_owned(), value?.into())));
    let mut object: Map<String, Value> = known.collect();
    object.insert("answer".to_owned(), order.expose().clone());
    Value::Object(object)
}

/// One line per order.
pub(crate) fn lines(orders: &[Order]) -> String {
    if orders.is_empty() {
        return "nothing\n".to_owned();
    }
    let mut rows = vec![
        ["ORDER", "PATIENT ID", "NAME", "MODALITY", "DATE", "ACCESSION", "DESCRIPTION"].map(str::to_owned),
    ];
    for order in orders {
        let known = known(order);
        let value = |name: &str| {
            let fact = known.iter().find(|(found, _, _)| *found == name);
            fact.and_then(|(_, _, value)| value.clone()).unwrap_or_default()
        };
        let mut date = value("scheduled");
        if date.is_empty() {
            date = value("study_date");
        }
        rows.push([
            value("order"),
            value("patient_id"),
            value("patient_name"),
            value("modality"),
            date,
            value("accession_number"),
            value("study_description"),
        ]);
    }
    table::columns(&rows)
}

/// Everything about one order.
pub(super) fn facts(order: &Order) -> String {
    let mut text = String::new();
    for (_, name, value) in known(order) {
        if let Some(value) = value {
            table::fact(&mut text, name, &value);
        }
    }
    text
}
