//! What the service manager of a Linux host is told (`sd_notify(3)`): that everything serves, that a
//! configuration is read, that the program drains, and that it is alive. Where no service manager started
//! the program, nothing is said.

use std::time::Duration;

use bridge::Bridge;
use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

/// Signs of life in the time that the service manager allows between two: 3, so that one which is late
/// does not end the program.
const SIGNS_OF_LIFE: u32 = 3;

/// Everything serves.
pub(crate) fn ready() {
    tell(&[NotifyState::Ready]);
}

/// A configuration is read; [`ready`] says that it has been.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "the service manager is not told of the reload"),
    }
}

/// The program drains and ends.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Tells the service manager that the program is alive, as often as its unit asks (`WatchdogSec`), for as
/// long as that is true: tasks get their turn, and the spool's index answers. A bridge that hangs is
/// started again; what it had acknowledged is in the spool.
pub(crate) fn watch_over(bridge: Bridge, stop: CancellationToken) {
    let Some(allowed) = sd_notify::watchdog_enabled() else { return };
    tokio::spawn(async move {
        let pause = pause(allowed);
        let mut turns = tokio::time::interval(pause);
        turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = turns.tick() => {}
            }
            match tokio::time::timeout(pause, bridge.refresh_gauges()).await {
                // A spool that answers with an error is alive, and says so elsewhere.
                Ok(_) => tell(&[NotifyState::Watchdog]),
                Err(_) => tracing::error!("the index of the spool does not answer; no sign of life is given"),
            }
        }
        // Draining has a limit of its own, so the watchdog need not bite meanwhile.
        loop {
            tell(&[NotifyState::Watchdog]);
            tokio::time::sleep(pause).await;
        }
    });
}

fn pause(allowed: Duration) -> Duration {
    allowed / SIGNS_OF_LIFE
}

fn tell(state: &[NotifyState<'_>]) {
    // Without NOTIFY_SOCKET this does nothing and succeeds.
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "the service manager does not listen");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_of_life_may_be_late_once() {
        let allowed = Duration::from_secs(60);
        assert!(pause(allowed) * 2 < allowed);
    }
}
