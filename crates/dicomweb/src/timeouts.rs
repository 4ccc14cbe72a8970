//! Time-outs of requests.

use std::time::Duration;

/// Time-outs of one client. A slow but living server is waited for; one that stands still is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// From the first SYN to the end of the TLS handshake. Default 10 s: more than any network needs
    /// that is up.
    pub connect: Duration,
    /// Standstill while a body is being sent: the server takes no byte although there are some. Waiting
    /// for our own source does not count. Default 60 s: long enough for a server that flushes to disk.
    pub send_idle: Duration,
    /// From the last byte of the request to the first of the answer. Default 300 s: some archives index
    /// a whole batch before they answer.
    pub answer: Duration,
    /// Between two reads of an answer. Default 60 s.
    pub read_idle: Duration,
    /// What is spent waiting for the bytes of a whole answer that is no instance: a page of a search, metadata,
    /// the response to a store. Default 300 s, as long as it may take to begin: 1000 results over 50 kbit/s.
    /// Without it a server that gives a byte now and then would hold a query for ever. What whoever takes the
    /// results is waited for does not count. Of an instance that only the spool waits for, 64 KiB have to come
    /// within such a time, or its end: it may be as large, and the line as slow, as it likes, but not trickle.
    pub page: Duration,
    /// A whole store request with its answer, but for what it waits for the limits of its pace. Default 6 h: 4 GiB
    /// over 2 Mbit/s. A retrieve has no such limit, because whoever takes its bytes may be slow for good reason.
    pub total: Duration,
    /// Longest time that a search or a retrieve spends waiting, over all of its requests, because the
    /// server says 429 or 503 (PS3.18 §8.5); and a request of a search that somebody waits for, for its turn
    /// within the limits of the pace. Default 30 s: a workstation waits about that long.
    pub unavailable: Duration,
    /// A whole request for a token. Default 10 s: whoever gives tokens takes a second; one that takes longer is
    /// as good as down, and deliveries wait for it.
    pub token: Duration,
    /// How long an idle connection is kept. Default 15 s: below the keep-alive time of common servers, so
    /// that a request is rarely sent into a connection that is just being closed.
    pub pool_idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            send_idle: Duration::from_secs(60),
            answer: Duration::from_secs(300),
            read_idle: Duration::from_secs(60),
            page: Duration::from_secs(300),
            total: Duration::from_secs(6 * 60 * 60),
            unavailable: Duration::from_secs(30),
            token: Duration::from_secs(10),
            pool_idle: Duration::from_secs(15),
        }
    }
}
