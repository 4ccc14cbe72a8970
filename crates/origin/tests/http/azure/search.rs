use dataset::element::VR;
use instance::Tag;
use origin::{Faults, synthetic::archive::large_study};
use serde_json::Value;

use super::{
    as_listed, azure,
    instances::{SERIES, STUDY, Small},
};

fn keys(found: &Value) -> String {
    found[0].as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn search_scenarios() {
    let served = azure().await;
    served.stored(&[Small::new(1), Small::new(2)]).await;
    let cases = [
        ("unsupported query tag", "/studies?00100040=F", 400),
        ("unknown keyword", "/studies?NoSuchKeyword=F", 400),
        ("private tag", "/studies?00091001=F", 400),
        ("key of another level", "/studies?Modality=OT", 400),
        ("duplicate key", "/studies?PatientID=P1&00100020=P1", 400),
        ("empty value", "/studies?PatientID=", 400),
        ("wildcard", "/studies?PatientName=Jo*", 400),
        ("range of a text", "/series?PerformedProcedureStepStartDate=20200101-20210101", 400),
        ("range without bounds", "/studies?StudyDate=-", 400),
        ("date that is none", "/studies?StudyDate=NotADate", 400),
        ("no match", "/studies?PatientID=nobody", 204),
        ("name in another case", "/studies?PatientName=JOE%5EMÜLLER", 200),
        ("name without its accent", "/studies?PatientName=joe%5Emuller", 200),
        ("part of a name", "/studies?PatientName=joe", 204),
        ("beginning of a word", "/studies?PatientName=mul&fuzzymatching=true", 200),
        ("inside of a word", "/studies?PatientName=ull&fuzzymatching=true", 204),
        ("words in another order", "/studies?PatientName=mul%20jo&fuzzymatching=true", 200),
        ("open range", "/studies?StudyDate=20191231-", 200),
        ("limit too high", "/studies?limit=201", 400),
        ("limit of nothing", "/studies?limit=0", 400),
        ("limit that is no number", "/studies?limit=many", 400),
        ("highest limit", "/studies?limit=200", 200),
        ("offset behind the end", "/studies?offset=1", 204),
        ("all and more to include", "/studies?includefield=all&includefield=00100040", 400),
        ("field that does not exist", "/studies?includefield=NoSuchKeyword", 400),
        ("two to include", "/studies?includefield=StudyTime&includefield=00080030", 200),
        ("instances of everything", "/instances?SOPInstanceUID=1.2.826.1.1.2", 200),
        ("list of UIDs", "/instances?SOPInstanceUID=1.2.826.1.1.2,1.2.826.1.1.1", 400),
        (
            "viewer",
            "/studies?limit=25&offset=0&includefield=00081030%2C00080060&StudyDate=20200101-20200131",
            200,
        ),
    ];
    for (name, path, status) in cases {
        assert_eq!(served.status(path).await, status, "{name}");
        as_listed(name, status);
    }
    let study = format!("/studies/{STUDY}");
    for (path, status) in [
        (format!("{study}/series?StudyInstanceUID={STUDY}"), 400),
        (format!("{study}/series?SeriesInstanceUID={SERIES}"), 200),
        (format!("{study}/instances?PatientID=P1"), 400),
        (format!("{study}/series/{SERIES}/instances?Modality=OT"), 400),
        (format!("{study}/series/{SERIES}/instances?SOPInstanceUID={SERIES}.1"), 200),
        (format!("/studies/{}/series", "1".repeat(65)), 400),
    ] {
        assert_eq!(served.status(&path).await, status, "{path}");
    }
    for (accept, status) in
        [("application/dicom+json", 200), ("application/dicom+xml", 406), ("text/html", 406)]
    {
        let response = served.get("/studies").header("accept", accept).send().await.unwrap();
        assert_eq!(response.status(), status, "{accept}");
    }
}

#[tokio::test]
async fn results_have_what_the_second_version_returns() {
    let served = azure().await;
    let small = Small::new(1).with(Tag(0x0008, 0x1030), VR::LO, "Head");
    served.stored(&[small]).await;
    let cases = [
        ("/studies", "00080020 00080050 00080090 00081030 00100010 00100020 00100030 0020000D"),
        (
            "/studies?includefield=00100040",
            "00080020 00080050 00080090 00081030 00100010 00100020 00100030 00100040 0020000D",
        ),
        ("/studies/1.2.826.1/series", "00080060 00081090 0020000D 0020000E 00400244"),
        ("/studies/1.2.826.1/series/1.2.826.1.1/instances", "00080018 0020000D 0020000E"),
    ];
    for (path, expected) in cases {
        assert_eq!(keys(&served.json(path).await), expected, "{path}");
    }
}

#[tokio::test]
async fn pages_may_repeat_a_match_and_an_index_may_be_erroneous() {
    let served = azure().await;
    served.origin.add_all(large_study(1, 250)).unwrap();
    let plain = served.get("/instances?limit=100").send().await.unwrap();
    assert!(!plain.headers().contains_key("erroneous-dicom-attributes"));
    served.origin.set_faults(Faults {
        repeats_matches: true,
        erroneous_attributes: vec!["00081090".to_owned()],
        ..Faults::default()
    });
    let (mut uids, mut seen) = (std::collections::BTreeSet::new(), 0);
    for offset in [0, 100, 200] {
        let response = served.get(&format!("/instances?limit=100&offset={offset}")).send().await.unwrap();
        assert_eq!(response.headers()["erroneous-dicom-attributes"], "00081090");
        let page: Value = response.json().await.unwrap();
        seen += page.as_array().unwrap().len();
        uids.extend(
            page.as_array()
                .unwrap()
                .iter()
                .map(|one| one["00080018"]["Value"][0].as_str().unwrap().to_owned()),
        );
    }
    assert_eq!((uids.len(), seen), (250, 251));
}
