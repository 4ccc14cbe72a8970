//! The attributes of synthetic instances: all that their IODs demand (types 1 and 2), and the few
//! more that viewers like to see.

use bytes::Bytes;
use dataset::element::{VR, Writer};
use instance::{Encoding, Identity, Tag, Uid};

/// CT Image Storage (PS3.4 §B.5).
pub(super) const CT_IMAGE_STORAGE: &str = "1.2.840.10008.5.1.4.1.1.2";
/// Multi-frame Grayscale Byte Secondary Capture Image Storage (PS3.4 §B.5).
pub(super) const MULTI_FRAME_GRAYSCALE_BYTE: &str = "1.2.840.10008.5.1.4.1.1.7.2";

/// Slice distance in millimetres.
const SPACING: f64 = 1.25;

/// A CT image (PS3.3 §A.3.3): everything up to and with the header of Pixel Data.
pub(super) fn ct_image(
    identity: &Identity,
    frame_of_reference: &Uid,
    seed: u64,
    index: u32,
    pixel_bytes: u64,
) -> Bytes {
    let number = u64::from(index) + 1;
    let position = f64::from(index) * SPACING;
    let e = &mut Writer::new(Encoding::ExplicitVrLittleEndian);
    text(e, Tag(0x0008, 0x0005), VR::CS, "ISO_IR 100");
    text(e, Tag(0x0008, 0x0008), VR::CS, r"ORIGINAL\PRIMARY\AXIAL");
    sop_common_and_study(e, identity, seed, "CT", None);
    text(e, Tag(0x0008, 0x103E), VR::LO, "Phantom, axial");
    text(e, Tag(0x0008, 0x1090), VR::LO, "Synthetic phantom");
    patient(e, seed);
    text(e, Tag(0x0018, 0x0015), VR::CS, "CHEST");
    text(e, Tag(0x0018, 0x0050), VR::DS, &SPACING.to_string());
    text(e, Tag(0x0018, 0x0060), VR::DS, "120");
    text(e, Tag(0x0018, 0x5100), VR::CS, "HFS");
    study_and_series(e, identity, seed);
    text(e, Tag(0x0020, 0x0012), VR::IS, "1");
    text(e, Tag(0x0020, 0x0013), VR::IS, &number.to_string());
    text(e, Tag(0x0020, 0x0032), VR::DS, &format!(r"-180\-180\{position}"));
    text(e, Tag(0x0020, 0x0037), VR::DS, r"1\0\0\0\1\0");
    e.element(Tag(0x0020, 0x0052), VR::UI, frame_of_reference.as_str().as_bytes());
    text(e, Tag(0x0020, 0x1040), VR::LO, "");
    text(e, Tag(0x0020, 0x1041), VR::DS, &position.to_string());
    e.u16_element(Tag(0x0028, 0x0002), &[1]);
    text(e, Tag(0x0028, 0x0004), VR::CS, "MONOCHROME2");
    e.u16_element(Tag(0x0028, 0x0010), &[512]);
    e.u16_element(Tag(0x0028, 0x0011), &[512]);
    text(e, Tag(0x0028, 0x0030), VR::DS, r"0.703125\0.703125");
    bits(e, 16, 12);
    text(e, Tag(0x0028, 0x1050), VR::DS, "40");
    text(e, Tag(0x0028, 0x1051), VR::DS, "400");
    text(e, Tag(0x0028, 0x1052), VR::DS, "-1024");
    text(e, Tag(0x0028, 0x1053), VR::DS, "1");
    text(e, Tag(0x0028, 0x1054), VR::LO, "HU");
    e.header(Tag::PIXEL_DATA, VR::OW, length_field(pixel_bytes));
    Bytes::copy_from_slice(e.as_bytes())
}

