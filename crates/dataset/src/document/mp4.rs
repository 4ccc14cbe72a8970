//! What an MP4 file says of its film (ISO/IEC 14496-12 and 14496-15).

use std::io::{self, Read, Seek, SeekFrom};

/// Boxes of one level at most: files of cameras have ten.
const BOXES_MAX: usize = 1000;

/// Bytes of the largest box that is read whole: the description of a film has some hundred.
const BOX_LENGTH_MAX: u64 = 64 * 1024;

/// Characters of a decimal string (PS3.5 §6.2).
const DECIMAL_LENGTH_MAX: usize = 16;

/// A film as MP4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Film {
    /// Height in pixels.
    pub rows: u16,
    /// Width in pixels.
    pub columns: u16,
    /// How many pictures.
    pub frames: u32,
    /// How long the film is, in units of which a second has `timescale`.
    pub duration: u64,
    /// Units of a second.
    pub timescale: u32,
    codec: Codec,
}

/// How it is compressed, as far as DICOM has a transfer syntax for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Codec {
    /// MPEG-4 AVC/H.264 High Profile, Level 4.1 or below.
    Avc41,
    /// The same, Level 4.2.
    Avc42,
    /// HEVC/H.265 Main Profile, Level 5.1 or below.
    HevcMain,
    /// HEVC/H.265 Main 10 Profile, Level 5.1 or below.
    HevcMain10,
}

/// Why a file cannot be a film here.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidMp4 {
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// No MP4 file, or a broken one.
    #[error("not an MP4 file, or a broken one")]
    NotMp4,
    /// No film in it, or one in fragments, of which nobody knows how many pictures it has.
    #[error("it has no film that stands in one piece; save it without fragments")]
    NoFilm,
    /// A compression that DICOM has no transfer syntax for.
    #[error("its compression is not H.264 up to High Profile, Level 4.2, nor HEVC up to Main 10, Level 5.1")]
    Compression,
}

/// A box: its type, where its content begins and ends.
type Box4 = ([u8; 4], u64, u64);

impl Film {
    /// Its transfer syntax (PS3.5 §A.4.6, PS3.5 §A.4.7, PS3.5 §A.4.8). A stream of a lower profile or level
    /// is decoded by whoever decodes the higher one.
    #[must_use]
    pub const fn transfer_syntax(&self) -> &'static str {
        match self.codec {
            Codec::Avc41 => "1.2.840.10008.1.2.4.102",
            Codec::Avc42 => "1.2.840.10008.1.2.4.104",
            Codec::HevcMain => "1.2.840.10008.1.2.4.107",
            Codec::HevcMain10 => "1.2.840.10008.1.2.4.108",
        }
    }

    /// Defined Term of (0028,2114) Lossy Image Compression Method (PS3.3 §C.7.6.1.1.5.1).
    #[must_use]
    pub const fn compression_method(&self) -> &'static str {
        match self.codec {
            Codec::Avc41 | Codec::Avc42 => "ISO_14496_10",
            Codec::HevcMain | Codec::HevcMain10 => "ISO_23008_2",
        }
    }

    /// Milliseconds of a picture, as (0018,1063) Frame Time.
    #[must_use]
    pub fn frame_time(&self) -> String {
        let units = u128::from(self.timescale) * u128::from(self.frames);
        let micros = u128::from(self.duration) * 1_000_000 / units.max(1);
        let mut text = format!("{}.{:03}", micros / 1000, micros % 1000);
        text.truncate(DECIMAL_LENGTH_MAX);
        text
    }

    /// Reads what a file says of its first film.
    ///
    /// # Errors
    /// [`InvalidMp4`].
    pub fn read(file: &mut (impl Read + Seek)) -> Result<Self, InvalidMp4> {
        let end = file.seek(SeekFrom::End(0))?;
        let top = boxes(file, 0, end)?;
        if top.first().map(|(kind, _, _)| kind) != Some(b"ftyp") {
            return Err(InvalidMp4::NotMp4);
        }
        let movie = find(&top, *b"moov")?;
        for (kind, start, end) in boxes(file, movie.1, movie.2)? {
            if &kind == b"trak"
                && let Some(film) = track(file, start, end)?
            {
                return Ok(film);
            }
        }
        Err(InvalidMp4::NoFilm)
    }
}

fn find(boxes: &[Box4], kind: [u8; 4]) -> Result<Box4, InvalidMp4> {
    boxes.iter().find(|(found, _, _)| *found == kind).copied().ok_or(InvalidMp4::NotMp4)
}

/// The film of a track; none where it is of sound.
fn track(file: &mut (impl Read + Seek), start: u64, end: u64) -> Result<Option<Film>, InvalidMp4> {
    let media = find(&boxes(file, start, end)?, *b"mdia")?;
    let media = boxes(file, media.1, media.2)?;
    if content(file, find(&media, *b"hdlr")?)?.get(8..12) != Some(b"vide") {
        return Ok(None);
    }
    let (timescale, duration) = time(&content(file, find(&media, *b"mdhd")?)?).ok_or(InvalidMp4::NotMp4)?;
    let information = find(&media, *b"minf")?;
    let information = boxes(file, information.1, information.2)?;
    let table = find(&information, *b"stbl")?;
    let table = boxes(file, table.1, table.2)?;
    let (rows, columns, codec) = entry(&content(file, find(&table, *b"stsd")?)?)?;
    let sizes = head(file, find(&table, *b"stsz")?, 12)?;
    let frames = be32(&sizes, 8).ok_or(InvalidMp4::NotMp4)?;
    if frames == 0 || timescale == 0 || duration == 0 {
        return Err(InvalidMp4::NoFilm);
    }
    Ok(Some(Film { rows, columns, frames, duration, timescale, codec }))
}

