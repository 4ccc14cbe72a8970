//! Answers of an origin that say less than they must.

use dataset::element::VR;
use dicomweb::profile::Searchable;
use dimse::{Status, acse::QueryRetrieveOptions};
use instance::Tag;

use super::{
    scripted::{Scripted, page, result},
    workstation::{Workstation, identifier},
};

const IMAGE: [(Tag, VR, &str); 3] = [
    (Tag::STUDY_INSTANCE_UID, VR::UI, "1.1"),
    (Tag::SERIES_INSTANCE_UID, VR::UI, ""),
    (Tag::SOP_INSTANCE_UID, VR::UI, ""),
];

#[tokio::test]
async fn a_result_that_cannot_be_told_apart_is_never_left_out_silently() {
    let broken: [&[(&str, &str, &str)]; 4] = [
        &[("0020000E", "UI", "1.1.1")],
        &[("00080018", "UI", "1.2.3.1.X"), ("0020000E", "UI", "1.1.1")],
        &[("00080018", "UI", "1.1.1.2")],
        &[("00080018", "UI", "1.1.1.2"), ("0020000E", "UI", "x")],
    ];
    for row in broken {
        let row = result(row);
        let origin = Scripted::new(move |path| match path.starts_with("/studies/1.1/instances") {
            true => page(
                path,
                [result(&[("00080018", "UI", "1.1.1.1"), ("0020000E", "UI", "1.1.1")]), row.clone()],
            ),
            false => page(path, [result(&[("0020000D", "UI", "1.1")])]),
        });
        let site = origin.site(|_| {}).await;
        let image = identifier("IMAGE", &IMAGE);
        let options = QueryRetrieveOptions { relational: true, ..QueryRetrieveOptions::default() };
        let found = Workstation::with(&site, options).await.find(&image).await;
        assert_eq!(found.last.status, Status(0xC000), "{:?}", found.last);
        assert_eq!(found.last.error_comment.as_deref(), Some("the archive's answer cannot be read"));
        assert!(found.values(Tag::SOP_INSTANCE_UID).contains(&"1.1.1.1".to_owned()), "{found:?}");
    }
}

/// What is no JSON, or no character, in one element of one result.
#[tokio::test]
async fn a_damaged_element_never_loses_a_page() {
    for value in ["\"DAMAGED\u{1}\"", r#""\ud800""#, "1e400", "NaN"] {
        let study = |uid: &str, description: &str| {
            format!(
                r#"{{"0020000D":{{"vr":"UI","Value":["{uid}"]}},"00081030":{{"vr":"LO","Value":[{description}]}},"00200010":{{"vr":"SH","Value":["{uid}"]}}}}"#
            )
        };
        let results = [study("1.1", "\"A\""), study("1.2", value), study("1.3", "\"C\"")];
        let origin = Scripted::new(move |path| page(path, results.clone()));
        let site = origin.site(|_| {}).await;
        let keys = [(Tag::STUDY_INSTANCE_UID, VR::UI, ""), (Tag(0x0020, 0x0010), VR::SH, "")];
        let found = Workstation::at(&site).await.find(&identifier("STUDY", &keys)).await.whole();
        assert_eq!(found.values(Tag(0x0020, 0x0010)), ["1.1", "1.2", "1.3"], "{value}");
    }
}

#[tokio::test]
async fn names_are_matched_here_where_the_origin_says_that_it_did_not() {
    let study = |uid: &str, name: &str| result(&[("0020000D", "UI", uid), ("00100010", "PN", name)]);
    let origin = Scripted::new(move |path| match path.contains("PatientName=") {
        true => (204, String::new()),
        false => page(path, [study("1.1", "Müller^Anna"), study("1.2", "Doe^Jane")]),
    });
    let origin = origin.with_header(
        "fuzzymatching=true",
        "warning",
        "299 origin: The fuzzymatching parameter is not supported. Only literal matching has been performed.",
    );
    let site = origin.site(|config| config.origins[0].client.profile.search.fuzzy = Searchable::All).await;
    let options = QueryRetrieveOptions { fuzzy: true, ..QueryRetrieveOptions::default() };
    let by_name =
        identifier("STUDY", &[(Tag::STUDY_INSTANCE_UID, VR::UI, ""), (Tag::PATIENT_NAME, VR::PN, "muller")]);
    let found = Workstation::with(&site, options).await.find(&by_name).await.whole();
    assert_eq!(found.values(Tag::STUDY_INSTANCE_UID), ["1.1"]);
}

#[tokio::test]
async fn keys_that_the_origin_could_not_search_by_are_no_success_without_results() {
    let origin = Scripted::new(|path| page(path, [])).with_header("", "erroneous-dicom-attributes", "x");
    let site = origin
        .site(|config| {
            config.origins[0].client.profile.search.erroneous_attributes =
                Some("erroneous-dicom-attributes".into());
        })
        .await;
    let all = identifier("STUDY", &[(Tag::STUDY_INSTANCE_UID, VR::UI, "")]);
    let found = Workstation::at(&site).await.find(&all).await;
    assert_eq!(found.last.status, Status(0xA700));
}
