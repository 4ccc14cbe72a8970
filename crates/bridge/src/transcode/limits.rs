//! What one transcoding may cost.

use std::time::Duration;

/// What one transcoding may cost, so that no object can take more of the machine than it is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Children that decode at the same time; more transcodings wait. Default: 2. Decoding is bound by
    /// the processor, and each child may take `memory_max`.
    pub children_max: usize,
    /// Bytes of memory that a child may allocate (`RLIMIT_DATA`). Default: 1 GiB. JPEG 2000 takes ten
    /// times the frame, other codecs four times; the largest frames in use have 55 MB (a mammogram of
    /// 4,700 x 5,800 x 16 bits).
    pub memory_max: u64,
    /// Bytes of one decoded frame. Default: 160 MiB, which a child can decode within its memory where it
    /// is not JPEG 2000.
    pub frame_length_max: u64,
    /// Bytes of the largest object accepted, as it is stored. Default: 4 GiB. A child holds one frame and
    /// not the object, but an hour of decoding serves nobody.
    pub length_max: u64,
    /// Bytes that a child keeps back until it has decoded everything, so that an object that turns out to
    /// be broken is refused before its first byte goes out. Default: 128 MiB. What is longer goes out
    /// while it is decoded, and a fault in it breaks the stream.
    pub kept_back_max: u64,
    /// Processor time of one child (`RLIMIT_CPU`), in whole seconds. Default: 10 min; JPEG 2000 decodes
    /// about 20 MB a second.
    pub processor_time_max: Duration,
    /// How long a child may neither take nor give a byte, though bytes and room are there. Default: 2 min,
    /// above what the largest frame takes.
    pub stall_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            children_max: 2,
            memory_max: 1024 * 1024 * 1024,
            frame_length_max: 160 * 1024 * 1024,
            length_max: 4 * 1024 * 1024 * 1024,
            kept_back_max: 128 * 1024 * 1024,
            processor_time_max: Duration::from_secs(600),
            stall_max: Duration::from_secs(120),
        }
    }
}
