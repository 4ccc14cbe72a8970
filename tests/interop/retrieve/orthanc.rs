//! Orthanc as a requestor of the bridge: its own query and its own retrieve, with itself as destination.

use serde_json::json;
use tests::instances::Instance;
use tests::orthanc::Orthanc;

use super::{KINDS, Kind, Site, split};

/// Orthanc's own AE title, where it is given none.
const ORTHANC: &str = "ORTHANC";

/// Lets Orthanc find a study through the bridge and retrieve it by a method of its own.
fn retrieve(kind: &Kind, method: &str) -> Option<()> {
    let workstation = Orthanc::start()?;
    let peer = format!("[[peer]]\nae_title = \"{ORTHANC}\"\naddress = \"{}\"\n", workstation.dimse());
    let site = Site::start(kind, &peer)?;
    let instances: Vec<_> = [1, 2].iter().flat_map(|study| Instance::study(*study, 5, 100_000)).collect();
    site.archive.fill(&instances);
    let address = site.daemon.dimse();
    let modality = json!({
        "AET": "DIMSEWAY", "Host": address.ip().to_string(), "Port": address.port(),
        "RetrieveMethod": method,
    });
    assert_eq!(workstation.request("PUT", "/modalities/dimseway", &modality).status, 200);

    let query = json!({"Level": "Study", "Query": {"StudyInstanceUID": instances[0].study, "PatientID": ""}});
    let found = workstation.request("POST", "/modalities/dimseway/query", &query);
    assert_eq!(found.status, 200, "{}", found.text());
    let path = found.json()["Path"].as_str().unwrap().to_owned();
    let answers = workstation.get(&format!("{path}/answers?expand&simplify")).json();
    assert_eq!(answers.as_array().map(Vec::len), Some(1), "{answers}");
    assert_eq!(answers[0]["PatientID"], "TEST-1", "{answers}");

    let retrieved = workstation.request(
        "POST",
        &format!("{path}/answers/0/retrieve"),
        &json!({"TargetAet": ORTHANC, "Synchronous": true, "Timeout": 60}),
    );
    assert_eq!(retrieved.status, 200, "{method} from {}: {}", kind.name, retrieved.text());
    assert_eq!(workstation.count(), 5, "{method} from {}", kind.name);
    for instance in &instances[..5] {
        let file = workstation.file(&instance.sop_instance).expect("the instance in Orthanc");
        let expected = (instance.transfer_syntax.clone(), instance.data_set.clone());
        assert!(split(&file) == expected, "{method} from {}: {}", kind.name, instance.sop_instance);
    }
    Some(())
}

#[test]
fn it_moves_to_itself() {
    for kind in &KINDS {
        if retrieve(kind, "C-MOVE").is_none() {
            return;
        }
    }
}

#[test]
fn it_gets() {
    for kind in &KINDS {
        if retrieve(kind, "C-GET").is_none() {
            return;
        }
    }
}
