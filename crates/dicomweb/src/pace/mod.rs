//! How fast an origin server is used: requests, bytes and times of day, over all clients of one origin.
//!
//! Whoever is about to send a request asks for an [`Admission`] first and keeps it until the answer has
//! been read; whoever moves a body asks for its bytes. Requests that somebody waits for go before bulk
//! ones, which still get every eighth turn, so that neither starves behind the other.

mod bucket;
mod limit;
mod slot;
#[cfg(test)]
mod tests;
mod turns;
mod waits;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use tokio::time::Instant;

use bucket::Bucket;
use slot::{Slot, Slots};
use turns::{Blocked, Turns};
pub(crate) use waits::Waits;

pub use limit::{RateLimit, Rates, Window};

/// Largest piece of a body that is let through at once, unless a quarter of a second holds less. 64 KiB.
const PIECE_BYTES_MAX: u64 = 64 * 1024;

/// Smallest such piece. 4 KiB: three TCP segments.
const PIECE_BYTES_MIN: u64 = 4 * 1024;

/// Who waits for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precedence {
    /// A person or a modality does: queries, retrieves, a store that is answered when it is done.
    Interactive,
    /// Nobody does: deliveries from the spool, and what is pulled into it.
    Bulk,
}

/// The pace of one origin. Cloning is cheap; all clones are the same, and so are those of the clients that
/// were made with them.
#[derive(Clone)]
pub struct Pace(Arc<Shared>);

/// Permission to make one request, until it is dropped. Clones are the same permission.
#[derive(Debug, Clone, Default)]
pub struct Admission(Option<Arc<Slot>>);

/// How long was waited because of the limits, since the pace was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waited {
    /// Before requests could begin.
    pub requests: Duration,
    /// In the middle of bodies.
    pub bytes: Duration,
}

type Clock = Box<dyn Fn() -> Timestamp + Send + Sync>;

struct Shared {
    state: Mutex<State>,
    requests: Turns,
    bytes: Turns,
    waited: [[AtomicU64; 2]; 2],
    clock: Clock,
}

struct State {
    limit: RateLimit,
    requests: Bucket,
    bytes: Bucket,
    slots: Slots,
}

impl Pace {
    /// A pace within these limits.
    #[must_use]
    pub fn new(limit: RateLimit) -> Self {
        Self::with_clock(limit, Box::new(Timestamp::now))
    }

    fn with_clock(limit: RateLimit, clock: Clock) -> Self {
        let now = Instant::now();
        let (requests, bytes) = (Bucket::full(now), Bucket::full(now));
        let state = Mutex::new(State { limit, requests, bytes, slots: Slots::default() });
        let (requests, bytes) = (Turns::default(), Turns::default());
        Self(Arc::new(Shared { state, requests, bytes, waited: Default::default(), clock }))
    }

    /// The limits in force.
    #[must_use]
    pub fn limit(&self) -> RateLimit {
        self.state().limit.clone()
    }

    /// Takes over other limits. Who waits is judged by them at once; what was used stays used.
    pub fn configure(&self, limit: RateLimit) {
        self.state().limit = limit;
        self.0.requests.look_again();
        self.0.bytes.look_again();
    }

    /// When the next bulk request may begin, for those who would rather not wait in line; none: now.
    ///
    /// Outside of the hours of deliveries it is the next full minute: the question is to be asked again
    /// then.
    #[must_use]
    pub fn bulk_ready_at(&self) -> Option<Instant> {
        let (now, mut state) = (Instant::now(), self.state());
        let (rates, wall) = self.rates(&state);
        if !rates.deliveries {
            return Some(now + limit::to_next_minute(wall));
        }
        let State { requests, bytes, .. } = &mut *state;
        let request = requests.ready_at(rates.request_rate(), 1.0, now);
        let byte = bytes.ready_at(rates.byte_rate(), 0.0, now);
        request.max(byte).filter(|at| *at > now)
    }

    /// Bulk requests that may be under way at the same time, where that is limited.
    #[must_use]
    pub fn bulk_requests_max(&self) -> Option<usize> {
        let state = self.state();
        self.rates(&state).0.slots(Precedence::Bulk)
    }

    /// Whether bulk requests wait for another time of day.
    #[must_use]
    pub fn is_closed_for_deliveries(&self) -> bool {
        let state = self.state();
        !self.rates(&state).0.deliveries
    }

    /// How long was waited because of the limits.
    #[must_use]
    pub fn waited(&self, precedence: Precedence) -> Waited {
        let [requests, bytes] = &self.0.waited[precedence as usize];
        let read = |nanoseconds: &AtomicU64| Duration::from_nanos(nanoseconds.load(Ordering::Relaxed));
        Waited { requests: read(requests), bytes: read(bytes) }
    }