/// A multi-frame grayscale byte secondary capture image (PS3.3 §A.8.3.3): everything up to and with
/// the header of Pixel Data.
pub(super) fn multi_frame(identity: &Identity, seed: u64, rows: u16, frames: u32, pixel_bytes: u64) -> Bytes {
    let e = &mut Writer::new(Encoding::ExplicitVrLittleEndian);
    text(e, Tag(0x0008, 0x0005), VR::CS, "ISO_IR 100");
    text(e, Tag(0x0008, 0x0008), VR::CS, r"DERIVED\SECONDARY");
    sop_common_and_study(e, identity, seed, "OT", Some("SYN"));
    text(e, Tag(0x0008, 0x103E), VR::LO, "Large object");
    patient(e, seed);
    text(e, Tag(0x0018, 0x1063), VR::DS, "40");
    study_and_series(e, identity, seed);
    text(e, Tag(0x0020, 0x0013), VR::IS, "1");
    text(e, Tag(0x0020, 0x0020), VR::CS, "");
    e.u16_element(Tag(0x0028, 0x0002), &[1]);
    text(e, Tag(0x0028, 0x0004), VR::CS, "MONOCHROME2");
    text(e, Tag(0x0028, 0x0008), VR::IS, &frames.to_string());
    // Frame Increment Pointer names Frame Time.
    e.element(Tag(0x0028, 0x0009), VR::AT, &[0x18, 0x00, 0x63, 0x10]);
    e.u16_element(Tag(0x0028, 0x0010), &[rows]);
    e.u16_element(Tag(0x0028, 0x0011), &[1024]);
    bits(e, 8, 8);
    text(e, Tag(0x0028, 0x0301), VR::CS, "NO");
    text(e, Tag(0x0028, 0x1052), VR::DS, "0");
    text(e, Tag(0x0028, 0x1053), VR::DS, "1");
    text(e, Tag(0x0028, 0x1054), VR::LO, "US");
    text(e, Tag(0x2050, 0x0020), VR::CS, "IDENTITY");
    e.header(Tag::PIXEL_DATA, VR::OB, length_field(pixel_bytes));
    Bytes::copy_from_slice(e.as_bytes())
}

fn sop_common_and_study(
    e: &mut Writer,
    identity: &Identity,
    seed: u64,
    modality: &str,
    conversion_type: Option<&str>,
) {
    let date = study_date(seed);
    e.element(Tag::SOP_CLASS_UID, VR::UI, identity.sop_class_uid.as_str().as_bytes());
    e.element(Tag::SOP_INSTANCE_UID, VR::UI, identity.sop_instance_uid.as_str().as_bytes());
    text(e, Tag::STUDY_DATE, VR::DA, &date);
    text(e, Tag(0x0008, 0x0021), VR::DA, &date);
    text(e, Tag(0x0008, 0x0023), VR::DA, &date);
    text(e, Tag(0x0008, 0x0030), VR::TM, "101500");
    text(e, Tag(0x0008, 0x0031), VR::TM, "101600");
    text(e, Tag(0x0008, 0x0033), VR::TM, "101700");
    text(e, Tag::ACCESSION_NUMBER, VR::SH, &format!("SYN{:08}", seed % 100_000_000));
    text(e, Tag::MODALITY, VR::CS, modality);
    if let Some(conversion_type) = conversion_type {
        text(e, Tag(0x0008, 0x0064), VR::CS, conversion_type);
    }
    text(e, Tag(0x0008, 0x0070), VR::LO, "Dimseway");
    text(e, Tag(0x0008, 0x0090), VR::PN, "Synthetic^Referrer");
    text(e, Tag(0x0008, 0x1030), VR::LO, "Synthetic study, no patient");
}

fn patient(e: &mut Writer, seed: u64) {
    text(e, Tag::PATIENT_NAME, VR::PN, &format!("Synthetic^Phantom {}", seed % 100_000_000));
    text(e, Tag::PATIENT_ID, VR::LO, &format!("SYNTHETIC-{:08}", seed % 100_000_000));
    text(e, Tag(0x0010, 0x0030), VR::DA, "19000101");
    text(e, Tag(0x0010, 0x0040), VR::CS, "O");
}

fn study_and_series(e: &mut Writer, identity: &Identity, seed: u64) {
    e.element(Tag::STUDY_INSTANCE_UID, VR::UI, identity.study_instance_uid.as_str().as_bytes());
    e.element(Tag::SERIES_INSTANCE_UID, VR::UI, identity.series_instance_uid.as_str().as_bytes());
    text(e, Tag(0x0020, 0x0010), VR::SH, &(seed % 100_000_000).to_string());
    text(e, Tag(0x0020, 0x0011), VR::IS, "1");
}

fn bits(e: &mut Writer, allocated: u16, stored: u16) {
    e.u16_element(Tag(0x0028, 0x0100), &[allocated]);
    e.u16_element(Tag(0x0028, 0x0101), &[stored]);
    e.u16_element(Tag(0x0028, 0x0102), &[stored - 1]);
    e.u16_element(Tag(0x0028, 0x0103), &[0]);
}

fn text(e: &mut Writer, tag: Tag, vr: VR, value: &str) {
    e.element(tag, vr, value.as_bytes());
}

/// A date of the year 2020 that depends on the seed; days 1 to 28 exist in every month.
fn study_date(seed: u64) -> String {
    format!("2020{:02}{:02}", seed / 28 % 12 + 1, seed % 28 + 1)
}

/// The pixels of this module never reach 4 GiB, which their constructor sees to.
fn length_field(pixel_bytes: u64) -> u32 {
    u32::try_from(pixel_bytes).unwrap_or(u32::MAX - 1)
}
