//! Limits, timers, and how the bridge stops.

use std::time::Duration;

/// Limits on associations, connections and memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Associations at the same time. Default: 100; beyond it A-ASSOCIATE-RJ with transient
    /// local-limit-exceeded (PS3.8 §9.3.4), which modalities answer by trying again.
    pub max_associations: usize,
    /// Connections that have not sent an A-ASSOCIATE-RQ yet. Default: 512. Beyond it the oldest one
    /// of the address that has the most is closed, so silent connections never keep a modality out.
    pub max_silent_connections: usize,
    /// Largest P-DATA PDU that we take, in bytes. Default: 256 KiB: more gains nothing, and each
    /// receiving association holds one of them.
    pub max_pdu: u32,
    /// Operations that a peer may have invoked and not yet seen answered, when it negotiates an
    /// asynchronous window (PS3.7 §D.3.3.3). Default: 32.
    pub max_operations_invoked: u16,
    /// Bytes that all buffers of receiving, sending and retrieving together may hold, a quarter of them
    /// reserved for sending, a sixth for C-MOVE and C-GET and the others for receiving, so that none
    /// stalls another. Default: 48 MiB, so that the process stays below 128 MiB with 64 associations
    /// sending at once.
    pub memory_budget: u64,
    /// Bytes of the head of a data set that are kept to decide a pass-through route. Default:
    /// 64 KiB; what cannot be decided by then goes through the spool.
    pub head: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_associations: 100,
            max_silent_connections: 512,
            max_pdu: 256 * 1024,
            max_operations_invoked: 32,
            memory_budget: 48 * 1024 * 1024,
            head: 64 * 1024,
        }
    }
}

/// Timers of associations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timers {
    /// ARTIM (PS3.8 §9.1.5): from the connection to the A-ASSOCIATE-RQ, and from our reject, abort
    /// or release response to the close. Default: 30 s.
    pub artim: Duration,
    /// Between two messages. Default: 30 min, because ultrasound keeps an association open for a
    /// whole examination.
    pub idle: Duration,
    /// Without a byte in the middle of a message or PDU, either direction; and without 4 KiB or the end
    /// in the middle of a data set that we receive. Default: 60 s.
    pub message: Duration,
    /// For the answer of the destination on a route with `acknowledge = "stored"`. Default: 120 s;
    /// modalities give up after one to five minutes.
    pub stored: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            artim: Duration::from_secs(30),
            idle: Duration::from_secs(30 * 60),
            message: Duration::from_secs(60),
            stored: Duration::from_secs(120),
        }
    }
}

/// How the bridge stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drain {
    /// How long new associations are rejected as transient before the listener closes, so that a
    /// load balancer sees "not ready" first. Default: 5 s.
    pub delay: Duration,
    /// How long messages and requests in hand may take to finish before A-ABORT. Default: 20 s,
    /// which with the delay stays below the 30 s that Kubernetes grants.
    pub timeout: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Self { delay: Duration::from_secs(5), timeout: Duration::from_secs(20) }
    }
}
