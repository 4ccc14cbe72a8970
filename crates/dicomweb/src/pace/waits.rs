//! What one transfer waits for its pace, which is no fault of the server.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};

/// The shortest time after which it is looked again whether a transfer has used up its time: 100 ms. Only what
/// is nearly used up is looked at so often.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How long one body has waited for its pace. Cloning gives the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waits(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    ended: Duration,
    under_way: Option<Instant>,
}

/// A wait, until it is dropped: also where the body is not wanted any more.
struct UnderWay<'a>(&'a Waits);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        let waited = state.under_way.take().map(|since| since.elapsed());
        state.ended += waited.unwrap_or_default();
    }
}

impl Waits {
    /// Takes in that `waiting` is for the pace.
    pub(super) async fn count<T>(&self, waiting: impl Future<Output = T>) -> T {
        self.state().under_way = Some(Instant::now());
        let _under_way = UnderWay(self);
        waiting.await
    }

    /// All of it, that under way included.
    fn total(&self) -> Duration {
        let state = self.state();
        state.ended + state.under_way.map(|since| since.elapsed()).unwrap_or_default()
    }

    /// Runs `work` for at most `limit`, in which the waits do not count; none where that was not enough.
    pub(crate) async fn within<T>(&self, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
        let began = Instant::now();
        let mut work = std::pin::pin!(work);
        loop {
            let used = began.elapsed().saturating_sub(self.total());
            let left = limit.checked_sub(used).filter(|left| !left.is_zero())?;
            if let Ok(done) = timeout(left.max(LOOK_AGAIN), work.as_mut()).await {
                return Some(done);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
