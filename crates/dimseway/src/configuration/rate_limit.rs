//! How fast an origin is used.

use crate::config_file::{self, Day, Document, KeyPath, Problem};
use dicomweb::{
    RateLimit,
    pace::{Rates, Window},
};
use jiff::{civil::Weekday, tz::TimeZone};

/// Smallest limit on bytes, per second: below it one instance of a CT would take minutes, and servers would
/// give up waiting for it.
const BYTES_PER_SECOND_MIN: u64 = 4 << 10;

/// Most windows: more than a week has half-hours would be a mistake.
const WINDOWS_MAX: usize = 336;

/// The limits of an origin, written at `path`.
///
/// # Errors
/// The first problem.
pub(super) fn rate_limit(
    written: &config_file::RateLimit,
    path: &KeyPath,
    document: &Document,
) -> Result<RateLimit, Problem> {
    let rates = Rates {
        requests_per_second: written.requests_per_second,
        burst: written.burst,
        concurrent: written.concurrent,
        bytes_per_second: written.bytes_per_second.map(|size| size.0),
        deliveries: written.deliveries,
    };
    check(&rates, path, document)?;
    if written.windows.len() > WINDOWS_MAX {
        let message = format!("there are {} windows, {WINDOWS_MAX} are allowed", written.windows.len());
        return Err(document.problem(&path.key("windows"), message));
    }
    let windows = written.windows.iter().enumerate().map(|(index, window)| {
        let outside = if window.unlimited { Rates::default() } else { rates };
        let rates = Rates {
            requests_per_second: window.requests_per_second.or(outside.requests_per_second),
            burst: window.burst.or(outside.burst),
            concurrent: window.concurrent.or(outside.concurrent),
            bytes_per_second: window.bytes_per_second.map(|size| size.0).or(outside.bytes_per_second),
            deliveries: window.deliveries.unwrap_or(outside.deliveries),
        };
        check(&rates, &path.key("windows").index(index), document)?;
        let days = window.days.iter().map(|day| weekday(*day)).collect();
        Ok(Window { days, from: window.from.0.0, to: window.to.0.0, rates })
    });
    let windows = windows.collect::<Result<_, _>>()?;
    let time_zone = written.time_zone.as_ref().map_or_else(TimeZone::system, |zone| zone.0.0.clone());
    Ok(RateLimit { rates, windows, time_zone })
}

fn check(rates: &Rates, path: &KeyPath, document: &Document) -> Result<(), Problem> {
    let fault = |key: &str, message: &str| Err(document.problem(&path.key(key), message));
    if rates.requests_per_second.is_some_and(|rate| !rate.is_finite()) {
        return fault("requests_per_second", "must be a finite number; left out, nothing is limited");
    }
    if rates.requests_per_second.is_some_and(|rate| rate < 0.001) {
        return fault("requests_per_second", "at least 0.001 is needed: one request in a quarter of an hour");
    }
    if rates.burst == Some(0) {
        return fault("burst", "at least 1 is needed");
    }
    if rates.burst.is_some() && rates.requests_per_second.is_none() {
        return fault("burst", "has no meaning without `requests_per_second`");
    }
    if rates.concurrent == Some(0) {
        return fault("concurrent", "at least 1 is needed");
    }
    if rates.bytes_per_second.is_some_and(|rate| rate < BYTES_PER_SECOND_MIN) {
        return fault("bytes_per_second", "at least 4KiB is needed");
    }
    Ok(())
}

const fn weekday(day: Day) -> Weekday {
    match day {
        Day::Mon => Weekday::Monday,
        Day::Tue => Weekday::Tuesday,
        Day::Wed => Weekday::Wednesday,
        Day::Thu => Weekday::Thursday,
        Day::Fri => Weekday::Friday,
        Day::Sat => Weekday::Saturday,
        Day::Sun => Weekday::Sunday,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn read(text: &str) -> Result<RateLimit, String> {
        let document = Document::new("dimseway.toml".into(), text.to_owned());
        let written: config_file::RateLimit = toml::from_str(text).map_err(|error| error.to_string())?;
        rate_limit(&written, &KeyPath::root(), &document).map_err(|problem| problem.to_string())
    }

    #[test]
    fn nothing_is_limited_unless_it_is_written() {
        assert!(read("").unwrap().is_none());
    }

    #[test]
    fn a_window_changes_what_it_names() {
        let limit = read(
            r#"
            requests_per_second = 10
            concurrent = 8
            bytes_per_second = "10MiB"
            time_zone = "UTC"
            windows = [
                { days = ["mon"], from = "07:00", to = "18:00", bytes_per_second = "2MiB", deliveries = false },
                { from = "22:00", to = "05:00", unlimited = true, concurrent = 20 },
            ]"#,
        )
        .unwrap();
        let at = |moment: &str| {
            let rates = limit.at(moment.parse::<Timestamp>().unwrap());
            (rates.requests_per_second, rates.concurrent, rates.bytes_per_second, rates.deliveries)
        };
        // 2026-11-23 is a Monday.
        assert_eq!(at("2026-11-23T12:00:00Z"), (Some(10.0), Some(8), Some(2 << 20), false));
        assert_eq!(at("2026-11-24T12:00:00Z"), (Some(10.0), Some(8), Some(10 << 20), true));
        assert_eq!(at("2026-11-24T23:00:00Z"), (None, Some(20), None, true));
    }

    #[test]
    fn limits_that_would_let_nothing_through_are_refused() {
        for (text, message) in [
            ("requests_per_second = 0", "at least 0.001"),
            ("requests_per_second = -1", "at least 0.001"),
            ("requests_per_second = nan", "must be a finite number"),
            ("requests_per_second = inf", "must be a finite number; left out, nothing is limited"),
            ("burst = 3", "without `requests_per_second`"),
            ("requests_per_second = 1\nburst = 0", "at least 1"),
            ("concurrent = 0", "at least 1"),
            ("bytes_per_second = \"1KiB\"", "4KiB"),
            ("windows = [{ from = \"07:00\", to = \"18:00\", concurrent = 0 }]", "at least 1"),
            ("time_zone = \"Mars/Olympus\"", "IANA"),
            ("windows = [{ from = \"7\", to = \"18:00\" }]", "hours and minutes"),
            ("per_second = 3", "unknown field"),
        ] {
            let problem = read(text).unwrap_err();
            assert!(problem.contains(message), "{text}: {problem}");
        }
    }
}
