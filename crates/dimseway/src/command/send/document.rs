//! Documents, wrapped with the patient and study of an order.
//!
//! The UIDs follow from the order and the document alone, so the same document sent twice is one instance.

use super::files::{Document, Found};
use crate::{
    account::Account,
    cli::account::One,
    command::orders,
    exit::{Exit, OrExit},
};
use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use dataset::document::{self, Subject, Uids, Wrapped, jpeg, mp4};
use image::{ImageFormat, ImageReader};
use instance::Uid;
use postdicom::{Date, DateTime, InstitutionUuid, Order, OrderUuid};
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{BufReader, Read, Seek},
    path::{Path, PathBuf},
};

/// Pixels of the largest PNG or BMP: 120 MB once it is decoded. A photograph has 12 to 50 million as JPEG,
/// which is not decoded.
const PIXELS_MAX: u64 = 40_000_000;

/// Bytes that the decoder may allocate: twice 16 bits for four colours of each pixel.
const DECODER_BYTES_MAX: u64 = PIXELS_MAX * 16;

/// Bytes of a chunk that is hashed.
const CHUNK_LENGTH: usize = 128 * 1024;

/// Objects of documents, the last one first as files are.
///
/// # Errors
/// The order is not there, a file is no document, or the order says what no object can hold
/// ([`Exit::Data`]).
pub(super) async fn wrap(
    account: &Account,
    order: &OrderUuid,
    institution: Option<&InstitutionUuid>,
    paths: Vec<PathBuf>,
) -> anyhow::Result<Vec<Found>> {
    let one = One { order: order.clone(), institution: institution.cloned() };
    let subject = subject(order, &orders::order(account, &one).await?)?;
    let order = order.clone();
    let wrapped = tokio::task::spawn_blocking(move || {
        let found = |path: PathBuf| {
            let document = object(&order, &subject, &path).with_context(|| path.display().to_string())?;
            Ok(Found { path, named: true, document: Some(document) })
        };
        paths.into_iter().rev().map(found).collect::<anyhow::Result<Vec<Found>>>()
    });
    wrapped.await?.or_exit(Exit::Data)
}

/// Patient and study of an order. Where the vendor does not tell the study, its UID follows from the order's
/// UUID, so that documents of one order are in one study (PS3.5 §B.2).
fn subject(uuid: &OrderUuid, order: &Order) -> anyhow::Result<Subject> {
    let study = match &order.study_instance_uid {
        Some(uid) => uid.clone(),
        None => study_of(uuid)?,
    };
    let day = order.study_date.or(order.order_scheduled_datetime.map(DateTime::date));
    let time = order.order_scheduled_datetime.map(|at| format!("{:02}{:02}", at.hour(), at.minute()));
    let name = |name: &Option<postdicom::PatientName>| {
        name.as_ref().map(|name| name.expose().to_owned()).unwrap_or_default()
    };
    let id =
        |id: &Option<postdicom::PatientId>| id.as_ref().map(|id| id.expose().to_owned()).unwrap_or_default();
    let sex = order.patient_sex.as_ref().map(|sex| sex.expose().to_owned()).unwrap_or_default();
    let number = order.accession_number.as_ref();
    let description = order.study_description.as_ref();
    Ok(Subject {
        patient_name: name(&order.patient_name),
        patient_id: id(&order.patient_id),
        other_patient_id: id(&order.other_patient_id),
        patient_birth_date: order.patient_birthdate.map(Date::to_dicom).unwrap_or_default(),
        patient_sex: if matches!(sex.as_str(), "M" | "F" | "O") { sex } else { String::new() },
        study_date: day.map(Date::to_dicom).unwrap_or_default(),
        study_time: time.unwrap_or_default(),
        accession_number: number.map(|number| number.expose().to_owned()).unwrap_or_default(),
        referring_physician: name(&order.referring_physicians_name),
        study_description: description.map(|text| text.expose().to_owned()).unwrap_or_default(),
        ..Subject::new(study)
    })
}

fn study_of(uuid: &OrderUuid) -> anyhow::Result<Uid> {
    let digits: String = uuid.as_str().chars().filter(|letter| !"-{}".contains(*letter)).collect();
    match u128::from_str_radix(&digits, 16) {
        Ok(number) if digits.len() == 32 => Ok(format!("2.25.{number}").parse()?),
        _ => derived(&[b"study", uuid.as_str().as_bytes()]),
    }
}

/// A UID that follows from its parts: a UUID of version 8 (RFC 9562 §5.8) as a number.
fn derived(parts: &[&[u8]]) -> anyhow::Result<Uid> {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    bytes[6] = bytes[6] & 0x0F | 0x80;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    Ok(format!("2.25.{}", u128::from_be_bytes(bytes)).parse()?)
}

