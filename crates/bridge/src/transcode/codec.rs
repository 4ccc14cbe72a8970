//! The codecs of encapsulated pixel data, one frame at a time (PS3.5 §8.2, §A.4).

mod jpeg;
mod jpeg_2000;
mod jpeg_ls;
mod rle;
mod samples;

use dataset::scan;

use super::geometry::Geometry;

/// A format of encapsulated frames that is decoded here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Codec {
    /// Frames as they are, in fragments (PS3.5 §A.4.11).
    Uncompressed,
    /// Every frame deflated (PS3.5 §A.4.13).
    Deflated,
    /// RLE (PS3.5 §G.3).
    Rle,
    /// JPEG with losses (PS3.5 §8.2.1), where colours may be converted.
    Jpeg,
    /// JPEG without losses.
    JpegLossless,
    /// JPEG-LS (PS3.5 §8.2.3).
    JpegLs,
    /// JPEG 2000 and High-Throughput JPEG 2000 (PS3.5 §8.2.4).
    Jpeg2000,
}

/// What the colours of a decoded frame are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colours {
    /// What Photometric Interpretation says.
    AsDeclared,
    /// RGB, whatever it says.
    Rgb,
}

impl Codec {
    /// The codec of the transfer syntax, where there is one.
    pub(super) fn of(transfer_syntax: &str) -> Option<Self> {
        Some(match transfer_syntax.strip_prefix("1.2.840.10008.1.2.")? {
            "1.98" => Self::Uncompressed,
            "8.1" => Self::Deflated,
            "5" => Self::Rle,
            // Baseline, extended, and the retired progressive ones.
            "4.50" | "4.51" | "4.53" | "4.55" => Self::Jpeg,
            "4.57" | "4.70" => Self::JpegLossless,
            "4.80" | "4.81" => Self::JpegLs,
            "4.90" | "4.91" | "4.201" | "4.202" | "4.203" => Self::Jpeg2000,
            _ => return None,
        })
    }

    /// Whether a fragment that begins with `bytes` begins a frame, for formats whose frames may take
    /// several fragments.
    pub(super) fn begins_frame(self, bytes: &[u8]) -> bool {
        match self {
            Self::Uncompressed | Self::Deflated | Self::Rle => true,
            Self::Jpeg | Self::JpegLossless | Self::JpegLs => bytes.starts_with(&[0xFF, 0xD8]),
            Self::Jpeg2000 => {
                bytes.starts_with(&[0xFF, 0x4F, 0xFF, 0x51]) || bytes.starts_with(&[0, 0, 0, 12, b'j', b'P'])
            }
        }
    }

    /// Decodes one frame to samples by pixel, little endian. A frame of another length than `geometry`
    /// says is the caller's to refuse.
    pub(super) fn decode(self, frame: &[u8], geometry: &Geometry) -> Result<(Vec<u8>, Colours), String> {
        match self {
            Self::Uncompressed => {
                let length = frame.len().min(geometry.frame_length());
                Ok((frame[..length].to_vec(), Colours::AsDeclared))
            }
            Self::Deflated => {
                // One byte more than expected: longer frames are refused, not cut.
                let decoded = scan::inflate_whole(frame, geometry.frame_length() + 1);
                Ok((decoded.map_err(|error| error.to_string())?, Colours::AsDeclared))
            }
            Self::Rle => Ok((rle::decode(frame, geometry)?, Colours::AsDeclared)),
            Self::Jpeg => jpeg::decode(frame, geometry, false),
            Self::JpegLossless => jpeg::decode(frame, geometry, true),
            Self::JpegLs => Ok((jpeg_ls::decode(frame, geometry)?, Colours::AsDeclared)),
            Self::Jpeg2000 => jpeg_2000::decode(frame, geometry),
        }
    }
}
