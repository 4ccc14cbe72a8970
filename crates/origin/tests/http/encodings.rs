use std::io::Write as _;

use dataset::element::{VR, Writer};
use flate2::{Compression, write::DeflateEncoder};
use instance::{
    Encoding, Tag, TransferSyntax,
    part10::{self, FileMeta},
    transfer_syntax::{
        DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN,
        IMPLICIT_VR_LITTLE_ENDIAN,
    },
};
use serde_json::json;

use crate::served::serve;

/// A private element of a sequence item, too large for metadata.
const NESTED: [u8; 5000] = [7; 5000];

/// A small image with a name outside ASCII and a large value inside a sequence.
fn image(transfer_syntax: &str) -> Vec<u8> {
    let meta = FileMeta {
        sop_class_uid: "1.2.840.10008.5.1.4.1.1.7".parse().unwrap(),
        sop_instance_uid: "1.2.3.4".parse().unwrap(),
        transfer_syntax: TransferSyntax::new(transfer_syntax.parse().unwrap()),
    };
    let encoding = meta.transfer_syntax.encoding();
    let mut writer = Writer::new(encoding);
    writer.element(Tag(0x0008, 0x0005), VR::CS, b"ISO_IR 100");
    writer.element(Tag::SOP_CLASS_UID, VR::UI, b"1.2.840.10008.5.1.4.1.1.7");
    writer.element(Tag::SOP_INSTANCE_UID, VR::UI, b"1.2.3.4");
    writer.begin_sequence(Tag(0x0008, 0x1140)).begin_item();
    writer.element(Tag(0x0008, 0x1155), VR::UI, b"1.2.3.5").end_item().begin_item();
    writer.element(Tag(0x0042, 0x0011), VR::OB, &NESTED).end_item().end_sequence();
    writer.element(Tag::PATIENT_NAME, VR::PN, b"M\xFCller^Synthetic");
    writer.element(Tag::STUDY_INSTANCE_UID, VR::UI, b"1.2.3");
    writer.element(Tag::SERIES_INSTANCE_UID, VR::UI, b"1.2.3.1");
    writer.u16_element(Tag(0x0028, 0x0010), &[300]);
    writer.u16_element(Tag(0x0028, 0x0011), &[2]);
    let mut data_set = writer.into_bytes();
    if encoding == Encoding::DeflatedExplicitVrLittleEndian {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&data_set).unwrap();
        data_set = encoder.finish().unwrap();
    }
    let mut file = part10::write(&meta, None);
    file.extend_from_slice(&data_set);
    file
}

#[tokio::test]
async fn every_encoding_is_understood_and_kept() {
    for transfer_syntax in [
        IMPLICIT_VR_LITTLE_ENDIAN,
        EXPLICIT_VR_LITTLE_ENDIAN,
        EXPLICIT_VR_BIG_ENDIAN,
        DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    ] {
        let served = serve().await;
        let file = image(transfer_syntax);
        assert_eq!(served.store_single("/studies/1.2.3", file.clone()).await.status(), 200);
        let name = json!([{ "Alphabetic": "Müller^Synthetic" }]);
        let found = served.json("/instances?PatientName=m%C3%BCller*&Rows=300").await;
        assert_eq!(found[0]["00100010"]["Value"], name, "{transfer_syntax}");
        assert_eq!(found[0]["00280010"]["Value"], json!([300]), "{transfer_syntax}");
        assert_eq!(found[0]["00083002"]["Value"], json!([transfer_syntax]));
        let instance = "/studies/1.2.3/series/1.2.3.1/instances/1.2.3.4";
        let accept = format!("application/dicom; transfer-syntax={transfer_syntax}");
        let got = served.get(instance).header("accept", accept).send().await.unwrap();
        assert_eq!(got.bytes().await.unwrap(), file, "{transfer_syntax}");
        let metadata = served.json(&format!("{instance}/metadata")).await;
        assert_eq!(metadata[0]["00100010"]["Value"], name, "{transfer_syntax}");
        let item = &metadata[0]["00081140"]["Value"][1];
        let link = item["00420011"]["BulkDataURI"].as_str().unwrap();
        let value = served.client.get(link).send().await.unwrap();
        if transfer_syntax == EXPLICIT_VR_BIG_ENDIAN {
            assert_eq!(value.status(), 406);
        } else {
            assert_eq!(value.bytes().await.unwrap(), NESTED[..], "{transfer_syntax}");
        }
    }
}
