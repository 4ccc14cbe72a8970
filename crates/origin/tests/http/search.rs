use origin::synthetic::{Instance, Study};
use serde_json::json;

use crate::served::{Served, file, serve, serve_with};

/// Two CT studies of three slices, one secondary capture.
async fn filled(served: &Served) -> (Study, Study) {
    let (one, two) = (Study::new(1, 3), Study::new(2, 3));
    let instances = one.instances().chain(two.instances()).chain([Instance::of_size(9, 1024)]);
    let files: Vec<_> = instances.map(|instance| file(&instance)).collect();
    assert_eq!(served.store(&files).await.status(), 200);
    (one, two)
}

#[tokio::test]
async fn matches_as_the_standard_says() {
    let served = serve().await;
    let (one, two) = filled(&served).await;
    let (study, other) = (one.study_instance_uid(), two.study_instance_uid());
    let series = one.series_instance_uid();
    let slice = one.instance(1).identity().sop_instance_uid.clone();
    let cases = [
        ("/studies".to_owned(), 3),
        ("/studies?PatientName=Synthetic%5EPhantom%201".to_owned(), 1),
        ("/studies?PatientName=synthetic%5Ephantom%201".to_owned(), 1),
        ("/studies?PatientName=Synthetic".to_owned(), 0),
        ("/studies?PatientName=Synth*".to_owned(), 3),
        ("/studies?00100010=*%3F9".to_owned(), 1),
        ("/studies?PatientName=100%25".to_owned(), 0),
        ("/studies?PatientID=SYNTHETIC-00000002".to_owned(), 1),
        ("/studies?PatientID=synthetic-00000002".to_owned(), 0),
        ("/studies?PatientID=*0002".to_owned(), 1),
        ("/studies?PatientID=[S]*".to_owned(), 0),
        ("/studies?PatientID=".to_owned(), 3),
        ("/studies?StudyDate=20200102".to_owned(), 1),
        ("/studies?StudyDate=20200102-20200103".to_owned(), 2),
        ("/studies?StudyDate=-20200102".to_owned(), 1),
        ("/studies?StudyDate=20200103-".to_owned(), 2),
        ("/studies?StudyTime=1000-1015".to_owned(), 3),
        ("/studies?StudyTime=1016-".to_owned(), 0),
        ("/studies?ModalitiesInStudy=CT".to_owned(), 2),
        ("/studies?ModalitiesInStudy=O*".to_owned(), 1),
        ("/studies?ModalitiesInStudy=CT,OT".to_owned(), 3),
        (format!("/studies?StudyInstanceUID={study},{other}"), 2),
        (format!("/studies?StudyInstanceUID={study}%5C{other}"), 2),
        (format!("/studies?0020000D={study}"), 1),
        ("/studies?PatientName=Synth*&ModalitiesInStudy=CT&limit=1".to_owned(), 1),
        ("/studies?limit=2&offset=2".to_owned(), 1),
        ("/series".to_owned(), 3),
        ("/series?Modality=CT".to_owned(), 2),
        (format!("/studies/{study}/series"), 1),
        (format!("/studies/{study}/series?Modality=MR"), 0),
        ("/instances".to_owned(), 7),
        ("/instances?InstanceNumber=1".to_owned(), 3),
        ("/instances?Rows=512".to_owned(), 6),
        (format!("/instances?SOPInstanceUID={slice}"), 1),
        (format!("/studies/{study}/instances"), 3),
        (format!("/studies/{study}/instances?SOPClassUID=1.2.840.10008.5.1.4.1.1.2"), 3),
        (format!("/studies/{study}/series/{series}/instances"), 3),
        (format!("/studies/{other}/series/{series}/instances"), 0),
    ];
    for (path, expected) in cases {
        let response = served.get(&path).send().await.unwrap();
        let status = if expected == 0 { 204 } else { 200 };
        assert_eq!(response.status(), status, "{path}");
        if expected > 0 {
            let found: Vec<serde_json::Value> = response.json().await.unwrap();
            assert_eq!(found.len(), expected, "{path}");
        }
    }
}

