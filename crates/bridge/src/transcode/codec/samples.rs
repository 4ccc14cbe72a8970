//! Decoded samples as Bits Allocated and Pixel Representation want them (PS3.5 §8.1.1).

use super::super::geometry::Geometry;

/// Appends samples of `precision` bits. The bits above are the sign's where samples are signed, and zero
/// where they are not, whatever the codec thinks of the sign: the data set decides what samples mean.
pub(super) fn append(
    samples: impl Iterator<Item = u32>,
    precision: u32,
    geometry: &Geometry,
    to: &mut Vec<u8>,
) -> Result<(), String> {
    if precision == 0 || precision as usize > geometry.bytes_per_sample * 8 {
        return Err(format!("samples of {precision} bits in {} bytes", geometry.bytes_per_sample));
    }
    let unused = 32 - precision;
    let signed = geometry.signed;
    let fit = move |sample: u32| {
        let high = sample << unused;
        if signed { (high.cast_signed() >> unused).cast_unsigned() } else { high >> unused }
    };
    match geometry.bytes_per_sample {
        1 => to.extend(samples.map(|sample| fit(sample).to_le_bytes()[0])),
        bytes => samples.for_each(|sample| to.extend_from_slice(&fit(sample).to_le_bytes()[..bytes])),
    }
    Ok(())
}
