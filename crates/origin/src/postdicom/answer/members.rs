//! The members of objects in answers.

use std::collections::BTreeSet;

use instance::Tag;
use serde_json::{Map, Value, json};

use super::{Details, series_uuid};
use crate::postdicom::{Folder, NewOrder, Order};

/// Under which names the members of an order stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Names {
    /// Those of the parameters of CreatePatientOrder.
    Guide,
    /// Those that the vendor's other interface answers with.
    Cloud,
    /// Those that it sends when an order is made, in groups.
    Grouped,
}

/// OrderStatus before and after something was stored. What the vendor's numbers mean is not known.
const STATUSES: [u8; 2] = [0, 1];

impl Names {
    /// An order in a list.
    pub(super) fn order(self, order: &Order) -> Value {
        let mut members = match self {
            Self::Guide => guide(&order.ordered),
            Self::Cloud => cloud(&order.ordered),
            Self::Grouped => grouped(order),
        };
        members["PatientOrderUuid"] = json!(order.uuid);
        members["OrderStatus"] = json!(STATUSES[usize::from(order.instances > 0)]);
        members["OrderSize"] = json!(order.bytes.div_ceil(1024));
        members["ImagesCount"] = json!(order.instances);
        members["DocumentsCount"] = json!(0);
        members
    }

    /// All that is known of an order.
    pub(super) fn details(self, Details { order, series }: &Details) -> Value {
        let mut members = self.order(order);
        if let Some(study) = order.studies.first() {
            members["StudyInstanceUid"] = json!(study);
            members["StudyDate"] = json!(order.study_date);
        }
        members["StudyInstanceUidList"] = json!(order.studies);
        members["AssignedUserUuidList"] = json!(order.users);
        members["AssignedUserGroupUuidList"] = json!(order.user_groups);
        members["FolderUuidList"] = json!(order.folders);
        let series = series.iter().map(|one| {
            json!({
                "PatientSeriesUuid": series_uuid(one),
                "SeriesInstanceUid": one.series_instance_uid,
                "Modality": one.modality,
                "SeriesDescription": one.description,
                "ImagesCount": one.instances,
            })
        });
        members["SeriesList"] = series.collect();
        members
    }
}

fn guide(order: &NewOrder) -> Value {
    json!({
        "InstitutionUuid": order.institution_uuid,
        "PatientName": order.patient_name,
        "PatientId": order.patient_id,
        "OtherPatientId": order.other_patient_id,
        "PatientSex": order.patient_sex,
        "PatientBirthdate": order.patient_birthdate,
        "Modality": order.modality,
        "StudyDescription": order.study_description,
        "AccessionNumber": order.accession_number,
        "PatientComplaints": order.patient_complaints,
        "OrderScheduledDatetime": order.order_scheduled_datetime,
        "RequestedProcedureId": order.requested_procedure_id,
        "RequestedProcedureDescription": order.requested_procedure_description,
        "RequestingPhysician": order.requesting_physician,
        "ReferringPhysiciansName": order.referring_physicians_name,
        "ScheduledEquipmentUuid": order.scheduled_equipment_uuid,
    })
}

fn cloud(order: &NewOrder) -> Value {
    json!({
        "PatientOrderInstitutionUuid": order.institution_uuid,
        "PatientName": order.patient_name,
        "PatientID": order.patient_id,
        "OtherPatientId": order.other_patient_id,
        "PatientSex": order.patient_sex,
        "PatientsBirthDate": order.patient_birthdate,
        "OrderModality": order.modality,
        "StudyDescription": order.study_description,
        "OrderAccessionNumber": order.accession_number,
        "PatientComplaints": order.patient_complaints,
        "PerformedDatetime": order.order_scheduled_datetime,
        "RequestedProcedureId": order.requested_procedure_id,
        "RequestingProcedureDescription": order.requested_procedure_description,
        "RequestingPhysician": order.requesting_physician,
        "ReferringPhysiciansName": order.referring_physicians_name,
        "ScheduledEquipmentUuid": order.scheduled_equipment_uuid,
    })
}

fn grouped(order: &Order) -> Value {
    let ordered = &order.ordered;
    json!({
        "PatientOrderInstitutionUuid": ordered.institution_uuid,
        "IdentityInformation": {
            "OtherId": ordered.other_patient_id,
            "Name": ordered.patient_name,
            "Birthdate": ordered.patient_birthdate,
            "Id": ordered.patient_id,
            "Sex": ordered.patient_sex,
        },
        "StudyInformation": {
            "StudyDate": order.study_date,
            "StudyDescription": ordered.study_description,
        },
        "OtherInformation": {
            "RequestingPhysician": ordered.requesting_physician,
            "RequestedProcedureDescription": ordered.requested_procedure_description,
            "ReferringPhysiciansName": ordered.referring_physicians_name,
            "RequestedProcedureId": ordered.requested_procedure_id,
        },
        "Modality": ordered.modality,
        "AccessionNumber": ordered.accession_number,
        "PatientComplaints": ordered.patient_complaints,
        "PerformedDatetime": ordered.order_scheduled_datetime,
        "ScheduledEquipmentUuid": ordered.scheduled_equipment_uuid,
    })
}

/// A folder in a list.
pub(super) fn folder(folder: &Folder) -> Value {
    json!({
        "FolderUuid": folder.uuid,
        "FolderName": folder.made.name,
        "FolderDescription": folder.made.description,
        "ParentFolderUuid": folder.made.parent_uuid,
        "IsShared": folder.is_shared,
        "OrderCount": folder.order_count,
        "AllSubOrderCount": folder.all_sub_order_count,
        "SubFolderCount": folder.sub_folder_count,
        "AllSubFolderCount": folder.all_sub_folder_count,
    })
}

/// Elements as text; one that was asked for and is not there is empty.
pub(super) fn tag_contents(elements: &Map<String, Value>, tags: &BTreeSet<Tag>) -> Value {
    let asked_for = tags.iter().map(|tag| format!("{:08X}", tag.to_u32()));
    let names: BTreeSet<String> =
        if tags.is_empty() { elements.keys().cloned().collect() } else { asked_for.collect() };
    let content = |name: &String| elements.get(name).map(text).unwrap_or_default();
    names.iter().map(|name| json!({ "DicomTagId": name, "DicomTagContent": content(name) })).collect()
}

/// The values of an element with backslashes between them; items of sequences as their JSON.
fn text(element: &Value) -> String {
    let value = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Object(name) if name.keys().all(|group| GROUPS.contains(&group.as_str())) => {
            let groups = GROUPS.map(|group| name.get(group).and_then(Value::as_str).unwrap_or_default());
            groups.join("=").trim_end_matches('=').to_owned()
        }
        other => other.to_string(),
    };
    let values = element["Value"].as_array();
    values.map(|values| values.iter().map(value).collect::<Vec<_>>().join("\\")).unwrap_or_default()
}

/// Component groups of a person name (PS3.18 §F.2.2).
const GROUPS: [&str; 3] = ["Alphabetic", "Ideographic", "Phonetic"];
