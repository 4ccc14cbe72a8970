//! Orders: made, listed, assigned, deleted.

use instance::Uid;

use super::Call;
use crate::{
    index::Target,
    media::Refused,
    postdicom::{
        NewOrder, Order,
        account::has,
        answer::{Answer, Details},
        function::Function,
        parameters::{Parameters, bad, unknown},
        store::{Assignee, OrderSearch},
    },
};

/// Characters of an Accession Number (PS3.5 §6.2, SH) and of a modality (CS).
const SHORT_MAX: usize = 16;

impl NewOrder {
    /// Reads the parameters of CreatePatientOrder.
    fn parse(mut given: Parameters) -> Result<Self, Refused> {
        let order = Self {
            institution_uuid: given.required("InstitutionUuid")?,
            patient_name: given.required("PatientName")?,
            patient_id: given.required("PatientId")?,
            other_patient_id: given.text("OtherPatientId"),
            patient_sex: given.text("PatientSex"),
            patient_birthdate: given.required_date("PatientBirthdate")?,
            modality: given.required("Modality")?,
            study_description: given.text("StudyDescription"),
            accession_number: given.text("AccessionNumber"),
            patient_complaints: given.text("PatientComplaints"),
            order_scheduled_datetime: given.date_time("OrderScheduledDatetime")?,
            requested_procedure_id: given.text("RequestedProcedureId"),
            requested_procedure_description: given.text("RequestedProcedureDescription"),
            requesting_physician: given.text("RequestingPhysician"),
            referring_physicians_name: given.text("ReferringPhysiciansName"),
            scheduled_equipment_uuid: given.text("ScheduledEquipmentUuid"),
        };
        if !["", "M", "F", "O"].contains(&order.patient_sex.as_str()) {
            return Err(bad("PatientSex", "it is neither M nor F nor O"));
        }
        let is_code = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
        if order.modality.len() > SHORT_MAX || !order.modality.chars().all(is_code) {
            return Err(bad("Modality", "it is not one code"));
        }
        if order.accession_number.chars().count() > SHORT_MAX {
            return Err(bad("AccessionNumber", "it is longer than 16 characters"));
        }
        Ok(order)
    }
}

impl Call<'_> {
    pub(super) async fn create_patient_order(&self, given: Parameters) -> Result<Answer, Refused> {
        let order = NewOrder::parse(given)?;
        let account = &self.state.options.postdicom.account;
        if !has(&account.institutions, &order.institution_uuid) {
            return Err(unknown("InstitutionUuid"));
        }
        let equipment = &order.scheduled_equipment_uuid;
        if !equipment.is_empty() && !has(&account.equipment, equipment) {
            return Err(unknown("ScheduledEquipmentUuid"));
        }
        let uuid = self.with_store(move |store| store.add_order(None, &order)).await?;
        Ok(Answer::Created("PatientOrderUuid", uuid))
    }

    pub(super) async fn get_patient_order_list(&self, mut given: Parameters) -> Result<Answer, Refused> {
        let search = OrderSearch {
            institutions: given.list("InstitutionUuidList")?,
            patient_name: given.text("PatientName"),
            patient_id: given.text("PatientId"),
            other_patient_id: given.text("OtherPatientId"),
            accession_number: given.text("AccessionNumber"),
            modalities: given.list("ModalityList")?,
            study_date: given.range("StudyDateFrom", "StudyDateTo")?,
            patient_birthdate: given.range("PatientBirthdateFrom", "PatientBirthdateTo")?,
        };
        let known = &self.state.options.postdicom.account.institutions;
        if search.institutions.iter().any(|institution| !has(known, institution)) {
            return Err(unknown("InstitutionUuidList"));
        }
        let limit = self.matches_max() + 1;
        let found = self.with_store(move |store| store.orders(&search, limit)).await?;
        Ok(Answer::Orders(self.whole(found)?))
    }

    /// The order that a request names together with its institution.
    pub(super) async fn named(&self, given: &mut Parameters) -> Result<Order, Refused> {
        let institution = given.required("PatientOrderInstitutionUuid")?;
        if !has(&self.state.options.postdicom.account.institutions, &institution) {
            return Err(unknown("PatientOrderInstitutionUuid"));
        }
        let order = self.order(given).await?;
        if order.ordered.institution_uuid != institution {
            return Err(unknown("PatientOrderUuid"));
        }
        Ok(order)
    }

    async fn order(&self, given: &mut Parameters) -> Result<Order, Refused> {
        let uuid = given.required("PatientOrderUuid")?;
        let found = self.with_store(move |store| store.order(&uuid)).await?;
        found.ok_or_else(|| unknown("PatientOrderUuid"))
    }

    pub(super) async fn get_patient_order_properties(
        &self,
        mut given: Parameters,
    ) -> Result<Answer, Refused> {
        let order = self.named(&mut given).await?;
        let uuid = order.uuid.clone();
        let series = self.with_store(move |store| store.series(&uuid)).await?;
        Ok(Answer::Order(Box::new(Details { order, series })))
    }

    pub(super) async fn assign(&self, function: Function, mut given: Parameters) -> Result<Answer, Refused> {
        let account = &self.state.options.postdicom.account;
        let (kind, name, known) = match function {
            Function::AssignOrderToUserGroup => {
                (Assignee::Group, "AssignedUserGroupUuid", &account.user_groups)
            }
            _ => (Assignee::User, "AssignedUserUuid", &account.users),
        };
        let order = self.order(&mut given).await?.uuid;
        let assignee = given.required(name)?;
        if !has(known, &assignee) {
            return Err(unknown(name));
        }
        self.with_store(move |store| store.assign(&order, kind, &assignee)).await?;
        Ok(Answer::Done)
    }

    /// Permanently, with its instances. Those go first: an order without them is deleted again, instances
    /// without an order would be found for ever.
    pub(super) async fn delete_patient_order(&self, mut given: Parameters) -> Result<Answer, Refused> {
        let order = self.named(&mut given).await?;
        for study in order.studies.iter().filter_map(|study| study.parse::<Uid>().ok()) {
            self.state.storage.remove(Target { study, series: None, instance: None }).await?;
        }
        self.with_store(move |store| store.delete_order(&order.uuid)).await?;
        Ok(Answer::Done)
    }
}
