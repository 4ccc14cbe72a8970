//! Dates and times as the vendor writes them.

use std::fmt;
use std::str::FromStr;

use jiff::civil;
use serde::{Deserialize, Serialize};

use crate::Fault;

/// A date, sent as `YYYY-MM-DD`. It may be a patient's date of birth, so `Debug` keeps it to itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date(civil::Date);

/// A date and a time of day to the minute, sent as `YYYY-MM-DD HH:MM`. The vendor states no time zone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DateTime {
    date: Date,
    hour: u8,
    minute: u8,
}

impl Date {
    /// A date of the calendar.
    #[must_use]
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let (year, month, day) =
            (i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?);
        if year < 1 {
            return None;
        }
        civil::Date::new(year, month, day).ok().map(Self)
    }

    /// `YYYY-MM-DD`.
    #[must_use]
    pub fn to_text(self) -> String {
        format!("{:04}-{:02}-{:02}", self.0.year(), self.0.month(), self.0.day())
    }

    /// `YYYYMMDD`, as a data set holds it (PS3.5 §6.2).
    #[must_use]
    pub fn to_dicom(self) -> String {
        format!("{:04}{:02}{:02}", self.0.year(), self.0.month(), self.0.day())
    }

    /// The date that many days later, or earlier; the last or first of the calendar where there is none.
    #[must_use]
    pub fn plus_days(self, days: i32) -> Self {
        Self(self.0.saturating_add(jiff::Span::new().days(days)))
    }

    /// A date in any form that leaves no doubt: `YYYY-MM-DD` or `YYYYMMDD`, with or without a time behind.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let date = text.split(['T', ' ']).next().unwrap_or_default();
        if date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()) {
            return Self::of_digits(&date[..4], &date[4..6], &date[6..]);
        }
        date.parse().ok()
    }

    fn of_digits(year: &str, month: &str, day: &str) -> Option<Self> {
        Self::new(
            digits(year, 4)?,
            u8::try_from(digits(month, 2)?).ok()?,
            u8::try_from(digits(day, 2)?).ok()?,
        )
    }
}

impl DateTime {
    /// A minute of a day.
    #[must_use]
    pub const fn new(date: Date, hour: u8, minute: u8) -> Option<Self> {
        if hour < 24 && minute < 60 { Some(Self { date, hour, minute }) } else { None }
    }

    /// Its date.
    #[must_use]
    pub const fn date(self) -> Date {
        self.date
    }

    /// Its hour, 0 to 23.
    #[must_use]
    pub const fn hour(self) -> u8 {
        self.hour
    }

    /// Its minute, 0 to 59.
    #[must_use]
    pub const fn minute(self) -> u8 {
        self.minute
    }

    /// `YYYY-MM-DD HH:MM`.
    #[must_use]
    pub fn to_text(self) -> String {
        format!("{} {:02}:{:02}", self.date.to_text(), self.hour, self.minute)
    }

    /// A date and time in any form that leaves no doubt; seconds and what follows them are dropped.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let (date, time) = text.split_once(['T', ' '])?;
        let mut parts = time.split([':', '.', 'Z', '+', '-']);
        let (hour, minute) = (parts.next()?, parts.next()?);
        Self::of_digits(Date::read(date)?, hour, minute)
    }

    fn of_digits(date: Date, hour: &str, minute: &str) -> Option<Self> {
        let hour = u8::try_from(digits(hour, 2)?).ok()?;
        Self::new(date, hour, u8::try_from(digits(minute, 2)?).ok()?)
    }
}

/// A number of exactly that many digits.
fn digits(text: &str, count: usize) -> Option<u16> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

impl FromStr for Date {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        if text.trim().is_empty() {
            return Err(Fault::Missing);
        }
        let mut parts = text.split('-');
        let (year, month, day) = (parts.next(), parts.next(), parts.next());
        match (year, month, day, parts.next()) {
            (Some(year), Some(month), Some(day), None) => {
                Self::of_digits(year, month, day).ok_or(Fault::Date)
            }
            _ => Err(Fault::Date),
        }
    }
}

