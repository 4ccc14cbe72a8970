use std::io::Cursor;

use dicom_object::{FileDicomObject, InMemDicomObject};
use proptest::prelude::*;

use super::*;

const UIDS: [&str; 3] = ["2.25.1", "2.25.2", "2.25.3"];

fn subject() -> (Subject, Uids) {
    let subject = Subject {
        patient_name: "YAMADA^TARO=山田^太郎".to_owned(),
        patient_id: "PID1".to_owned(),
        patient_birth_date: "19800102".to_owned(),
        patient_sex: "M".to_owned(),
        study_date: "20261122".to_owned(),
        study_time: "1030".to_owned(),
        accession_number: "A1".to_owned(),
        study_description: "KNIE\r\nLINKS".to_owned(),
        ..Subject::new(UIDS[0].parse().unwrap())
    };
    (subject, Uids { series: UIDS[1].parse().unwrap(), instance: UIDS[2].parse().unwrap() })
}

/// The whole file, as another implementation reads it.
fn read(wrapped: &Wrapped, document: &[u8]) -> FileDicomObject<InMemDicomObject> {
    let meta = instance::part10::write(&wrapped.meta, None);
    let file = [&meta, &wrapped.head, document, &wrapped.tail].concat();
    dicom_object::from_reader(Cursor::new(file)).unwrap()
}

fn text(object: &InMemDicomObject, tag: (u16, u16)) -> String {
    object.element(dicom_core::Tag(tag.0, tag.1)).unwrap().to_str().unwrap().into_owned()
}

/// What every object has, of type 1 and 2.
const ALWAYS: [(u16, u16); 17] = [
    (0x0008, 0x0016),
    (0x0008, 0x0018),
    (0x0008, 0x0020),
    (0x0008, 0x0030),
    (0x0008, 0x0050),
    (0x0008, 0x0060),
    (0x0008, 0x0070),
    (0x0008, 0x0090),
    (0x0010, 0x0010),
    (0x0010, 0x0020),
    (0x0010, 0x0030),
    (0x0010, 0x0040),
    (0x0020, 0x000D),
    (0x0020, 0x000E),
    (0x0020, 0x0010),
    (0x0020, 0x0011),
    (0x0020, 0x0013),
];

#[test]
fn a_pdf_of_odd_length_is_kept_with_its_length() {
    let (subject, uids) = subject();
    let pdf = b"%PDF-1.4 odd.";
    let object = read(&encapsulated_pdf(&subject, &uids, "report.pdf", pdf.len() as u64).unwrap(), pdf);
    assert_eq!(object.meta().media_storage_sop_class_uid().trim_end_matches('\0'), ENCAPSULATED_PDF);
    for (group, element) in ALWAYS {
        assert!(object.element(dicom_core::Tag(group, element)).is_ok(), "({group:04X},{element:04X})");
    }
    assert_eq!(text(&object, (0x0010, 0x0010)).trim(), "YAMADA^TARO=山田^太郎");
    assert_eq!(text(&object, (0x0008, 0x1030)).trim(), "KNIE  LINKS", "no control characters in a data set");
    assert_eq!(text(&object, (0x0042, 0x0012)).trim(), "application/pdf");
    assert_eq!(text(&object, (0x0042, 0x0010)).trim(), "report.pdf");
    let document = object.element(dicom_core::Tag(0x0042, 0x0011)).unwrap().to_bytes().unwrap();
    assert_eq!(document.as_ref(), [&pdf[..], &[0]].concat());
    let length = object.element(dicom_core::Tag(0x0042, 0x0015)).unwrap().to_int::<u32>().unwrap();
    assert_eq!(length, 13);
}

fn jpeg_head(marker: u8, components: &[u8], before: &[u8]) -> Vec<u8> {
    let mut file = [&[0xFF, 0xD8][..], before].concat();
    let count = u8::try_from(components.len()).unwrap();
    file.extend([0xFF, marker, 0, 8 + 3 * count, 8, 0, 32, 0, 48, count]);
    for component in components {
        file.extend([*component, 0x22, 0]);
    }
    file.extend([0xFF, 0xD9]);
    file
}

