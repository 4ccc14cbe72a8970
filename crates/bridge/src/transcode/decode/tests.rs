use super::*;
use dataset::element::{VR, Writer};
use instance::Encoding;
use proptest::prelude::*;

const RLE: &str = "1.2.840.10008.1.2.5";
const UNCOMPRESSED: &str = "1.2.840.10008.1.2.1.98";

fn order(from: &str) -> Order {
    let syntax = |uid: &str| TransferSyntax::new(uid.parse().unwrap());
    Order {
        from: syntax(from),
        to: syntax("1.2.840.10008.1.2.1"),
        frame_length_max: 1024,
        kept_back_max: 1 << 20,
    }
}

fn run(order: &Order, data_set: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut written = Vec::new();
    decode(order, data_set, &mut written).map(|()| written)
}

/// The attributes of an image of 2 x 3 pixels of 8 bits.
fn attributes(to: &mut Writer, samples: u16, photometric: &str, frames: &str) {
    to.u16_element(Tag(0x0028, 0x0002), &[samples]);
    to.element(Tag(0x0028, 0x0004), VR::CS, photometric.as_bytes());
    to.element(Tag(0x0028, 0x0008), VR::IS, frames.as_bytes());
    to.u16_element(Tag(0x0028, 0x0010), &[2]);
    to.u16_element(Tag(0x0028, 0x0011), &[3]);
    to.u16_element(Tag(0x0028, 0x0100), &[8]);
    to.u16_element(Tag(0x0028, 0x0103), &[0]);
}

fn item(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap();
    [&[0xFE, 0xFF, 0x00, 0xE0], &length.to_le_bytes()[..], bytes].concat()
}

fn encapsulated(fragments: &[&[u8]]) -> Vec<u8> {
    let mut element = b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF".to_vec();
    fragments.iter().for_each(|fragment| element.extend(item(fragment)));
    element.extend_from_slice(b"\xFE\xFF\xDD\xE0\0\0\0\0");
    element
}

fn image(samples: u16, photometric: &str, frames: &str, fragments: &[&[u8]]) -> Vec<u8> {
    let mut written = Writer::new(Encoding::ExplicitVrLittleEndian);
    written.element(Tag(0x0008, 0x0060), VR::CS, b"OT");
    attributes(&mut written, samples, photometric, frames);
    let mut bytes = written.into_bytes();
    bytes.extend(encapsulated(fragments));
    bytes
}

/// An RLE frame whose segments are runs of one value each.
fn rle(values: &[u8]) -> Vec<u8> {
    let mut frame = vec![u8::try_from(values.len()).unwrap(), 0, 0, 0];
    for index in 0..values.len() {
        frame.extend_from_slice(&u32::try_from(64 + 2 * index).unwrap().to_le_bytes());
    }
    frame.resize(64, 0);
    values.iter().for_each(|value| frame.extend_from_slice(&[251, *value]));
    frame
}

/// Gives 50 bytes at a time.
struct InPieces<'a>(&'a [u8]);

impl Read for InPieces<'_> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let length = to.len().min(50);
        self.0.read(&mut to[..length])
    }
}

#[test]
fn frames_become_one_native_value() {
    let (first, second) = (rle(&[7]), rle(&[9]));
    let decoded = run(&order(RLE), &image(1, "MONOCHROME2", "2", &[&[], &first, &second])).unwrap();
    let mut expected = Writer::new(Encoding::ExplicitVrLittleEndian);
    expected.element(Tag(0x0008, 0x0060), VR::CS, b"OT");
    attributes(&mut expected, 1, "MONOCHROME2", "2");
    expected.element(Tag::PIXEL_DATA, VR::OB, &[7, 7, 7, 7, 7, 7, 9, 9, 9, 9, 9, 9]);
    assert_eq!(decoded, expected.into_bytes());
}

#[test]
fn colours_are_by_pixel_and_the_data_set_says_so() {
    let decoded = run(&order(RLE), &image(3, "YBR_FULL", "1", &[&[], &rle(&[1, 2, 3])])).unwrap();
    let planar = b"\x28\0\x04\0CS\x08\0YBR_FULL\x28\0\x06\0US\x02\0\0\0\x28\0\x08\0IS";
    assert!(decoded.windows(planar.len()).any(|bytes| bytes == planar), "{decoded:?}");
    assert!(decoded.ends_with(&[1, 2, 3].repeat(6)));
}

#[test]
fn icons_are_decoded_too_or_stay_native() {
    let icon = |pixels: &[u8]| {
        let mut written = Writer::new(Encoding::ExplicitVrLittleEndian);
        written.begin_sequence(Tag(0x0088, 0x0200)).begin_item();
        attributes(&mut written, 1, "MONOCHROME2", "1");
        let mut bytes = written.into_bytes();
        bytes.extend_from_slice(pixels);
        let mut end = Writer::new(Encoding::ExplicitVrLittleEndian);
        end.end_item().end_sequence();
        bytes.extend(end.into_bytes());
        bytes
    };
    let native = b"\xE0\x7F\x10\0OB\0\0\x06\0\0\0\x05\x05\x05\x05\x05\x05";
    let main = encapsulated(&[&[], &rle(&[8])]);
    let with = |icon: Vec<u8>| {
        let mut written = Writer::new(Encoding::ExplicitVrLittleEndian);
        attributes(&mut written, 1, "MONOCHROME2", "1");
        [written.into_bytes(), icon, main.clone()].concat()
    };
    let decoded = run(&order(RLE), &with(icon(&encapsulated(&[&[], &rle(&[5])])))).unwrap();
    assert_eq!(decoded, run(&order(RLE), &with(icon(native))).unwrap());
    assert!(decoded.ends_with(&[8; 6]));
}

