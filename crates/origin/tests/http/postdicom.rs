//! The personality `postdicom`, as clients that know nothing of ours see it.

mod captures;
mod dicom_web;
mod folders;
mod lost;
mod orders;
mod refusals;
mod restart;
mod shapes;
mod shares;

use dataset::element::{VR, Writer};
use instance::{
    Encoding, Tag, TransferSyntax,
    part10::{self, FileMeta},
    transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN,
};
use origin::{
    Credentials, Options, Personality,
    postdicom::{Account, Entity, NewOrder},
};
use reqwest::{RequestBuilder, Response, header};
use serde_json::{Map, Value, json};

use crate::served::{Served, serve_with};

const USERNAME: &str = "user@example.org";
const PASSWORD: &str = "pässword:1";

/// An account in which everything is called as in the captured requests.
async fn postdicom() -> Served {
    postdicom_with(|_| {}).await
}

async fn postdicom_with(change: impl FnOnce(&mut Options)) -> Served {
    serve_with(|options| {
        options.personality = Personality::PostDicom;
        options.credentials =
            Some(Credentials { username: USERNAME.to_owned(), password: PASSWORD.to_owned() });
        options.postdicom.account = Account {
            institutions: vec![Entity::new("inst-1", "Hospital"), Entity::new("inst-2", "Clinic")],
            users: vec![Entity::new("user-1", "Reader")],
            user_groups: vec![Entity::new("group-1", "Radiology")],
            equipment: vec![Entity::new("eq-1", "CT")],
        };
        change(options);
    })
    .await
}

/// The path and the header field of a function.
const ROUTES: [(&str, &str, &str); 13] = [
    ("CreateShareLink", "/createsharelink", "ShareParameters"),
    ("SharePatientOrderWithUrl", "/sharepatientorderwithurl", "SharePatientOrderParameters"),
    ("CreateFolder", "/createfolder", "CreateFolderParameters"),
    ("SearchFolder", "/searchfolder", "SearchFolderParameters"),
    ("ShareFolderWithUrl", "/sharefolderwithurl", "ShareFolderParameters"),
    ("AddOrderToFolder", "/addordertofolder", "AddOrderToFolderParameters"),
    ("AssignOrderToUser", "/assignordertouser", "AssignOrderToUserParameters"),
    ("AssignOrderToUserGroup", "/assignordertousergroup", "AssignOrderToUserGroupParameters"),
    ("CreatePatientOrder", "/createpatientorder", "CreatePatientOrderParameters"),
    ("GetPatientOrderProperties", "/getpatientorderproperties", "GetPatientOrderPropertiesParameters"),
    ("GetDicomTagContent", "/getdicomtagcontent", "GetDicomTagContentParameters"),
    ("GetPatientOrderList", "/getpatientorderlist", "GetPatientOrderListParameters"),
    ("DeletePatientOrder", "/deleteorder", "DeleteOrderParameters"),
];

