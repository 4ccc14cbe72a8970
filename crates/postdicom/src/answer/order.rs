//! Orders as the vendor describes them.

use std::collections::BTreeMap;
use std::fmt;

use instance::Uid;
use serde_json::{Map, Value};

use super::shape;
use crate::error::Unreadable;
use crate::{
    AccessionNumber, Date, DateTime, EquipmentUuid, InstitutionUuid, OrderUuid, PatientId, PatientName, Text,
};

/// Names of lists of orders.
const LISTS: &[&str] =
    &["searchresultlist", "patientorderlist", "orderlist", "patientorders", "orders", "patientorder"];

/// Groups of members that say something of the patient under short names.
const PATIENT_GROUPS: &[&str] = &["identityinformation", "patient", "patientinformation"];

/// An order. Whatever an answer leaves out, or says in a form that is not known, is `None`; the whole of it
/// is in [`Self::expose`]. `Debug` shows nothing of a patient.
#[derive(Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Order {
    /// Its name; some lists leave it out.
    pub uuid: Option<OrderUuid>,
    /// Whose it is.
    pub institution: Option<InstitutionUuid>,
    /// (0010,0010) Patient's Name.
    pub patient_name: Option<PatientName>,
    /// (0010,0020) Patient ID.
    pub patient_id: Option<PatientId>,
    /// (0010,1000) Other Patient IDs.
    pub other_patient_id: Option<PatientId>,
    /// (0010,0040) Patient's Sex, as given.
    pub patient_sex: Option<Text>,
    /// (0010,0030) Patient's Birth Date.
    pub patient_birthdate: Option<Date>,
    /// (0008,0060) Modality, as given.
    pub modality: Option<Text>,
    /// (0008,1030) Study Description.
    pub study_description: Option<Text>,
    /// (0008,0050) Accession Number.
    pub accession_number: Option<AccessionNumber>,
    /// What the patient complains of.
    pub patient_complaints: Option<Text>,
    /// When it is scheduled, or was performed: the vendor's other interface has one word for both. A day
    /// without a time is in [`Self::study_date`].
    pub order_scheduled_datetime: Option<DateTime>,
    /// (0008,0020) Study Date, or the day of the order.
    pub study_date: Option<Date>,
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
    /// A number or word for where it stands.
    pub status: Option<Text>,
    /// (0020,000D) Study Instance UID.
    pub study_instance_uid: Option<Uid>,
    /// Images.
    pub images: Option<u64>,
    /// Documents.
    pub documents: Option<u64>,
    document: Value,
}

/// Orders of an answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OrderList {
    /// In the order of the answer.
    pub orders: Vec<Order>,
    /// Items of the list that are no orders.
    pub skipped: usize,
}

/// Members of an order and of the groups in it, by their names for comparison.
struct Members<'a>(BTreeMap<String, &'a Value>);

impl<'a> Members<'a> {
    fn of(map: &'a Map<String, Value>) -> Self {
        let mut members = Self(BTreeMap::new());
        members.add(map, "", 0);
        members
    }

    fn add(&mut self, map: &'a Map<String, Value>, prefix: &str, depth: usize) {
        for (name, value) in map {
            let name = shape::key(name);
            match value {
                Value::Object(group) if depth < 2 => {
                    let prefix = if PATIENT_GROUPS.contains(&name.as_str()) { "patient" } else { "" };
                    self.add(group, prefix, depth + 1);
                }
                _ => {
                    let name = if name.starts_with(prefix) { name } else { format!("{prefix}{name}") };
                    // What stands further out is meant: a group may repeat a name with another meaning.
                    self.0.entry(name).or_insert(value);
                }
            }
        }
    }

    /// The first of these that says anything.
    fn text(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| shape::text(self.0.get(*name)?))
    }

    fn read<T: std::str::FromStr>(&self, names: &[&str]) -> Option<T> {
        self.text(names)?.parse().ok()
    }
}

impl Order {
    /// The order as it was answered, with members that this version knows nothing of. It names a patient.
    #[must_use]
    pub const fn expose(&self) -> &Value {
        &self.document
    }

