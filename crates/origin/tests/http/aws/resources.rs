//! What there is and what there is not.

use super::{curl::curl, *};

#[tokio::test]
async fn whole_studies_and_series_are_not_given_and_nothing_is_deleted() {
    let data_store = data_store().await;
    let base = &data_store.served.base;
    let rows = [
        ("GET", "/studies/1.2", 405),
        ("DELETE", "/studies/1.2", 405),
        ("GET", "/studies/1.2/series/1.3", 404),
        ("DELETE", "/studies/1.2/series/1.3/instances/1.4", 405),
        ("GET", "/studies/1.2/metadata", 404),
        ("GET", "/studies/1.2/series/1.3/instances/1.4", 404),
        ("GET", "/workitems", 404),
        ("GET", "/studies?limit=1000&offset=1000000", 204),
        ("GET", "/studies?limit=1001", 400),
        ("GET", "/studies?offset=1000001", 400),
        ("GET", "/studies?PatientSex=F", 400),
        ("GET", "/studies?PatientName=D%2A&StudyTime=1200-1300", 204),
        ("GET", "/series?Modality=CT&SeriesNumber=1", 204),
    ];
    for (method, path, status) in rows {
        let answer = curl(&data_store, &format!("{base}{path}"), &["--request", method]).await;
        assert_eq!(answer.0, status, "{method} {path} {}", String::from_utf8_lossy(&answer.2));
    }
    let included = vec!["includefield=00081030"; 51].join("&");
    assert_eq!(curl(&data_store, &format!("{base}/studies?{included}"), &[]).await.0, 400);
}
