//! How the frames of an image are laid out (PS3.3 §C.7.6.3).

use dataset::rewrite::Image;

/// How the frames of an image are laid out, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// 1, or 3 for colours.
    pub(super) samples_per_pixel: usize,
    /// 1, 2 or 4.
    pub(super) bytes_per_sample: usize,
    /// Whether samples are in two's complement.
    pub(super) signed: bool,
    pub(super) photometric_interpretation: String,
    pub(super) frames: u32,
}

impl Geometry {
    /// What `image` says.
    pub(super) fn of(image: &Image) -> Result<Self, String> {
        let must = |value: Option<u16>, name: &str| value.ok_or_else(|| format!("{name} is absent"));
        let rows = must(image.rows, "Rows")?;
        let columns = must(image.columns, "Columns")?;
        let samples = image.samples_per_pixel.unwrap_or(1);
        let bits = must(image.bits_allocated, "Bits Allocated")?;
        if rows == 0 || columns == 0 || !matches!(samples, 1 | 3) || !matches!(bits, 8 | 16 | 32) {
            return Err(format!(
                "{rows} rows of {columns} columns of {samples} samples of {bits} bits are not supported"
            ));
        }
        let frames = image.number_of_frames.unwrap_or(1);
        if frames == 0 {
            return Err("Number of Frames is 0".to_owned());
        }
        Ok(Self {
            rows: rows.into(),
            columns: columns.into(),
            samples_per_pixel: samples.into(),
            bytes_per_sample: usize::from(bits / 8),
            signed: image.pixel_representation == Some(1),
            photometric_interpretation: image.photometric().to_owned(),
            frames,
        })
    }

    /// Samples of one frame.
    pub(super) const fn samples(&self) -> usize {
        self.rows * self.columns * self.samples_per_pixel
    }

    /// Bytes of one frame.
    pub(super) const fn frame_length(&self) -> usize {
        self.samples() * self.bytes_per_sample
    }

    /// Bytes of all frames.
    pub(super) const fn length(&self) -> u64 {
        self.frame_length() as u64 * self.frames as u64
    }

    /// Whether colours are luminance and colour differences.
    pub(super) fn is_ybr(&self) -> bool {
        self.photometric_interpretation.starts_with("YBR")
    }
}