fn object(order: &OrderUuid, subject: &Subject, path: &Path) -> anyhow::Result<Document> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    anyhow::ensure!(metadata.is_file(), "not a regular file");
    let length = metadata.len();
    let mut head = Vec::new();
    Read::by_ref(&mut file).take(jpeg::HEAD_LENGTH_MAX as u64).read_to_end(&mut head)?;
    let digest = digest(&mut file)?;
    let part = |word: &[u8]| derived(&[word, order.as_str().as_bytes(), &digest]);
    let uids = Uids { series: part(b"series")?, instance: part(b"instance")? };
    let (wrapped, decoded): (Wrapped, Option<Bytes>) = match head.as_slice() {
        [b'%', b'P', b'D', b'F', b'-', ..] => {
            let title = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            (document::encapsulated_pdf(subject, &uids, &title, length)?, None)
        }
        [0xFF, 0xD8, 0xFF, ..] => {
            (document::jpeg_picture(subject, &uids, &jpeg::Picture::read(&head)?, length)?, None)
        }
        [0x89, b'P', b'N', b'G', ..] => decoded(subject, &uids, path, ImageFormat::Png)?,
        [b'B', b'M', ..] => decoded(subject, &uids, path, ImageFormat::Bmp)?,
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => {
            (document::film(subject, &uids, &mp4::Film::read(&mut file)?, length)?, None)
        }
        _ => bail!("neither PDF, JPEG, PNG, BMP nor MP4"),
    };
    Ok(Document { wrapped, decoded })
}

fn digest(file: &mut File) -> anyhow::Result<[u8; 32]> {
    file.rewind()?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK_LENGTH];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(hash.finalize().into()),
            read => hash.update(&chunk[..read]),
        }
    }
}

/// Red, green and blue of a picture without transparency.
fn decoded(
    subject: &Subject,
    uids: &Uids,
    path: &Path,
    format: ImageFormat,
) -> anyhow::Result<(Wrapped, Option<Bytes>)> {
    let reader = || -> anyhow::Result<_> {
        let mut reader = ImageReader::with_format(BufReader::new(File::open(path)?), format);
        let mut limits = image::Limits::default();
        limits.max_alloc = Some(DECODER_BYTES_MAX);
        reader.limits(limits);
        Ok(reader)
    };
    let (columns, rows) = reader()?.into_dimensions()?;
    if u64::from(columns) * u64::from(rows) > PIXELS_MAX {
        return Err(anyhow!("more than {PIXELS_MAX} pixels; save it as JPEG, which is not decoded"));
    }
    let wrapped = document::rgb_picture(subject, uids, rows, columns)?;
    let pixels = reader()?.decode()?.into_rgb8().into_raw();
    Ok((wrapped, Some(pixels.into())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::TryStreamExt;

    fn wrapped(name: &str, content: &[u8]) -> anyhow::Result<(tempfile::TempDir, Found)> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join(name);
        std::fs::write(&path, content)?;
        let order: OrderUuid = "c232ab00-9414-41ec-b3c8-9f6bdeced846".parse()?;
        let subject = Subject::new(study_of(&order)?);
        let document = object(&order, &subject, &path)?;
        Ok((directory, Found { path, named: true, document: Some(document) }))
    }

    #[tokio::test]
    async fn a_document_leaves_as_head_content_and_tail() {
        let (_directory, found) = wrapped("a.pdf", b"%PDF-1.4 odd.").unwrap();
        let file = super::super::files::DicomFile::open(&found).await.unwrap();
        let chunks: Vec<Bytes> = file.data_set().await.unwrap().try_collect().await.unwrap();
        let document = found.document.unwrap().wrapped;
        assert_eq!(chunks.concat(), [&document.head[..], b"%PDF-1.4 odd.", &document.tail].concat());
        let study = file.study().await.unwrap();
        assert_eq!(study.uid, "2.25.258133314363070916450566719781752199238");
    }

    #[test]
    fn pictures_are_decoded_and_the_same_document_is_the_same_instance() {
        let picture = image::RgbImage::from_fn(3, 2, |x, y| image::Rgb([x as u8, y as u8, 7]));
        for (name, format) in [("a.png", ImageFormat::Png), ("a.bmp", ImageFormat::Bmp)] {
            let mut file = std::io::Cursor::new(Vec::new());
            picture.write_to(&mut file, format).unwrap();
            let found = || wrapped(name, file.get_ref()).unwrap().1.document.unwrap();
            assert_eq!(found().decoded.as_deref(), Some(picture.as_raw().as_slice()), "{name}");
            assert_eq!(found(), found(), "{name}");
        }
        let uid =
            |content: &[u8]| wrapped("a", content).unwrap().1.document.unwrap().wrapped.meta.sop_instance_uid;
        assert_ne!(uid(b"%PDF-1"), uid(b"%PDF-2"));
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for content in [&b""[..], b"hello", b"\xFF\xD8\xFF", b"\x89PNG\r\n\x1a\n", b"BM", b"\0\0\0\x08ftyp"] {
            assert!(wrapped("a", content).is_err(), "{content:?}");
        }
    }
}
