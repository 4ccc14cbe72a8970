//! The limits of the origin, each with its unit, its default and the reason for it.

use std::time::Duration;

/// What one client may ask for. The defaults suit a demonstration and every test of the bridge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// TCP connections served at a time; further ones wait in the listen queue. 512, above what the
    /// bridge opens with every worker of every destination busy.
    pub connections_max: usize,
    /// Requests in work at a time; further ones are answered 503 with Retry-After. 256, because every
    /// store request in work holds one thread of the blocking pool, which has 512.
    pub requests_max: usize,
    /// Parts of one multipart store request; a request with more is answered 413 once they are
    /// reached. 10,000: the instances of a very large study.
    pub parts_max: usize,
    /// Bytes of one stored instance. 16 GiB: four times the largest pixel data of native encoding,
    /// below any disk that a trial runs on.
    pub instance_bytes_max: u64,
    /// Matches of one search answer (PS3.18 §8.3.4.4); a Warning header says when there were more.
    /// 10,000, the instances of a very large study; the answer is streamed, so it costs no memory.
    pub matches_max: usize,
    /// Query parameters of one request, and values to match in all of them; more are answered 413.
    /// 1,000: as many UIDs fill a URL of 64 KB, which is the longest that is read.
    pub parameters_max: usize,
    /// Bytes of a header field with the parameters of a function; a longer one is answered 431. 8 KiB, as
    /// common servers have it.
    pub parameters_bytes_max: usize,
    /// Bytes above which a value stays out of metadata and is given as BulkDataURI. 1,024, below the
    /// smallest image and above every identifying text.
    pub bulk_data_bytes_min: usize,
    /// Time without a byte of a request body after which the request is given up. 5 minutes, longer
    /// than any stall that a test injects.
    pub body_idle_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 512,
            requests_max: 256,
            parts_max: 10_000,
            instance_bytes_max: 16 << 30,
            matches_max: 10_000,
            parameters_max: 1_000,
            parameters_bytes_max: 8 << 10,
            bulk_data_bytes_min: 1_024,
            body_idle_max: Duration::from_secs(300),
        }
    }
}
