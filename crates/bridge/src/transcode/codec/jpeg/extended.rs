//! Extended sequential JPEG of one component with more than 8 bits (ISO/IEC 10918-1, ITU-T T.81; PS3.5
//! §8.2.1, process 4), which no library in Rust decodes.
//!
//! The clauses and the names are those of T.81.

use super::super::super::geometry::Geometry;

/// The order in which the coefficients of a block are written (T.81 A.3.6).
const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7,
    14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39,
    46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// Decodes a frame to samples.
pub(super) fn decode(frame: &[u8], geometry: &Geometry) -> Result<Vec<u16>, String> {
    let mut decoder = Decoder::default();
    let mut rest = frame.strip_prefix(&[0xFF, 0xD8]).ok_or("no JPEG begins here")?;
    loop {
        let (&[ff, marker, high, low], _) = rest.split_first_chunk().ok_or_else(cut)?;
        if ff != 0xFF || marker == 0xFF {
            rest = &rest[1..];
            continue;
        }
        let end = 2 + usize::from(u16::from_be_bytes([high, low]));
        let segment = rest.get(4..end).ok_or_else(cut)?;
        rest = &rest[end..];
        match marker {
            0xDB => decoder.quantization(segment)?,
            0xC4 => decoder.huffman(segment)?,
            0xDD => decoder.restart_interval = number(segment)?,
            0xC0 | 0xC1 => decoder.frame(segment, geometry)?,
            0xDA => return decoder.scan(segment, rest, geometry),
            0xE0..=0xEF | 0xFE => {}
            other => return Err(format!("JPEG: marker {other:02X} is not supported")),
        }
    }
}

#[derive(Default)]
struct Decoder {
    quantization: [Option<[f32; 64]>; 4],
    dc: [Option<Huffman>; 4],
    ac: [Option<Huffman>; 4],
    restart_interval: usize,
    /// Of the one component: its quantization table, and the bits of its samples.
    component: Option<(usize, u32)>,
}

impl Decoder {
    /// DQT (T.81 B.2.4.1).
    fn quantization(&mut self, mut segment: &[u8]) -> Result<(), String> {
        while let Some((&kind, rest)) = segment.split_first() {
            let width = if kind >> 4 == 0 { 1 } else { 2 };
            let values = rest.get(..64 * width).ok_or_else(cut)?;
            let mut table = [0.0; 64];
            for (place, value) in ZIGZAG.iter().zip(values.chunks_exact(width)) {
                table[*place] = value.iter().fold(0.0, |number, byte| number * 256.0 + f32::from(*byte));
            }
            *self.quantization.get_mut(usize::from(kind & 15)).ok_or_else(odd)? = Some(table);
            segment = &rest[64 * width..];
        }
        Ok(())
    }

    /// DHT (T.81 B.2.4.2).
    fn huffman(&mut self, mut segment: &[u8]) -> Result<(), String> {
        while let Some((&kind, rest)) = segment.split_first() {
            let (counts, rest) = rest.split_first_chunk().ok_or_else(cut)?;
            let total = counts.iter().map(|count| usize::from(*count)).sum();
            let values = rest.get(..total).ok_or_else(cut)?;
            let tables = if kind >> 4 == 0 { &mut self.dc } else { &mut self.ac };
            let place = tables.get_mut(usize::from(kind & 15)).ok_or_else(odd)?;
            *place = Some(Huffman::new(counts, values)?);
            segment = &rest[total..];
        }
        Ok(())
    }

    /// SOF (T.81 B.2.2).
    fn frame(&mut self, segment: &[u8], geometry: &Geometry) -> Result<(), String> {
        let header = segment.first_chunk().ok_or_else(cut)?;
        let &[precision, y1, y2, x1, x2, components, _, _, table] = header;
        if components != 1 || geometry.samples_per_pixel != 1 || !matches!(precision, 8 | 12) {
            return Err(format!("JPEG of {components} components of {precision} bits is not supported"));
        }
        let (rows, columns) = (u16::from_be_bytes([y1, y2]), u16::from_be_bytes([x1, x2]));
        if (usize::from(rows), usize::from(columns)) != (geometry.rows, geometry.columns) {
            return Err(format!("JPEG of {columns} x {rows} samples"));
        }
        self.component = Some((table.into(), precision.into()));
        Ok(())
    }

