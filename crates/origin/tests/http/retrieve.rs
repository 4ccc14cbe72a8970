use dicomweb::{
    media_type::MediaType,
    multipart::{Boundary, Reader, ReaderLimits},
};
use origin::synthetic::{Instance, Study};
use reqwest::{Response, header};
use serde_json::Value;

use crate::served::{Served, file, path, serve};

/// The parts of an answer.
async fn parts(response: Response) -> Vec<(String, Vec<u8>)> {
    assert_eq!(response.status(), 200);
    let content_type = response.headers()[header::CONTENT_TYPE].to_str().unwrap();
    let boundary = Boundary::of(&MediaType::parse(content_type).unwrap()).unwrap();
    let mut reader = Reader::new(response.bytes_stream(), &boundary, ReaderLimits::default());
    let mut parts = Vec::new();
    while let Some(headers) = reader.next_part().await.unwrap() {
        let mut bytes = Vec::new();
        while let Some(chunk) = reader.next_chunk().await.unwrap() {
            bytes.extend_from_slice(&chunk);
        }
        parts.push((headers[header::CONTENT_TYPE].to_str().unwrap().to_owned(), bytes));
    }
    parts
}

async fn filled(served: &Served, study: &Study) -> Vec<Vec<u8>> {
    let files: Vec<_> = study.instances().map(|instance| file(&instance)).collect();
    assert_eq!(served.store(&files).await.status(), 200);
    files
}

#[tokio::test]
async fn gives_back_what_was_stored() {
    let served = serve().await;
    let study = Study::new(1, 3);
    let files = filled(&served, &study).await;
    let uid = study.study_instance_uid();
    let series = study.series_instance_uid();
    for resource in [format!("/studies/{uid}"), format!("/studies/{uid}/series/{series}")] {
        let got = parts(served.get(&resource).send().await.unwrap()).await;
        let bytes: Vec<_> = got.iter().map(|(_, bytes)| bytes.clone()).collect();
        assert_eq!(bytes, files, "{resource}");
        assert_eq!(got[0].0, "application/dicom; transfer-syntax=1.2.840.10008.1.2.1");
    }
    let one = path(&study.instance(1));
    assert_eq!(parts(served.get(&one).send().await.unwrap()).await[0].1, files[1]);
    let single = served.get(&one).header(header::ACCEPT, "application/dicom").send().await.unwrap();
    assert_eq!(single.content_length(), Some(files[1].len() as u64));
    assert_eq!(single.bytes().await.unwrap(), files[1]);
}

#[tokio::test]
async fn gives_only_what_the_client_takes() {
    let served = serve().await;
    let study = Study::new(1, 1);
    filled(&served, &study).await;
    let (instance, whole) = (path(&study.instance(0)), format!("/studies/{}", study.study_instance_uid()));
    let cases = [
        (&whole, "*/*", 200),
        (&whole, "multipart/related; type=\"application/dicom\"; transfer-syntax=*", 200),
        (&whole, "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2.1", 200),
        (&whole, "multipart/related; type=\"application/dicom\"; transfer-syntax=1.2.840.10008.1.2", 406),
        (&whole, "multipart/related; type=\"image/jpeg\"", 406),
        (&whole, "application/dicom", 406),
        (&whole, "text/html", 406),
        (&instance, "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.70", 406),
        (&instance, "text/html, application/dicom", 200),
    ];
    for (path, accept, status) in cases {
        let response = served.get(path).header(header::ACCEPT, accept).send().await.unwrap();
        assert_eq!(response.status(), status, "{accept}");
    }
}

#[tokio::test]
async fn metadata_links_to_bulk_data() {
    let served = serve().await;
    let study = Study::new(1, 2);
    filled(&served, &study).await;
    let metadata = served.json(&format!("/studies/{}/metadata", study.study_instance_uid())).await;
    let metadata = metadata.as_array().unwrap();
    assert_eq!(metadata.len(), 2);
    let pixels = |instance: &Instance| {
        let data_set: Vec<u8> = instance.data_set().flatten().collect();
        data_set[data_set.len() - 512 * 512 * 2..].to_vec()
    };
    for (index, instance) in study.instances().enumerate() {
        let object = &metadata[index];
        assert_eq!(object["00080018"]["Value"][0], instance.identity().sop_instance_uid.as_str());
        assert_eq!(object["00100010"]["Value"][0]["Alphabetic"], "Synthetic^Phantom 1");
        assert_eq!(object["7FE00010"]["vr"], "OW");
        let uri = object["7FE00010"]["BulkDataURI"].as_str().unwrap();
        let plain = served.client.get(uri).send().await.unwrap();
        assert_eq!(plain.headers()[header::CONTENT_TYPE], "application/octet-stream");
        assert_eq!(plain.bytes().await.unwrap(), pixels(&instance));
        let accept = "multipart/related; type=\"application/octet-stream\"";
        let wrapped = served.client.get(uri).header(header::ACCEPT, accept).send().await.unwrap();
        assert_eq!(parts(wrapped).await[0].1, pixels(&instance));
    }
    let one: Value = served.json(&format!("{}/metadata", path(&study.instance(1)))).await;
    assert_eq!(one[0], metadata[1]);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let served = serve().await;
    let study = Study::new(1, 1);
    filled(&served, &study).await;
    let instance = path(&study.instance(0));
    for missing in [
        "/studies/1.2.3".to_owned(),
        "/studies/1.2.3/metadata".to_owned(),
        format!("/studies/{}/series/1.2.3", study.study_instance_uid()),
        path(&study.instance(1)),
        format!("{instance}/bulkdata/00091001"),
        format!("{instance}/bulkdata/nonsense"),
        format!("{instance}/frames/2"),
    ] {
        assert_eq!(served.status(&missing).await, 404, "{missing}");
    }
}

#[tokio::test]
async fn deletes_with_everything_below() {
    let served = serve().await;
    let (one, two) = (Study::new(1, 2), Study::new(2, 1));
    filled(&served, &one).await;
    filled(&served, &two).await;
    let delete = async |path: String| {
        let request = served.client.delete(format!("{}{path}", served.base));
        request.send().await.unwrap().status().as_u16()
    };
    let kept = served.origin.instance(&one.instance(1).identity().sop_instance_uid).await.unwrap().unwrap();
    assert_eq!(delete(path(&one.instance(0))).await, 204);
    assert_eq!(delete(path(&one.instance(0))).await, 404);
    assert_eq!(served.count().await, 2);
    assert!(kept.path.exists());
    assert_eq!(delete(format!("/studies/{}", one.study_instance_uid())).await, 204);
    assert!(!kept.path.exists());
    assert_eq!(served.count().await, 1);
    let studies = served.json("/studies").await;
    assert_eq!(studies.as_array().unwrap().len(), 1);
    let series = two.series_instance_uid();
    assert_eq!(delete(format!("/studies/{}/series/{series}", two.study_instance_uid())).await, 204);
    assert_eq!(served.status("/studies").await, 204);
    let folders = std::fs::read_dir(served.folder.path().join("origin/instances")).unwrap();
    assert_eq!(folders.count(), 0);
    assert_eq!(served.store(&[file(&one.instance(0))]).await.status(), 200);
}
