//! The requests of the vendor's Node client, as they were on a socket.

use dataset::element::VR;
use instance::Tag;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{ROUTES, file, postdicom};
use crate::served::Served;

/// Header fields of every captured request. The credentials are `user@example.org` and `pässword:1`.
const FIELDS: &str = "Accept: application/json, text/plain, */*\r\n\
    Content-Type: application/json\r\n\
    Authorization: Basic dXNlckBleGFtcGxlLm9yZzpww6Rzc3dvcmQ6MQ==\r\n";

/// The fields behind those with parameters.
const LAST_FIELDS: &str = "User-Agent: axios/1.7.7\r\n\
    Accept-Encoding: gzip, compress, deflate, br\r\n\
    Connection: close\r\n";

const ORDER: &str = r#"{"InstitutionUuid":"inst-1","PatientName":"DOE^JOHN","PatientId":"PID1","OtherPatientId":"OID","PatientSex":"M","PatientBirthdate":"1980-01-02","Modality":"CT","StudyDescription":"CT HEAD","AccessionNumber":"ACC1","PatientComplaints":"headache","OrderScheduledDatetime":"2026-01-02 10:30","RequestedProcedureId":"RP1","RequestedProcedureDescription":"CT head w/o","RequestingPhysician":"DR^REQ","ReferringPhysiciansName":"DR^REF","ScheduledEquipmentUuid":"eq-1"}"#;

/// Searches and retrieves.
const DICOM_WEB: [&str; 6] = [
    "/studies?00100020=PID1",
    "/studies?0020000D=1.2.3",
    "/studies/series?0020000D=1.2.3",
    "/studies/series/instances?0020000E=1.2.3.4",
    "/studies/1.2.3",
    "/studies/series/1.2.3.4",
];

/// Functions.
const FUNCTIONS: [(&str, &str, &str); 9] = [
    (
        "/createsharelink",
        "ShareParameters",
        r#"{"PatientOrderInfoList":"[\"{\\\"PatientOrderUuid\\\":\\\"uuid-1\\\"}\"]","ExpireDate":"2026-12-31","SharePassword":"pw","Downloadable":"false"}"#,
    ),
    (
        "/sharepatientorderwithurl",
        "SharePatientOrderParameters",
        r#"{"OrderUuidList":"[\"uuid-1\"]","ExpireDate":"2026-12-31","SharePassword":"pw","UserCanDownloadStudies":"true"}"#,
    ),
    (
        "/createfolder",
        "CreateFolderParameters",
        r#"{"FolderName":"F1","FolderDescription":"desc","ParentFolderUuid":""}"#,
    ),
    (
        "/searchfolder",
        "SearchFolderParameters",
        r#"{"ParentFolderUuid":"","FolderName":"F1","GetOrdersInFolder":"true"}"#,
    ),
    (
        "/sharefolderwithurl",
        "ShareFolderParameters",
        r#"{"FolderUuid":"folder-1","SharePassword":"pw","ShareTitle":"T","ShareDescription":"D","ExpireDate":"2026-12-31","UserCanDownloadStudies":"false"}"#,
    ),
    (
        "/addordertofolder",
        "AddOrderToFolderParameters",
        r#"{"PatientOrderUuid":"uuid-1","FolderUuidList":"[\"folder-1\"]"}"#,
    ),
    (
        "/assignordertouser",
        "AssignOrderToUserParameters",
        r#"{"PatientOrderUuid":"uuid-1","AssignedUserUuid":"user-1"}"#,
    ),
    (
        "/assignordertousergroup",
        "AssignOrderToUserGroupParameters",
        r#"{"PatientOrderUuid":"uuid-1","AssignedUserGroupUuid":"group-1"}"#,
    ),
    ("/createpatientorder", "CreatePatientOrderParameters", ORDER),
];

/// Sends the bytes of a request and gives the status line and the body.
async fn replay(served: &Served, path: &str, fields: &[u8]) -> (String, Vec<u8>) {
    let (host, base_path) = served.base.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut socket = TcpStream::connect(host).await.unwrap();
    let mut request = format!("GET /{base_path}{path} HTTP/1.1\r\n{FIELDS}").into_bytes();
    request.extend_from_slice(fields);
    request.extend_from_slice(format!("{LAST_FIELDS}Host: {host}\r\n\r\n").as_bytes());
    socket.write_all(&request).await.unwrap();
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let line = answer.split(|byte| *byte == b'\r').next().unwrap();
    (String::from_utf8(line.to_vec()).unwrap(), answer[end + 4..].to_vec())
}

#[tokio::test]
async fn captured_requests_are_answered() {
    let served = postdicom().await.with_order_and_folder().await;
    let stored = served.upload(&file("1.2.3", 5, &[(Tag::PATIENT_ID, VR::LO, "PID1")])).await;
    assert_eq!(stored.status(), 200);
    for path in DICOM_WEB {
        let (line, body) = replay(&served, path, b"").await;
        assert_eq!(line, "HTTP/1.1 200 OK", "{path}");
        assert!(body.windows(5).any(|window| window == b"1.2.3"), "{path}");
    }
    for (path, header, value) in FUNCTIONS {
        assert!(ROUTES.iter().any(|(_, known, field)| *known == path && *field == header));
        let (line, _) = replay(&served, path, format!("{header}: {value}\r\n").as_bytes()).await;
        assert_eq!(line, "HTTP/1.1 200 OK", "{path}");
    }
    let orders = served.origin.orders().await.unwrap();
    let order = orders.iter().find(|order| order.uuid == "uuid-1").unwrap();
    assert_eq!(
        (order.users.as_slice(), order.folders.as_slice()),
        (&["user-1".into()][..], &["folder-1".into()][..])
    );
    assert_eq!(order.user_groups, ["group-1"]);
    let made = &orders.last().unwrap().ordered;
    assert_eq!((made.patient_name.as_str(), made.accession_number.as_str()), ("DOE^JOHN", "ACC1"));
    assert_eq!(made.order_scheduled_datetime, "2026-01-02 10:30");
    assert_eq!(served.origin.shares().await.unwrap().len(), 3);
    assert_eq!(served.origin.folders().await.unwrap().len(), 2);
}

/// The last captured request, in which the client sent umlauts as Latin-1.
#[tokio::test]
async fn letters_in_latin_1_are_understood() {
    let served = postdicom().await;
    let mut fields = b"CreatePatientOrderParameters: ".to_vec();
    let order = ORDER.replace("DOE^JOHN", "MÜLLER^JÜRGEN");
    fields.extend(order.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()));
    fields.extend_from_slice(b"\r\n");
    let (line, _) = replay(&served, "/createpatientorder", &fields).await;
    assert_eq!(line, "HTTP/1.1 200 OK");
    assert_eq!(served.origin.orders().await.unwrap()[0].ordered.patient_name, "MÜLLER^JÜRGEN");
}
