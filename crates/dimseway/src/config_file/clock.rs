//! Times of day and time zones as they are written.

use jiff::{civil::Time, tz::TimeZone};
use std::{fmt, str::FromStr};

/// A time of day to the minute: `"07:30"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClockTime(pub(crate) Time);

impl ClockTime {
    /// The beginning of the day.
    pub(crate) const MIDNIGHT: Self = Self(Time::midnight());
}

impl FromStr for ClockTime {
    type Err = &'static str;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "write hours and minutes, such as \"07:30\"";
        Time::strptime("%H:%M", value).map(Self).map_err(|_| FORM)
    }
}

impl fmt::Display for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%H:%M"))
    }
}

/// A time zone by its name in the IANA database: `"Europe/Berlin"`, `"UTC"`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ZoneName(pub(crate) TimeZone);

impl FromStr for ZoneName {
    type Err = &'static str;

    fn from_str(value: &str) -> Result<Self, Self::Err> {
        const FORM: &str = "write a name of the IANA database, such as \"Europe/Berlin\" or \"UTC\"";
        TimeZone::get(value).map(Self).map_err(|_| FORM)
    }
}

impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}
