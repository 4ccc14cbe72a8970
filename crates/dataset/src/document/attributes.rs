//! Attributes of an object that is made here, in the order of a data set.

use std::collections::BTreeMap;

use dicom_core::VR;
use instance::{Encoding, Tag, Uid};

use super::{DocumentError, Subject, Uids};
use crate::element::Writer;

/// Characters of a component group of a person's name, and of a short and a long string (PS3.5 §6.2).
const GROUP_MAX: usize = 64;
const SHORT_MAX: usize = 16;
const LONG_MAX: usize = 64;

/// Elements before or behind the document.
#[derive(Debug, Default)]
pub(super) struct Attributes(BTreeMap<Tag, (VR, Vec<u8>)>);

impl Attributes {
    /// What every object has: patient, study, series, equipment, and what PS3.3 §C.12.1 asks for. Texts are
    /// in UTF-8. What says who the patient is must fit as it is; other texts are cut.
    pub(super) fn of(
        subject: &Subject,
        uids: &Uids,
        class: &str,
        modality: &str,
    ) -> Result<Self, DocumentError> {
        let mut all = Self::default();
        all.text(Tag(0x0008, 0x0005), VR::CS, "ISO_IR 192");
        all.text(Tag(0x0008, 0x0016), VR::UI, class);
        all.uid(Tag(0x0008, 0x0018), &uids.instance);
        all.text(Tag(0x0008, 0x0020), VR::DA, &subject.study_date);
        all.text(Tag(0x0008, 0x0030), VR::TM, &subject.study_time);
        let number = whole(&subject.accession_number, Tag(0x0008, 0x0050), "Accession Number", SHORT_MAX)?;
        all.text(Tag(0x0008, 0x0050), VR::SH, number);
        all.text(Tag(0x0008, 0x0060), VR::CS, modality);
        all.empty(Tag(0x0008, 0x0070), VR::LO);
        let referring = &subject.referring_physician;
        all.text(
            Tag(0x0008, 0x0090),
            VR::PN,
            &name(referring, Tag(0x0008, 0x0090), "Referring Physician's Name")?,
        );
        all.cut_if_any(Tag(0x0008, 0x1030), &subject.study_description);
        all.text(
            Tag(0x0010, 0x0010),
            VR::PN,
            &name(&subject.patient_name, Tag::PATIENT_NAME, "Patient's Name")?,
        );
        let id = whole(&subject.patient_id, Tag::PATIENT_ID, "Patient ID", LONG_MAX)?;
        all.text(Tag::PATIENT_ID, VR::LO, id);
        all.text(Tag(0x0010, 0x0030), VR::DA, &subject.patient_birth_date);
        all.text(Tag(0x0010, 0x0040), VR::CS, &subject.patient_sex);
        let other = whole(&subject.other_patient_id, Tag(0x0010, 0x1000), "Other Patient IDs", LONG_MAX)?;
        if !other.is_empty() {
            all.text(Tag(0x0010, 0x1000), VR::LO, other);
        }
        all.uid(Tag::STUDY_INSTANCE_UID, &subject.study);
        all.uid(Tag::SERIES_INSTANCE_UID, &uids.series);
        all.empty(Tag(0x0020, 0x0010), VR::SH);
        // Type 1 for encapsulated documents (PS3.3 §C.24.1); each has a series of its own.
        all.text(Tag(0x0020, 0x0011), VR::IS, "1");
        all.text(Tag(0x0020, 0x0013), VR::IS, "1");
        Ok(all)
    }

    /// (0008,0064) Conversion Type: made at a workstation (PS3.3 §C.8.6.1).
    pub(super) fn conversion(&mut self) {
        self.text(Tag(0x0008, 0x0064), VR::CS, "WSD");
    }

