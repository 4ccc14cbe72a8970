use dataset::element::VR;
use instance::Tag;
use origin::{Origin, Personality, synthetic::archive};
use serde_json::json;

use super::{file, postdicom};

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let served = postdicom().await.with_order_and_folder().await;
    served.call("AddOrderToFolder", json!({})).await;
    served.call("AssignOrderToUser", json!({})).await;
    served.call("CreateShareLink", json!({})).await;
    served.call("ShareFolderWithUrl", json!({})).await;
    served.upload(&file("1.2.3", 1, &[(Tag::PATIENT_ID, VR::LO, "P1")])).await;
    let before = (
        served.origin.orders().await.unwrap(),
        served.origin.folders().await.unwrap(),
        served.origin.shares().await.unwrap(),
    );
    assert_eq!((before.0.len(), before.1.len(), before.2.len()), (2, 1, 2));
    let again = Origin::open(served.folder.path().join("origin"), Personality::PostDicom).unwrap();
    let after =
        (again.orders().await.unwrap(), again.folders().await.unwrap(), again.shares().await.unwrap());
    assert_eq!(before, after);
}

/// An archive of another personality becomes an account, in which every study has an order.
#[tokio::test]
async fn studies_without_orders_get_them() {
    let folder = tempfile::tempdir().unwrap();
    let archive = archive::Archive::generate(archive::Options { studies: 50, ..archive::Options::new(7) });
    let standard = Origin::open(folder.path(), Personality::Standard).unwrap();
    standard.add_all(archive.files()).unwrap();
    assert!(matches!(standard.orders().await, Err(origin::Error::NoOrders)));
    drop(standard);
    let account = Origin::open(folder.path(), Personality::PostDicom).unwrap();
    let orders = account.orders().await.unwrap();
    let studies = archive.studies.iter().map(|study| study.attributes.text(Tag::STUDY_INSTANCE_UID).unwrap());
    let mut expected: Vec<_> = studies.collect();
    let mut attached: Vec<_> = orders.iter().flat_map(|order| &order.studies).map(String::as_str).collect();
    expected.sort_unstable();
    attached.sort_unstable();
    assert_eq!(attached, expected);
    let instances: u64 = orders.iter().map(|order| order.instances).sum();
    assert_eq!(instances, archive.instance_count() as u64);
}
