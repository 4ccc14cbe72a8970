use super::*;
use proptest::prelude::*;

/// The example of T.87 H.3: 4 x 4 samples of 8 bits, without losses.
const EXAMPLE: [u8; 57] = [
    0xFF, 0xD8, 0xFF, 0xF7, 0x00, 0x0B, 0x08, 0x00, 0x04, 0x00, 0x04, 0x01, 0x01, 0x11, 0x00, 0xFF, 0xDA,
    0x00, 0x08, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0xC0, 0x00, 0x00, 0x6C, 0x80, 0x20, 0x8E, 0x01, 0xC0,
    0x00, 0x00, 0x57, 0x40, 0x00, 0x00, 0x6E, 0xE6, 0x00, 0x00, 0x01, 0xBC, 0x18, 0x00, 0x00, 0x05, 0xD8,
    0x00, 0x00, 0x91, 0x60, 0xFF, 0xD9,
];

const SAMPLES: [u8; 16] = [0, 0, 90, 74, 68, 50, 43, 205, 64, 145, 145, 145, 100, 145, 145, 145];

fn geometry(side: usize, samples_per_pixel: usize) -> Geometry {
    Geometry {
        rows: side,
        columns: side,
        samples_per_pixel,
        bytes_per_sample: 1,
        signed: false,
        photometric_interpretation: String::new(),
        frames: 1,
    }
}

#[test]
fn decodes_the_example_of_the_standard() {
    assert_eq!(decode(&EXAMPLE, &geometry(4, 1)), Ok(SAMPLES.to_vec()));
}

#[test]
fn a_cut_scan_is_refused() {
    for cut in 0..EXAMPLE.len() - 3 {
        assert!(decode(&EXAMPLE[..cut], &geometry(4, 1)).is_err(), "{cut}");
    }
}

#[test]
fn another_size_is_refused() {
    assert!(decode(&EXAMPLE, &geometry(5, 1)).is_err());
    assert!(decode(&EXAMPLE, &geometry(4, 3)).is_err());
}

#[test]
fn what_is_not_supported_is_named() {
    let with = |at: usize, segment: &[u8]| {
        let mut image = EXAMPLE.to_vec();
        image.splice(at..at, segment.iter().copied());
        decode(&image, &geometry(4, 1)).unwrap_err()
    };
    assert!(with(2, &[0xFF, 0xDD, 0, 4, 0, 1]).contains("restart"));
    assert!(with(2, b"\xFF\xE8\0\x07mrfx\x01").contains("colour"));
    assert!(with(2, &[0xFF, 0xF8, 0, 5, 2, 0, 0]).contains("tables"));
}

proptest! {
    #[test]
    fn never_panics(
        at in 2..EXAMPLE.len(),
        noise in proptest::collection::vec(any::<u8>(), 0..80),
        samples_per_pixel in prop::sample::select(vec![1, 3]),
    ) {
        let mut image = EXAMPLE.to_vec();
        image.truncate(at);
        image.extend_from_slice(&noise);
        if let Ok(decoded) = decode(&image, &geometry(4, samples_per_pixel)) {
            prop_assert_eq!(decoded.len(), 16 * samples_per_pixel);
        }
    }
}
