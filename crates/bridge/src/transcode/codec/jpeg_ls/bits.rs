//! The bits of a scan: behind a byte of ones a byte has seven (T.87 A.1).

/// Reads the bits of one scan, up to the marker behind it.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Bits at hand, the next one at the top.
    buffer: u64,
    count: u32,
    after_ones: bool,
}

impl<'a> Bits<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, buffer: 0, count: 0, after_ones: false }
    }

    /// Bytes taken so far, no marker among them.
    pub(super) const fn bytes_read(&self) -> usize {
        self.at
    }

    fn fill(&mut self) {
        while self.count <= 56 {
            let Some(&byte) = self.bytes.get(self.at) else { return };
            let width = if self.after_ones {
                if byte >= 0x80 {
                    return;
                }
                7
            } else if byte == 0xFF && self.bytes.get(self.at + 1).is_none_or(|next| *next >= 0x80) {
                return;
            } else {
                8
            };
            self.at += 1;
            self.after_ones = byte == 0xFF;
            self.count += width;
            self.buffer |= u64::from(byte) << (64 - self.count);
        }
    }

    /// The next bit.
    pub(super) fn bit(&mut self) -> Result<bool, String> {
        self.bits(1).map(|bit| bit == 1)
    }

    /// The next `width` bits, at most 24.
    pub(super) fn bits(&mut self, width: u32) -> Result<u32, String> {
        if width == 0 {
            return Ok(0);
        }
        if self.count < width {
            self.fill();
            if self.count < width {
                return Err(cut());
            }
        }
        let value = self.buffer >> (64 - width);
        self.buffer <<= width;
        self.count -= width;
        u32::try_from(value).map_err(|_| cut())
    }

    /// The number of zeros before the next one, which is taken too; at most `max`.
    pub(super) fn zeros(&mut self, max: u32) -> Result<u32, String> {
        let mut zeros = 0;
        loop {
            if self.count == 0 {
                self.fill();
                if self.count == 0 {
                    return Err(cut());
                }
            }
            let leading = self.buffer.leading_zeros().min(self.count);
            zeros += leading;
            if zeros > max {
                return Err("JPEG-LS: a code is too long".to_owned());
            }
            if leading < self.count {
                // Two steps: a shift by all 64 bits is none.
                self.buffer = self.buffer << leading << 1;
                self.count -= leading + 1;
                return Ok(zeros);
            }
            self.buffer = 0;
            self.count = 0;
        }
    }
}

fn cut() -> String {
    "JPEG-LS: a scan is cut".to_owned()
}
