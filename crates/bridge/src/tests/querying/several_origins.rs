use dataset::element::VR;
use dicomweb::{ClientConfig, Profile};
use dimse::Status;
use instance::Tag;

use super::{
    scripted::{Scripted, page, result},
    workstation::{Workstation, identifier},
};
use crate::{Config, config::Origin};

const WANTED: [(Tag, VR, &str); 2] = [(Tag::STUDY_INSTANCE_UID, VR::UI, ""), (Tag::PATIENT_NAME, VR::PN, "")];

fn with(studies: &'static [(&str, &str)]) -> Scripted {
    Scripted::new(move |path| {
        let study = |(uid, name): &(&str, &str)| result(&[("0020000D", "UI", uid), ("00100010", "PN", name)]);
        page(path, studies.iter().map(study))
    })
}

pub(super) fn add(config: &mut Config, address: std::net::SocketAddr) {
    let url = format!("http://{address}/dicom-web").parse().unwrap();
    config.origins.push(Origin::new("second", ClientConfig::new(url, Profile::standard())));
    config.routes = vec![crate::config::Route::everything(vec!["archive".parse().unwrap()])];
    config.query.origins = vec!["archive".into(), "second".into()];
}

#[tokio::test]
async fn results_are_merged_and_the_first_origin_wins() {
    let second = with(&[("1.2", "Second"), ("1.3", "Second")]).serve().await;
    let first = with(&[("1.1", "First"), ("1.2", "First")]);
    let site = first.site(|config| add(config, second)).await;
    let found = Workstation::at(&site).await.find(&identifier("STUDY", &WANTED)).await.whole();
    assert_eq!(found.values(Tag::STUDY_INSTANCE_UID), ["1.1", "1.2", "1.3"]);
    assert_eq!(found.values(Tag::PATIENT_NAME), ["First", "First", "Second"]);
}

#[tokio::test]
async fn one_that_is_down_makes_the_query_fail_with_the_results_of_the_other() {
    let second = with(&[("1.2", "Second")]).serve().await;
    let down = Scripted::new(|_| (500, String::new()));
    let site = down.site(|config| add(config, second)).await;
    let found = Workstation::at(&site).await.find(&identifier("STUDY", &WANTED)).await;
    assert_eq!(found.values(Tag::STUDY_INSTANCE_UID), ["1.2"]);
    assert_eq!(found.last.status, Status(0xA700));
}
