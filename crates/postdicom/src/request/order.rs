//! Patient orders: made, found, given to people, removed.

use serde::{Deserialize, Serialize};

use crate::parameters::Parameters;
use crate::{
    AccessionNumber, Date, DateTime, EquipmentUuid, Fault, InstitutionUuid, InvalidField, Modality,
    ModalityList, OrderUuid, PatientId, PatientName, Sex, Text, UserGroupUuid, UserUuid,
};

/// A new order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatePatientOrder {
    /// Whose order it is.
    pub institution: InstitutionUuid,
    /// (0010,0010) Patient's Name.
    pub patient_name: PatientName,
    /// (0010,0020) Patient ID.
    pub patient_id: PatientId,
    /// (0010,1000) Other Patient IDs: one.
    pub other_patient_id: Option<PatientId>,
    /// (0010,0040) Patient's Sex.
    pub patient_sex: Option<Sex>,
    /// (0010,0030) Patient's Birth Date, which the vendor insists on.
    pub patient_birthdate: Date,
    /// (0008,0060) Modality.
    pub modality: Modality,
    /// (0008,1030) Study Description.
    pub study_description: Option<Text>,
    /// (0008,0050) Accession Number.
    pub accession_number: Option<AccessionNumber>,
    /// What the patient complains of.
    pub patient_complaints: Option<Text>,
    /// When it is to be done. No time zone is stated: it is taken to be the institution's.
    pub order_scheduled_datetime: Option<DateTime>,
    /// (0040,1001) Requested Procedure ID.
    pub requested_procedure_id: Option<Text>,
    /// (0032,1060) Requested Procedure Description.
    pub requested_procedure_description: Option<Text>,
    /// (0032,1032) Requesting Physician.
    pub requesting_physician: Option<PatientName>,
    /// (0008,0090) Referring Physician's Name.
    pub referring_physicians_name: Option<PatientName>,
    /// The device it is scheduled for.
    pub scheduled_equipment: Option<EquipmentUuid>,
}

/// Orders that match everything given. How names and numbers are matched is not documented, whole or in
/// part: whoever needs to know compares again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetPatientOrderList {
    /// Whose orders; none: as the vendor sees fit.
    pub institutions: Vec<InstitutionUuid>,
    /// (0010,0010) Patient's Name.
    pub patient_name: Option<PatientName>,
    /// (0010,0020) Patient ID.
    pub patient_id: Option<PatientId>,
    /// (0010,1000) Other Patient IDs.
    pub other_patient_id: Option<PatientId>,
    /// (0008,0050) Accession Number.
    pub accession_number: Option<AccessionNumber>,
    /// (0008,0060) Modality: any of these; none: all.
    pub modalities: ModalityList,
    /// The first day.
    pub study_date_from: Option<Date>,
    /// The last day.
    pub study_date_to: Option<Date>,
    /// (0010,0030) Patient's Birth Date: not before.
    pub patient_birthdate_from: Option<Date>,
    /// (0010,0030) Patient's Birth Date: not after.
    pub patient_birthdate_to: Option<Date>,
}

/// Everything about one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GetPatientOrderProperties {
    /// Whose order it is.
    pub institution: InstitutionUuid,
    /// The order.
    pub order: OrderUuid,
}

/// Removes an order for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletePatientOrder {
    /// Whose order it is.
    pub institution: InstitutionUuid,
    /// The order.
    pub order: OrderUuid,
}

/// Gives an order to a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignOrderToUser {
    /// The order.
    pub order: OrderUuid,
    /// The user.
    pub user: UserUuid,
}

/// Gives an order to a group of users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignOrderToUserGroup {
    /// The order.
    pub order: OrderUuid,
    /// The group.
    pub group: UserGroupUuid,
}