    /// The Image Pixel Module but for the pixels (PS3.3 §C.7.6.3).
    pub(super) fn pixels(&mut self, rows: u16, columns: u16, samples: u8, interpretation: &str, bits: u8) {
        let (samples, bits) = (u16::from(samples), u16::from(bits));
        let allocated = bits.next_multiple_of(8);
        self.empty(Tag(0x0020, 0x0020), VR::CS);
        self.number(Tag(0x0028, 0x0002), samples);
        self.text(Tag(0x0028, 0x0004), VR::CS, interpretation);
        if samples > 1 {
            self.number(Tag(0x0028, 0x0006), 0);
        }
        self.number(Tag(0x0028, 0x0010), rows);
        self.number(Tag(0x0028, 0x0011), columns);
        self.number(Tag(0x0028, 0x0100), allocated);
        self.number(Tag(0x0028, 0x0101), bits);
        self.number(Tag(0x0028, 0x0102), bits - 1);
        self.number(Tag(0x0028, 0x0103), 0);
    }

    /// Says that something was lost, at which ratio and how (PS3.3 §C.7.6.1.1.5).
    pub(super) fn lossy(&mut self, bytes: u64, length: u32, method: &str) {
        let hundredths = bytes.saturating_mul(100) / u64::from(length.max(1));
        self.text(Tag(0x0028, 0x2110), VR::CS, "01");
        self.text(Tag(0x0028, 0x2112), VR::DS, &format!("{}.{:02}", hundredths / 100, hundredths % 100));
        self.text(Tag(0x0028, 0x2114), VR::CS, method);
    }

    pub(super) fn empty(&mut self, tag: Tag, vr: VR) -> &mut Self {
        self.raw(tag, vr, Vec::new())
    }

    pub(super) fn text(&mut self, tag: Tag, vr: VR, text: &str) -> &mut Self {
        self.raw(tag, vr, text.as_bytes().to_vec())
    }

    /// A text of which as much is kept as the element has room for.
    pub(super) fn cut(&mut self, tag: Tag, vr: VR, text: &str, characters_max: usize) -> &mut Self {
        let text: String = printable(text).replace('\\', "/").chars().take(characters_max).collect();
        self.text(tag, vr, text.trim())
    }

    fn cut_if_any(&mut self, tag: Tag, text: &str) {
        if !text.trim().is_empty() {
            self.cut(tag, VR::LO, text, LONG_MAX);
        }
    }

    pub(super) fn raw(&mut self, tag: Tag, vr: VR, value: Vec<u8>) -> &mut Self {
        self.0.insert(tag, (vr, value));
        self
    }

    fn number(&mut self, tag: Tag, number: u16) {
        self.raw(tag, VR::US, number.to_le_bytes().to_vec());
    }

    fn uid(&mut self, tag: Tag, uid: &Uid) {
        self.text(tag, VR::UI, uid.as_str());
    }

    /// In explicit VR little endian, which all transfer syntaxes of this module have for what is not pixels
    /// (PS3.5 §A.4).
    pub(super) fn write(self) -> Writer {
        let mut writer = Writer::new(Encoding::ExplicitVrLittleEndian);
        for (tag, (vr, value)) in self.0 {
            writer.element(tag, vr, &value);
        }
        writer
    }
}

/// Control characters cannot stand in texts (PS3.5 §6.1.3): a line break in a name becomes a blank.
fn printable(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// An identifier, which is never changed.
fn whole<'a>(
    text: &'a str,
    tag: Tag,
    name: &'static str,
    characters_max: usize,
) -> Result<&'a str, DocumentError> {
    let wrong = |why| DocumentError::Value { tag, name, why };
    let text = text.trim();
    if text.contains('\\') || text.chars().any(char::is_control) {
        return Err(wrong("a backslash or a control character stands in it"));
    }
    if text.chars().count() > characters_max { Err(wrong("it is too long")) } else { Ok(text) }
}

/// A person's name, of which no letter is lost.
fn name(text: &str, tag: Tag, name: &'static str) -> Result<String, DocumentError> {
    let wrong = |why| DocumentError::Value { tag, name, why };
    if text.contains('\\') {
        return Err(wrong("a backslash stands in it"));
    }
    let text = printable(text).split_whitespace().collect::<Vec<_>>().join(" ");
    let groups: Vec<&str> = text.split('=').collect();
    if groups.len() > 3 || groups.iter().any(|group| group.chars().count() > GROUP_MAX) {
        return Err(wrong("it is too long"));
    }
    Ok(text)
}
