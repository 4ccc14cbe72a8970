//! Requests for tests.

use std::str::FromStr;

use serde_json::{Map, Value};

use crate::request::*;
use crate::{Call, Function};

/// A value of any type from its text.
pub(super) fn of<T: FromStr>(text: &str) -> T
where
    T::Err: std::fmt::Debug,
{
    text.parse().unwrap()
}

/// An order with everything.
pub(super) fn order(patient_name: &str) -> CreatePatientOrder {
    CreatePatientOrder {
        other_patient_id: Some(of("OID")),
        patient_sex: Some(of("M")),
        study_description: Some(of("CT HEAD")),
        accession_number: Some(of("ACC1")),
        patient_complaints: Some(of("headache")),
        order_scheduled_datetime: Some(of("2026-01-02 10:30")),
        requested_procedure_id: Some(of("RP1")),
        requested_procedure_description: Some(of("CT head w/o")),
        requesting_physician: Some(of("DR^REQ")),
        referring_physicians_name: Some(of("DR^REF")),
        scheduled_equipment: Some(of("eq-1")),
        ..CreatePatientOrder::new(of("inst-1"), of(patient_name), of("PID1"), of("1980-01-02"), of("CT"))
    }
}

/// The call that a client made whose parameters were these.
pub(super) fn call_of(function: Function, parameters: &Map<String, Value>) -> Call {
    let text = |name: &str| parameters[name].as_str().unwrap().to_owned();
    let flag = |name: &str| text(name) == "true";
    let list = |name: &str| serde_json::from_str::<Vec<String>>(&text(name)).unwrap();
    fn maybe<T: FromStr>(text: String) -> Option<T>
    where
        T::Err: std::fmt::Debug,
    {
        (!text.is_empty()).then(|| of(&text))
    }
    match function {
        Function::CreateShareLink => {
            let info = list("PatientOrderInfoList");
            let orders = info.iter().map(|info| {
                let info: Value = serde_json::from_str(info).unwrap();
                of(info["PatientOrderUuid"].as_str().unwrap())
            });
            let (expires, password) = (of(&text("ExpireDate")), maybe(text("SharePassword")));
            let downloadable = flag("Downloadable");
            CreateShareLink { orders: orders.collect(), expires, password, downloadable }.into()
        }
        Function::SharePatientOrderWithUrl => SharePatientOrderWithUrl {
            orders: list("OrderUuidList").iter().map(|uuid| of(uuid)).collect(),
            expires: of(&text("ExpireDate")),
            password: maybe(text("SharePassword")),
            user_can_download_studies: flag("UserCanDownloadStudies"),
        }
        .into(),
        Function::CreateFolder => CreateFolder {
            name: of(&text("FolderName")),
            description: maybe(text("FolderDescription")),
            parent: maybe(text("ParentFolderUuid")),
        }
        .into(),
        Function::SearchFolder => SearchFolder {
            parent: maybe(text("ParentFolderUuid")),
            name: maybe(text("FolderName")),
            get_orders_in_folder: flag("GetOrdersInFolder"),
        }
        .into(),
        Function::ShareFolderWithUrl => ShareFolderWithUrl {
            folder: of(&text("FolderUuid")),
            password: maybe(text("SharePassword")),
            title: maybe(text("ShareTitle")),
            description: maybe(text("ShareDescription")),
            expires: maybe(text("ExpireDate")),
            user_can_download_studies: flag("UserCanDownloadStudies"),
        }
        .into(),
        Function::AddOrderToFolder => AddOrderToFolder {
            order: of(&text("PatientOrderUuid")),
            folders: list("FolderUuidList").iter().map(|uuid| of(uuid)).collect(),
        }
        .into(),
        Function::AssignOrderToUser => {
            AssignOrderToUser { order: of(&text("PatientOrderUuid")), user: of(&text("AssignedUserUuid")) }
                .into()
        }
        Function::AssignOrderToUserGroup => AssignOrderToUserGroup {
            order: of(&text("PatientOrderUuid")),
            group: of(&text("AssignedUserGroupUuid")),
        }
        .into(),
        Function::CreatePatientOrder => CreatePatientOrder {
            other_patient_id: maybe(text("OtherPatientId")),
            patient_sex: maybe(text("PatientSex")),
            study_description: maybe(text("StudyDescription")),
            accession_number: maybe(text("AccessionNumber")),
            patient_complaints: maybe(text("PatientComplaints")),
            order_scheduled_datetime: maybe(text("OrderScheduledDatetime")),
            requested_procedure_id: maybe(text("RequestedProcedureId")),
            requested_procedure_description: maybe(text("RequestedProcedureDescription")),
            requesting_physician: maybe(text("RequestingPhysician")),
            referring_physicians_name: maybe(text("ReferringPhysiciansName")),
            scheduled_equipment: maybe(text("ScheduledEquipmentUuid")),
            ..CreatePatientOrder::new(
                of(&text("InstitutionUuid")),
                of(&text("PatientName")),
                of(&text("PatientId")),
                of(&text("PatientBirthdate")),
                of(&text("Modality")),
            )
        }
        .into(),
        other => panic!("{other} was not captured"),
    }
}