    /// SOS and the scan behind it (T.81 B.2.3, F.2).
    fn scan(&self, segment: &[u8], bytes: &[u8], geometry: &Geometry) -> Result<Vec<u16>, String> {
        let &[1, _, tables, ..] = segment else { return Err("JPEG: not one component in a scan".to_owned()) };
        let (quantization, precision) = self.component.ok_or("JPEG: a scan before the frame header")?;
        let table =
            |tables: &[Option<Huffman>; 4], index: u8| tables.get(usize::from(index)).cloned().flatten();
        let dc = table(&self.dc, tables >> 4).ok_or("JPEG: no Huffman table")?;
        let ac = table(&self.ac, tables & 15).ok_or("JPEG: no Huffman table")?;
        let quantization = self.quantization.get(quantization).copied().flatten();
        let quantization = quantization.ok_or("JPEG: no quantization table")?;
        let (columns, middle, most) = (geometry.columns, 1 << (precision - 1), (1 << precision) - 1);
        let mut samples = vec![0; geometry.rows * columns];
        let mut bits = Bits::new(bytes);
        let cosines = cosines();
        let mut predicted = 0;
        let blocks = geometry.rows.div_ceil(8) * columns.div_ceil(8);
        for block in 0..blocks {
            if self.restart_interval > 0 && block > 0 && block % self.restart_interval == 0 {
                bits.restart()?;
                predicted = 0;
            }
            let mut coefficients = [0.0; 64];
            predicted = dc_of(&mut bits, &dc, predicted)?;
            coefficients[0] = f32::from(predicted) * quantization[0];
            ac_of(&mut bits, &ac, &quantization, &mut coefficients)?;
            inverse(&mut coefficients, &cosines);
            let (top, left) = (block / columns.div_ceil(8) * 8, block % columns.div_ceil(8) * 8);
            for (row, values) in coefficients.chunks_exact(8).enumerate().take(geometry.rows - top) {
                for (column, value) in values.iter().enumerate().take(columns - left) {
                    let sample = (value.round_ties_even() as i32 + middle).clamp(0, most);
                    samples[(top + row) * columns + left + column] =
                        u16::try_from(sample).unwrap_or(u16::MAX);
                }
            }
        }
        Ok(samples)
    }
}

/// The DC coefficient of a block (T.81 F.2.2.1).
fn dc_of(bits: &mut Bits<'_>, table: &Huffman, predicted: i16) -> Result<i16, String> {
    let size = table.decode(bits)?;
    if size > 15 {
        return Err(odd());
    }
    Ok(predicted.wrapping_add(bits.signed(size.into())?))
}

/// The AC coefficients of a block (T.81 F.2.2.2).
fn ac_of(
    bits: &mut Bits<'_>,
    table: &Huffman,
    quantization: &[f32; 64],
    coefficients: &mut [f32; 64],
) -> Result<(), String> {
    let mut at = 1;
    while at < 64 {
        let symbol = table.decode(bits)?;
        let (run, size) = (usize::from(symbol >> 4), u32::from(symbol & 15));
        if size == 0 {
            if run < 15 {
                break;
            }
            at += 16;
            continue;
        }
        at += run;
        let place = *ZIGZAG.get(at).ok_or_else(odd)?;
        coefficients[place] = f32::from(bits.signed(size)?) * quantization[place];
        at += 1;
    }
    Ok(())
}

/// The inverse cosine transform (T.81 A.3.3), rows and then columns.
fn inverse(block: &mut [f32; 64], cosines: &Cosines) {
    let transform = |values: [f32; 8]| -> [f32; 8] {
        std::array::from_fn(|x| cosines[x].iter().zip(values).map(|(cosine, value)| cosine * value).sum())
    };
    for row in 0..8 {
        let values = transform(std::array::from_fn(|u| block[row * 8 + u]));
        block[row * 8..row * 8 + 8].copy_from_slice(&values);
    }
    for column in 0..8 {
        let values = transform(std::array::from_fn(|u| block[u * 8 + column]));
        values.iter().enumerate().for_each(|(row, value)| block[row * 8 + column] = *value);
    }
}

