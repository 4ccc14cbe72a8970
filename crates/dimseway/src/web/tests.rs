use super::*;

fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
    HeaderMap::from_iter([(name, value.parse().unwrap())])
}

#[test]
fn a_body_is_one_data_set() {
    let object = r#"{"00400252":{"vr":"CS","Value":["IN PROGRESS"]}}"#;
    let array = format!("[{object}]");
    let two = format!("[{object},{object}]");
    for (media_type, body, expected) in [
        (DICOM_JSON, object, 200),
        (DICOM_JSON, array.as_str(), 200),
        ("application/json; charset=utf-8", object, 200),
        ("application/dicom+xml", object, 415),
        (DICOM_JSON, two.as_str(), 400),
        (DICOM_JSON, "[]", 400),
        (DICOM_JSON, "", 400),
        (DICOM_JSON, "<html>", 400),
    ] {
        let read = data_set(&headers(header::CONTENT_TYPE, media_type), body.as_bytes());
        let status = read.map_or_else(|refused| refused.0.as_u16(), |_| 200);
        assert_eq!(status, expected, "{media_type} {body}");
    }
}

#[test]
fn only_dicom_json_is_served() {
    assert!(acceptable(&HeaderMap::new()).is_ok());
    for (accept, expected) in [
        ("*/*", true),
        ("application/dicom+xml, application/dicom+json;q=0.5", true),
        ("application/json", true),
        ("application/dicom+xml", false),
        ("text/html", false),
    ] {
        assert_eq!(acceptable(&headers(header::ACCEPT, accept)).is_ok(), expected, "{accept}");
    }
}

#[test]
fn each_refusal_has_its_status() {
    for (refusal, status) in [
        (Refusal::NotOffered, 404),
        (Refusal::Invalid(String::new()), 400),
        (Refusal::Exists, 409),
        (Refusal::Unknown, 404),
        (Refusal::Final, 410),
        (Refusal::Unavailable(String::new()), 503),
    ] {
        assert_eq!(Refused::from(refusal).0.as_u16(), status);
    }
}
