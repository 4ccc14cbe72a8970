//! Pixels of synthetic instances: a phantom of ellipses with noise, computed row by row.

use std::sync::Arc;

use bytes::Bytes;

/// Columns and rows of a CT slice.
const CT_SIDE: u16 = 512;
/// Rows of a CT slice in one chunk: 64 KiB.
const CT_ROWS_PER_CHUNK: u16 = 64;
/// Bytes in a row, and rows in a full frame, of a multi-frame object.
const FRAME_SIDE: u16 = 1024;
/// Most bytes of one chunk.
const CHUNK: usize = 64 * 1024;
/// Most frames, so that the length of Pixel Data fits its 32-bit field.
const FRAMES_MAX: u64 = 4095;
/// Entries of the noise table: a power of two, so that an index is cut by a mask.
const NOISE_ENTRIES: usize = 4096;

/// Value of Pixel Data, as far as it was not yet given out.
#[derive(Debug, Clone)]
pub(super) struct Pixels {
    source: Source,
    length: u64,
}

#[derive(Debug, Clone)]
enum Source {
    Slice { noise: Arc<[u16; NOISE_ENTRIES]>, seed: u64, index: u32, row: u16 },
    Frames { frame: Bytes, rows: u16, frames: u32, number: u32, offset: usize },
}

/// One ellipse of the phantom: centre, half axes, stored value (Hounsfield units + 1024).
struct Ellipse {
    centre: (f64, f64),
    axes: (f64, f64),
    value: u16,
}

impl Pixels {
    /// 512 x 512 pixels of 16 bits, 12 of them stored.
    pub(super) fn ct_slice(seed: u64, index: u32) -> Self {
        let mut state = seed;
        let mut noise = [0; NOISE_ENTRIES];
        for entry in &mut noise {
            // The sum of four parts of one random number is bell-shaped, like the noise of a detector.
            *entry = next_random(&mut state).to_le_bytes()[..4].iter().map(|b| u16::from(b & 15)).sum();
        }
        let length = u64::from(CT_SIDE) * u64::from(CT_SIDE) * 2;
        Self { source: Source::Slice { noise: Arc::new(noise), seed, index, row: 0 }, length }
    }

    /// At least `pixel_bytes` bytes as frames of 8-bit pixels, 1,024 in a row.
    pub(super) fn frames(seed: u64, pixel_bytes: u64) -> Self {
        let side = u64::from(FRAME_SIDE);
        let rows = pixel_bytes.div_ceil(side).clamp(1, side);
        let frames = pixel_bytes.div_ceil(rows * side).clamp(1, FRAMES_MAX);
        let mut state = seed;
        let mut frame = Vec::new();
        for row in 0..rows {
            for column in 0..side / 8 {
                let noise = next_random(&mut state) & 0x0F0F_0F0F_0F0F_0F0F;
                let shade = ((row + column * 8) / 16 % 15) * 0x1010_1010_1010_1010;
                frame.extend_from_slice(&(noise | shade).to_le_bytes());
            }
        }
        let rows_field = u16::try_from(rows).unwrap_or(FRAME_SIDE);
        let frames_field = u32::try_from(frames).unwrap_or(u32::MAX);
        let frame = Bytes::from(frame);
        let source = Source::Frames { frame, rows: rows_field, frames: frames_field, number: 0, offset: 0 };
        Self { source, length: rows * side * frames }
    }

    /// Bytes of the whole value.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// Rows of one frame.
    pub(super) const fn rows(&self) -> u16 {
        match &self.source {
            Source::Slice { .. } => CT_SIDE,
            Source::Frames { rows, .. } => *rows,
        }
    }

    /// Frames of which not every byte was given out.
    pub(super) const fn frames_left(&self) -> u32 {
        match &self.source {
            Source::Slice { .. } => 1,
            Source::Frames { frames, number, .. } => *frames - *number,
        }
    }
}

impl Iterator for Pixels {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        match &mut self.source {
            Source::Slice { noise, seed, index, row } => {
                if *row >= CT_SIDE {
                    return None;
                }
                let mut chunk = Vec::with_capacity(CHUNK);
                for y in *row..*row + CT_ROWS_PER_CHUNK {
                    ct_row(&mut chunk, noise, *seed, *index, y);
                }
                *row += CT_ROWS_PER_CHUNK;
                Some(chunk.into())
            }
            Source::Frames { frame, frames, number, offset, .. } => {
                if *number >= *frames {
                    return None;
                }
                if *offset == 0 {
                    *offset = usize::from(FRAME_SIDE);
                    let chunk = stamped_row(frame, *number);
                    advance(frame, number, offset);
                    return Some(chunk);
                }
                let end = (*offset + CHUNK).min(frame.len());
                let chunk = frame.slice(*offset..end);
                *offset = end;
                advance(frame, number, offset);
                Some(chunk)
            }
        }
    }
}

fn advance(frame: &Bytes, number: &mut u32, offset: &mut usize) {
    if *offset >= frame.len() {
        *number += 1;
        *offset = 0;
    }
}

/// The first row of a frame, marked with the frame's number so that no two frames are equal.
fn stamped_row(frame: &Bytes, number: u32) -> Bytes {
    let mut row = frame[..usize::from(FRAME_SIDE)].to_vec();
    for bit in 0..32 {
        let shade = if number >> bit & 1 == 1 { 255 } else { 0 };
        row[bit * 8..bit * 8 + 8].fill(shade);
    }
    row.into()
}

/// One row of a chest: skin, lungs whose size follows the slice, a spine, a round nodule.
fn ct_row(chunk: &mut Vec<u8>, noise: &[u16; NOISE_ENTRIES], seed: u64, index: u32, y: u16) {
    let phase = f64::from(index % 64) / 64.0;
    let swing = 1.0 - (2.0 * phase - 1.0) * (2.0 * phase - 1.0);
    let lung = 40.0 + 50.0 * swing;
    let nodule = 4.0 + 10.0 * swing;
    let shapes = [
        Ellipse { centre: (256.0, 256.0), axes: (200.0, 150.0), value: 1064 },
        Ellipse { centre: (160.0, 246.0), axes: (lung * 0.7, lung), value: 224 },
        Ellipse { centre: (352.0, 246.0), axes: (lung * 0.7, lung), value: 224 },
        Ellipse { centre: (256.0, 350.0), axes: (26.0, 22.0), value: 1724 },
        Ellipse { centre: (256.0, 350.0), axes: (9.0, 8.0), value: 1054 },
        Ellipse { centre: (352.0, 246.0), axes: (nodule, nodule), value: 1084 },
    ];
    let mut row = [24_u16; CT_SIDE as usize];
    for shape in &shapes {
        let distance = (f64::from(y) - shape.centre.1) / shape.axes.1;
        if distance.abs() < 1.0 {
            let half = shape.axes.0 * (1.0 - distance * distance).sqrt();
            let side = usize::from(CT_SIDE);
            let begin = column(shape.centre.0 - half).min(side);
            let end = column(shape.centre.0 + half).clamp(begin, side);
            row[begin..end].fill(shape.value);
        }
    }
    let mut state = seed ^ (u64::from(index) << 32) ^ u64::from(y);
    let start = usize::from(next_random(&mut state).to_le_bytes()[0]) * 16;
    for (pixel, noise) in row.iter().zip(noise.iter().cycle().skip(start)) {
        chunk.extend_from_slice(&(pixel + noise).to_le_bytes());
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the image first")]
fn column(position: f64) -> usize {
    position.clamp(0.0, f64::from(CT_SIDE)) as usize
}

/// SplitMix64: small, and the same on every machine and in every release.
pub(super) fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
