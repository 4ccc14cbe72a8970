use instance::Tag;
use origin::{Origin, Personality};
use serde_json::json;

use super::{element, item};

#[tokio::test]
async fn steps_are_there_again_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let uid = "1.2.3".parse().unwrap();
    let of = |patient: &str| item(&json!({ "00100020": element("LO", patient) }));
    {
        let origin = Origin::open(folder.path(), Personality::Standard).unwrap();
        origin.add_scheduled_steps([("b".into(), of("P1")), ("a".into(), of("P2"))]).await.unwrap();
        origin.add_workitem(&uid, of("P3")).await.unwrap();
        origin.add_workitem(&"1.2.4".parse().unwrap(), of("P4")).await.unwrap();
        origin.remove_workitem(&uid).await.unwrap();
    }
    let origin = Origin::open(folder.path(), Personality::Standard).unwrap();
    let patients = |items: Vec<dataset::json::Item>| {
        items.iter().map(|item| item.text(Tag::PATIENT_ID).unwrap().into_owned()).collect::<Vec<_>>()
    };
    assert_eq!(patients(origin.scheduled_steps().await.unwrap()), ["P1", "P2"], "the oldest first");
    assert_eq!(patients(origin.workitems().await.unwrap()), ["P4"]);
    assert!(origin.workitem(&uid).await.unwrap().is_none());
    assert_eq!(origin.performed_steps().await.unwrap(), []);
}