    fn read(document: Value) -> Option<Self> {
        let document = shape::unfolded(document);
        let members = Members::of(document.as_object()?);
        let day = members.text(&[
            "orderscheduleddatetime",
            "scheduleddatetime",
            "performeddatetime",
            "orderdatetime",
        ]);
        let mut order = Self {
            uuid: members.read(&["patientorderuuid", "orderuuid", "uuid"]),
            institution: members.read(&["patientorderinstitutionuuid", "institutionuuid"]),
            patient_name: members.read(&["patientname", "patientsname"]),
            patient_id: members.read(&["patientid"]),
            other_patient_id: members.read(&[
                "otherpatientid",
                "patientotherid",
                "otherpatientids",
                "otherid",
            ]),
            patient_sex: members.read(&["patientsex", "patientssex", "sex"]),
            patient_birthdate: members
                .text(&["patientbirthdate", "patientsbirthdate", "birthdate"])
                .and_then(|text| Date::read(&text)),
            modality: members.read(&["modality", "ordermodality", "modalities", "modalitiesinstudy"]),
            study_description: members.read(&["studydescription", "orderstudydescription"]),
            accession_number: members.read(&["accessionnumber", "orderaccessionnumber"]),
            patient_complaints: members.read(&["patientcomplaints", "complaints"]),
            order_scheduled_datetime: day.as_deref().and_then(DateTime::read),
            study_date: None,
            requested_procedure_id: members.read(&["requestedprocedureid", "procedureid"]),
            requested_procedure_description: members.read(&[
                "requestedproceduredescription",
                "requestingproceduredescription",
                "proceduredescription",
            ]),
            requesting_physician: members.read(&["requestingphysician"]),
            referring_physicians_name: members.read(&["referringphysiciansname", "referringphysicianname"]),
            scheduled_equipment: members.read(&["scheduledequipmentuuid", "equipmentuuid"]),
            status: members.read(&["orderstatus", "status"]),
            study_instance_uid: members.read(&["studyinstanceuid"]),
            images: members.read(&["imagescount", "imagecount", "images"]),
            documents: members.read(&["documentscount", "documentcount", "documents"]),
            document: Value::Null,
        };
        let date = members.text(&["studydate", "orderdate"]).and_then(|text| Date::read(&text));
        order.study_date = date
            .or_else(|| day.as_deref().and_then(Date::read))
            .or_else(|| order.order_scheduled_datetime.map(DateTime::date));
        order.document = document;
        Some(order)
    }
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order").field("uuid", &self.uuid).finish_non_exhaustive()
    }
}

/// Whether members are those of an order.
fn is_order(map: &Map<String, Value>) -> bool {
    let names: Vec<String> = map.keys().map(|name| shape::key(name)).collect();
    ["patientorderuuid", "orderuuid", "patientname", "patientid", "identityinformation"]
        .iter()
        .any(|wanted| names.iter().any(|name| name == wanted))
}

impl OrderList {
    pub(crate) fn read(value: Value) -> Result<Self, Unreadable> {
        let outline = shape::outline(&value);
        let items = shape::list(value, LISTS, is_order).ok_or(Unreadable::Shape(outline))?;
        let mut list = Self::default();
        for item in items {
            match Some(shape::unfolded(item))
                .filter(|item| item.as_object().is_some_and(is_order))
                .and_then(Order::read)
            {
                Some(order) => list.orders.push(order),
                None => list.skipped += 1,
            }
        }
        Ok(list)
    }

