//! Whose turn it is: in order of arrival within each precedence, and between the two by a rule.

use std::sync::{Mutex as StdMutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex, Notify};
use tokio::time::{Instant, sleep_until};

use super::Precedence;

/// Turns of interactive requests in a row while a bulk one waits. 7: bulk requests keep an eighth of the
/// pace however busy a site is, and a person hardly notices it.
const INTERACTIVE_IN_A_ROW: u32 = 7;

/// Why a turn cannot be taken yet, and when to try again if nothing changes before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blocked {
    /// Too much has passed already.
    Rate(Instant),
    /// Too much is under way. The other precedence is not kept back meanwhile.
    Slots(Instant),
}

/// Who waits for a turn. Only the first of each precedence contends for it.
#[derive(Debug, Default)]
pub(super) struct Turns {
    heads: [Mutex<()>; 2],
    state: StdMutex<State>,
    changed: [Notify; 2],
}

#[derive(Debug, Default)]
struct State {
    waiting: [bool; 2],
    in_a_row: u32,
}

/// The first of its precedence. Dropped, it waits no more.
struct Head<'a> {
    turns: &'a Turns,
    precedence: Precedence,
}

impl Turns {
    /// Has everybody who waits try again.
    pub(super) fn look_again(&self) {
        self.changed.iter().for_each(Notify::notify_waiters);
    }

    /// Waits until it is this one's turn and `attempt` succeeds.
    pub(super) async fn pass<T>(
        &self,
        precedence: Precedence,
        attempt: impl Fn() -> Result<T, Blocked>,
    ) -> T {
        let _first = self.heads[precedence as usize].lock().await;
        let head = Head { turns: self, precedence };
        loop {
            let mut changed = std::pin::pin!(self.changed[precedence as usize].notified());
            changed.as_mut().enable();
            head.waits();
            let wake_at = if self.state().is_turn_of(precedence) {
                match attempt() {
                    Ok(passed) => {
                        self.state().count(precedence);
                        return passed;
                    }
                    Err(Blocked::Rate(at)) => Some(at),
                    Err(Blocked::Slots(at)) => {
                        head.stands_back();
                        Some(at)
                    }
                }
            } else {
                None
            };
            match wake_at {
                Some(at) => tokio::select! {
                    () = sleep_until(at) => {}
                    () = changed => {}
                },
                None => changed.await,
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_turn_of(&self, precedence: Precedence) -> bool {
        let [interactive, bulk] = self.waiting;
        match precedence {
            Precedence::Interactive => !bulk || self.in_a_row < INTERACTIVE_IN_A_ROW,
            Precedence::Bulk => !interactive || self.in_a_row >= INTERACTIVE_IN_A_ROW,
        }
    }

    fn count(&mut self, precedence: Precedence) {
        self.in_a_row = match precedence {
            Precedence::Interactive if self.waiting[Precedence::Bulk as usize] => self.in_a_row + 1,
            Precedence::Interactive | Precedence::Bulk => 0,
        };
    }
}

impl Head<'_> {
    fn waits(&self) {
        self.turns.state().waiting[self.precedence as usize] = true;
    }

    /// Waits for a turn no more, and lets the other precedence know if it does.
    fn stands_back(&self) {
        let other = 1 - self.precedence as usize;
        let mut state = self.turns.state();
        state.waiting[self.precedence as usize] = false;
        // Who is blocked by what is under way is not woken, or the two would wake each other for ever.
        if state.waiting[other] {
            self.turns.changed[other].notify_waiters();
        }
    }
}

impl Drop for Head<'_> {
    fn drop(&mut self) {
        self.stands_back();
    }
}