#[test]
fn jpegs_are_told_apart_by_their_heads() {
    /// Marker of the frame, its components, what stands before it; what is read.
    type Row<'a> = (u8, &'a [u8], &'a [u8], Result<(u8, bool, &'a str), jpeg::InvalidJpeg>);
    let adobe = [&[0xFF, 0xEE, 0, 14][..], b"Adobe", &[0, 100, 0, 0, 0, 0, 0]].concat();
    let table: [Row<'_>; 9] = [
        (0xC0, &[1, 2, 3], &[], Ok((3, false, "1.2.840.10008.1.2.4.50"))),
        (0xC0, &[1], &[0xFF, 0xFF, 0xE0, 0, 4, 1, 2], Ok((1, false, "1.2.840.10008.1.2.4.50"))),
        (0xC0, b"RGB", &[], Ok((3, true, "1.2.840.10008.1.2.4.50"))),
        (0xC0, &[1, 2, 3], &adobe, Ok((3, true, "1.2.840.10008.1.2.4.50"))),
        (0xC1, &[1, 2, 3], &[], Ok((3, false, "1.2.840.10008.1.2.4.51"))),
        (0xC2, &[1, 2, 3], &[], Err(jpeg::InvalidJpeg::Compression)),
        (0xC9, &[1, 2, 3], &[], Err(jpeg::InvalidJpeg::Compression)),
        (0xC0, &[1, 2, 3, 4], &[], Err(jpeg::InvalidJpeg::Colours(4))),
        (0xDA, &[1], &[], Err(jpeg::InvalidJpeg::Broken)),
    ];
    for (marker, components, before, expected) in table {
        let found = jpeg::Picture::read(&jpeg_head(marker, components, before));
        if let Ok(picture) = &found {
            assert_eq!((picture.rows, picture.columns, picture.bits), (32, 48, 8));
        }
        let found = found.map(|found| (found.components, found.is_rgb, found.transfer_syntax()));
        assert_eq!(found, expected, "{marker:02X} {components:?}");
    }
    assert_eq!(jpeg::Picture::read(b"\x89PNG\r\n"), Err(jpeg::InvalidJpeg::NotJpeg));
}

#[test]
fn a_jpeg_is_one_fragment_in_its_own_transfer_syntax() {
    let (subject, uids) = subject();
    let file = jpeg_head(0xC0, &[1, 2, 3], &[0xFF, 0xFE, 0, 3, 0]);
    assert_eq!(file.len() % 2, 0);
    for file in [file.clone(), [&file[..], &[0]].concat()] {
        let picture = jpeg::Picture::read(&file).unwrap();
        let object = read(&jpeg_picture(&subject, &uids, &picture, file.len() as u64).unwrap(), &file);
        assert_eq!(object.meta().transfer_syntax(), "1.2.840.10008.1.2.4.50");
        assert_eq!(text(&object, (0x0028, 0x0004)).trim(), "YBR_FULL_422");
        assert_eq!(text(&object, (0x0028, 0x2110)).trim(), "01");
        let fragments = object.element(dicom_core::Tag(0x7FE0, 0x0010)).unwrap().fragments().unwrap();
        assert_eq!(fragments.len(), 1);
        assert_eq!(fragments[0][..file.len()], file);
    }
}

#[test]
fn decoded_pixels_stand_as_they_are() {
    let (subject, uids) = subject();
    let pixels: Vec<u8> = (0..45).collect();
    let object = read(&rgb_picture(&subject, &uids, 5, 3).unwrap(), &pixels);
    let found = object.element(dicom_core::Tag(0x7FE0, 0x0010)).unwrap().to_bytes().unwrap();
    assert_eq!(found.as_ref(), [&pixels[..], &[0]].concat());
    assert_eq!(rgb_picture(&subject, &uids, 70_000, 1), Err(DocumentError::Size));
    assert_eq!(rgb_picture(&subject, &uids, 0, 1), Err(DocumentError::Length(0)));
}

fn mp4_box(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32 + 8).to_be_bytes()[..], kind, content].concat()
}

/// A file with a track of sound and one of film, the film compressed as told.
fn mp4(entry: &[u8; 4], configuration: &[u8; 4], record: &[u8]) -> Vec<u8> {
    let handler = |kind: &[u8; 4]| mp4_box(b"hdlr", &[&[0; 8][..], kind, &[0; 12]].concat());
    let header = mp4_box(
        b"mdhd",
        &[&[0; 12][..], &25_000_u32.to_be_bytes(), &50_000_u32.to_be_bytes(), &[0; 4]].concat(),
    );
    let mut visual = vec![0; 78];
    visual[24..26].copy_from_slice(&640_u16.to_be_bytes());
    visual[26..28].copy_from_slice(&480_u16.to_be_bytes());
    visual.extend(mp4_box(b"pasp", &[0; 8]));
    visual.extend(mp4_box(configuration, record));
    let description = mp4_box(b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1][..], &mp4_box(entry, &visual)].concat());
    let sizes = mp4_box(b"stsz", &[&[0; 8][..], &50_u32.to_be_bytes(), &[0; 200]].concat());
    let table = mp4_box(b"stbl", &[description, sizes].concat());
    let film = [header, handler(b"vide"), mp4_box(b"minf", &table)].concat();
    let track = |media: &[u8]| mp4_box(b"trak", &mp4_box(b"mdia", media));
    let movie = [track(&handler(b"soun")), track(&film)].concat();
    [mp4_box(b"ftyp", b"isom"), mp4_box(b"mdat", &[7; 100]), mp4_box(b"moov", &movie)].concat()
}

