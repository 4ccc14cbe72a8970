//! JPEG, with losses and without (PS3.5 §8.2.1).

mod extended;

use jpeg_decoder::{ColorTransform, Decoder, PixelFormat};

use super::{super::geometry::Geometry, Colours, samples};

/// Decodes a frame. Of a lossless one the samples stay as they are.
pub(super) fn decode(
    frame: &[u8],
    geometry: &Geometry,
    lossless: bool,
) -> Result<(Vec<u8>, Colours), String> {
    let header = Header::of(frame)?;
    if header.precision > 8 && !header.lossless {
        let decoded = extended::decode(frame, geometry)?;
        let mut fitted = Vec::with_capacity(geometry.frame_length());
        let precision = header.precision.into();
        samples::append(decoded.into_iter().map(u32::from), precision, geometry, &mut fitted)?;
        return Ok((fitted, Colours::AsDeclared));
    }
    let converts = !lossless && !header.lossless && header.components == 3 && header.is_ycbcr(geometry);
    let mut decoder = Decoder::new(frame);
    decoder.set_max_decoding_buffer_size(geometry.frame_length());
    decoder.set_color_transform(match header.components {
        1 => ColorTransform::Grayscale,
        _ if converts => ColorTransform::YCbCr,
        // As they are; `None` would leave each row by colour.
        _ => ColorTransform::RGB,
    });
    let decoded = decoder.decode().map_err(|error| format!("JPEG: {error}"))?;
    let info = decoder.info().ok_or("JPEG without a frame header")?;
    if (usize::from(info.width), usize::from(info.height)) != (geometry.columns, geometry.rows)
        || header.components != geometry.samples_per_pixel
    {
        return Err(format!("JPEG of {} x {} x {} samples", info.width, info.height, header.components));
    }
    let colours = if converts { Colours::Rgb } else { Colours::AsDeclared };
    if header.precision == 8 && geometry.bytes_per_sample == 1 {
        return Ok((decoded, colours));
    }
    // Samples of any other precision than 8 come in 16 bits, native endian.
    let mut fitted = Vec::with_capacity(geometry.frame_length());
    let precision = header.precision.into();
    if header.precision == 8 || info.pixel_format == PixelFormat::L8 && decoded.len() == geometry.samples() {
        samples::append(decoded.iter().map(|sample| u32::from(*sample)), precision, geometry, &mut fitted)?;
    } else {
        let wide = decoded.chunks_exact(2).map(|bytes| u32::from(u16::from_ne_bytes([bytes[0], bytes[1]])));
        samples::append(wide, precision, geometry, &mut fitted)?;
    }
    Ok((fitted, colours))
}

/// What the markers before the first scan say (ISO/IEC 10918-1 Annex B).
struct Header {
    precision: u8,
    components: usize,
    lossless: bool,
    /// Whether components are named R, G and B.
    named_rgb: bool,
    jfif: bool,
    /// The colour transform of an Adobe marker.
    adobe: Option<u8>,
}

impl Header {
    fn of(frame: &[u8]) -> Result<Self, String> {
        let (mut jfif, mut adobe) = (false, None);
        let mut rest = frame.strip_prefix(&[0xFF, 0xD8]).ok_or("no JPEG begins here")?;
        loop {
            let (&[ff, marker, high, low], _) = rest.split_first_chunk().ok_or("the JPEG is cut")?;
            if ff != 0xFF {
                return Err("the JPEG is malformed before its frame header".to_owned());
            }
            if marker == 0xFF {
                // A fill byte.
                rest = &rest[1..];
                continue;
            }
            let end = 2 + usize::from(u16::from_be_bytes([high, low]));
            let segment = rest.get(4..end).ok_or("the JPEG is cut")?;
            rest = &rest[end..];
            match marker {
                0xE0 if segment.starts_with(b"JFIF") => jfif = true,
                0xEE if segment.starts_with(b"Adobe") => adobe = segment.get(11).copied(),
                0xC0..=0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                    let (&[precision, _, _, _, _, components], names) =
                        segment.split_first_chunk().ok_or("the JPEG frame header is cut")?;
                    let named_rgb = names.iter().step_by(3).eq([b'R', b'G', b'B'].iter());
                    let lossless = marker == 0xC3;
                    return Ok(Self {
                        precision,
                        components: components.into(),
                        lossless,
                        named_rgb,
                        jfif,
                        adobe,
                    });
                }
                _ => {}
            }
        }
    }

    /// Whether the three components are YCbCr. The codestream's own word comes before the data set's:
    /// many objects are declared RGB whose encoder converted, and said so.
    fn is_ycbcr(&self, geometry: &Geometry) -> bool {
        match self.adobe {
            Some(0) => false,
            Some(_) => true,
            None if self.named_rgb => false,
            None => self.jfif || geometry.is_ybr(),
        }
    }
}
