//! JPEG-LS (ISO/IEC 14495-1, ITU-T T.87; PS3.5 §8.2.3), with and without losses.
//!
//! The clauses and the names of variables are those of T.87. No library in Rust decodes colours, and
//! the one in C++ needs cmake.

mod bits;
mod context;
mod markers;
mod scan;

use super::{super::geometry::Geometry, samples};
use markers::{Marker, Markers};
use scan::Scan;

/// Decodes a frame to samples by pixel.
pub(super) fn decode(frame: &[u8], geometry: &Geometry) -> Result<Vec<u8>, String> {
    let mut markers = Markers::begin(frame)?;
    let mut planes: Vec<Vec<u16>> = vec![Vec::new(); geometry.samples_per_pixel];
    let mut precision = 0;
    while planes.iter().any(Vec::is_empty) {
        match markers.next()? {
            Marker::Frame(found) => {
                if (found.columns, found.rows, found.components.len())
                    != (geometry.columns, geometry.rows, geometry.samples_per_pixel)
                {
                    let (columns, rows) = (found.columns, found.rows);
                    return Err(format!(
                        "JPEG-LS of {columns} x {rows} x {} samples",
                        found.components.len()
                    ));
                }
                precision = found.precision;
            }
            Marker::Scan(found) => {
                let mut scan = Scan::new(&found, markers.rest(), geometry.columns);
                for (plane, decoded) in found.components.iter().zip(scan.decode(geometry.rows)?) {
                    planes[*plane] = decoded;
                }
                markers.advance(scan.bytes_read());
            }
        }
    }
    let pixels = geometry.rows * geometry.columns;
    let by_pixel = (0..pixels).flat_map(|pixel| planes.iter().map(move |plane| u32::from(plane[pixel])));
    let mut decoded = Vec::with_capacity(geometry.frame_length());
    samples::append(by_pixel, precision, geometry, &mut decoded)?;
    Ok(decoded)
}

#[cfg(test)]
mod tests;
