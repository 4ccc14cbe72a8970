//! What does not fit to what is there goes to an image set that nobody finds.

use dicomweb::{InstanceOutcome, Level, Search, SearchLimits};
use futures::TryStreamExt as _;
use instance::{Identity, Uid, transfer_syntax::IMPLICIT_VR_LITTLE_ENDIAN};

use super::{curl::curl, *};

/// A small instance of one study, whose patient may be another one.
fn instance(number: u32, patient_id: &str, pixel: u8) -> StorePart {
    let uid = |text: &str| text.parse::<Uid>().unwrap();
    let identity = Identity {
        sop_class_uid: uid("1.2.840.10008.5.1.4.1.1.7"),
        sop_instance_uid: uid(&format!("2.25.7{number}")),
        study_instance_uid: uid("2.25.71"),
        series_instance_uid: uid("2.25.72"),
    };
    let mut data_set = Vec::new();
    let mut element = |group: u16, element: u16, value: &[u8]| {
        let padded = value.len() + value.len() % 2;
        data_set.extend([group.to_le_bytes(), element.to_le_bytes()].concat());
        data_set.extend((padded as u32).to_le_bytes());
        data_set.extend(value);
        data_set.extend(&b"\0"[..padded - value.len()]);
    };
    element(0x0008, 0x0016, identity.sop_class_uid.as_str().as_bytes());
    element(0x0008, 0x0018, identity.sop_instance_uid.as_str().as_bytes());
    element(0x0010, 0x0020, patient_id.as_bytes());
    element(0x0020, 0x000D, identity.study_instance_uid.as_str().as_bytes());
    element(0x0020, 0x000E, identity.series_instance_uid.as_str().as_bytes());
    element(0x0028, 0x0010, &2u16.to_le_bytes());
    element(0x0028, 0x0011, &2u16.to_le_bytes());
    element(0x0028, 0x0100, &8u16.to_le_bytes());
    element(0x7FE0, 0x0010, &[pixel; 4]);
    let meta = instance::part10::FileMeta {
        sop_class_uid: identity.sop_class_uid,
        sop_instance_uid: identity.sop_instance_uid,
        transfer_syntax: instance::TransferSyntax::new(uid(IMPLICIT_VR_LITTLE_ENDIAN)),
    };
    let length = Some(data_set.len() as u64);
    StorePart { meta, source: None, length, data: stream::iter([Ok(data_set.into())]).boxed() }
}

#[tokio::test]
async fn conflicts_are_called_stored_and_not_found() {
    let data_store = data_store().await;
    let client = data_store.client(data_store.key());
    let rows = [
        (instance(3, "A", 1), 1),
        (instance(4, "A", 2), 2),
        // The same again is the same.
        (instance(3, "A", 1), 2),
        // Other content, and another patient.
        (instance(3, "A", 9), 2),
        (instance(5, "B", 3), 2),
    ];
    for (part, count) in rows {
        let uid = part.meta.sop_instance_uid.clone();
        let answer = client.store(vec![part]).await.unwrap();
        assert!(matches!(answer.instances[0], InstanceOutcome::Stored { .. }), "{answer:?}");
        assert_eq!(data_store.served.count().await, count, "{uid}");
    }
    let found = client.search(Search::new(Level::Instance), SearchLimits::default());
    assert_eq!(found.try_collect::<Vec<_>>().await.unwrap().len(), 2);
}

#[tokio::test]
async fn an_instance_comes_in_explicit_vr_unless_its_own_syntax_is_asked_for() {
    let data_store = data_store().await;
    let client = data_store.client(data_store.key());
    client.store(vec![instance(3, "A", 1)]).await.unwrap();
    let sop: Uid = "2.25.73".parse().unwrap();
    let stored = data_store.served.origin.instance(&sop).await.unwrap().unwrap();
    let stored = std::fs::read(stored.path).unwrap();
    let url = format!("{}/studies/2.25.71/series/2.25.72/instances/2.25.73", data_store.served.base);
    let rows = [
        ("application/dicom", "1.2.840.10008.1.2.1"),
        ("application/dicom; transfer-syntax=*", "1.2.840.10008.1.2"),
        ("application/dicom; transfer-syntax=1.2.840.10008.1.2", "1.2.840.10008.1.2"),
        ("application/dicom; transfer-syntax=1.2.840.10008.1.2.4.90", ""),
        ("multipart/related; type=\"application/dicom\"", ""),
    ];
    for (accept, expected) in rows {
        let accept = format!("Accept: {accept}");
        let (status, content_type, file) = curl(&data_store, &url, &["--header", &accept]).await;
        if expected.is_empty() {
            assert_eq!(status, 406, "{accept}");
            continue;
        }
        assert_eq!(content_type, format!("application/dicom; transfer-syntax={expected}"), "{accept}");
        let (meta, length) = instance::part10::read(&file).unwrap();
        assert_eq!(meta.transfer_syntax.uid().as_str(), expected);
        let (_, framing) = instance::part10::read(&stored).unwrap();
        assert_eq!(file[length..] == stored[framing..], expected == "1.2.840.10008.1.2", "{accept}");
        assert!(file.ends_with(&[1; 4]));
    }
}