impl FromStr for DateTime {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        if text.trim().is_empty() {
            return Err(Fault::Missing);
        }
        let (date, time) = text.split_once(' ').ok_or(Fault::DateTime)?;
        let (hour, minute) = time.split_once(':').ok_or(Fault::DateTime)?;
        let date = date.parse().map_err(|_| Fault::DateTime)?;
        Self::of_digits(date, hour, minute).ok_or(Fault::DateTime)
    }
}

impl TryFrom<String> for Date {
    type Error = Fault;

    fn try_from(text: String) -> Result<Self, Fault> {
        text.parse()
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_text()
    }
}

impl From<civil::Date> for Date {
    fn from(date: civil::Date) -> Self {
        Self(date)
    }
}

impl TryFrom<String> for DateTime {
    type Error = Fault;

    fn try_from(text: String) -> Result<Self, Fault> {
        text.parse()
    }
}

impl From<DateTime> for String {
    fn from(at: DateTime) -> Self {
        at.to_text()
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Date(..)")
    }
}

impl fmt::Debug for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DateTime(..)")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_have_one_form() {
        for text in ["1980-01-02", "2024-02-29", "0001-01-01", "9999-12-31"] {
            assert_eq!(text.parse::<Date>().unwrap().to_text(), text);
        }
        let wrong = [
            "1980-1-2",
            "19800102",
            "1980-02-30",
            "2023-02-29",
            "1980-13-01",
            "1980-00-01",
            "0000-01-01",
            "1980/01/02",
            "02-01-1980",
            "1980-01-02 ",
            " 1980-01-02",
            "1980-01-02T00:00",
            "+980-01-02",
            "1980-01-0２",
        ];
        for text in wrong {
            assert_eq!(text.parse::<Date>(), Err(Fault::Date), "{text:?}");
        }
        assert_eq!("".parse::<Date>(), Err(Fault::Missing));
    }

    #[test]
    fn times_have_one_form() {
        for text in ["2026-01-02 10:30", "2026-01-02 00:00", "2026-01-02 23:59"] {
            assert_eq!(text.parse::<DateTime>().unwrap().to_text(), text);
        }
        for text in [
            "2026-01-02",
            "2026-01-02 24:00",
            "2026-01-02 10:60",
            "2026-01-02T10:30",
            "2026-01-02 1:30",
            "2026-01-02 10:30:00",
        ] {
            assert_eq!(text.parse::<DateTime>(), Err(Fault::DateTime), "{text:?}");
        }
    }

    #[test]
    fn answers_are_read_in_more_forms() {
        let day = Date::new(2026, 1, 2);
        for text in ["2026-01-02", "20260102", "2026-01-02T10:30:15.123Z", "2026-01-02 10:30:15"] {
            assert_eq!(Date::read(text), day, "{text}");
        }
        for text in ["01/02/2026", "2.1.2026", "soon", ""] {
            assert_eq!(Date::read(text), None, "{text}");
        }
        for text in ["2026-01-02 10:30", "2026-01-02T10:30:15.123Z", "20260102 10:30:15+01:00"] {
            assert_eq!(DateTime::read(text).unwrap().to_text(), "2026-01-02 10:30", "{text}");
        }
        assert_eq!(DateTime::read("2026-01-02"), None);
    }

    #[test]
    fn dates_of_birth_show_nowhere() {
        let at: DateTime = "1980-01-02 10:30".parse().unwrap();
        assert!(!format!("{at:?}{:?}", at.date()).contains("1980"));
        assert_eq!(at.date().to_dicom(), "19800102");
        assert_eq!(at.date().plus_days(-2).to_text(), "1979-12-31");
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_as_it_was(text in "[0-9]{4}-[01][0-9]-[0-3][0-9]( [0-2][0-9]:[0-5][0-9])?|\\PC{0,16}") {
            if let Ok(date) = text.parse::<Date>() {
                prop_assert_eq!(date.to_text(), text.clone());
                prop_assert_eq!(Date::read(&date.to_dicom()), Some(date));
            }
            if let Ok(at) = text.parse::<DateTime>() {
                prop_assert_eq!(at.to_text(), text.clone());
                prop_assert_eq!(DateTime::read(&text), Some(at));
            }
        }
    }
}
