//! RLE (PS3.5 §G.3): a segment for each byte of a sample, the most significant first.

use super::super::geometry::Geometry;

/// Bytes of the header: the number of segments and 15 offsets.
const HEADER_LENGTH: usize = 64;

/// Decodes a frame to samples by pixel.
pub(super) fn decode(frame: &[u8], geometry: &Geometry) -> Result<Vec<u8>, String> {
    let header = frame.get(..HEADER_LENGTH).ok_or("the RLE header is cut")?;
    let field = |index: usize| {
        let at = index * 4;
        u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]) as usize
    };
    let count = geometry.samples_per_pixel * geometry.bytes_per_sample;
    if field(0) != count {
        return Err(format!("{} RLE segments where {count} are needed", field(0)));
    }
    let mut decoded = vec![0; geometry.frame_length()];
    for segment in 0..count {
        let start = field(segment + 1);
        let end = if segment + 1 < count { field(segment + 2) } else { frame.len() };
        let bytes = frame.get(start..end).ok_or("an RLE segment lies outside of the frame")?;
        // Most significant byte first in the segments, last in a little endian sample.
        let sample = segment / geometry.bytes_per_sample;
        let byte = geometry.bytes_per_sample - 1 - segment % geometry.bytes_per_sample;
        let first = sample * geometry.bytes_per_sample + byte;
        unpack(bytes, decoded[first..].iter_mut().step_by(count))?;
    }
    Ok(decoded)
}

/// Decodes one segment (PS3.5 §G.3.2) into `places`, all of which it must fill.
fn unpack<'a>(mut bytes: &[u8], mut places: impl Iterator<Item = &'a mut u8>) -> Result<(), String> {
    let short = || "an RLE segment is too short".to_owned();
    let Some(mut place) = places.next() else { return Ok(()) };
    loop {
        let (&control, rest) = bytes.split_first().ok_or_else(short)?;
        let (count, repeated) = match control {
            0..=127 => (usize::from(control) + 1, None),
            128 => {
                bytes = rest;
                continue;
            }
            129..=255 => (257 - usize::from(control), Some(*rest.first().ok_or_else(short)?)),
        };
        for index in 0..count {
            *place = match repeated {
                Some(byte) => byte,
                None => *rest.get(index).ok_or_else(short)?,
            };
            // What a last run has too much is padding.
            match places.next() {
                Some(next) => place = next,
                None => return Ok(()),
            }
        }
        bytes = &rest[if repeated.is_some() { 1 } else { count }..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn geometry(bytes_per_sample: usize, samples_per_pixel: usize) -> Geometry {
        Geometry {
            rows: 2,
            columns: 3,
            samples_per_pixel,
            bytes_per_sample,
            signed: false,
            photometric_interpretation: String::new(),
            frames: 1,
        }
    }

    fn frame(segments: &[&[u8]]) -> Vec<u8> {
        let mut frame = u32::try_from(segments.len()).unwrap().to_le_bytes().to_vec();
        let mut at = 64;
        for segment in segments {
            frame.extend_from_slice(&u32::try_from(at).unwrap().to_le_bytes());
            at += segment.len();
        }
        frame.resize(64, 0);
        frame.extend(segments.concat());
        frame
    }

    #[test]
    fn decodes_literals_and_runs() {
        let frame = frame(&[&[128, 1, 7, 8, 253, 9, 0]]);
        assert_eq!(decode(&frame, &geometry(1, 1)), Ok(vec![7, 8, 9, 9, 9, 9]));
    }

    #[test]
    fn puts_bytes_and_samples_in_their_order() {
        let runs: Vec<[u8; 2]> = (1..=6).map(|value| [251, value]).collect();
        let segments: Vec<&[u8]> = runs.iter().map(|run| &run[..]).collect();
        let one = decode(&frame(&segments[..2]), &geometry(2, 1)).unwrap();
        assert_eq!(one, [2, 1].repeat(6));
        let three = decode(&frame(&segments), &geometry(2, 3)).unwrap();
        assert_eq!(three, [2, 1, 4, 3, 6, 5].repeat(6));
    }

    #[test]
    fn refuses_what_is_cut() {
        let whole = frame(&[&[5, 1, 2, 3, 4, 5, 6]]);
        assert!(decode(&whole, &geometry(1, 1)).is_ok());
        for cut in 0..whole.len() {
            assert!(decode(&whole[..cut], &geometry(1, 1)).is_err(), "{cut}");
        }
        assert!(decode(&whole, &geometry(2, 1)).is_err(), "another number of segments");
    }
}
