//! Documents as DICOM objects: PDF as Encapsulated PDF (PS3.3 §A.45.1), pictures as Secondary Capture (PS3.3
//! §A.8.1), films as Video Photographic Image (PS3.3 §A.32.7).
//!
//! A document is not touched: what is made here stands before and behind its bytes, so a file of any length
//! is wrapped without being held. Nothing depends on the clock or on chance, so the same document of the same
//! subject under the same UIDs is the same bytes again.

mod attributes;
pub mod jpeg;
pub mod mp4;
mod subject;
#[cfg(test)]
mod tests;

use dicom_core::VR;
use instance::{Tag, TransferSyntax, Uid, part10::FileMeta, transfer_syntax};

use self::attributes::Attributes;
pub use self::subject::Subject;
use crate::element::{ITEM, SEQUENCE_DELIMITATION};

/// Bytes of the longest document: the length field of its element has 32 bits and lengths are even (PS3.5
/// §7.1.1), and the longest film is one fragment.
pub const LENGTH_MAX: u64 = 0xFFFF_FFFE;

const ENCAPSULATED_PDF: &str = "1.2.840.10008.5.1.4.1.1.104.1";
const SECONDARY_CAPTURE: &str = "1.2.840.10008.5.1.4.1.1.7";
const VIDEO_PHOTOGRAPHIC: &str = "1.2.840.10008.5.1.4.1.1.77.1.4.1";

/// Photometric Interpretation of what a JPEG of three colours decodes to (PS3.5 §8.2.1).
const YBR_FULL_422: &str = "YBR_FULL_422";

/// A document as an object. The data set is `head`, the document, `tail`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// What its File Meta Information says.
    pub meta: FileMeta,
    /// What stands before the document.
    pub head: Vec<u8>,
    /// What stands behind it.
    pub tail: Vec<u8>,
}

/// UIDs of the object; the study is that of the [`Subject`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uids {
    /// Its series, which holds nothing else.
    pub series: Uid,
    /// Its own.
    pub instance: Uid,
}

/// Why a document cannot be an object. No message repeats a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// Empty, or longer than [`LENGTH_MAX`].
    #[error("a document has 1 to {LENGTH_MAX} bytes, this one {0}")]
    Length(u64),
    /// A value cannot stand in its element.
    #[error("{tag} {name} cannot hold what the order says: {why}")]
    Value {
        /// Which.
        tag: Tag,
        /// Its name.
        name: &'static str,
        /// Why.
        why: &'static str,
    },
    /// Rows and columns are numbers of 16 bits (PS3.3 §C.7.6.3).
    #[error("a picture has 1 to 65535 rows and columns")]
    Size,
}

/// Encapsulated PDF Storage.
///
/// # Errors
/// The length is that of no document; the subject has a value that no element holds.
pub fn encapsulated_pdf(
    subject: &Subject,
    uids: &Uids,
    title: &str,
    length: u64,
) -> Result<Wrapped, DocumentError> {
    let length = checked(length)?;
    let mut head = Attributes::of(subject, uids, ENCAPSULATED_PDF, "DOC")?;
    head.conversion();
    head.empty(Tag(0x0008, 0x0023), VR::DA).empty(Tag(0x0008, 0x0033), VR::TM);
    head.empty(Tag(0x0008, 0x002A), VR::DT).empty(Tag(0x0040, 0xA043), VR::SQ);
    // Whether a page names the patient cannot be seen from here (PS3.3 §C.24.2).
    head.text(Tag(0x0028, 0x0301), VR::CS, "YES");
    head.cut(Tag(0x0042, 0x0010), VR::ST, title, 1024);
    let mut head = head.write();
    head.header(Tag(0x0042, 0x0011), VR::OB, length.next_multiple_of(2));
    let mut tail = Attributes::default();
    tail.text(Tag(0x0042, 0x0012), VR::LO, "application/pdf");
    tail.raw(Tag(0x0042, 0x0015), VR::UL, length.to_le_bytes().to_vec());
    let tail = [padding(length), tail.write().into_bytes()].concat();
    let syntax = transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN;
    Ok(wrapped(ENCAPSULATED_PDF, uids, syntax, head.into_bytes(), tail))
}

/// Secondary Capture Image Storage of a JPEG as it is, in its own transfer syntax.
///
/// # Errors
/// As [`encapsulated_pdf`].
pub fn jpeg_picture(
    subject: &Subject,
    uids: &Uids,
    picture: &jpeg::Picture,
    length: u64,
) -> Result<Wrapped, DocumentError> {
    let length = checked(length)?;
    let mut head = Attributes::of(subject, uids, SECONDARY_CAPTURE, "OT")?;
    head.conversion();
    let interpretation = match (picture.components, picture.is_rgb) {
        (1, _) => "MONOCHROME2",
        (_, true) => "RGB",
        (_, false) => YBR_FULL_422,
    };
    head.pixels(picture.rows, picture.columns, picture.components, interpretation, picture.bits);
    let bytes = u64::from(picture.rows) * u64::from(picture.columns) * u64::from(picture.components);
    head.lossy(bytes, length, "ISO_10918_1");
    let (head, tail) = encapsulated(head, length);
    Ok(wrapped(SECONDARY_CAPTURE, uids, picture.transfer_syntax(), head, tail))
}