#[tokio::test]
async fn returns_what_each_level_demands() {
    let served = serve().await;
    let (one, _) = filled(&served).await;
    let study = one.study_instance_uid();
    let found = served.json(&format!("/studies?StudyInstanceUID={study}")).await;
    assert_eq!(
        found[0],
        json!({
            "00080005": { "vr": "CS", "Value": ["ISO_IR 192"] },
            "00080020": { "vr": "DA", "Value": ["20200102"] },
            "00080030": { "vr": "TM", "Value": ["101500"] },
            "00080050": { "vr": "SH", "Value": ["SYN00000001"] },
            "00080056": { "vr": "CS", "Value": ["ONLINE"] },
            "00080061": { "vr": "CS", "Value": ["CT"] },
            "00080090": { "vr": "PN", "Value": [{ "Alphabetic": "Synthetic^Referrer" }] },
            "00081030": { "vr": "LO", "Value": ["Synthetic study, no patient"] },
            "00081190": { "vr": "UR", "Value": [format!("{}/studies/{study}", served.base)] },
            "00100010": { "vr": "PN", "Value": [{ "Alphabetic": "Synthetic^Phantom 1" }] },
            "00100020": { "vr": "LO", "Value": ["SYNTHETIC-00000001"] },
            "00100030": { "vr": "DA", "Value": ["19000101"] },
            "00100040": { "vr": "CS", "Value": ["O"] },
            "0020000D": { "vr": "UI", "Value": [study.as_str()] },
            "00200010": { "vr": "SH", "Value": ["1"] },
            "00201206": { "vr": "IS", "Value": [1] },
            "00201208": { "vr": "IS", "Value": [3] },
        })
    );
    let series = served.json(&format!("/studies/{study}/series")).await;
    assert_eq!(series[0]["00201209"]["Value"], json!([3]));
    assert_eq!(series[0]["00200011"]["Value"], json!([1]));
    assert!(series[0].get("00100010").is_none());
    let instances = served.json(&format!("/studies/{study}/instances")).await;
    assert_eq!(instances[2]["00200013"]["Value"], json!([3]));
    assert_eq!(instances[0]["00280010"]["Value"], json!([512]));
    assert_eq!(instances[0]["00083002"]["Value"], json!(["1.2.840.10008.1.2.1"]));
    assert_eq!(instances[0]["00080060"]["Value"], json!(["CT"]));
    let everywhere = served.json("/instances?limit=1").await;
    assert_eq!(everywhere[0]["00100020"]["Value"], json!(["SYNTHETIC-00000001"]));
}

#[tokio::test]
async fn includes_what_was_asked_for() {
    let served = serve().await;
    let (one, _) = filled(&served).await;
    let path = format!("/studies/{}/series", one.study_instance_uid());
    let cases = [
        ("", false, false),
        ("?includefield=BodyPartExamined", true, false),
        ("?includefield=00180015,00100010", true, true),
        ("?BodyPartExamined=CHEST", true, false),
        ("?includefield=all", true, true),
    ];
    for (query, body_part, name) in cases {
        let found = served.json(&format!("{path}{query}")).await;
        assert_eq!(found[0].get("00180015").is_some(), body_part, "{query}");
        assert_eq!(found[0].get("00100010").is_some(), name, "{query}");
    }
}

#[tokio::test]
async fn says_what_it_did_not_do() {
    let served = serve_with(|options| options.limits.matches_max = 2).await;
    filled(&served).await;
    let cases = [
        ("/studies?limit=2", None),
        ("/studies", Some("There are 1 additional results")),
        ("/instances?limit=5", Some("There are 5 additional results")),
        ("/studies?fuzzymatching=true&limit=1", Some("fuzzymatching parameter is not supported")),
        ("/studies?fuzzymatching=false&limit=1", None),
        ("/studies?Manufacturer=x&limit=1", Some("not supported for matching")),
    ];
    for (path, expected) in cases {
        let response = served.get(path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let warning = response.headers().get("warning").map(|value| value.to_str().unwrap());
        match expected {
            None => assert_eq!(warning, None, "{path}"),
            Some(text) => assert!(warning.is_some_and(|warning| warning.contains(text)), "{path}"),
        }
    }
    for (path, status) in [("/studies?limit=x", 400), ("/studies?PatientName=%FF", 400)] {
        assert_eq!(served.status(path).await, status, "{path}");
    }
    let xml = served.get("/studies").header("accept", "application/dicom+xml").send().await.unwrap();
    assert_eq!(xml.status(), 406);
}
