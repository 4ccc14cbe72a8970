//! Orthanc on both sides: as a modality that pushes, and as the archive.

use serde_json::{Value, json};
use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::http;
use tests::instances::Instance;
use tests::orthanc::Orthanc;
use tests::pydicom;
use tests::sender::store_all;

use crate::site::Site;

/// Makes Dimseway a modality of Orthanc.
fn introduce(orthanc: &Orthanc, site: &Site) {
    let address = site.daemon.dimse();
    let modality = json!({"AET": "DIMSEWAY", "Host": address.ip().to_string(), "Port": address.port()});
    assert_eq!(orthanc.request("PUT", "/modalities/dimseway", &modality).status, 200);
    assert_eq!(orthanc.request("POST", "/modalities/dimseway/echo", &json!({})).status, 200);
}

/// Pushes what Orthanc has, and waits until it says how that went.
fn push(orthanc: &Orthanc, identifiers: &Value) -> Value {
    let answer = orthanc.request(
        "POST",
        "/modalities/dimseway/store",
        &json!({
            "Synchronous": true, "Resources": identifiers, "Permissive": true, "Timeout": 60,
        }),
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[test]
fn orthanc_pushes_a_study_as_a_modality() {
    let Some(orthanc) = Orthanc::start() else { return };
    let site = Site::start();
    let instances = Instance::study(1, 30, 300_000);
    for instance in &instances {
        assert_eq!(orthanc.stow(&instance.file()), 200);
    }
    introduce(&orthanc, &site);
    let pushed = push(&orthanc, &orthanc.get("/studies").json());
    assert_eq!(
        (&pushed["InstancesCount"], &pushed["FailedInstancesCount"]),
        (&json!(30), &json!(0)),
        "{pushed}"
    );
    site.expect(&instances);
}

/// Its DICOMweb plug-in deletes nothing, so its profile does not let anything be overwritten.
#[test]
fn orthanc_deletes_nothing_and_nothing_is_to_be_overwritten_there() {
    let Some(orthanc) = Orthanc::start() else { return };
    let instance = Instance::ct(1, 1, 1000);
    assert_eq!(orthanc.stow(&instance.file()), 200);
    let Instance { study, series, sop_instance, .. } = &instance;
    for path in [
        format!("studies/{study}"),
        format!("studies/{study}/series/{series}"),
        format!("studies/{study}/series/{series}/instances/{sop_instance}"),
    ] {
        let answer = http::request("DELETE", &format!("{}/{path}", orthanc.url()), &[], Vec::new()).unwrap();
        assert!(matches!(answer.status, 404 | 405 | 501), "{path}: {}", answer.status);
    }
    assert_eq!(orthanc.count(), 1);
    let configuration = Configuration::new()
        .origin("archive", &orthanc.url())
        .set("origin.archive", "profile = \"orthanc\"")
        .set("origin.archive", "duplicate = \"overwrite\"");
    let checked = Home::new(&configuration).run(&["check"]);
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert_eq!(checked.status.code(), Some(78), "{said}");
    assert!(said.contains("duplicate"), "{said}");
}

#[test]
fn orthanc_pushes_test_files_in_their_own_syntaxes() {
    let Some(rounds) = pydicom::rounds() else { return };
    let Some(orthanc) = Orthanc::start() else { return };
    let site = Site::start();
    introduce(&orthanc, &site);
    let (mut delivered, mut identical, mut wrong) = (0, 0, Vec::new());
    for round in &rounds {
        for file in round {
            let _ = orthanc.stow(&std::fs::read(&file.path).unwrap());
        }
        let pushed = push(&orthanc, &orthanc.get("/instances").json());
        let failed = pushed["FailedInstancesCount"].as_u64().unwrap();
        let said = pushed["InstancesCount"].as_u64().unwrap() - failed;
        site.daemon.settle();
        assert_eq!(site.origin.count() as u64, said, "what Orthanc says that it delivered");
        delivered += said;
        for file in round {
            let Some(found) = site.origin.file(&file.instance) else { continue };
            let (meta, start) = instance::part10::read(&found).unwrap();
            // Orthanc writes a data set again only where it has to change the syntax.
            if meta.transfer_syntax.uid().as_str() != file.instance.transfer_syntax {
                continue;
            }
            if found[start..] == file.instance.data_set {
                identical += 1;
            } else {
                wrong.push(file.name());
            }
        }
        orthanc.clear();
        site.clear(round.iter().map(|file| &file.instance));
    }
    println!("{delivered} delivered, {identical} identical; written again by Orthanc: {wrong:?}");
    assert!(delivered >= 150, "{delivered}");
    assert!(identical >= 100, "{identical}");
}

#[test]
fn a_study_arrives_in_orthanc_counted_and_identical() {
    let Some(orthanc) = Orthanc::start() else { return };
    let configuration =
        Configuration::new().origin("archive", &orthanc.url()).set("origin.archive", "profile = \"orthanc\"");
    let home = Home::new(&configuration);
    let daemon = home.start();
    let instances = Instance::study(1, 80, 526_000);
    store_all(daemon.dimse(), &instances);
    daemon.settle();
    assert_eq!(orthanc.count(), 80);
    for instance in &instances {
        let kept = orthanc.file(&instance.sop_instance).unwrap();
        let (_, start) = instance::part10::read(&kept).unwrap();
        assert!(kept[start..] == instance.data_set, "{} has other bytes", instance.sop_instance);
    }
    assert_eq!(daemon.queue("state=delivered").len(), 80);
    // The same again, as after a lost answer, neither adds nor breaks anything.
    store_all(daemon.dimse(), &instances[..5]);
    daemon.settle();
    assert_eq!(orthanc.count(), 80);
    assert_eq!(daemon.queue("state=delivered").len(), 85);
    let url = format!("{}/instances?limit=200", orthanc.url());
    let found = http::request("GET", &url, &[("accept", "application/dicom+json")], Vec::new()).unwrap();
    assert_eq!(found.json().as_array().map_or(0, Vec::len), 80, "{}", found.text());
}
