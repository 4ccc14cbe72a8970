//! Waiting for something to become true.

use std::sync::{Condvar, Mutex};
use std::time::{Duration, Instant};

/// How long a condition may take to become true. Generous, since a loaded machine is no fault: only
/// a test that would wait for ever meets it.
pub const DEADLINE: Duration = Duration::from_secs(90);

/// How often a condition that nobody signals is looked at.
const INTERVAL: Duration = Duration::from_millis(20);

/// Looks again and again until the probe has an answer.
///
/// # Panics
/// After [`DEADLINE`], with what was waited for.
pub fn eventually<T>(what: &str, probe: impl FnMut() -> Option<T>) -> T {
    let Some(found) = within(DEADLINE, probe) else { panic!("waited in vain: {what}") };
    found
}

/// Looks until the probe has an answer or the time is up.
pub fn within<T>(longest: Duration, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let begun = Instant::now();
    let (never, signal) = (Mutex::new(()), Condvar::new());
    loop {
        if let Some(found) = probe() {
            return Some(found);
        }
        if begun.elapsed() > longest {
            return None;
        }
        let guard = never.lock().expect("nobody panics while holding it");
        let (guard, _) = signal.wait_timeout(guard, INTERVAL).expect("nobody panics while holding it");
        drop(guard);
    }
}

/// Runs a future to its end on this thread.
///
/// # Panics
/// Where no runtime can be made.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future)
}
