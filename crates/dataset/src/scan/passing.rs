//! Whether a data set that passes by comes to its end.

use instance::{Encoding, Tag};

use super::{ScanError, ScanLimits};
use crate::{
    element::{Limits, Mode, Reader},
    inflate::Inflater,
};

/// Looks at the headers of a data set that passes by and skips its values, to tell at the end whether
/// it was cut. Takes what other readers take: only what ends inside something that it has begun is cut.
/// Bytes that break a limit or cannot be inflated are passed over, since nothing can be told of them.
#[derive(Debug)]
pub struct Passing {
    reader: Reader,
    inflater: Option<Inflater>,
    seen: u64,
    lost: bool,
}

impl Passing {
    /// A data set in `encoding`.
    #[must_use]
    pub fn new(encoding: Encoding, limits: ScanLimits) -> Self {
        let deflated = encoding == Encoding::DeflatedExplicitVrLittleEndian;
        let of_reader = Limits { depth_max: limits.depth_max, elements_max: limits.elements_max };
        Self {
            reader: Reader::new(encoding.into(), Mode::SkipSequences, of_reader),
            inflater: deflated.then(|| Inflater::new(limits.inflate_ratio_max)),
            seen: 0,
            lost: false,
        }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.seen += bytes.len() as u64;
        self.lost = self.lost || self.read(bytes).is_err();
    }

    /// Ends the data set.
    ///
    /// # Errors
    /// [`ScanError::Truncated`]: a data set that is cut, or no bytes at all.
    pub fn finish(&self) -> Result<(), ScanError> {
        let inflated = self.inflater.as_ref().is_none_or(Inflater::ended);
        if self.seen > 0 && (self.lost || inflated && self.reader.may_end()) {
            Ok(())
        } else {
            Err(self.cut())
        }
    }

    /// Ends the data set as soon as it is known that it cannot be whole with `length` bytes.
    ///
    /// # Errors
    /// [`ScanError::Truncated`]: what has begun needs more bytes.
    pub fn fits(&self, length: u64) -> Result<(), ScanError> {
        let unknown = self.lost || self.inflater.is_some();
        if unknown || self.reader.needed() <= length { Ok(()) } else { Err(self.cut()) }
    }

    fn cut(&self) -> ScanError {
        ScanError::Truncated(self.reader.top_level().unwrap_or(Tag(0, 0)))
    }

    fn read(&mut self, bytes: &[u8]) -> Result<(), ScanError> {
        let mut rest = bytes;
        let Some(inflater) = &mut self.inflater else {
            while self.reader.next(&mut rest)?.is_some() {}
            return Ok(());
        };
        while let Some(mut piece) = inflater.next(&mut rest)? {
            while self.reader.next(&mut piece)?.is_some() {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LITTLE: Encoding = Encoding::ExplicitVrLittleEndian;

    /// (0008,0005), a sequence of undefined length, and Pixel Data.
    fn data_set(pixel_data: &[u8]) -> Vec<u8> {
        let sequence = b"\x08\0\x40\x11SQ\0\0\xFF\xFF\xFF\xFF\xFE\xFF\xDD\xE0\0\0\0\0";
        [b"\x08\0\x05\0CS\0\0".as_slice(), sequence, pixel_data].concat()
    }

    fn passing(bytes: &[u8], encoding: Encoding) -> Passing {
        let mut passing = Passing::new(encoding, ScanLimits::default());
        bytes.chunks(5).for_each(|piece| passing.push(piece));
        passing
    }

    const NATIVE: &[u8] = b"\xE0\x7F\x10\0OW\0\0\x06\0\0\0pixels";
    const ENCAPSULATED: &[u8] = b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\0\0\0\0\
        \xFE\xFF\0\xE0\x02\0\0\0ab\xFE\xFF\xDD\xE0\0\0\0\0";

    #[test]
    fn what_is_cut_anywhere_in_pixel_data_is_cut() {
        for pixel_data in [NATIVE, ENCAPSULATED] {
            let whole = data_set(pixel_data);
            let begin = whole.len() - pixel_data.len();
            assert_eq!(passing(&whole, LITTLE).finish(), Ok(()));
            for at in begin + 1..whole.len() {
                let finished = passing(&whole[..at], LITTLE).finish();
                assert!(matches!(finished, Err(ScanError::Truncated(_))), "cut at {at}");
            }
        }
    }

    #[test]
    fn nothing_at_all_is_cut_and_what_is_malformed_is_not() {
        let rows: [(&[u8], bool); 5] = [
            (b"", false),
            (b"\x08\0\x05\0XX\0\0\x02\0\0\0ab", true),
            (b"\x08\0\x05\0CS\x03\0abc\0\0\0", true),
            (b"\xFE\xFF\xDD\xE0\0\0\0\0", true),
            (b"\x08\0\x05\0CS\x03\0ab", false),
        ];
        for (bytes, whole) in rows {
            assert_eq!(passing(bytes, LITTLE).finish().is_ok(), whole, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_length_that_is_too_short_is_known_from_the_header_on() {
        let whole = data_set(NATIVE);
        let length = whole.len() as u64;
        let begun = passing(&whole[..whole.len() - NATIVE.len() + 12], LITTLE);
        assert_eq!(begun.fits(length), Ok(()));
        assert_eq!(begun.fits(length - 1), Err(ScanError::Truncated(Tag::PIXEL_DATA)));
    }

    #[test]
    fn a_deflated_data_set_ends_with_its_stream() {
        use std::io::Write;
        let mut deflater = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        deflater.write_all(&data_set(NATIVE)).unwrap();
        let deflated = deflater.finish().unwrap();
        let encoding = Encoding::DeflatedExplicitVrLittleEndian;
        assert_eq!(passing(&deflated, encoding).finish(), Ok(()));
        assert_eq!(passing(&[deflated.clone(), vec![0]].concat(), encoding).finish(), Ok(()));
        for at in 0..deflated.len() {
            assert!(passing(&deflated[..at], encoding).finish().is_err(), "cut at {at}");
        }
        assert_eq!(passing(&[0xFF; 40], encoding).finish(), Ok(()), "what cannot be inflated is passed over");
    }
}