/// Parameters of each function that are taken, in an account with the order `uuid-1` and the folder
/// `folder-1`.
fn parameters(function: &str) -> Value {
    match function {
        "CreateShareLink" => json!({
            "PatientOrderInfoList": r#"["{\"PatientOrderUuid\":\"uuid-1\"}"]"#,
            "ExpireDate": "2026-12-31", "SharePassword": "pw", "Downloadable": "false",
        }),
        "SharePatientOrderWithUrl" => json!({
            "OrderUuidList": r#"["uuid-1"]"#, "ExpireDate": "2026-12-31", "SharePassword": "pw",
            "UserCanDownloadStudies": "true",
        }),
        "CreateFolder" => json!({"FolderName": "F1", "FolderDescription": "desc", "ParentFolderUuid": ""}),
        "SearchFolder" => json!({"ParentFolderUuid": "", "FolderName": "F1", "GetOrdersInFolder": "true"}),
        "ShareFolderWithUrl" => json!({
            "FolderUuid": "folder-1", "SharePassword": "pw", "ShareTitle": "T", "ShareDescription": "D",
            "ExpireDate": "2026-12-31", "UserCanDownloadStudies": "false",
        }),
        "AddOrderToFolder" => json!({"PatientOrderUuid": "uuid-1", "FolderUuidList": r#"["folder-1"]"#}),
        "AssignOrderToUser" => json!({"PatientOrderUuid": "uuid-1", "AssignedUserUuid": "user-1"}),
        "AssignOrderToUserGroup" => {
            json!({"PatientOrderUuid": "uuid-1", "AssignedUserGroupUuid": "group-1"})
        }
        "CreatePatientOrder" => json!({
            "InstitutionUuid": "inst-1", "PatientName": "DOE^JOHN", "PatientId": "PID1", "OtherPatientId": "OID",
            "PatientSex": "M", "PatientBirthdate": "1980-01-02", "Modality": "CT", "StudyDescription": "CT HEAD",
            "AccessionNumber": "ACC1", "PatientComplaints": "headache",
            "OrderScheduledDatetime": "2026-01-02 10:30", "RequestedProcedureId": "RP1",
            "RequestedProcedureDescription": "CT head w/o", "RequestingPhysician": "DR^REQ",
            "ReferringPhysiciansName": "DR^REF", "ScheduledEquipmentUuid": "eq-1",
        }),
        "GetDicomTagContent" => json!({
            "PatientOrderInstitutionUuid": "inst-1", "PatientOrderUuid": "uuid-1", "PatientSeriesUuid": "",
            "DicomTagIdList": r#"["00100010"]"#,
        }),
        "GetPatientOrderList" => json!({
            "InstitutionUuidList": r#"[""]"#, "PatientName": "", "PatientId": "", "OtherPatientId": "",
            "AccessionNumber": "", "ModalityList": r#"[""]"#, "StudyDateFrom": "", "StudyDateTo": "",
            "PatientBirthdateFrom": "", "PatientBirthdateTo": "",
        }),
        _ => json!({"PatientOrderInstitutionUuid": "inst-1", "PatientOrderUuid": "uuid-1"}),
    }
}

/// The parameters with others in their place.
fn with(function: &str, others: Value) -> Value {
    let mut parameters = parameters(function);
    for (name, value) in others.as_object().unwrap() {
        assert!(parameters.get(name).is_some(), "{name}");
        parameters[name] = value.clone();
    }
    parameters
}

/// JSON in ASCII.
fn escaped(value: &Value) -> String {
    let mut units = [0; 2];
    value.to_string().chars().fold(String::new(), |mut text, letter| {
        if letter.is_ascii() {
            text.push(letter);
        } else {
            letter.encode_utf16(&mut units).iter().for_each(|unit| text.push_str(&format!("\\u{unit:04x}")));
        }
        text
    })
}

fn route(function: &str) -> (&'static str, &'static str) {
    let found = ROUTES.iter().find(|(name, ..)| *name == function).unwrap();
    (found.1, found.2)
}

impl Served {
    fn authorized(&self, path: &str) -> RequestBuilder {
        self.get(path).basic_auth(USERNAME, Some(PASSWORD))
    }

    fn request(&self, function: &str, parameters: &Value) -> RequestBuilder {
        let (path, header) = route(function);
        self.authorized(path).header(header, escaped(parameters))
    }

    async fn send(&self, function: &str, parameters: &Value) -> Response {
        self.request(function, parameters).send().await.unwrap()
    }

    /// Calls a function that is done, with some parameters that are not the usual ones.
    async fn call(&self, function: &str, others: Value) -> Value {
        let response = self.send(function, &with(function, others)).await;
        let (status, reason) = (response.status(), reason(&response));
        assert_eq!((status.as_u16(), reason), (200, None), "{function}");
        response.json().await.unwrap()
    }

    /// Calls a function that is refused; the status and why.
    async fn refused(&self, function: &str, others: Value) -> (u16, String) {
        let response = self.send(function, &with(function, others)).await;
        let reason = reason(&response).unwrap_or_default();
        (response.status().as_u16(), reason)
    }

    /// The captured requests name an order and a folder that are there.
    async fn with_order_and_folder(self) -> Self {
        let order = NewOrder {
            institution_uuid: "inst-1".to_owned(),
            patient_name: "ROE^RITA".to_owned(),
            patient_id: "PID9".to_owned(),
            patient_birthdate: "1970-07-07".to_owned(),
            modality: "MR".to_owned(),
            accession_number: "ACC9".to_owned(),
            order_scheduled_datetime: "2026-02-03 08:00".to_owned(),
            ..NewOrder::default()
        };
        self.origin.add_order(Some("uuid-1"), order).await.unwrap();
        let folder = origin::postdicom::NewFolder { name: "Folder One".to_owned(), ..Default::default() };
        self.origin.add_folder(Some("folder-1"), folder).await.unwrap();
        self
    }

    /// Stores one file as the vendor's client does.
    async fn upload(&self, file: &[u8]) -> Response {
        self.upload_request(&[file]).send().await.unwrap()
    }

    fn upload_request(&self, files: &[&[u8]]) -> RequestBuilder {
        let mut body = Vec::new();
        for file in files {
            body.extend_from_slice(b"--DICOM DATA BOUNDARY\r\nContent-Type: application/dicom\r\n\r\n");
            body.extend_from_slice(file);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--DICOM DATA BOUNDARY--\r\n");
        let content_type = "multipart/related; boundary=\"DICOM DATA BOUNDARY\"; type=\"application/dicom\"";
        self.post("/")
            .basic_auth(USERNAME, Some(PASSWORD))
            .header(header::CONTENT_TYPE, content_type)
            .body(body)
    }

    /// Orders as the answer to a search for them names them.
    async fn orders(&self, others: Value) -> Vec<String> {
        let answer = self.call("GetPatientOrderList", others).await;
        let list = answer["SearchResultList"].as_array().unwrap().iter();
        list.map(|order| order["PatientOrderUuid"].as_str().unwrap().to_owned()).collect()
    }
}

/// What `X-Error-Reason` says.
fn reason(response: &Response) -> Option<String> {
    response.headers().get("X-Error-Reason").map(|reason| reason.to_str().unwrap().to_owned())
}

/// An instance of series `STUDY.4`, with the UID `STUDY.4.NUMBER`.
fn file(study: &str, number: u32, attributes: &[(Tag, VR, &str)]) -> Vec<u8> {
    let sop_class = "1.2.840.10008.5.1.4.1.1.7";
    let (series, instance) = (format!("{study}.4"), format!("{study}.4.{number}"));
    let meta = FileMeta {
        sop_class_uid: sop_class.parse().unwrap(),
        sop_instance_uid: instance.parse().unwrap(),
        transfer_syntax: TransferSyntax::new(EXPLICIT_VR_LITTLE_ENDIAN.parse().unwrap()),
    };
    let mut elements = vec![
        (Tag(0x0008, 0x0005), VR::CS, "ISO_IR 192"),
        (Tag::SOP_CLASS_UID, VR::UI, sop_class),
        (Tag::SOP_INSTANCE_UID, VR::UI, &instance),
        (Tag::STUDY_INSTANCE_UID, VR::UI, study),
        (Tag::SERIES_INSTANCE_UID, VR::UI, &series),
    ];
    elements.extend_from_slice(attributes);
    elements.sort_by_key(|(tag, ..)| *tag);
    let mut writer = Writer::new(Encoding::ExplicitVrLittleEndian);
    for (tag, vr, value) in elements {
        writer.element(tag, vr, value.as_bytes());
    }
    let mut file = part10::write(&meta, None);
    file.extend_from_slice(&writer.into_bytes());
    file
}

const ACCESSION_NUMBER: Tag = Tag(0x0008, 0x0050);
const STUDY_DATE: Tag = Tag(0x0008, 0x0020);

/// The text of a member of each of a list.
fn texts(list: &Value, member: &str) -> Vec<String> {
    let members = list.as_array().unwrap().iter().map(|one: &Value| one[member].as_str().unwrap().to_owned());
    members.collect()
}

/// Names of the members of an object.
fn names(object: &Value) -> Vec<&str> {
    object.as_object().map(Map::keys).unwrap().map(String::as_str).collect()
}
