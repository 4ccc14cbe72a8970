//! One study of any number of instances, for what has to stay flat.

use dataset::element::VR;
use instance::{Tag, Uid, transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN};

use super::{
    Attributes, File,
    generate::{MODALITIES, instance},
};
use crate::synthetic::derived_uid;

/// A CT study of one series with so many small instances, made one at a time.
pub fn large_study(seed: u64, instances: u32) -> impl Iterator<Item = File> {
    let (study, series) = large_study_uids(seed);
    let (modality, sop_class) = MODALITIES[0];
    let common = Attributes::new()
        .with(Tag::STUDY_DATE, VR::DA, "20200229")
        .with(Tag(0x0008, 0x0030), VR::TM, "101500")
        .with(Tag::ACCESSION_NUMBER, VR::SH, &format!("L{seed:07}"))
        .with(Tag::MODALITY, VR::CS, modality)
        .with(Tag(0x0008, 0x0090), VR::PN, "Synthetic^Referrer")
        .with(Tag(0x0008, 0x1030), VR::LO, "Large study")
        .with(Tag(0x0008, 0x103E), VR::LO, "Axial")
        .with(Tag::PATIENT_NAME, VR::PN, "Synthetic^Large")
        .with(Tag::PATIENT_ID, VR::LO, &format!("LARGE-{seed:07}"))
        .with(Tag(0x0010, 0x0030), VR::DA, "19000101")
        .with(Tag(0x0010, 0x0040), VR::CS, "O")
        .with(Tag::STUDY_INSTANCE_UID, VR::UI, study.as_str())
        .with(Tag::SERIES_INSTANCE_UID, VR::UI, series.as_str())
        .with(Tag(0x0020, 0x0010), VR::SH, "1")
        .with(Tag(0x0020, 0x0011), VR::IS, "1");
    (0..instances).map(move |index| {
        let uid = derived_uid(seed, "large archive instance", u64::from(index));
        let own = instance(sop_class, uid.as_str(), index as usize + 1);
        let all = common.iter().chain(own.iter()).map(|(tag, value)| (tag, value.clone()));
        File::new(all.collect(), EXPLICIT_VR_LITTLE_ENDIAN, "ISO_IR 192")
    })
}

/// The Study Instance UID of [`large_study`] and the Series Instance UID of its only series.
#[must_use]
pub fn large_study_uids(seed: u64) -> (Uid, Uid) {
    (derived_uid(seed, "large archive study", 0), derived_uid(seed, "large archive series", 0))
}