    /// Adds what another answer to a part of the same search has, each order once.
    pub(crate) fn merge(&mut self, other: Self) {
        let mut known: std::collections::HashSet<OrderUuid> =
            self.orders.iter().filter_map(|order| order.uuid.clone()).collect();
        self.skipped += other.skipped;
        let new =
            other.orders.into_iter().filter(|order| order.uuid.clone().is_none_or(|uuid| known.insert(uuid)));
        self.orders.extend(new);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn orders_are_read_under_both_sets_of_names() {
        let ours = json!({"SearchResultList": [{
            "PatientOrderUuid": "uuid-1", "InstitutionUuid": "inst-1", "PatientName": "DOE^JOHN", "PatientId": 4711,
            "OtherPatientId": "OID", "PatientSex": "M", "PatientBirthdate": "1980-01-02", "Modality": "CT",
            "AccessionNumber": "ACC1", "OrderScheduledDatetime": "2026-01-02 10:30", "RequestedProcedureDescription": "CT head",
            "OrderStatus": 3, "ImagesCount": "12", "StudyInstanceUid": "1.2.3"}]});
        let theirs = json!({"Success": true, "SearchResultList": [{
            "patientOrderUuid": "uuid-1", "PatientOrderInstitutionUuid": "inst-1",
            "IdentityInformation": {"Name": "DOE^JOHN", "Id": "4711", "OtherId": "OID", "Sex": "M", "Birthdate": "1980-01-02T00:00:00"},
            "OrderModality": "CT", "OrderAccessionNumber": "ACC1", "PerformedDatetime": "2026-01-02T10:30:00",
            "RequestingProcedureDescription": "CT head", "OrderStatus": "3", "ImagesCount": 12, "studyInstanceUID": "1.2.3"}]});
        for answer in [ours, theirs] {
            let list = OrderList::read(answer).unwrap();
            let [order] = list.orders.as_slice() else { panic!("{list:?}") };
            assert_eq!(order.uuid.as_ref().unwrap().as_str(), "uuid-1");
            assert_eq!(order.institution.as_ref().unwrap().as_str(), "inst-1");
            assert_eq!(order.patient_name.as_ref().unwrap().expose(), "DOE^JOHN");
            assert_eq!(order.patient_id.as_ref().unwrap().expose(), "4711");
            assert_eq!(order.other_patient_id.as_ref().unwrap().expose(), "OID");
            assert_eq!(order.patient_sex.as_ref().unwrap().expose(), "M");
            assert_eq!(order.patient_birthdate.unwrap().to_text(), "1980-01-02");
            assert_eq!(order.modality.as_ref().unwrap().expose(), "CT");
            assert_eq!(order.accession_number.as_ref().unwrap().expose(), "ACC1");
            assert_eq!(order.order_scheduled_datetime.unwrap().to_text(), "2026-01-02 10:30");
            assert_eq!(order.study_date.unwrap().to_text(), "2026-01-02");
            assert_eq!(order.requested_procedure_description.as_ref().unwrap().expose(), "CT head");
            assert_eq!(order.status.as_ref().unwrap().expose(), "3");
            assert_eq!(order.images, Some(12));
            assert_eq!(order.study_instance_uid.as_ref().unwrap().as_str(), "1.2.3");
            assert!(!format!("{list:?}").contains("DOE"));
        }
    }

    #[test]
    fn one_bad_item_loses_no_list() {
        let list = OrderList::read(json!([
            {"PatientOrderUuid": "a"}, null, 3, {"Else": 1}, "{\"PatientOrderUuid\":\"b\"}",
            {"PatientOrderUuid": "not a uuid", "PatientName": "", "PatientBirthdate": "01/02/1980", "AccessionNumber": "12345678901234567"}
        ]))
        .unwrap();
        assert_eq!(list.skipped, 3);
        let uuids: Vec<_> =
            list.orders.iter().map(|order| order.uuid.as_ref().map(OrderUuid::as_str)).collect();
        assert_eq!(uuids, [Some("a"), Some("b"), None]);
        let third = &list.orders[2];
        assert_eq!(
            (&third.patient_name, third.patient_birthdate, &third.accession_number),
            (&None, None, &None)
        );
        assert_eq!(third.expose()["PatientBirthdate"], "01/02/1980");
    }

    #[test]
    fn parts_of_a_search_are_put_together() {
        let read = |value| OrderList::read(value).unwrap();
        let mut list = read(json!([{"OrderUuid": "a"}, {"PatientName": "x"}]));
        list.merge(read(json!([{"OrderUuid": "a"}, {"OrderUuid": "b"}, {"PatientName": "x"}, 1])));
        assert_eq!((list.orders.len(), list.skipped), (4, 1));
    }

    #[test]
    fn an_unknown_shape_is_an_error() {
        let error = OrderList::read(json!({"Result": "DOE^JOHN"})).unwrap_err();
        assert_eq!(error.to_string(), "it has an unknown shape: {Result: text}");
    }
}