/// Time scale and duration of a Media Header Box, in either version.
fn time(header: &[u8]) -> Option<(u32, u64)> {
    match header.first()? {
        0 => Some((be32(header, 12)?, u64::from(be32(header, 16)?))),
        1 => Some((be32(header, 20)?, u64::from(be32(header, 24)?) << 32 | u64::from(be32(header, 28)?))),
        _ => None,
    }
}

/// Rows, columns and compression of the first entry of a Sample Description Box.
fn entry(description: &[u8]) -> Result<(u16, u16, Codec), InvalidMp4> {
    let entry = description.get(8..).ok_or(InvalidMp4::NotMp4)?;
    let kind = entry.get(4..8).ok_or(InvalidMp4::NotMp4)?;
    let side = |at: usize| Some(u16::from_be_bytes(entry.get(at..at + 2)?.try_into().ok()?));
    let (columns, rows) = side(32).zip(side(34)).ok_or(InvalidMp4::NotMp4)?;
    let configuration = match kind {
        b"avc1" | b"avc3" => b"avcC",
        b"hvc1" | b"hev1" => b"hvcC",
        _ => return Err(InvalidMp4::Compression),
    };
    let found = inner(entry.get(86..).unwrap_or_default(), configuration).ok_or(InvalidMp4::NotMp4)?;
    let codec = if configuration == b"avcC" { avc(found) } else { hevc(found) };
    match codec {
        Some(codec) if rows > 0 && columns > 0 => Ok((rows, columns, codec)),
        Some(_) => Err(InvalidMp4::NotMp4),
        None => Err(InvalidMp4::Compression),
    }
}

/// The content of a box among boxes that were read.
fn inner<'a>(mut boxes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    loop {
        let length = usize::try_from(be32(boxes, 0)?).ok()?;
        let whole = boxes.get(..length).filter(|whole| whole.len() >= 8)?;
        if &whole[4..8] == kind {
            return Some(&whole[8..]);
        }
        boxes = &boxes[length..];
    }
}

/// Profile and level of an AVC Decoder Configuration Record: Baseline only where it is constrained, since
/// decoders of the High Profile read no other.
fn avc(record: &[u8]) -> Option<Codec> {
    let (profile, constraints, level) = (*record.get(1)?, *record.get(2)?, *record.get(3)?);
    let decoded = matches!(profile, 77 | 100) || profile == 66 && constraints & 0x40 != 0;
    match level {
        ..=41 if decoded => Some(Codec::Avc41),
        42 if decoded => Some(Codec::Avc42),
        _ => None,
    }
}

/// Profile and level of an HEVC Decoder Configuration Record; a level is 30 times its number.
fn hevc(record: &[u8]) -> Option<Codec> {
    let (profile, level) = (record.get(1)? & 0x1F, *record.get(12)?);
    match profile {
        1 if level <= 153 => Some(Codec::HevcMain),
        2 if level <= 153 => Some(Codec::HevcMain10),
        _ => None,
    }
}

/// The boxes that stand one after another between two places.
fn boxes(file: &mut (impl Read + Seek), start: u64, end: u64) -> Result<Vec<Box4>, InvalidMp4> {
    let mut found = Vec::new();
    let mut at = start;
    while at + 8 <= end {
        if found.len() == BOXES_MAX {
            return Err(InvalidMp4::NotMp4);
        }
        file.seek(SeekFrom::Start(at))?;
        let mut header = [0; 16];
        file.read_exact(&mut header[..8])?;
        let kind = [header[4], header[5], header[6], header[7]];
        let (content, length) = match be32(&header, 0).unwrap_or_default() {
            // The last box may go on to the end.
            0 => (at + 8, end - at),
            1 if at + 16 <= end => {
                file.read_exact(&mut header[8..])?;
                let long = [8, 9, 10, 11, 12, 13, 14, 15].map(|place| header[place]);
                (at + 16, u64::from_be_bytes(long))
            }
            length => (at + 8, u64::from(length)),
        };
        let next = at.checked_add(length).filter(|next| *next <= end && *next >= content);
        let next = next.ok_or(InvalidMp4::NotMp4)?;
        found.push((kind, content, next));
        at = next;
    }
    Ok(found)
}

fn content(file: &mut (impl Read + Seek), found: Box4) -> Result<Vec<u8>, InvalidMp4> {
    head(file, found, BOX_LENGTH_MAX)
}

/// The first bytes of a box.
fn head(
    file: &mut (impl Read + Seek),
    (_, start, end): Box4,
    length_max: u64,
) -> Result<Vec<u8>, InvalidMp4> {
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take((end - start).min(length_max)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
