//! The attributes of an instance in the spool.

use std::{collections::BTreeSet, sync::Arc};

use dataset::{
    character_set::CharacterSet,
    element::VR,
    json::{Converter, Element, Item, Options, ReadLimits, Select, read_all},
    matching::Keys,
};
use futures::StreamExt;
use instance::Tag;
use spool::{Entry, Payloads};

/// Bytes of a data set that are looked at: its header elements have some kilobytes, and where private
/// data stands before them, what is behind is not shown until the origin has the instance.
const HEAD: u64 = 256 * 1024;

/// What the spool keeps beside every data set.
const KEPT: [Tag; 10] = [
    Tag::SOP_CLASS_UID,
    Tag::SOP_INSTANCE_UID,
    Tag::STUDY_DATE,
    Tag::ACCESSION_NUMBER,
    Tag::MODALITY,
    Tag::PATIENT_NAME,
    Tag::PATIENT_ID,
    Tag::ISSUER_OF_PATIENT_ID,
    Tag::STUDY_INSTANCE_UID,
    Tag::SERIES_INSTANCE_UID,
];

/// Those of them that all instances of a study have in common.
const OF_STUDY: [Tag; 6] = [
    Tag::STUDY_DATE,
    Tag::ACCESSION_NUMBER,
    Tag::PATIENT_NAME,
    Tag::PATIENT_ID,
    Tag::ISSUER_OF_PATIENT_ID,
    Tag::STUDY_INSTANCE_UID,
];

/// Reads attributes of entries: first those that the spool keeps beside the data set, then those in it.
pub(super) struct Attributes {
    payloads: Arc<dyn Payloads>,
    wanted: BTreeSet<Tag>,
}

impl Attributes {
    pub(super) fn new(payloads: Arc<dyn Payloads>, tags: &[Tag]) -> Self {
        let mut wanted: BTreeSet<Tag> = tags.iter().copied().collect();
        // Whoever shows a series or an instance shows whose it is, and patients are told apart by these.
        wanted.extend([Tag::PATIENT_ID, Tag::ISSUER_OF_PATIENT_ID, Tag::PATIENT_NAME]);
        Self { payloads, wanted }
    }

    /// Whether an entry may be of a study that matches `keys`, by what the spool keeps of its patient and
    /// study.
    pub(super) fn may_be_of_study(&self, entry: &Entry, keys: &Keys) -> bool {
        let mut of_study = keys.clone();
        of_study.retain(|tag, _| OF_STUDY.contains(&tag));
        of_study.matches_assuming(&kept_beside(entry), |_| true)
    }

    /// Whether an entry matches `keys`. Its data set is read only where they need what is nowhere else.
    pub(super) async fn matches(&self, entry: &Entry, keys: &Keys) -> bool {
        let needs_more = keys.iter().any(|(tag, key)| !key.is_universal() && !KEPT.contains(&tag));
        if needs_more {
            self.matching(entry, keys).await.is_some()
        } else {
            keys.matches(&kept_beside(entry))
        }
    }

    /// The attributes of an entry that matches `keys`. The data set is read only where what the spool
    /// keeps beside it does not tell that it does not match.
    pub(super) async fn matching(&self, entry: &Entry, keys: &Keys) -> Option<Item> {
        let beside = kept_beside(entry);
        if !keys.matches_assuming(&beside, |_| true) {
            return None;
        }
        let mut item = self.read(entry).await;
        for (tag, element) in beside.iter() {
            item.insert(tag, element.clone());
        }
        keys.matches(&item).then_some(item)
    }

    /// What the head of the data set holds of what is wanted; nothing where its bytes are gone, for then
    /// the origin has them.
    async fn read(&self, entry: &Entry) -> Item {
        let options = Options { select: Select::Only(self.wanted.clone()), ..Options::default() };
        let mut converter = Converter::new(entry.header.transfer_syntax.encoding(), options);
        let mut json = b"[".to_vec();
        let mut head = self.payloads.read(entry.entry_id, 0..entry.length.min(HEAD));
        while !converter.is_done()
            && let Some(Ok(chunk)) = head.next().await
        {
            if converter.push(&chunk, &mut json).is_err() {
                return Item::new();
            }
        }
        if converter.finish(&mut json).is_err() {
            return Item::new();
        }
        json.push(b']');
        let items = read_all(&json, ReadLimits::default()).unwrap_or_default();
        items.into_iter().next().unwrap_or_default()
    }
}

/// What the spool keeps of every entry.
pub(super) fn kept_beside(entry: &Entry) -> Item {
    let identity = &entry.trailer.identity;
    let uids = [
        (Tag::SOP_CLASS_UID, &identity.sop_class_uid),
        (Tag::SOP_INSTANCE_UID, &identity.sop_instance_uid),
        (Tag::STUDY_INSTANCE_UID, &identity.study_instance_uid),
        (Tag::SERIES_INSTANCE_UID, &identity.series_instance_uid),
    ];
    let uids = uids.map(|(tag, uid)| (tag, Element::text(VR::UI, uid.as_str())));
    let character_set = CharacterSet::from_value(&entry.trailer.character_set);
    let kept = entry.trailer.attributes.iter().filter_map(|(tag, value)| {
        let vr = match *tag {
            Tag::PATIENT_NAME => VR::PN,
            Tag::PATIENT_ID | Tag::ISSUER_OF_PATIENT_ID => VR::LO,
            Tag::ACCESSION_NUMBER => VR::SH,
            Tag::MODALITY => VR::CS,
            Tag::STUDY_DATE => VR::DA,
            _ => return None,
        };
        let texts = match vr {
            VR::PN => character_set.decode_person_names(value),
            _ => character_set.decode_values(value),
        };
        Some((*tag, Element::texts(vr, texts.iter().map(String::as_str))))
    });
    uids.into_iter().chain(kept).collect()
}
