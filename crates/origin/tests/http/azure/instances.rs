//! Small instances, right and wrong.

use dataset::element::{VR, Writer};
use instance::{
    Encoding, Tag, TransferSyntax,
    part10::{self, FileMeta},
};
use reqwest::{Response, header};
use serde_json::Value;

use crate::served::Served;

pub(super) const STUDY: &str = "1.2.826.1";
pub(super) const SERIES: &str = "1.2.826.1.1";

const SECONDARY_CAPTURE: &str = "1.2.840.10008.5.1.4.1.1.7";
pub(super) const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub(super) const IMPLICIT: &str = "1.2.840.10008.1.2";
pub(super) const JPEG_2000: &str = "1.2.840.10008.1.2.4.90";

/// An instance of a few attributes and four pixels.
#[derive(Debug, Clone)]
pub(super) struct Small {
    texts: Vec<(Tag, VR, String)>,
    transfer_syntax: &'static str,
    preamble: u8,
}

impl Small {
    /// The instance `number` of [`STUDY`] and [`SERIES`].
    pub(super) fn new(number: u32) -> Self {
        Self::of(STUDY, SERIES, &format!("{SERIES}.{number}"))
    }

    pub(super) fn of(study: &str, series: &str, instance: &str) -> Self {
        let texts = [
            (Tag::SOP_CLASS_UID, VR::UI, SECONDARY_CAPTURE),
            (Tag::SOP_INSTANCE_UID, VR::UI, instance),
            (Tag::STUDY_DATE, VR::DA, "20200101"),
            (Tag::MODALITY, VR::CS, "OT"),
            (Tag(0x0008, 0x0090), VR::PN, "Doctor^Doc"),
            (Tag::PATIENT_NAME, VR::PN, "Joe^Müller"),
            (Tag::PATIENT_ID, VR::LO, "P1"),
            (Tag::STUDY_INSTANCE_UID, VR::UI, study),
            (Tag::SERIES_INSTANCE_UID, VR::UI, series),
        ];
        let texts = texts.map(|(tag, vr, text)| (tag, vr, text.to_owned())).to_vec();
        Self { texts, transfer_syntax: EXPLICIT, preamble: 0 }
    }

    /// With another value of an attribute.
    pub(super) fn with(mut self, tag: Tag, vr: VR, text: &str) -> Self {
        self = self.without(tag);
        self.texts.push((tag, vr, text.to_owned()));
        self.texts.sort_by_key(|(tag, ..)| *tag);
        self
    }

    pub(super) fn without(mut self, tag: Tag) -> Self {
        self.texts.retain(|(known, ..)| *known != tag);
        self
    }

    pub(super) const fn in_syntax(mut self, transfer_syntax: &'static str) -> Self {
        self.transfer_syntax = transfer_syntax;
        self
    }

    pub(super) const fn with_preamble(mut self, byte: u8) -> Self {
        self.preamble = byte;
        self
    }

    pub(super) fn text(&self, tag: Tag) -> &str {
        self.texts.iter().find(|(known, ..)| *known == tag).map_or("", |(_, _, text)| text)
    }

    /// `/studies/S/series/E/instances/I`.
    pub(super) fn path(&self) -> String {
        let [study, series, instance] =
            [Tag::STUDY_INSTANCE_UID, Tag::SERIES_INSTANCE_UID, Tag::SOP_INSTANCE_UID]
                .map(|tag| self.text(tag));
        format!("/studies/{study}/series/{series}/instances/{instance}")
    }

    pub(super) fn file(&self) -> Vec<u8> {
        let uid = |tag| self.text(tag).parse().unwrap();
        let meta = FileMeta {
            sop_class_uid: uid(Tag::SOP_CLASS_UID),
            sop_instance_uid: uid(Tag::SOP_INSTANCE_UID),
            transfer_syntax: TransferSyntax::new(self.transfer_syntax.parse().unwrap()),
        };
        let mut file = part10::write(&meta, None);
        file[..128].fill(self.preamble);
        let encoding = meta.transfer_syntax.encoding();
        let mut writer = Writer::new(encoding);
        writer.element(Tag(0x0008, 0x0005), VR::CS, b"ISO_IR 192");
        for (tag, vr, text) in &self.texts {
            writer.element(*tag, *vr, text.as_bytes());
        }
        for (tag, value) in [(0x0010, 2), (0x0011, 2), (0x0100, 8)] {
            writer.u16_element(Tag(0x0028, tag), &[value]);
        }
        file.extend_from_slice(writer.as_bytes());
        match self.transfer_syntax {
            JPEG_2000 => file.extend_from_slice(FRAGMENTS),
            _ => file.extend_from_slice(pixels(encoding).as_bytes()),
        }
        file
    }
}

fn pixels(encoding: Encoding) -> Writer {
    let mut writer = Writer::new(encoding);
    writer.element(Tag::PIXEL_DATA, VR::OB, &[1, 2, 3, 4]);
    writer
}

/// Pixel Data with an empty table of offsets and one fragment, which nobody decodes here.
const FRAGMENTS: &[u8] = b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff\xfe\xff\0\xe0\0\0\0\0\
\xfe\xff\0\xe0\x04\0\0\0abcd\xfe\xff\xdd\xe0\0\0\0\0";

/// Status and data set of the answer to a store request.
pub(super) async fn answer(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or_default())
}

/// Failure Reason of each failed instance.
pub(super) fn failures(answer: &Value) -> Vec<u64> {
    reasons(answer, "00081198", "00081197")
}

/// Warning Reason of each stored instance that has one.
pub(super) fn warnings(answer: &Value) -> Vec<u64> {
    reasons(answer, "00081199", "00081196")
}

fn reasons(answer: &Value, sequence: &str, reason: &str) -> Vec<u64> {
    let items = answer[sequence]["Value"].as_array().cloned().unwrap_or_default();
    items.iter().filter_map(|item| item[reason]["Value"][0].as_u64()).collect()
}

impl Served {
    /// Stores some instances, which works.
    pub(super) async fn stored(&self, instances: &[Small]) {
        let files: Vec<_> = instances.iter().map(Small::file).collect();
        let response = self.store(&files).await;
        let (status, body) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, 200, "{body}");
    }

    /// Stores what is no such thing, or in another form.
    pub(super) async fn post_as(&self, path: &str, content_type: &str, body: Vec<u8>) -> Response {
        self.post(path).header(header::CONTENT_TYPE, content_type).body(body).send().await.unwrap()
    }
}
