use origin::{
    Personality,
    synthetic::archive::{Archive, Options, large_study},
};
use serde_json::{Value, json};

use crate::served::{Served, serve_with};

async fn limited() -> Served {
    serve_with(|options| options.personality = Personality::Limited).await
}

#[tokio::test]
async fn searches_as_little_as_it_says() {
    let served = limited().await;
    served.origin.add_all(large_study(1, 300)).unwrap();
    let found = served.json("/studies").await;
    let study = found[0]["0020000D"]["Value"][0].as_str().unwrap().to_owned();
    let cases = [
        ("/studies?PatientID=large-0000001".to_owned(), 200),
        ("/studies?PatientName=synthetic%5Elarge".to_owned(), 200),
        ("/studies?PatientName=synthetic".to_owned(), 204),
        ("/studies?PatientName=lar&fuzzymatching=true".to_owned(), 200),
        ("/studies?PatientName=arge&fuzzymatching=true".to_owned(), 204),
        ("/studies?PatientName=Synth*".to_owned(), 400),
        ("/studies?StudyDate=20200101-20201231".to_owned(), 200),
        ("/studies?ModalitiesInStudy=CT".to_owned(), 200),
        ("/studies?ModalitiesInStudy=MR".to_owned(), 204),
        ("/studies?Modality=CT".to_owned(), 400),
        (format!("/studies?StudyInstanceUID={study}"), 200),
        (format!("/studies?StudyInstanceUID={study},1.2"), 400),
        (format!("/studies/{study}/series?StudyInstanceUID={study}"), 400),
        (format!("/studies/{study}/series?Modality=ct"), 200),
        (format!("/studies/{study}/instances?InstanceNumber=1"), 400),
        (format!("/studies/{study}/instances?offset=300"), 204),
    ];
    for (path, status) in cases {
        assert_eq!(served.status(&path).await, status, "{path}");
    }
    let page = served.json(&format!("/studies/{study}/instances?limit=200")).await;
    assert_eq!(page.as_array().unwrap().len(), 200);
    assert_eq!(served.json("/instances").await.as_array().unwrap().len(), 100);
    // The newest first.
    let numbered = served.json(&format!("/studies/{study}/instances?includefield=InstanceNumber")).await;
    assert_eq!(numbered[0]["00200013"]["Value"], json!([300]));
    assert_eq!(numbered[1]["00200013"]["Value"], json!([299]));
}

#[tokio::test]
async fn returns_as_little_as_it_says() {
    let served = limited().await;
    served.origin.add_all(large_study(1, 1)).unwrap();
    let keys = |found: &Value| found[0].as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    let found = served.json("/studies").await;
    assert_eq!(
        keys(&found),
        "00080005 00080020 00080050 00080056 00080090 00081030 00081190 00100010 00100020 00100030 0020000D"
    );
    let found = served.json("/studies?includefield=00201206&includefield=00201208").await;
    assert!(found[0].get("00201206").is_none());
    assert_eq!(found[0]["00201208"]["Value"], json!([1]));
}

#[tokio::test]
async fn retrieves_one_transfer_syntax_or_any() {
    let served = limited().await;
    let archive = Archive::generate(Options { studies: 60, ..Options::new(4) });
    served.origin.add_all(archive.files()).unwrap();
    let syntaxes = |study: &origin::synthetic::archive::Study| {
        let instances = study.series.iter().flat_map(|series| &series.instances);
        instances.map(|one| one.transfer_syntax).collect::<std::collections::BTreeSet<_>>()
    };
    let study = archive.studies.iter().find(|study| syntaxes(study).len() == 2).unwrap();
    let path = format!("/studies/{}", study.attributes.text(instance::Tag::STUDY_INSTANCE_UID).unwrap());
    let cases = [
        ("multipart/related; type=\"application/dicom\"", 406),
        ("multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.1", 406),
        ("multipart/related; type=\"application/dicom\"; transfer-syntax=*", 200),
        ("*/*", 200),
    ];
    for (accept, status) in cases {
        let response = served.get(&path).header("accept", accept).send().await.unwrap();
        assert_eq!(response.status(), status, "{accept}");
    }
}