#[test]
fn films_have_the_transfer_syntax_of_their_profile_and_level() {
    /// Kind of the entry, kind of its configuration, that; the transfer syntax.
    type Row<'a> = (&'a [u8; 4], &'a [u8; 4], Vec<u8>, Option<&'a str>);
    let mut main10 = vec![1, 2];
    main10.resize(13, 153);
    let table: [Row<'_>; 8] = [
        (b"avc1", b"avcC", vec![1, 100, 0, 41], Some("1.2.840.10008.1.2.4.102")),
        (b"avc1", b"avcC", vec![1, 77, 0, 31], Some("1.2.840.10008.1.2.4.102")),
        (b"avc1", b"avcC", vec![1, 66, 0x40, 30], Some("1.2.840.10008.1.2.4.102")),
        (b"avc1", b"avcC", vec![1, 66, 0, 30], None),
        (b"avc3", b"avcC", vec![1, 100, 0, 42], Some("1.2.840.10008.1.2.4.104")),
        (b"avc1", b"avcC", vec![1, 100, 0, 51], None),
        (b"hvc1", b"hvcC", main10, Some("1.2.840.10008.1.2.4.108")),
        (b"mp4v", b"esds", vec![1, 2, 3, 4], None),
    ];
    for (entry, configuration, record, expected) in table {
        let found = mp4::Film::read(&mut Cursor::new(mp4(entry, configuration, &record)));
        match (&found, expected) {
            (Ok(film), Some(syntax)) => assert_eq!(film.transfer_syntax(), syntax, "{record:?}"),
            (Err(mp4::InvalidMp4::Compression), None) => {}
            _ => panic!("{record:?}: {found:?}"),
        }
    }
    for broken in [&b""[..], b"%PDF-1.4", &[0; 64]] {
        assert!(mp4::Film::read(&mut Cursor::new(broken)).is_err());
    }
}

#[test]
fn a_film_says_how_long_its_pictures_are() {
    let (subject, uids) = subject();
    let file = mp4(b"avc1", b"avcC", &[1, 100, 0, 41]);
    let film = mp4::Film::read(&mut Cursor::new(&file)).unwrap();
    assert_eq!((film.rows, film.columns, film.frames), (480, 640, 50));
    let object = read(&super::film(&subject, &uids, &film, file.len() as u64).unwrap(), &file);
    assert_eq!(object.meta().media_storage_sop_class_uid().trim_end_matches('\0'), VIDEO_PHOTOGRAPHIC);
    assert_eq!(text(&object, (0x0018, 0x1063)).trim(), "40.000");
    assert_eq!(text(&object, (0x0028, 0x0008)).trim(), "50");
    assert_eq!(text(&object, (0x0028, 0x0004)).trim(), "YBR_PARTIAL_420");
    let pointer = object.element(dicom_core::Tag(0x0028, 0x0009)).unwrap().value().primitive().unwrap();
    assert_eq!(*pointer, dicom_core::PrimitiveValue::from(dicom_core::Tag(0x0018, 0x1063)));
    assert!(object.element(dicom_core::Tag(0x0040, 0x0555)).is_ok());
}

#[test]
fn what_says_who_the_patient_is_is_never_cut() {
    let (subject, uids) = subject();
    let wrap = |subject: &Subject| encapsulated_pdf(subject, &uids, "", 2);
    let long = "x".repeat(65);
    for changed in [
        Subject { patient_id: long.clone(), ..subject.clone() },
        Subject { patient_id: "A\\B".to_owned(), ..subject.clone() },
        Subject { patient_id: "A\r\nB".to_owned(), ..subject.clone() },
        Subject { patient_name: long.clone(), ..subject.clone() },
        Subject { patient_name: "A\\B".to_owned(), ..subject.clone() },
        Subject { accession_number: "12345678901234567".to_owned(), ..subject.clone() },
    ] {
        let error = wrap(&changed).unwrap_err();
        assert!(matches!(error, DocumentError::Value { .. }), "{error}");
        assert!(!error.to_string().contains("xxx"), "{error}");
    }
    assert!(wrap(&Subject { study_description: long, ..subject }).is_ok());
    for length in [0, LENGTH_MAX + 1, u64::MAX] {
        let (subject, uids) = self::subject();
        assert_eq!(encapsulated_pdf(&subject, &uids, "", length), Err(DocumentError::Length(length)));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 0_usize..1200) {
        let _ = jpeg::Picture::read(&bytes);
        let _ = mp4::Film::read(&mut Cursor::new(&bytes));
        let mut file = mp4(b"avc1", b"avcC", &[1, 100, 0, 41]);
        file.truncate(cut);
        let _ = mp4::Film::read(&mut Cursor::new(&file));
        let at = cut % file.len().max(1);
        if let Some(byte) = file.get_mut(at) {
            *byte = bytes.first().copied().unwrap_or(0xFF);
        }
        let _ = mp4::Film::read(&mut Cursor::new(&file));
    }
}
