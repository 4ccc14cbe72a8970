//! What a data set says of its pixels (PS3.3 §C.7.6.3).

use instance::Tag;

/// The attributes that say how pixels are written. Absent and unreadable ones are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Image {
    /// (0028,0002) Samples per Pixel.
    pub samples_per_pixel: Option<u16>,
    /// (0028,0004) Photometric Interpretation, padded with NUL.
    pub photometric_interpretation: Option<[u8; 16]>,
    /// (0028,0006) Planar Configuration.
    pub planar_configuration: Option<u16>,
    /// (0028,0008) Number of Frames.
    pub number_of_frames: Option<u32>,
    /// (0028,0010) Rows.
    pub rows: Option<u16>,
    /// (0028,0011) Columns.
    pub columns: Option<u16>,
    /// (0028,0100) Bits Allocated.
    pub bits_allocated: Option<u16>,
    /// (0028,0101) Bits Stored.
    pub bits_stored: Option<u16>,
    /// (0028,0103) Pixel Representation.
    pub pixel_representation: Option<u16>,
    /// (5400,1004) Waveform Bits Allocated.
    pub waveform_bits_allocated: Option<u16>,
}

/// A short value that describes pixels, little endian.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    tag: Tag,
    bytes: [u8; Self::LENGTH_MAX],
    length: usize,
}

impl Kept {
    const LENGTH_MAX: usize = 16;

    /// Room for the value of `tag`, where that is one of those kept.
    pub(super) fn of(tag: Tag) -> Option<Self> {
        let elements = [0x0002, 0x0004, 0x0006, 0x0008, 0x0010, 0x0011, 0x0100, 0x0101, 0x0103];
        let wanted = tag.group() == 0x0028 && elements.contains(&tag.element())
            || tag == Image::WAVEFORM_BITS_ALLOCATED;
        wanted.then_some(Self { tag, bytes: [0; Self::LENGTH_MAX], length: 0 })
    }

    pub(super) fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.length) {
            *place = byte;
            self.length += 1;
        }
    }

    fn number(&self) -> Option<u16> {
        (self.length >= 2).then(|| u16::from_le_bytes([self.bytes[0], self.bytes[1]]))
    }

    fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.bytes[..self.length]).ok().map(|text| text.trim_matches([' ', '\0']))
    }
}

impl Image {
    pub(super) const WAVEFORM_DATA: Tag = Tag(0x5400, 0x1010);
    const WAVEFORM_BITS_ALLOCATED: Tag = Tag(0x5400, 0x1004);

    /// (0028,0004) Photometric Interpretation, without padding.
    #[must_use]
    pub fn photometric(&self) -> &str {
        let bytes = self.photometric_interpretation.as_ref().map_or(&[][..], |bytes| &bytes[..]);
        std::str::from_utf8(bytes).unwrap_or_default().trim_matches([' ', '\0'])
    }

    pub(super) fn take(&mut self, kept: &Kept) {
        if kept.tag == Self::WAVEFORM_BITS_ALLOCATED {
            self.waveform_bits_allocated = kept.number();
            return;
        }
        match kept.tag.element() {
            0x0002 => self.samples_per_pixel = kept.number(),
            0x0004 => self.photometric_interpretation = Some(kept.bytes),
            0x0006 => self.planar_configuration = kept.number(),
            0x0008 => self.number_of_frames = kept.text().and_then(|text| text.parse().ok()),
            0x0010 => self.rows = kept.number(),
            0x0011 => self.columns = kept.number(),
            0x0100 => self.bits_allocated = kept.number(),
            0x0101 => self.bits_stored = kept.number(),
            _ => self.pixel_representation = kept.number(),
        }
    }
}
