//! One scan (T.87 Annex A).

use super::{
    bits::Bits,
    context::{Interruption, Regular},
    markers::{Header, Interleave, Preset},
};

/// J: the order of the run length code for each run index (T.87 A.2.1).
const J: [u32; 32] =
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Regular contexts: 9 x 9 x 9 gradients, of which those of opposite sign are one.
const CONTEXTS: usize = 365;

/// The decoder of one scan.
pub(super) struct Scan<'a> {
    bits: Bits<'a>,
    columns: usize,
    near: i32,
    interleave: Interleave,
    preset: Preset,
    range: i32,
    qbpp: u32,
    limit: u32,
    regular: Vec<Regular>,
    interruptions: [Interruption; 2],
    /// Per component: the line at hand and the one above, with a sample on either side.
    lines: Vec<Lines>,
}

struct Lines {
    above: Vec<i32>,
    current: Vec<i32>,
    run_index: usize,
    decoded: Vec<u16>,
}

/// The samples around the one to decode (T.87 A.3): a to the left, b above, c above left, d above right.
#[derive(Clone, Copy)]
struct Around {
    a: i32,
    b: i32,
    c: i32,
    d: i32,
}

impl<'a> Scan<'a> {
    pub(super) fn new(header: &Header, bytes: &'a [u8], columns: usize) -> Self {
        let (near, maxval) = (header.near, header.preset.maxval);
        let range = (maxval + 2 * near) / (2 * near + 1) + 1;
        let bpp = bits_of(maxval + 1).max(2);
        let a = ((range + 32) / 64).max(2);
        let lines = || Lines {
            above: vec![0; columns + 2],
            current: vec![0; columns + 2],
            run_index: 0,
            decoded: Vec::new(),
        };
        Self {
            bits: Bits::new(bytes),
            columns,
            near,
            interleave: header.interleave,
            preset: header.preset,
            range,
            qbpp: bits_of(range),
            limit: 2 * (bpp + bpp.max(8)),
            regular: vec![Regular::new(a); CONTEXTS],
            interruptions: [Interruption::new(a, 0), Interruption::new(a, 1)],
            lines: header.components.iter().map(|_| lines()).collect(),
        }
    }

    /// Bytes of the scan that were needed.
    pub(super) const fn bytes_read(&self) -> usize {
        self.bits.bytes_read()
    }

    /// Decodes `rows` lines; gives a plane for each component.
    pub(super) fn decode(&mut self, rows: usize) -> Result<Vec<Vec<u16>>, String> {
        for _ in 0..rows {
            for lines in &mut self.lines {
                std::mem::swap(&mut lines.above, &mut lines.current);
                lines.current[0] = lines.above[1];
                lines.above[self.columns + 1] = lines.above[self.columns];
            }
            if self.interleave == Interleave::Sample {
                self.line_of_pixels()?;
            } else {
                for component in 0..self.lines.len() {
                    self.line(component)?;
                }
            }
            for lines in &mut self.lines {
                // Samples lie between 0 and MAXVAL, which has 16 bits.
                let samples = lines.current[1..=self.columns].iter();
                lines.decoded.extend(samples.map(|sample| u16::try_from(*sample).unwrap_or(u16::MAX)));
            }
        }
        Ok(self.lines.iter_mut().map(|lines| std::mem::take(&mut lines.decoded)).collect())
    }

    /// A line of one component.
    fn line(&mut self, component: usize) -> Result<(), String> {
        let mut at = 1;
        while at <= self.columns {
            let around = self.around(component, at);
            let gradients = self.gradients(around);
            if gradients != [0; 3] {
                self.lines[component].current[at] = self.regular(around, gradients)?;
                at += 1;
                continue;
            }
            let run = self.run(component, self.columns + 1 - at)?;
            self.lines[component].current[at..at + run].fill(around.a);
            at += run;
            if at <= self.columns {
                let around = self.around(component, at);
                let same = (around.a - around.b).abs() <= self.near;
                let index = self.lines[component].run_index;
                self.lines[component].current[at] = self.interruption(around, same, index)?;
                self.lines[component].run_index = index.saturating_sub(1);
                at += 1;
            }
        }
        Ok(())
    }

