//! The marker segments (T.87 Annex C).

/// A frame header (T.87 C.2.2).
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) precision: u32,
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// The identifiers of its components.
    pub(super) components: Vec<u8>,
}

/// A scan header (T.87 C.2.3) and the coding parameters that hold for it.
#[derive(Debug, Clone)]
pub(super) struct Header {
    /// The components in the scan, by their place in the frame.
    pub(super) components: Vec<usize>,
    pub(super) near: i32,
    pub(super) interleave: Interleave,
    pub(super) preset: Preset,
}

/// The order of samples of several components (T.87 C.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interleave {
    None,
    Line,
    Sample,
}

/// The preset coding parameters (T.87 C.2.4.1.1), defaults filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Preset {
    pub(super) maxval: i32,
    pub(super) t1: i32,
    pub(super) t2: i32,
    pub(super) t3: i32,
    pub(super) reset: i32,
}

/// What a decoder must act on.
pub(super) enum Marker {
    Frame(Frame),
    Scan(Header),
}

/// Walks over the marker segments of one image.
pub(super) struct Markers<'a> {
    rest: &'a [u8],
    frame: Option<Frame>,
    /// The values of the last LSE segment, zero for a default.
    written: [i32; 5],
}

impl<'a> Markers<'a> {
    pub(super) fn begin(bytes: &'a [u8]) -> Result<Self, String> {
        let rest = bytes.strip_prefix(&[0xFF, 0xD8]).ok_or("no JPEG-LS begins here")?;
        Ok(Self { rest, frame: None, written: [0; 5] })
    }

    /// What comes behind the last marker segment.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Goes on behind the bytes of a scan.
    pub(super) fn advance(&mut self, scan: usize) {
        let rest = self.rest.get(scan..).unwrap_or_default();
        // What a decoder did not need of the last byte or of padding is not looked at.
        let marker = rest.windows(2).position(|pair| pair[0] == 0xFF && pair[1] >= 0x80);
        self.rest = &rest[marker.unwrap_or(rest.len())..];
    }

    /// The next frame or scan header.
    pub(super) fn next(&mut self) -> Result<Marker, String> {
        loop {
            let (&[ff, marker], rest) = self.rest.split_first_chunk().ok_or_else(cut)?;
            if ff != 0xFF {
                return Err("JPEG-LS: no marker where one must stand".to_owned());
            }
            if marker == 0xFF {
                self.rest = &self.rest[1..];
                continue;
            }
            if marker == 0xD9 {
                return Err("JPEG-LS: the image ends before its last scan".to_owned());
            }
            let (&[high, low], _) = rest.split_first_chunk().ok_or_else(cut)?;
            let length = usize::from(u16::from_be_bytes([high, low]));
            let segment = rest.get(2..length).ok_or_else(cut)?;
            self.rest = &rest[length..];
            match marker {
                0xF7 => {
                    let frame = frame(segment)?;
                    self.frame = Some(frame.clone());
                    return Ok(Marker::Frame(frame));
                }
                0xF8 => self.preset(segment)?,
                0xDA => return self.scan(segment).map(Marker::Scan),
                0xDD => return Err("JPEG-LS: restart intervals are not supported".to_owned()),
                // A colour transformation of HP's own.
                0xE8 if segment.starts_with(b"mrfx") && segment.get(4).is_some_and(|kind| *kind != 0) => {
                    return Err("JPEG-LS: colour transformations are not supported".to_owned());
                }
                0xE0..=0xEF | 0xFE => {}
                other => return Err(format!("JPEG-LS: marker {other:02X} is not supported")),
            }
        }
    }

    /// LSE (T.87 C.2.4.1).
    fn preset(&mut self, segment: &[u8]) -> Result<(), String> {
        if segment.first() != Some(&1) || segment.len() != 11 {
            return Err("JPEG-LS: mapping tables are not supported".to_owned());
        }
        for (value, bytes) in self.written.iter_mut().zip(segment[1..].chunks_exact(2)) {
            *value = u16::from_be_bytes([bytes[0], bytes[1]]).into();
        }
        Ok(())
    }