#[test]
fn a_table_tells_which_fragments_are_one_frame() {
    let parts: [&[u8]; 4] = [&[1, 1, 1, 1], &[1, 1], &[2, 2], &[2, 2, 2, 2]];
    let one_each = image(1, "MONOCHROME2", "2", &[&[], &[1; 6], &[2; 6]]);
    let expected = run(&order(UNCOMPRESSED), &one_each).unwrap();
    // The second frame begins behind items of 12 and 10 bytes.
    let basic = [0, 0, 0, 0, 22, 0, 0, 0];
    let with_basic = image(1, "MONOCHROME2", "2", &[&basic, parts[0], parts[1], parts[2], parts[3]]);
    assert_eq!(run(&order(UNCOMPRESSED), &with_basic).unwrap(), expected);

    let mut written = Writer::new(Encoding::ExplicitVrLittleEndian);
    written.element(Tag(0x0008, 0x0060), VR::CS, b"OT");
    attributes(&mut written, 1, "MONOCHROME2", "2");
    let table = [[0, 0, 0, 0, 0, 0, 0, 0], [22, 0, 0, 0, 0, 0, 0, 0]].concat();
    written.element(EXTENDED_OFFSET_TABLE, VR::OV, &table);
    written.element(EXTENDED_OFFSET_TABLE_LENGTHS, VR::OV, &table);
    let mut with_extended = written.into_bytes();
    with_extended.extend(encapsulated(&[&[], parts[0], parts[1], parts[2], parts[3]]));
    assert_eq!(run(&order(UNCOMPRESSED), &with_extended).unwrap(), expected, "tables are left out");
}

#[test]
fn a_single_frame_may_take_all_fragments() {
    let whole = image(1, "MONOCHROME2", "1", &[&[], &[3; 6]]);
    let parts = image(1, "MONOCHROME2", "1", &[&[], &[3; 2], &[3; 4]]);
    assert_eq!(run(&order(UNCOMPRESSED), &parts).unwrap(), run(&order(UNCOMPRESSED), &whole).unwrap());
}

#[test]
fn a_cut_object_is_never_written() {
    let whole = image(1, "MONOCHROME2", "2", &[&[], &rle(&[7]), &rle(&[9])]);
    let pixels = whole.windows(4).position(|bytes| bytes == b"\xE0\x7F\x10\0").unwrap();
    for cut in pixels + 1..whole.len() {
        let mut written = Vec::new();
        assert!(decode(&order(RLE), &whole[..cut], &mut written).is_err(), "{cut}");
        assert!(written.is_empty(), "{cut}");
    }
}

#[test]
fn faults_are_told_apart() {
    let frame = rle(&[7]);
    let cases: &[(&str, Vec<u8>, u8)] = &[
        ("one frame less", image(1, "MONOCHROME2", "2", &[&[], &frame]), 65),
        ("one frame more", image(1, "MONOCHROME2", "2", &[&[], &frame, &frame, &frame]), 65),
        ("no table", image(1, "MONOCHROME2", "1", &[]), 65),
        ("another codec", image(1, "MONOCHROME2", "1", &[&[], &[0xFF, 0xD8, 0xFF]]), 65),
        ("four samples", image(4, "ARGB", "1", &[&[], &frame]), 65),
        ("too long in all", image(1, "MONOCHROME2", "2147483647", &[&[], &frame]), 67),
        ("a frame too long", image(1, "MONOCHROME2", "1", &[&[], &[0; 1025]]), 67),
    ];
    for (name, object, code) in cases {
        let fault = run(&order(RLE), object).unwrap_err();
        assert_eq!(fault.exit_code(), *code, "{name}: {fault}");
    }
    let small = Order { frame_length_max: 5, ..order(RLE) };
    let fault = run(&small, &image(1, "MONOCHROME2", "1", &[&[], &frame])).unwrap_err();
    assert_eq!(fault.exit_code(), 67);
}

#[test]
fn what_is_too_long_to_keep_back_is_written_on_the_way() {
    let frame = rle(&[7]);
    let mut fragments: Vec<&[u8]> = vec![&[]];
    fragments.resize(101, &frame);
    let whole = image(1, "MONOCHROME2", "100", &fragments);
    let kept_back = Order { kept_back_max: 200, ..order(RLE) };
    assert_eq!(run(&kept_back, &whole).unwrap(), run(&order(RLE), &whole).unwrap());
    let mut written = Vec::new();
    assert!(decode(&kept_back, &whole[..whole.len() - 9], &mut written).is_err());
    assert!(!written.is_empty(), "it shows only behind what had to be written");
}

#[test]
fn what_may_change_is_never_written_too_early() {
    let mut written = Writer::new(Encoding::ExplicitVrLittleEndian);
    attributes(&mut written, 1, "MONOCHROME2", "1");
    written.element(Tag(0x0029, 0x1001), VR::UN, &[0; 300]);
    let mut object = written.into_bytes();
    object.extend(encapsulated(&[&[], &rle(&[7])]));
    let kept_back = Order { kept_back_max: 200, ..order(RLE) };
    let mut written = Vec::new();
    let fault = decode(&kept_back, InPieces(&object), &mut written).unwrap_err();
    assert_eq!((fault.exit_code(), written.len()), (67, 0));
}

proptest! {
    #[test]
    fn never_panics(at in 0..300usize, noise in proptest::collection::vec(any::<u8>(), 0..100)) {
        let mut object = image(1, "MONOCHROME2", "2", &[&[], &rle(&[7]), &rle(&[9])]);
        let at = at.min(object.len());
        object.truncate(at);
        object.extend_from_slice(&noise);
        for syntax in [RLE, UNCOMPRESSED, "1.2.840.10008.1.2.4.80"] {
            let _ = run(&order(syntax), &object);
        }
    }
}