impl CreatePatientOrder {
    /// An order with what the vendor insists on and nothing else.
    #[must_use]
    pub const fn new(
        institution: InstitutionUuid,
        patient_name: PatientName,
        patient_id: PatientId,
        patient_birthdate: Date,
        modality: Modality,
    ) -> Self {
        Self {
            institution,
            patient_name,
            patient_id,
            other_patient_id: None,
            patient_sex: None,
            patient_birthdate,
            modality,
            study_description: None,
            accession_number: None,
            patient_complaints: None,
            order_scheduled_datetime: None,
            requested_procedure_id: None,
            requested_procedure_description: None,
            requesting_physician: None,
            referring_physicians_name: None,
            scheduled_equipment: None,
        }
    }

    pub(super) fn write<'a>(&self, to: Parameters<'a>) -> Result<Parameters<'a>, InvalidField> {
        to.uuid("InstitutionUuid", &self.institution)?
            .text("PatientName", self.patient_name.clone())
            .text("PatientId", self.patient_id.clone())
            .maybe("OtherPatientId", self.other_patient_id.clone())
            .maybe("PatientSex", self.patient_sex.map(Sex::code))
            .text("PatientBirthdate", self.patient_birthdate)
            .text("Modality", self.modality.clone())
            .maybe("StudyDescription", self.study_description.clone())
            .maybe("AccessionNumber", self.accession_number.clone())
            .maybe("PatientComplaints", self.patient_complaints.clone())
            .maybe("OrderScheduledDatetime", self.order_scheduled_datetime)
            .maybe("RequestedProcedureId", self.requested_procedure_id.clone())
            .maybe("RequestedProcedureDescription", self.requested_procedure_description.clone())
            .maybe("RequestingPhysician", self.requesting_physician.clone())
            .maybe("ReferringPhysiciansName", self.referring_physicians_name.clone())
            .maybe_uuid("ScheduledEquipmentUuid", self.scheduled_equipment.as_ref())
    }
}

impl GetPatientOrderList {
    pub(super) fn write<'a>(&self, to: Parameters<'a>) -> Result<Parameters<'a>, InvalidField> {
        let ranges = [
            ("StudyDateTo", self.study_date_from, self.study_date_to),
            ("PatientBirthdateTo", self.patient_birthdate_from, self.patient_birthdate_to),
        ];
        for (field, from, to) in ranges {
            if from.zip(to).is_some_and(|(from, to)| to < from) {
                return Err(Fault::Range.at(field));
            }
        }
        let modalities = self.modalities.as_slice().iter().map(|modality| modality.as_str().to_owned());
        Ok(to
            .uuids("InstitutionUuidList", &self.institutions, str::to_owned)?
            .maybe("PatientName", self.patient_name.clone())
            .maybe("PatientId", self.patient_id.clone())
            .maybe("OtherPatientId", self.other_patient_id.clone())
            .maybe("AccessionNumber", self.accession_number.clone())
            .list("ModalityList", modalities.collect())?
            .maybe("StudyDateFrom", self.study_date_from)
            .maybe("StudyDateTo", self.study_date_to)
            .maybe("PatientBirthdateFrom", self.patient_birthdate_from)
            .maybe("PatientBirthdateTo", self.patient_birthdate_to))
    }
}

impl GetPatientOrderProperties {
    pub(super) fn write<'a>(&self, to: Parameters<'a>) -> Result<Parameters<'a>, InvalidField> {
        to.uuid("PatientOrderInstitutionUuid", &self.institution)?.uuid("PatientOrderUuid", &self.order)
    }
}

impl DeletePatientOrder {
    pub(super) fn write<'a>(&self, to: Parameters<'a>) -> Result<Parameters<'a>, InvalidField> {
        to.uuid("PatientOrderInstitutionUuid", &self.institution)?.uuid("PatientOrderUuid", &self.order)
    }
}

impl AssignOrderToUser {
    pub(super) fn write<'a>(&self, to: Parameters<'a>) -> Result<Parameters<'a>, InvalidField> {
        to.uuid("PatientOrderUuid", &self.order)?.uuid("AssignedUserUuid", &self.user)
    }
}

impl AssignOrderToUserGroup {
    pub(super) fn write<'a>(&self, to: Parameters<'a>) -> Result<Parameters<'a>, InvalidField> {
        to.uuid("PatientOrderUuid", &self.order)?.uuid("AssignedUserGroupUuid", &self.group)
    }
}
