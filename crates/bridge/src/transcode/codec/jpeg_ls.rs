//! JPEG-LS (ISO/IEC 14495-1; PS3.5 §8.2.3).

use super::super::geometry::Geometry;

pub(super) fn decode(_frame: &[u8], _geometry: &Geometry) -> Result<Vec<u8>, String> {
    Err("JPEG-LS".to_owned())
}
