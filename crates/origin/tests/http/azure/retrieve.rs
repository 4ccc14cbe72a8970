use reqwest::header;

use super::{
    as_listed, azure,
    instances::{EXPLICIT, JPEG_2000, SERIES, STUDY, Small},
};
use crate::served::Served;

async fn status(served: &Served, path: &str, accept: &str) -> u16 {
    served.get(path).header(header::ACCEPT, accept).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn retrieve_scenarios() {
    let served = azure().await;
    let (plain, packed) = (Small::new(1), Small::new(2).in_syntax(JPEG_2000));
    served.stored(&[plain.clone(), packed.clone()]).await;
    let study = format!("/studies/{STUDY}");
    let series = format!("{study}/series/{SERIES}");
    let related = "multipart/related; type=\"application/dicom\"";
    let with = |syntax: &str| format!("{related}; transfer-syntax={syntax}");
    let cases = [
        ("mixed syntaxes, any", study.clone(), with("*"), 200),
        ("mixed syntaxes, one named", study.clone(), with(EXPLICIT), 406),
        ("mixed syntaxes, the other named", series.clone(), with(JPEG_2000), 406),
        ("mixed syntaxes, none named", series.clone(), related.to_owned(), 406),
        ("anything", series.clone(), "*/*".to_owned(), 200),
        ("single part of a series", series.clone(), "application/dicom; transfer-syntax=*".to_owned(), 406),
        ("a syntax that is not offered", plain.path(), with("1.2.840.10008.1.2.4.50"), 406),
        ("another media type", plain.path(), "image/png".to_owned(), 406),
        ("single part", plain.path(), "application/dicom; transfer-syntax=*".to_owned(), 200),
        ("single part, none named", plain.path(), "application/dicom".to_owned(), 200),
        (
            "single part, stored syntax",
            packed.path(),
            format!("application/dicom; transfer-syntax={JPEG_2000}"),
            200,
        ),
        ("no transcoding", packed.path(), with(EXPLICIT), 406),
        ("unknown study", "/studies/1.2.3".to_owned(), with("*"), 404),
        ("unknown series", format!("{study}/series/1.2.3"), with("*"), 404),
        ("unknown instance", format!("{series}/instances/1.2.3"), with("*"), 404),
        ("invalid UID", format!("/studies/{}", "1".repeat(65)), with("*"), 400),
        ("rendered", format!("{}/rendered", plain.path()), "image/jpeg".to_owned(), 406),
        ("rendered, unknown", format!("{series}/instances/1.2.3/rendered"), "image/jpeg".to_owned(), 404),
    ];
    for (name, path, accept, expected) in cases {
        let got = status(&served, &path, &accept).await;
        assert_eq!(got, expected, "{name}");
        as_listed(name, got);
    }
}

#[tokio::test]
async fn frame_scenarios() {
    let served = azure().await;
    let (plain, packed) = (Small::new(1), Small::new(2).in_syntax(JPEG_2000));
    served.stored(&[plain.clone(), packed.clone()]).await;
    let related = "multipart/related; type=\"application/octet-stream\"";
    let single = "application/octet-stream; transfer-syntax=*";
    let cases = [
        ("stored plain", &plain, "1", related.to_owned(), 200),
        ("any syntax", &packed, "1", format!("{related}; transfer-syntax=*"), 200),
        ("no transcoding", &packed, "1", related.to_owned(), 406),
        ("single part", &plain, "1", single.to_owned(), 200),
        ("single part of two", &plain, "1,2", single.to_owned(), 406),
        ("no such frame", &plain, "2", related.to_owned(), 404),
        ("counted from 0", &plain, "0", related.to_owned(), 400),
        ("no number", &plain, "first", related.to_owned(), 400),
        ("an image", &plain, "1", "image/png".to_owned(), 406),
    ];
    for (name, small, frames, accept, expected) in cases {
        let path = format!("{}/frames/{frames}", small.path());
        assert_eq!(status(&served, &path, &accept).await, expected, "{name}");
    }
    for (small, bytes) in [(&plain, b"\x01\x02\x03\x04"), (&packed, b"abcd")] {
        let request = served.get(&format!("{}/frames/1", small.path())).header(header::ACCEPT, single);
        assert_eq!(request.send().await.unwrap().bytes().await.unwrap().as_ref(), bytes);
    }
}
