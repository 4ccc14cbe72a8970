//! JPEG 2000, Part 1 and High-Throughput (PS3.5 §8.2.4).

use jpeg2k::{DecodeParameters, Image};

use super::{super::geometry::Geometry, Colours, samples};

/// Decodes a frame. The decoder undoes the multiple component transformation, whose results
/// Photometric Interpretation calls YBR_RCT and YBR_ICT.
pub(super) fn decode(frame: &[u8], geometry: &Geometry) -> Result<(Vec<u8>, Colours), String> {
    check_size(frame, geometry)?;
    // Strictly: of a cut codestream nothing is made up.
    let image = Image::from_bytes_with(frame, DecodeParameters::new().strict(true).ignore_pclr_cmap_cdef());
    let image = image.map_err(|error| format!("JPEG 2000: {error}"))?;
    let components = image.components();
    let fits = |component: &jpeg2k::ImageComponent| {
        (component.width() as usize, component.height() as usize) == (geometry.columns, geometry.rows)
    };
    let Some(first) = components.first() else { return Err("JPEG 2000 without components".to_owned()) };
    if components.len() != geometry.samples_per_pixel || !components.iter().all(fits) {
        return Err(format!(
            "JPEG 2000 of {} x {} x {} samples",
            first.width(),
            first.height(),
            components.len()
        ));
    }
    if components.iter().any(|component| component.precision() != first.precision()) {
        return Err("JPEG 2000 with components of different precision".to_owned());
    }
    let planes: Vec<&[i32]> = components.iter().map(jpeg2k::ImageComponent::data).collect();
    let by_pixel =
        (0..geometry.rows * geometry.columns).flat_map(|pixel| planes.iter().map(move |plane| plane[pixel]));
    let mut decoded = Vec::with_capacity(geometry.frame_length());
    samples::append(by_pixel.map(i32::cast_unsigned), first.precision(), geometry, &mut decoded)?;
    let transformed = matches!(&*geometry.photometric_interpretation, "YBR_RCT" | "YBR_ICT");
    Ok((decoded, if transformed { Colours::Rgb } else { Colours::AsDeclared }))
}

/// Refuses a codestream of another size before memory is taken for it (ISO/IEC 15444-1 A.5.1). In a JP2
/// file the codestream does not stand first; that one is looked at when it is decoded.
fn check_size(frame: &[u8], geometry: &Geometry) -> Result<(), String> {
    let Some(siz) = frame.strip_prefix(&[0xFF, 0x4F, 0xFF, 0x51]) else { return Ok(()) };
    let number = |at: usize| {
        let bytes = siz.get(at..at + 4).and_then(|bytes| bytes.first_chunk());
        bytes.map(|bytes| u32::from_be_bytes(*bytes)).ok_or("JPEG 2000: the codestream is cut")
    };
    let (columns, rows) = (number(4)?.wrapping_sub(number(12)?), number(8)?.wrapping_sub(number(16)?));
    if (columns as usize, rows as usize) == (geometry.columns, geometry.rows) {
        Ok(())
    } else {
        Err(format!("JPEG 2000 of {columns} x {rows} samples"))
    }
}
