//! Instances of the archive as bytes.

use dataset::{
    character_set::CharacterSet,
    element::{VR, Writer},
};
use instance::{
    Identity, Tag, TransferSyntax, Uid,
    part10::{self, FileMeta},
};

use super::{Attributes, File, Value};
use crate::synthetic::known_uid;

/// Rows and columns of the image.
pub(super) const SIDE: u16 = 8;

impl File {
    /// An instance of these attributes, which hold the four UIDs of the identity.
    pub(super) fn new(
        attributes: Attributes,
        transfer_syntax: &'static str,
        character_set: &'static str,
    ) -> Self {
        let uid = |tag: Tag| -> Uid { known_uid(attributes.text(tag).unwrap_or_default()) };
        let identity = Identity {
            sop_class_uid: uid(Tag::SOP_CLASS_UID),
            sop_instance_uid: uid(Tag::SOP_INSTANCE_UID),
            study_instance_uid: uid(Tag::STUDY_INSTANCE_UID),
            series_instance_uid: uid(Tag::SERIES_INSTANCE_UID),
        };
        let transfer_syntax = TransferSyntax::new(known_uid(transfer_syntax));
        Self { identity, transfer_syntax, character_set, attributes }
    }
}

pub(super) fn data_set(file: &File) -> Vec<u8> {
    let mut writer = Writer::new(file.transfer_syntax.encoding());
    let character_set = CharacterSet::from_value(file.character_set.as_bytes());
    if !file.character_set.is_empty() {
        writer.element(Tag::SPECIFIC_CHARACTER_SET, VR::CS, file.character_set.as_bytes());
    }
    elements(&mut writer, &file.attributes, &character_set);
    writer.element(Tag::PIXEL_DATA, VR::OW, &[0; SIDE as usize * SIDE as usize]);
    writer.into_bytes()
}

pub(super) fn part10(file: &File) -> Vec<u8> {
    let meta = FileMeta {
        sop_class_uid: file.identity.sop_class_uid.clone(),
        sop_instance_uid: file.identity.sop_instance_uid.clone(),
        transfer_syntax: file.transfer_syntax.clone(),
    };
    let mut bytes = part10::write(&meta, None);
    bytes.extend_from_slice(&data_set(file));
    bytes
}

/// Sequences nest no deeper here than the generator makes them.
fn elements(writer: &mut Writer, attributes: &Attributes, character_set: &CharacterSet) {
    for (tag, value) in attributes.iter() {
        match value {
            Value::Items(items) => {
                writer.begin_sequence(tag);
                for item in items {
                    writer.begin_item();
                    elements(writer, item, character_set);
                    writer.end_item();
                }
                writer.end_sequence();
            }
            Value::Text(VR::US, text) => {
                let numbers: Vec<u16> = text.split('\\').filter_map(|number| number.parse().ok()).collect();
                writer.u16_element(tag, &numbers);
            }
            Value::Text(VR::PN, text) => {
                writer.element(tag, VR::PN, &character_set.encode_person_names(text).bytes);
            }
            Value::Text(vr @ (VR::LT | VR::ST | VR::UT), text) => {
                writer.element(tag, *vr, &character_set.encode_text(text).bytes);
            }
            Value::Text(vr, text) => {
                writer.element(tag, *vr, &character_set.encode_values(text).bytes);
            }
        }
    }
}