    /// A line of all components, pixel by pixel. They run together, with the run index of the first.
    fn line_of_pixels(&mut self) -> Result<(), String> {
        let components = self.lines.len();
        let mut at = 1;
        while at <= self.columns {
            let flat = (0..components).all(|component| {
                let around = self.around(component, at);
                self.gradients(around) == [0; 3]
            });
            if !flat {
                for component in 0..components {
                    let around = self.around(component, at);
                    let gradients = self.gradients(around);
                    self.lines[component].current[at] = self.regular(around, gradients)?;
                }
                at += 1;
                continue;
            }
            let run = self.run(0, self.columns + 1 - at)?;
            for lines in &mut self.lines {
                let a = lines.current[at - 1];
                lines.current[at..at + run].fill(a);
            }
            at += run;
            if at <= self.columns {
                let index = self.lines[0].run_index;
                for component in 0..components {
                    let around = self.around(component, at);
                    self.lines[component].current[at] = self.interruption(around, false, index)?;
                }
                self.lines[0].run_index = index.saturating_sub(1);
                at += 1;
            }
        }
        Ok(())
    }

    fn around(&self, component: usize, at: usize) -> Around {
        let Lines { above, current, .. } = &self.lines[component];
        Around { a: current[at - 1], b: above[at], c: above[at - 1], d: above[at + 1] }
    }

    /// The gradients, quantized (T.87 A.3.1, A.3.3).
    fn gradients(&self, Around { a, b, c, d }: Around) -> [i32; 3] {
        let Preset { t1, t2, t3, .. } = self.preset;
        [d - b, b - c, c - a].map(|gradient| {
            let size = gradient.abs();
            let quantized = if size <= self.near {
                0
            } else if size < t1 {
                1
            } else if size < t2 {
                2
            } else if size < t3 {
                3
            } else {
                4
            };
            quantized * gradient.signum()
        })
    }

    /// A sample of the regular mode (T.87 A.4 to A.6).
    fn regular(&mut self, Around { a, b, c, .. }: Around, gradients: [i32; 3]) -> Result<i32, String> {
        let merged = (gradients[0] * 9 + gradients[1]) * 9 + gradients[2];
        let sign = if merged < 0 { -1 } else { 1 };
        // At most 4 x 91 = 364, the last context.
        let index = merged.unsigned_abs() as usize;
        let context = self.regular[index];
        let predicted = if c >= a.max(b) {
            a.min(b)
        } else if c <= a.min(b) {
            a.max(b)
        } else {
            a + b - c
        };
        let predicted = (predicted + sign * context.c).clamp(0, self.preset.maxval);
        let k = context.k();
        let mapped = self.golomb(k, self.limit)?;
        let error = context.unmap(mapped, k, self.near);
        self.regular[index].update(error, self.near, self.preset.reset);
        Ok(self.reconstruct(predicted, sign * error))
    }

    /// The samples of a run, at most `left` (T.87 A.7.1).
    fn run(&mut self, component: usize, left: usize) -> Result<usize, String> {
        let mut run = 0;
        loop {
            let index = self.lines[component].run_index;
            if !self.bits.bit()? {
                let more = self.bits.bits(J[index])? as usize;
                return if run + more < left {
                    Ok(run + more)
                } else {
                    Err("JPEG-LS: a run is too long".into())
                };
            }
            let whole = 1 << J[index];
            if run + whole <= left {
                run += whole;
                self.lines[component].run_index = (index + 1).min(31);
            } else {
                run = left;
            }
            if run == left {
                return Ok(run);
            }
        }
    }

    /// The sample that ends a run (T.87 A.7.2).
    fn interruption(&mut self, Around { a, b, .. }: Around, same: bool, index: usize) -> Result<i32, String> {
        let which = usize::from(same);
        let k = self.interruptions[which].k();
        let mapped = self.golomb(k, self.limit - J[index] - 1)?;
        let error = self.interruptions[which].unmap(mapped, k, self.preset.reset);
        let (predicted, sign) = if same { (a, 1) } else { (b, if a > b { -1 } else { 1 }) };
        Ok(self.reconstruct(predicted, sign * error))
    }

    /// A Golomb code of limited length (T.87 A.5.3).
    fn golomb(&mut self, k: u32, limit: u32) -> Result<i32, String> {
        let longest = limit - self.qbpp - 1;
        let high = self.bits.zeros(longest)?;
        let value =
            if high < longest { (high << k) | self.bits.bits(k)? } else { self.bits.bits(self.qbpp)? + 1 };
        // No error is larger than RANGE, twice that its mapped value.
        let value = i32::try_from(value).ok().filter(|value| *value <= 2 * self.range);
        value.ok_or_else(|| "JPEG-LS: an error beyond the range".to_owned())
    }

    fn reconstruct(&self, predicted: i32, error: i32) -> i32 {
        let step = 2 * self.near + 1;
        let mut sample = predicted + error * step;
        if sample < -self.near {
            sample += self.range * step;
        } else if sample > self.preset.maxval + self.near {
            sample -= self.range * step;
        }
        sample.clamp(0, self.preset.maxval)
    }
}

/// Bits that count to `count` values.
const fn bits_of(count: i32) -> u32 {
    32 - (count - 1).leading_zeros()
}