    fn scan(&self, segment: &[u8]) -> Result<Header, String> {
        let frame = self.frame.as_ref().ok_or("JPEG-LS: a scan before the frame header")?;
        let count = usize::from(*segment.first().ok_or_else(cut)?);
        let selectors = segment.get(1..1 + 2 * count).ok_or_else(cut)?;
        let parameters = segment.get(1 + 2 * count..).and_then(|rest| rest.first_chunk());
        let &[near, interleave, transform] = parameters.ok_or_else(cut)?;
        let mut components = Vec::with_capacity(count);
        for selector in selectors.chunks_exact(2) {
            let place = frame.components.iter().position(|component| *component == selector[0]);
            components.push(place.ok_or("JPEG-LS: a scan of an unknown component")?);
            if selector[1] != 0 {
                return Err("JPEG-LS: mapping tables are not supported".to_owned());
            }
        }
        let interleave = match interleave {
            0 if count == 1 => Interleave::None,
            1 => Interleave::Line,
            2 => Interleave::Sample,
            _ => return Err("JPEG-LS: no such interleave mode".to_owned()),
        };
        if transform != 0 || count == 0 {
            return Err("JPEG-LS: point transforms are not supported".to_owned());
        }
        let near = i32::from(near);
        let preset = Preset::of(self.written, frame.precision, near)?;
        Ok(Header { components, near, interleave, preset })
    }
}

fn frame(segment: &[u8]) -> Result<Frame, String> {
    let (&[precision, y1, y2, x1, x2, count], rest) = segment.split_first_chunk().ok_or_else(cut)?;
    let specifications = rest.get(..3 * usize::from(count)).ok_or_else(cut)?;
    if !(2..=16).contains(&precision) {
        return Err(format!("JPEG-LS of {precision} bits"));
    }
    if specifications.chunks_exact(3).any(|component| component[1] != 0x11) {
        return Err("JPEG-LS with subsampled components is not supported".to_owned());
    }
    Ok(Frame {
        precision: precision.into(),
        rows: u16::from_be_bytes([y1, y2]).into(),
        columns: u16::from_be_bytes([x1, x2]).into(),
        components: specifications.chunks_exact(3).map(|component| component[0]).collect(),
    })
}

impl Preset {
    /// Fills in the defaults (T.87 C.2.4.1.1.1).
    fn of(written: [i32; 5], precision: u32, near: i32) -> Result<Self, String> {
        let [maxval, t1, t2, t3, reset] = written;
        let most = (1 << precision) - 1;
        let maxval = if maxval == 0 { most } else { maxval };
        if maxval > most || near > maxval / 2 {
            return Err("JPEG-LS: no such MAXVAL or NEAR".to_owned());
        }
        let clamp = |value: i32, least: i32| if value > maxval || value < least { least } else { value };
        let basic = if maxval >= 128 {
            let factor = (maxval.min(4095) + 128) / 256;
            [factor + 2 + 3 * near, factor * 4 + 3 + 5 * near, factor * 17 + 4 + 7 * near]
        } else {
            let factor = 256 / (maxval + 1);
            [(3 / factor + 3 * near).max(2), (7 / factor + 5 * near).max(3), (21 / factor + 7 * near).max(4)]
        };
        let default = |written: i32, value: i32, least: i32| match written {
            0 => Ok(clamp(value, least)),
            _ if (least..=maxval).contains(&written) => Ok(written),
            _ => Err("JPEG-LS: no such thresholds"),
        };
        let t1 = default(t1, basic[0], near + 1)?;
        let t2 = default(t2, basic[1], t1)?;
        let t3 = default(t3, basic[2], t2)?;
        let reset = if reset == 0 { 64 } else { reset };
        if reset < 3 {
            return Err("JPEG-LS: no such RESET".to_owned());
        }
        Ok(Self { maxval, t1, t2, t3, reset })
    }
}

fn cut() -> String {
    "JPEG-LS: a marker segment is cut".to_owned()
}