    /// Waits for the turn of a request.
    pub async fn admit(&self, precedence: Precedence) -> Admission {
        if self.state().limit.is_none() {
            return Admission(None);
        }
        let began = Instant::now();
        let admission = self.0.requests.pass(precedence, || self.try_admit(precedence)).await;
        self.count(precedence, 0, began);
        admission
    }

    /// Waits until `count` bytes of a body may pass.
    pub async fn bytes(&self, precedence: Precedence, count: usize) {
        if !self.limits_bytes() {
            return;
        }
        let began = Instant::now();
        self.0.bytes.pass(precedence, || self.try_bytes(count)).await;
        self.count(precedence, 1, began);
    }

    /// Whether there is, at any time of day, a limit on bytes.
    #[must_use]
    pub fn limits_bytes(&self) -> bool {
        self.state().limit.limits_bytes()
    }

    /// A body whose bytes pass at this pace, in pieces that make no long pauses; what it waits is counted.
    pub(crate) fn body<E: Send + 'static>(
        &self,
        precedence: Precedence,
        waits: &Waits,
        body: impl Stream<Item = Result<Bytes, E>> + Send + 'static,
    ) -> BoxStream<'static, Result<Bytes, E>> {
        let (pieces, pace, waits) = (self.clone(), self.clone(), waits.clone());
        body.map_ok(move |bytes| stream::iter(cut(bytes, pieces.piece()).into_iter().map(Ok)))
            .try_flatten()
            .and_then(move |bytes| {
                let (pace, waits) = (pace.clone(), waits.clone());
                async move {
                    waits.count(pace.bytes(precedence, bytes.len())).await;
                    Ok(bytes)
                }
            })
            .boxed()
    }

    /// Bytes that are let through at once.
    fn piece(&self) -> usize {
        let state = self.state();
        let piece = self.rates(&state).0.bytes_per_second.map_or(PIECE_BYTES_MAX, |rate| rate / 4);
        usize::try_from(piece.clamp(PIECE_BYTES_MIN, PIECE_BYTES_MAX)).unwrap_or(usize::MAX)
    }

    fn try_admit(&self, precedence: Precedence) -> Result<Admission, Blocked> {
        let (now, mut state) = (Instant::now(), self.state());
        let (rates, wall) = self.rates(&state);
        let State { requests, slots, .. } = &mut *state;
        if rates.slots(precedence).is_some_and(|most| slots.taken(now) >= most) {
            return Err(Blocked::Slots(now + slot::STANDING_STILL));
        }
        requests.take(rates.request_rate(), 1.0, 1.0, now).map_err(|at| self.until(at, wall))?;
        Ok(Admission(Some(slots.take(&self.0))))
    }

    fn try_bytes(&self, count: usize) -> Result<(), Blocked> {
        let (now, mut state) = (Instant::now(), self.state());
        let (rates, wall) = self.rates(&state);
        // A body may overdraw: what follows waits the longer.
        #[expect(clippy::cast_precision_loss, reason = "a piece of a body is far below 2^52 bytes")]
        let count = count as f64;
        state.bytes.take(rates.byte_rate(), 0.0, count, now).map_err(|at| self.until(at, wall))
    }

    /// Other limits may begin with the next minute.
    fn until(&self, at: Instant, wall: Timestamp) -> Blocked {
        Blocked::Rate(at.min(Instant::now() + limit::to_next_minute(wall)))
    }

    fn rates(&self, state: &State) -> (Rates, Timestamp) {
        let wall = (self.0.clock)();
        (*state.limit.at(wall), wall)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, precedence: Precedence, kind: usize, began: Instant) {
        let waited = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.0.waited[precedence as usize][kind].fetch_add(waited, Ordering::Relaxed);
    }
}

impl Admission {
    /// The answer is waited for or read.
    pub(crate) fn is_used(&self) {
        if let Some(slot) = &self.0 {
            slot.stands_still_since(None);
        }
    }

    /// Bytes of the answer were handed on, and nobody has come back for more yet.
    pub(crate) fn is_left(&self) {
        if let Some(slot) = &self.0 {
            slot.stands_still_since(Some(Instant::now()));
        }
    }
}

impl slot::Owner for Shared {
    fn slot_is_free(&self) {
        self.requests.look_again();
    }
}

fn cut(mut bytes: Bytes, piece: usize) -> Vec<Bytes> {
    let mut pieces = Vec::with_capacity(bytes.len().div_ceil(piece));
    while bytes.len() > piece {
        pieces.push(bytes.split_to(piece));
    }
    pieces.push(bytes);
    pieces
}

impl Default for Pace {
    /// No limits.
    fn default() -> Self {
        Self::new(RateLimit::default())
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pace").field(&self.state().limit).finish()
    }
}
