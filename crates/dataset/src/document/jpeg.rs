//! What the head of a JPEG file says (ISO/IEC 10918-1, annex B).

/// Bytes that are looked at: metadata of cameras before the frame header, with a thumbnail, has less.
pub const HEAD_LENGTH_MAX: usize = 1024 * 1024;

/// A picture as JPEG.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// Height in pixels.
    pub rows: u16,
    /// Width in pixels.
    pub columns: u16,
    /// 1 or 3 colours.
    pub components: u8,
    /// Whether three colours are red, green and blue, not luminance and chrominance.
    pub is_rgb: bool,
    /// Bits of a sample, 8 or 12.
    pub bits: u8,
    is_extended: bool,
}

/// Why a JPEG file cannot be a picture here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidJpeg {
    /// No JPEG file.
    #[error("not a JPEG file")]
    NotJpeg,
    /// No frame header, or a broken one.
    #[error("its head is broken")]
    Broken,
    /// A kind for which DICOM has no transfer syntax: progressive, hierarchical, arithmetic.
    #[error("its compression is neither baseline nor extended; save it as baseline JPEG")]
    Compression,
    /// Neither grey nor three colours.
    #[error("it has {0} colours, 1 or 3 are needed; save it as RGB")]
    Colours(u8),
}

impl Picture {
    /// Its transfer syntax: JPEG Baseline or JPEG Extended (PS3.5 §A.4.1).
    #[must_use]
    pub const fn transfer_syntax(&self) -> &'static str {
        if self.is_extended { "1.2.840.10008.1.2.4.51" } else { "1.2.840.10008.1.2.4.50" }
    }

    /// Reads the head of a file.
    ///
    /// # Errors
    /// [`InvalidJpeg`].
    pub fn read(head: &[u8]) -> Result<Self, InvalidJpeg> {
        if !head.starts_with(&[0xFF, 0xD8, 0xFF]) {
            return Err(InvalidJpeg::NotJpeg);
        }
        let (mut at, mut transform) = (2, None);
        loop {
            let (marker, segment, next) = segment(head, at)?;
            match marker {
                0xC0 | 0xC1 => return frame(segment, marker == 0xC1, transform),
                // Tables stand among the markers of frames (ISO/IEC 10918-1, table B.1).
                0xC4 | 0xC8 | 0xCC => {}
                0xC2..=0xCF => return Err(InvalidJpeg::Compression),
                0xDA => return Err(InvalidJpeg::Broken),
                0xEE if segment.starts_with(b"Adobe") => transform = segment.get(11).copied(),
                _ => {}
            }
            at = next;
        }
    }
}

/// The marker at `at`, what follows its length, and where the next one may begin.
fn segment(head: &[u8], at: usize) -> Result<(u8, &[u8], usize), InvalidJpeg> {
    let mut at = at;
    if head.get(at) != Some(&0xFF) {
        return Err(InvalidJpeg::Broken);
    }
    // Any number of fill bytes may stand before a marker.
    while head.get(at) == Some(&0xFF) {
        at += 1;
    }
    let marker = *head.get(at).ok_or(InvalidJpeg::Broken)?;
    let length = head.get(at + 1..at + 3).ok_or(InvalidJpeg::Broken)?;
    let end = at + 1 + usize::from(u16::from_be_bytes([length[0], length[1]]));
    let segment = head.get(at + 3..end).ok_or(InvalidJpeg::Broken)?;
    Ok((marker, segment, end))
}

fn frame(segment: &[u8], is_extended: bool, transform: Option<u8>) -> Result<Picture, InvalidJpeg> {
    let [bits, r0, r1, c0, c1, components, ids @ ..] = segment else { return Err(InvalidJpeg::Broken) };
    let (rows, columns) = (u16::from_be_bytes([*r0, *r1]), u16::from_be_bytes([*c0, *c1]));
    let bits_fit = *bits == 8 || is_extended && *bits == 12;
    if rows == 0 || columns == 0 || !bits_fit || ids.len() != usize::from(*components) * 3 {
        return Err(InvalidJpeg::Broken);
    }
    if !matches!(components, 1 | 3) {
        return Err(InvalidJpeg::Colours(*components));
    }
    let names: Vec<u8> = ids.iter().step_by(3).copied().collect();
    let is_rgb = transform == Some(0) || transform.is_none() && names == b"RGB";
    Ok(Picture { rows, columns, components: *components, is_rgb, bits: *bits, is_extended })
}
