use dataset::element::VR;
use dimse::{Status, command::Response};
use instance::Tag;

use super::{
    scripted::{Scripted, offset, page, result},
    workstation::{Workstation, identifier},
};

const ANY_STUDY: (Tag, VR, &str) = (Tag::STUDY_INSTANCE_UID, VR::UI, "");

/// Studies without end, in pages as long as they are asked for.
fn endless() -> Scripted {
    Scripted::new(|path| {
        let limit = path.split(['?', '&']).find_map(|parameter| parameter.strip_prefix("limit="));
        let limit = limit.and_then(|limit| limit.parse().ok()).unwrap_or(100);
        let from = offset(path);
        let studies = (from..from + limit).map(|number| {
            result(&[("0020000D", "UI", &format!("1.2.{number}")), ("00100020", "LO", &format!("P{number}"))])
        });
        (200, format!("[{}]", studies.collect::<Vec<_>>().join(",")))
    })
}

fn comment(response: &Response) -> &str {
    response.error_comment.as_deref().unwrap_or_default()
}

#[tokio::test]
async fn too_many_results_and_rows_end_in_a700() {
    let site = endless().site(|config| config.query.results_max = 70).await;
    let found = Workstation::at(&site).await.find(&identifier("STUDY", &[ANY_STUDY])).await;
    assert_eq!((found.last.status, found.results.len()), (Status(0xA700), 70));
    assert!(comment(&found.last).contains("70 results"), "{:?}", found.last);

    let site = endless().site(|config| config.query.rows_max = 2500).await;
    let nobody = identifier("STUDY", &[ANY_STUDY, (Tag::PATIENT_ID, VR::LO, "nobody")]);
    let found = Workstation::at(&site).await.find(&nobody).await;
    assert_eq!((found.last.status, found.results.len()), (Status(0xA700), 0));
    assert!(comment(&found.last).contains("2500 rows"), "{:?}", found.last);

    let nothing = Scripted::new(|_| (204, String::new()));
    let site = nothing.site(|config| config.query.requests_max = 3).await;
    let uids = (0..400).map(|number| format!("9.{number}")).collect::<Vec<_>>().join("\\");
    let many = identifier("STUDY", &[(Tag::STUDY_INSTANCE_UID, VR::UI, &uids)]);
    let found = Workstation::at(&site).await.find(&many).await;
    assert_eq!((found.last.status, found.results.len()), (Status(0xA700), 0));
    assert!(comment(&found.last).contains("3 searches"), "{:?}", found.last);
    assert!(nothing.asked().is_empty(), "it is known before the first of them");
}

/// An archive that takes request lines of 8 KiB, as many do.
#[tokio::test]
async fn more_keys_than_a_request_line_holds_get_a_right_answer() {
    let origin = Scripted::new(|path| {
        let study = |uid: &str, id: &str| result(&[("0020000D", "UI", uid), ("00211000", "LO", id)]);
        match path.len() {
            8000.. => (414, String::new()),
            _ => page(path, [study("1.1", "A"), study("1.2", "B"), study("1.3", "A")]),
        }
    });
    let site = origin.site(|_| {}).await;
    let tag = |number: u16| Tag(0x0021, 0x1000 + number);
    let mut keys = vec![(Tag::STUDY_INSTANCE_UID, VR::UI, "1.1\\1.2")];
    keys.extend((0..20_000).map(|number| (tag(number), VR::LO, if number == 0 { "A" } else { "" })));
    let found = Workstation::at(&site).await.find(&identifier("STUDY", &keys)).await.whole();
    assert_eq!(found.values(Tag::STUDY_INSTANCE_UID), ["1.1"]);
    let asked = origin.asked();
    assert!(asked.iter().all(|path| path.contains("0020000D=1.1,1.2")), "{asked:?}");
}

#[tokio::test]
async fn a_cancel_ends_the_query_within_a_page() {
    let origin = endless();
    let site = origin.site(|_| {}).await;
    let mut workstation = Workstation::at(&site).await;
    assert_eq!(workstation.cancel(&identifier("STUDY", &[ANY_STUDY])).await, Status::CANCEL);
    let found = workstation.find(&identifier("FRAME", &[ANY_STUDY])).await;
    assert_eq!(found.last.status, Status(0xA900), "the association goes on");
    assert!(origin.asked().len() <= 5, "{:?}", origin.asked());
}

/// What an origin answers and what that means; the second page, so that results were sent before.
#[tokio::test]
async fn an_answer_that_fails_in_the_middle_ends_in_a_failure() {
    let cases: [(u16, &str, u16); 8] = [
        (400, "", 0xC001),
        (401, "", 0x0124),
        (404, "", 0xC002),
        (413, "", 0xA700),
        (500, "", 0xA700),
        (200, "[{", 0xC000),
        (200, "<html></html>", 0xC000),
        (200, "", 0xC000),
    ];
    for (status, body, expected) in cases {
        for fails_at in [0, 1] {
            let first = endless();
            let origin = Scripted::new(move |path| match offset(path) {
                0 if fails_at > 0 => first.answer(path),
                _ => (status, body.to_owned()),
            });
            let site = origin.site(|_| {}).await;
            let found = Workstation::at(&site).await.find(&identifier("STUDY", &[ANY_STUDY])).await;
            assert_eq!(found.last.status, Status(expected), "{status} {body:?}: {:?}", found.last);
            assert!(!comment(&found.last).is_empty() && comment(&found.last).len() <= 64);
            assert_eq!(found.results.is_empty(), fails_at == 0, "{status}");
        }
    }
}

#[tokio::test]
async fn a_page_that_repeats_ends_the_results() {
    let first = endless();
    let origin = Scripted::new(move |path| first.answer(&path.replace("offset=", "ignored=")));
    let site = origin.site(|_| {}).await;
    let found = Workstation::at(&site).await.find(&identifier("STUDY", &[ANY_STUDY])).await;
    let mut uids = found.values(Tag::STUDY_INSTANCE_UID);
    let count = uids.len();
    uids.dedup();
    assert_eq!(uids.len(), count, "each once");
    assert_ne!(found.last.status, Status::SUCCESS, "there may be more behind");
}