/// The factors of the transform, by place and frequency.
type Cosines = [[f32; 8]; 8];

fn cosines() -> Cosines {
    let mut cosines = [[0.0_f32; 8]; 8];
    for (x, row) in cosines.iter_mut().enumerate() {
        for (u, cosine) in row.iter_mut().enumerate() {
            let scale = if u == 0 { std::f64::consts::FRAC_1_SQRT_2 } else { 1.0 };
            let angle = ((2 * x + 1) * u) as f64 * std::f64::consts::PI / 16.0;
            *cosine = (scale * angle.cos() / 2.0) as f32;
        }
    }
    cosines
}

/// A Huffman table (T.81 Annex C, F.2.2.3).
#[derive(Clone)]
struct Huffman {
    /// For each length of a code: the largest code and where its value stands, less the code.
    largest: [i32; 16],
    offset: [i32; 16],
    values: Vec<u8>,
}

impl Huffman {
    fn new(counts: &[u8; 16], values: &[u8]) -> Result<Self, String> {
        let (mut largest, mut offset) = ([-1; 16], [0; 16]);
        let (mut code, mut place) = (0_i32, 0_i32);
        for (length, count) in counts.iter().enumerate() {
            offset[length] = place - code;
            if *count > 0 {
                code += i32::from(*count);
                place += i32::from(*count);
                largest[length] = code - 1;
            }
            if code > 1 << (length + 1) {
                return Err(odd());
            }
            code <<= 1;
        }
        Ok(Self { largest, offset, values: values.to_vec() })
    }

    fn decode(&self, bits: &mut Bits<'_>) -> Result<u8, String> {
        let mut code = 0;
        for (largest, offset) in self.largest.iter().zip(self.offset) {
            code = code << 1 | i32::try_from(bits.take(1)?).unwrap_or(0);
            if code <= *largest {
                let place = usize::try_from(code + offset).ok();
                return place.and_then(|place| self.values.get(place)).copied().ok_or_else(odd);
            }
        }
        Err(odd())
    }
}

/// The bits of a scan: behind a byte of ones stands a byte of zeros (T.81 B.1.1.5).
struct Bits<'a> {
    bytes: &'a [u8],
    buffer: u32,
    count: u32,
}

impl<'a> Bits<'a> {
    const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, buffer: 0, count: 0 }
    }

    /// The next `width` bits, at most 16.
    fn take(&mut self, width: u32) -> Result<u32, String> {
        while self.count < width {
            let (byte, rest) = match self.bytes {
                [0xFF, 0x00, rest @ ..] => (0xFF, rest),
                [0xFF, ..] | [] => return Err(cut()),
                [byte, rest @ ..] => (*byte, rest),
            };
            self.bytes = rest;
            self.buffer = self.buffer << 8 | u32::from(byte);
            self.count += 8;
        }
        self.count -= width;
        Ok(self.buffer >> self.count & ((1 << width) - 1))
    }

    /// A number of `size` bits, negative where its first bit is zero (T.81 F.2.2.1, EXTEND).
    fn signed(&mut self, size: u32) -> Result<i16, String> {
        if size == 0 {
            return Ok(0);
        }
        let value = i32::try_from(self.take(size)?).unwrap_or(0);
        let value = if value < 1 << (size - 1) { value - (1 << size) + 1 } else { value };
        i16::try_from(value).map_err(|_| odd())
    }

    /// Goes on behind the next RST marker.
    fn restart(&mut self) -> Result<(), String> {
        self.count = 0;
        match self.bytes {
            [0xFF, 0xD0..=0xD7, rest @ ..] => self.bytes = rest,
            _ => return Err("JPEG: no restart marker where one must stand".to_owned()),
        }
        Ok(())
    }
}

fn number(segment: &[u8]) -> Result<usize, String> {
    segment.first_chunk().map(|bytes| u16::from_be_bytes(*bytes).into()).ok_or_else(cut)
}

fn cut() -> String {
    "the JPEG is cut".to_owned()
}

fn odd() -> String {
    "the JPEG is malformed".to_owned()
}

#[cfg(test)]
mod tests;
