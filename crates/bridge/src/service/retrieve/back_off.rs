//! When a request to an origin is worth repeating, and when.

use std::time::Duration;

use dicomweb::{Error, Remedy};

/// The longest pause that an origin may ask for by Retry-After: 30 s; a workstation waits for its images.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// The pause before the first repetition; it doubles with each further one.
const PAUSE_MIN: Duration = Duration::from_millis(200);

/// Whether the same request may succeed when it is repeated. Retrieves are idempotent, so a broken
/// connection is no obstacle; an answer that puts off was waited for by the client already, and a token was
/// asked for as often as makes sense.
pub(super) fn is_worth_repeating(error: &Error) -> bool {
    let put_off = matches!(error, Error::Refused { status, .. } if matches!(status.as_u16(), 429 | 503));
    let no_token = matches!(error, Error::Token(_));
    !put_off && !no_token && matches!(error.remedy(), Remedy::Retry { .. } | Remedy::Unknown)
}

/// How long to wait before a request is repeated that was repeated `repetitions` times before.
pub(super) fn pause(error: &Error, repetitions: u32) -> Duration {
    let own = PAUSE_MIN.saturating_mul(2_u32.saturating_pow(repetitions));
    match error.remedy() {
        Remedy::Retry { after: Some(after) } => after.max(own).min(PAUSE_MAX),
        _ => own.min(PAUSE_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn refused(status: u16, seconds: Option<u64>) -> Error {
        Error::Refused {
            status: status.try_into().unwrap(),
            retry_after: seconds.map(Duration::from_secs),
            credentials_changed: false,
        }
    }

    #[test]
    fn what_may_pass_is_repeated_after_a_pause() {
        let ms = Duration::from_millis;
        let cases = [
            (refused(500, None), 0, Some(ms(200))),
            (refused(500, None), 3, Some(ms(1600))),
            (refused(502, Some(2)), 0, Some(ms(2000))),
            (refused(504, Some(3600)), 0, Some(ms(30_000))),
            (refused(503, Some(2)), 0, None),
            (refused(429, None), 0, None),
            (refused(500, None), 60, Some(ms(30_000))),
            (Error::Interrupted("broken".into()), 0, Some(ms(200))),
            (refused(404, None), 0, None),
            (refused(401, None), 0, None),
            (refused(400, None), 0, None),
        ];
        for (error, repetitions, expected) in cases {
            let got = is_worth_repeating(&error).then(|| pause(&error, repetitions));
            assert_eq!(got, expected, "{error} {repetitions}");
        }
    }
}
