//! The data set that is written: kept back as long as a fault may still show.

use std::{
    io::{self, Write},
    ops::Range,
};

use dataset::{element::VR, rewrite::Rewriter};
use instance::Tag;

use super::{
    super::{codec::Colours, geometry::Geometry},
    Fault,
};

const PHOTOMETRIC_INTERPRETATION: Tag = Tag(0x0028, 0x0004);
const PLANAR_CONFIGURATION: Tag = Tag(0x0028, 0x0006);

/// The data set that is written.
pub(super) struct Output<W> {
    writer: W,
    kept_back: Vec<u8>,
    kept_back_max: u64,
}

impl<W: Write> Output<W> {
    pub(super) const fn new(writer: W, kept_back_max: u64) -> Self {
        Self { writer, kept_back: Vec::new(), kept_back_max }
    }

    /// Where bytes are appended.
    pub(super) const fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.kept_back
    }

    /// Bytes kept back.
    pub(super) const fn length(&self) -> usize {
        self.kept_back.len()
    }

    /// Writes what was kept back where it is more than may be; while `may_change`, that is a fault.
    pub(super) fn release_some(&mut self, may_change: bool) -> Result<(), Fault> {
        if self.kept_back.len() as u64 <= self.kept_back_max {
            return Ok(());
        }
        if may_change {
            return Err(Fault::TooLarge("what stands before the pixel data is too long".to_owned()));
        }
        self.writer.write_all(&self.kept_back)?;
        self.kept_back.clear();
        Ok(())
    }

    /// Writes everything.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.writer.write_all(&self.kept_back)?;
        self.writer.flush()
    }

    /// Appends the header of native Pixel Data (PS3.5 §A.1, §A.2).
    pub(super) fn begin_pixel_data(&mut self, rewriter: &Rewriter, geometry: &Geometry) {
        let vr = if geometry.bytes_per_sample == 1 { VR::OB } else { VR::OW };
        // Checked when the frames began.
        let length = u32::try_from(geometry.length()).unwrap_or(u32::MAX);
        rewriter.header(Tag::PIXEL_DATA, vr, length + length % 2, &mut self.kept_back);
        // At once what is needed, since growing by doubling takes three times as much while it copies.
        let most = self.kept_back_max.saturating_add(geometry.frame_length() as u64);
        let needed = geometry.length().saturating_add(1).min(most);
        self.kept_back.reserve_exact(usize::try_from(needed).unwrap_or(0));
    }
}

/// Where the attributes stand in what is kept back that depend on the decoded frames.
#[derive(Default)]
pub(super) struct ColourAttributes {
    photometric_interpretation: Option<Range<usize>>,
    /// Empty where the attribute is absent and would have to stand.
    planar_configuration: Option<Range<usize>>,
    open: Option<Tag>,
}

impl ColourAttributes {
    /// An element begins at `at`.
    pub(super) fn begin(&mut self, tag: Tag, at: usize) {
        self.open = None;
        if tag == PHOTOMETRIC_INTERPRETATION {
            self.photometric_interpretation = Some(at..at);
            self.open = Some(tag);
        } else if tag == PLANAR_CONFIGURATION {
            self.planar_configuration = Some(at..at);
            self.open = Some(tag);
        } else if tag > PLANAR_CONFIGURATION && self.planar_configuration.is_none() {
            self.planar_configuration = Some(at..at);
        }
    }

    /// The value of the element at hand ends at `at`.
    pub(super) fn end(&mut self, at: usize) {
        let range = match self.open.take() {
            Some(PHOTOMETRIC_INTERPRETATION) => &mut self.photometric_interpretation,
            Some(_) => &mut self.planar_configuration,
            None => return,
        };
        if let Some(range) = range {
            range.end = at;
        }
    }

    /// Makes the attributes say what the decoded frames are. Decoded frames are always by pixel.
    pub(super) fn correct<W>(
        &mut self,
        rewriter: &Rewriter,
        geometry: &Geometry,
        colours: Colours,
        output: &mut Output<W>,
    ) {
        let mut put = |range: Range<usize>, tag: Tag, vr: VR, value: &[u8]| {
            let mut element = Vec::new();
            rewriter.header(tag, vr, u32::try_from(value.len()).unwrap_or(0), &mut element);
            element.extend_from_slice(value);
            output.kept_back.splice(range, element);
        };
        // The later one first, so that the earlier one stays where it is.
        if let (true, Some(range)) = (geometry.samples_per_pixel > 1, self.planar_configuration.take()) {
            put(range, PLANAR_CONFIGURATION, VR::US, &[0, 0]);
        }
        if let (Colours::Rgb, Some(range)) = (colours, self.photometric_interpretation.take()) {
            put(range, PHOTOMETRIC_INTERPRETATION, VR::CS, b"RGB ");
        }
    }
}
