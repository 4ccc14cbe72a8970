//! Keys by attributes that the origin's searches do not give.

use dataset::element::VR;
use dimse::Status;
use instance::Tag;

use super::{
    scripted::{Scripted, page, result},
    workstation::{MODALITIES, STUDY_INSTANCES, Workstation, identifier},
};

const ANY_STUDY: (Tag, VR, &str) = (Tag::STUDY_INSTANCE_UID, VR::UI, "");
const STATION_NAME: Tag = Tag(0x0008, 0x1010);

/// One study of `count` series, whose station names are told by their metadata alone, if at all.
fn series_without_stations(count: usize, has_metadata: bool) -> Scripted {
    Scripted::new(move |path| {
        let (resource, _) = path.split_once('?').unwrap_or((path, ""));
        let parts: Vec<&str> = resource.split('/').collect();
        match parts[1..] {
            ["studies", _, "series"] => {
                let series = (1..=count).map(|number| {
                    result(&[("0020000E", "UI", &format!("1.1.{number}")), ("00080060", "CS", "CT")])
                });
                page(path, series)
            }
            ["studies", _, "series", series, "instances"] => {
                page(path, [result(&[("00080018", "UI", &format!("{series}.1"))])])
            }
            ["studies", _, "series", series, "instances", instance, "metadata"] if has_metadata => {
                let station = if series.ends_with(".2") { "SCANNER2" } else { "SCANNER1" };
                let told = [("00080018", "UI", instance), ("00081010", "SH", station)];
                (200, format!("[{}]", result(if series.ends_with(".3") { &told[..1] } else { &told })))
            }
            _ => (404, String::new()),
        }
    })
}

fn by_station(name: &str) -> dataset::json::Item {
    let keys = [
        (Tag::STUDY_INSTANCE_UID, VR::UI, "1.1"),
        (Tag::SERIES_INSTANCE_UID, VR::UI, ""),
        (STATION_NAME, VR::SH, name),
    ];
    identifier("SERIES", &keys)
}

#[tokio::test]
async fn what_the_metadata_tells_is_matched() {
    let site = series_without_stations(3, true).site(|_| {}).await;
    let mut workstation = Workstation::at(&site).await;
    let found = workstation.find(&by_station("SCANNER2")).await.whole();
    assert_eq!(found.values(Tag::SERIES_INSTANCE_UID), ["1.1.2"], "1.1.3 has none");
    assert_eq!(found.results[0].0, Status::PENDING);
    assert_eq!(found.values(STATION_NAME), ["SCANNER2"]);
}

#[tokio::test]
async fn what_nobody_tells_is_a_key_that_is_not_supported() {
    for (origin, count) in [(series_without_stations(3, false), 3), (series_without_stations(230, true), 30)]
    {
        let site = origin.site(|_| {}).await;
        let found = Workstation::at(&site).await.find(&by_station("SCANNER9")).await.whole();
        assert_eq!(found.results.len(), count, "beyond what is looked up");
        assert!(found.results.iter().all(|(status, _)| *status == Status::PENDING_WITH_WARNING));
    }
    let patient = series_without_stations(230, true).site(|config| config.query.look_ups_max = 230).await;
    let found = Workstation::at(&patient).await.find(&by_station("SCANNER9")).await.whole();
    assert!(found.results.is_empty(), "all are looked up, and none matches");
}

/// One study of three instances, and an origin that counts nothing.
fn uncounted() -> Scripted {
    Scripted::new(|path| {
        let (resource, _) = path.split_once('?').unwrap_or((path, ""));
        let results = match resource {
            "/studies" => vec![result(&[("0020000D", "UI", "1.1"), ("00100020", "LO", "4711")])],
            "/studies/1.1/series" => vec![result(&[("0020000E", "UI", "1.1.1"), ("00080060", "CS", "CT")])],
            "/studies/1.1/instances" => ["1.1.1.1", "1.1.1.2", "1.1.1.3"]
                .map(|uid| result(&[("00080018", "UI", uid), ("0020000E", "UI", "1.1.1")]))
                .to_vec(),
            _ => return (404, String::new()),
        };
        page(path, results)
    })
}

#[tokio::test]
async fn a_count_that_is_a_key_is_never_left_out_silently() {
    let by_count = identifier("STUDY", &[ANY_STUDY, (STUDY_INSTANCES, VR::IS, "3")]);
    let site = uncounted().site(|_| {}).await;
    let found = Workstation::at(&site).await.find(&by_count).await.whole();
    assert_eq!((found.results.len(), found.results[0].0), (1, Status::PENDING));

    let site = uncounted().site(|config| config.query.count_related = false).await;
    let mut workstation = Workstation::at(&site).await;
    let by_modality = identifier("STUDY", &[ANY_STUDY, (Tag(0x0008, 0x0062), VR::UI, "1.2.840")]);
    for wanted in [&by_count, &by_modality] {
        let found = workstation.find(wanted).await.whole();
        assert_eq!((found.results.len(), found.results[0].0), (1, Status::PENDING_WITH_WARNING));
    }

    let site = uncounted().site(|config| config.query.requests_max = 1).await;
    let mut workstation = Workstation::at(&site).await;
    let found = workstation.find(&by_count).await;
    assert_eq!((found.last.status, found.results.len()), (Status(0xA700), 0));
    let shown_only =
        identifier("STUDY", &[ANY_STUDY, (STUDY_INSTANCES, VR::IS, ""), (MODALITIES, VR::CS, "")]);
    assert_eq!(workstation.find(&shown_only).await.whole().results.len(), 1, "it stays empty");
}

/// Three instances that say whose they are and not when the study was.
#[tokio::test]
async fn what_only_the_study_says_is_looked_up_although_more_is_there() {
    let origin = Scripted::new(|path| {
        let (resource, _) = path.split_once('?').unwrap_or((path, ""));
        let study = [("0020000D", "UI", "1.1"), ("00100020", "LO", "4711"), ("00080020", "DA", "20200101")];
        let results = match resource {
            "/studies" => vec![result(&study)],
            "/studies/1.1/series/1.1.1/instances" => ["1.1.1.1", "1.1.1.2", "1.1.1.3"]
                .map(|uid| result(&[("00080018", "UI", uid), ("00100020", "LO", "4711")]))
                .to_vec(),
            _ => return (404, String::new()),
        };
        page(path, results)
    });
    let site = origin.site(|_| {}).await;
    let mut workstation = Workstation::at(&site).await;
    for (date, count) in [("20200101", 3), ("20200102", 0)] {
        let keys = [
            (Tag::STUDY_INSTANCE_UID, VR::UI, "1.1"),
            (Tag::SERIES_INSTANCE_UID, VR::UI, "1.1.1"),
            (Tag::SOP_INSTANCE_UID, VR::UI, ""),
            (Tag::PATIENT_ID, VR::LO, ""),
            (Tag::STUDY_DATE, VR::DA, date),
        ];
        let found = workstation.find(&identifier("IMAGE", &keys)).await.whole();
        assert_eq!(found.results.len(), count, "{date}");
    }
    let look_ups = origin.asked().iter().filter(|path| path.starts_with("/studies?")).count();
    assert!(look_ups == 2, "once for each query: {:?}", origin.asked());
}