/// Secondary Capture Image Storage of decoded pixels: the document is `rows` x `columns` x 3 bytes of red,
/// green and blue, row by row.
///
/// # Errors
/// As [`encapsulated_pdf`]; [`DocumentError::Size`].
pub fn rgb_picture(
    subject: &Subject,
    uids: &Uids,
    rows: u32,
    columns: u32,
) -> Result<Wrapped, DocumentError> {
    let length = checked(u64::from(rows) * u64::from(columns) * 3)?;
    let side =
        |pixels: u32| u16::try_from(pixels).ok().filter(|pixels| *pixels > 0).ok_or(DocumentError::Size);
    let mut head = Attributes::of(subject, uids, SECONDARY_CAPTURE, "OT")?;
    head.conversion();
    head.pixels(side(rows)?, side(columns)?, 3, "RGB", 8);
    let mut head = head.write();
    head.header(Tag(0x7FE0, 0x0010), VR::OB, length.next_multiple_of(2));
    let syntax = transfer_syntax::EXPLICIT_VR_LITTLE_ENDIAN;
    Ok(wrapped(SECONDARY_CAPTURE, uids, syntax, head.into_bytes(), padding(length)))
}

/// Video Photographic Image Storage of an MP4 file as it is.
///
/// # Errors
/// As [`encapsulated_pdf`].
pub fn film(subject: &Subject, uids: &Uids, film: &mp4::Film, length: u64) -> Result<Wrapped, DocumentError> {
    let length = checked(length)?;
    let mut head = Attributes::of(subject, uids, VIDEO_PHOTOGRAPHIC, "XC")?;
    head.pixels(film.rows, film.columns, 3, "YBR_PARTIAL_420", 8);
    head.text(Tag(0x0008, 0x0008), VR::CS, "ORIGINAL\\PRIMARY");
    head.text(Tag(0x0018, 0x1063), VR::DS, &film.frame_time());
    head.text(Tag(0x0028, 0x0008), VR::IS, &film.frames.to_string());
    // Frame Increment Pointer: (0018,1063) Frame Time.
    head.raw(Tag(0x0028, 0x0009), VR::AT, vec![0x18, 0, 0x63, 0x10]);
    head.empty(Tag(0x0040, 0x0555), VR::SQ);
    let bytes = u64::from(film.rows) * u64::from(film.columns) * 3 * u64::from(film.frames);
    head.lossy(bytes, length, film.compression_method());
    let (head, tail) = encapsulated(head, length);
    Ok(wrapped(VIDEO_PHOTOGRAPHIC, uids, film.transfer_syntax(), head, tail))
}

fn checked(length: u64) -> Result<u32, DocumentError> {
    match u32::try_from(length) {
        Ok(short) if short > 0 && length <= LENGTH_MAX => Ok(short),
        _ => Err(DocumentError::Length(length)),
    }
}

fn padding(length: u32) -> Vec<u8> {
    vec![0; usize::from(length % 2 == 1)]
}

/// Pixel Data in one fragment, with an empty Basic Offset Table (PS3.5 §A.4).
fn encapsulated(head: Attributes, length: u32) -> (Vec<u8>, Vec<u8>) {
    let mut head = head.write();
    head.header(Tag(0x7FE0, 0x0010), VR::OB, 0xFFFF_FFFF);
    let mut head = head.into_bytes();
    let item = |tag: Tag, length: u32| {
        [&tag.group().to_le_bytes()[..], &tag.element().to_le_bytes(), &length.to_le_bytes()].concat()
    };
    head.extend(item(ITEM, 0));
    head.extend(item(ITEM, length.next_multiple_of(2)));
    (head, [padding(length), item(SEQUENCE_DELIMITATION, 0)].concat())
}

fn wrapped(class: &str, uids: &Uids, syntax: &str, head: Vec<u8>, tail: Vec<u8>) -> Wrapped {
    // INVARIANT: the UIDs that this module writes down are those of PS3.6 §A.
    #[expect(clippy::expect_used, reason = "a constant is a UID")]
    let uid = |text: &str| text.parse::<Uid>().expect("a UID");
    let meta = FileMeta {
        sop_class_uid: uid(class),
        sop_instance_uid: uids.instance.clone(),
        transfer_syntax: TransferSyntax::new(uid(syntax)),
    };
    Wrapped { meta, head, tail }
}
