use std::collections::BTreeSet;

use origin::synthetic::archive::{Archive, Options, large_study, large_study_uids};
use reqwest::header;
use serde_json::Value;

use crate::served::{Served, serve, serve_with};

fn uids(found: &Value, key: &str) -> Vec<String> {
    let matches = found.as_array().unwrap().iter();
    matches.map(|one| one[key]["Value"][0].as_str().unwrap().to_owned()).collect()
}

/// Past the wire or over it, the same archive is found.
#[tokio::test]
async fn an_archive_put_in_place_answers_as_one_that_was_stored() {
    let archive = Archive::generate(Options { studies: 60, ..Options::new(4) });
    let (direct, stored) = (serve().await, serve().await);
    let added = direct.origin.add_all(archive.files()).unwrap();
    assert_eq!(added, archive.instance_count() as u64);
    let files: Vec<_> = archive.files().map(|file| file.part10()).collect();
    assert_eq!(stored.store(&files).await.status(), 200);
    for path in ["/studies?includefield=all", "/series?includefield=all", "/instances?includefield=all"] {
        let answers = [direct.json(path).await, stored.json(path).await];
        let bases = answers.iter().zip([&direct.base, &stored.base]);
        let [one, other] = [0, 1].map(|at| {
            let (answer, base): (&Value, &String) = bases.clone().nth(at).unwrap();
            answer.to_string().replace(base.as_str(), "")
        });
        assert_eq!(one, other, "{path}");
    }
    let path = archive.files().next().unwrap().identity;
    let path = format!(
        "/studies/{}/series/{}/instances/{}",
        path.study_instance_uid, path.series_instance_uid, path.sop_instance_uid
    );
    let one = direct.get(&path).header("accept", "application/dicom").send().await.unwrap();
    assert_eq!(one.bytes().await.unwrap(), files[0]);
}

#[tokio::test]
async fn names_in_every_script_are_found() {
    let served = serve().await;
    let archive = Archive::generate(Options { studies: 800, ..Options::new(4) });
    served.origin.add_all(archive.files()).unwrap();
    for pattern in ["иванов*", "山田*", "やまだ*", "ΠΑΠΑΔ*", "홍*", "王*", "müller*", "o'brien*", "smith*"]
    {
        let prefix = pattern.trim_end_matches('*').to_lowercase();
        let expected: BTreeSet<_> = archive
            .studies
            .iter()
            .filter(|study| {
                let name = study.attributes.text(instance::Tag::PATIENT_NAME).unwrap_or_default();
                name.to_lowercase().split('=').any(|group| group.starts_with(&prefix))
            })
            .map(|study| study.attributes.text(instance::Tag::STUDY_INSTANCE_UID).unwrap().to_owned())
            .collect();
        assert!(!expected.is_empty(), "{pattern}");
        let request = served.get("/studies").query(&[("PatientName", pattern)]);
        let found: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(uids(&found, "0020000D").into_iter().collect::<BTreeSet<_>>(), expected, "{pattern}");
    }
}

#[tokio::test]
async fn requests_are_found_by_attributes_of_their_items() {
    let served = serve().await;
    let archive = Archive::generate(Options { studies: 40, ..Options::new(4) });
    served.origin.add_all(archive.files()).unwrap();
    let sequence = instance::Tag(0x0040, 0x0275);
    let series = archive.studies.iter().flat_map(|study| &study.series);
    let series = series.filter(|series| series.attributes.items(sequence).len() == 2);
    let series = series.map(|series| &series.attributes).next().unwrap();
    let id = series.items(sequence)[1].text(instance::Tag(0x0040, 0x0009)).unwrap();
    for name in ["00400275.00400009", "RequestAttributesSequence.ScheduledProcedureStepID"] {
        let found = served.json(&format!("/series?{name}={id}")).await;
        let expected = series.text(instance::Tag::SERIES_INSTANCE_UID).unwrap();
        assert_eq!(uids(&found, "0020000E"), [expected], "{name}");
        let items = found[0]["00400275"]["Value"].as_array().unwrap();
        assert_eq!(items[1]["00400009"]["Value"][0], id);
    }
    assert_eq!(served.status("/series?00400275.00400009=nothing").await, 204);
    assert_eq!(served.status("/series?00400275.00400009=SPS*").await, 200);
}

/// Gives every page of a search, and how many there were.
async fn pages(served: &Served, path: &str, limit: usize) -> (usize, Vec<String>) {
    let mut all = Vec::new();
    for page in 0.. {
        let path = format!("{path}?limit={limit}&offset={}", page * limit);
        let response = served.get(&path).send().await.unwrap();
        if response.status() == 204 {
            return (page, all);
        }
        all.extend(uids(&response.json().await.unwrap(), "00080018"));
    }
    unreachable!("pages end")
}

#[tokio::test]
async fn a_large_study_is_listed_in_any_pages() {
    let served = serve_with(|options| options.limits.matches_max = 1_500).await;
    assert_eq!(served.origin.add_all(large_study(1, 2_000)).unwrap(), 2_000);
    let (study, series) = large_study_uids(1);
    let expected: Vec<_> =
        large_study(1, 2_000).map(|file| file.identity.sop_instance_uid.as_str().to_owned()).collect();
    for path in [
        "/instances".to_owned(),
        format!("/studies/{study}/instances"),
        format!("/studies/{study}/series/{series}/instances"),
    ] {
        for (limit, count) in [(700, 3), (256, 8), (1_000, 2)] {
            assert_eq!(pages(&served, &path, limit).await, (count, expected.clone()), "{path} {limit}");
        }
    }
    let response = served.get(&format!("/studies/{study}/instances")).send().await.unwrap();
    let warning = response.headers()[header::WARNING].to_str().unwrap().to_owned();
    assert!(warning.contains("There are 500 additional results"), "{warning}");
    let found: Value = response.json().await.unwrap();
    assert_eq!(uids(&found, "00080018"), expected[..1_500]);
    let counted = served.json("/studies").await;
    assert_eq!(counted[0]["00201208"]["Value"][0], 2_000);
    assert_eq!(counted[0]["00201206"]["Value"][0], 1);
}
