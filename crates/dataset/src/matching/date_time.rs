//! Dates and times by their meaning (PS3.4 §C.2.2.2.1.3 and §C.2.2.2.5).

use std::fmt;

use instance::Tag;
use jiff::civil::{Date, DateTime, Time};

use crate::{element::VR, json::Item};

/// Dates and the times that belong to them, for combined matching.
pub(super) const PAIRS: &[(Tag, Tag)] = &[
    (Tag(0x0008, 0x0012), Tag(0x0008, 0x0013)),
    (Tag(0x0008, 0x0020), Tag(0x0008, 0x0030)),
    (Tag(0x0008, 0x0021), Tag(0x0008, 0x0031)),
    (Tag(0x0008, 0x0022), Tag(0x0008, 0x0032)),
    (Tag(0x0008, 0x0023), Tag(0x0008, 0x0033)),
    (Tag(0x0010, 0x0030), Tag(0x0010, 0x0032)),
    (Tag(0x0040, 0x0002), Tag(0x0040, 0x0003)),
    (Tag(0x0040, 0x0004), Tag(0x0040, 0x0005)),
    (Tag(0x0040, 0x0244), Tag(0x0040, 0x0245)),
    (Tag(0x0040, 0x0250), Tag(0x0040, 0x0251)),
    (Tag(0x0040, 0xA121), Tag(0x0040, 0xA122)),
];

/// A value of DA, TM or DT: from its beginning to the end of what its precision leaves open. A time
/// alone is one of the first day of year 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    begin: DateTime,
    end: DateTime,
    /// Minutes that the value is ahead of UTC, where it says so.
    offset: Option<i64>,
}

impl Moment {
    /// Reads a value of a key.
    pub(super) fn in_key(vr: VR, text: &str) -> Option<Self> {
        match vr {
            VR::DA => date(text),
            VR::TM => time(text),
            _ => date_time(text),
        }
    }

    /// Reads a value of data, where a date may also be written with hyphens.
    pub(super) fn in_data(vr: VR, text: &str) -> Option<Self> {
        match (vr, text.as_bytes()) {
            (VR::DA, [_, _, _, _, b'-', _, _, b'-', _, _]) => date(&text.replace('-', "")),
            _ => Self::in_key(vr, text),
        }
    }

    /// Whether the beginning of `data` lies in it.
    pub(super) fn holds(&self, data: &Self) -> bool {
        self.begins_before(data) && self.ends_after(data)
    }

    fn begins_before(&self, data: &Self) -> bool {
        let (shift, other) = self.shifts(data);
        earlier_by(self.begin, shift) <= earlier_by(data.begin, other)
    }

    fn ends_after(&self, data: &Self) -> bool {
        let (shift, other) = self.shifts(data);
        earlier_by(data.begin, other) <= earlier_by(self.end, shift)
    }

    /// Minutes to take off both sides: offsets count where both are known.
    fn shifts(&self, data: &Self) -> (i64, i64) {
        self.offset.zip(data.offset).unwrap_or((0, 0))
    }
}

fn earlier_by(at: DateTime, minutes: i64) -> DateTime {
    at.saturating_sub(jiff::SignedDuration::from_mins(minutes))
}

/// A range with at least one end (PS3.4 §C.2.2.2.5.1 to §C.2.2.2.5.3), inclusive.
#[derive(Debug, Clone, PartialEq)]
pub struct Range {
    vr: VR,
    from: Option<(String, Moment)>,
    to: Option<(String, Moment)>,
}

/// Ends of a range as they were read; a lone hyphen has none.
pub(super) enum Ends {
    Both(Range),
    None,
}

impl Range {
    /// Reads a key with a hyphen; none where it is no range.
    pub(super) fn parse(vr: VR, text: &str) -> Option<Ends> {
        // An offset from UTC may have a hyphen of its own: the first split that makes sense is meant.
        text.match_indices('-').find_map(|(at, _)| {
            let (from, to) = (text[..at].trim(), text[at + 1..].trim());
            if vr != VR::DT && to.contains('-') {
                return None;
            }
            if from.is_empty() && to.is_empty() {
                return Some(Ends::None);
            }
            let end = |text: &str| match text {
                "" => Some(None),
                text => Moment::in_key(vr, text).map(|moment| Some((usual(vr, text), moment))),
            };
            let range = Self { vr, from: end(from)?, to: end(to)? };
            let ordered = match (&range.from, &range.to) {
                (Some((_, from)), Some((_, to))) => vr != VR::DT || from.begin <= to.end,
                _ => true,
            };
            ordered.then_some(Ends::Both(range))
        })
    }

    /// DA, TM or DT.
    #[must_use]
    pub const fn vr(&self) -> VR {
        self.vr
    }

    /// The first value of the range; none where it has no beginning. Dates have eight digits, times
    /// no colons.
    #[must_use]
    pub fn from(&self) -> Option<&str> {
        self.from.as_ref().map(|(text, _)| text.as_str())
    }

    /// The last value of the range; none where it has no end.
    #[must_use]
    pub fn to(&self) -> Option<&str> {
        self.to.as_ref().map(|(text, _)| text.as_str())
    }

    pub(super) fn holds(&self, data: &Moment) -> bool {
        self.from.as_ref().is_none_or(|(_, from)| from.begins_before(data))
            && self.to.as_ref().is_none_or(|(_, to)| to.ends_after(data))
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from().unwrap_or_default(), self.to().unwrap_or_default())
    }
}

/// Combined date-time matching (PS3.4 §C.2.2.2.5.4): both ranges have the same form, and their
/// values together are matched as if they were one range of DT.
#[derive(Debug, Clone, PartialEq)]
pub struct DateTimeRange {
    date: Range,
    time: Range,
    time_tag: Tag,
}

impl DateTimeRange {
    /// Joins two ranges of the same form.
    pub(super) fn new(date: Range, time: Range, time_tag: Tag) -> Option<Self> {
        let same_form = date.from.is_some() == time.from.is_some() && date.to.is_some() == time.to.is_some();
        same_form.then_some(Self { date, time, time_tag })
    }

    /// The range of dates.
    #[must_use]
    pub const fn date(&self) -> &Range {
        &self.date
    }

    /// The range of times, of which the first belongs to the first date and the last to the last.
    #[must_use]
    pub const fn time(&self) -> &Range {
        &self.time
    }

    /// The attribute with the time.
    #[must_use]
    pub const fn time_tag(&self) -> Tag {
        self.time_tag
    }

    /// A date without a time counts from midnight.
    pub(super) fn matches(&self, date_tag: Tag, item: &Item) -> bool {
        let read = |tag, vr| item.text(tag).and_then(|text| Moment::in_data(vr, &text));
        let Some(date) = read(date_tag, VR::DA) else {
            return false;
        };
        let time = read(self.time_tag, VR::TM).map_or(Time::midnight(), |time| time.begin.time());
        let at = date.begin.date().to_datetime(time);
        let ends = |date: &Option<(String, Moment)>, time: &Option<(String, Moment)>| {
            let ((_, date), (_, time)) = (date.as_ref()?, time.as_ref()?);
            let on = |time: DateTime| date.begin.date().to_datetime(time.time());
            Some((on(time.begin), on(time.end)))
        };
        ends(&self.date.from, &self.time.from).is_none_or(|(begin, _)| begin <= at)
            && ends(&self.date.to, &self.time.to).is_none_or(|(_, end)| at <= end)
    }
}

/// A value in the usual form: dates without points, times without colons.
pub(super) fn usual(vr: VR, text: &str) -> String {
    match vr {
        VR::DA => text.replace('.', ""),
        VR::TM => text.replace(':', ""),
        _ => text.to_owned(),
    }
}

/// `YYYYMMDD`, or `YYYY.MM.DD` as in earlier editions.
fn date(text: &str) -> Option<Moment> {
    let digits = match text.as_bytes() {
        [_, _, _, _, b'.', _, _, b'.', _, _] => text.replace('.', ""),
        _ => text.to_owned(),
    };
    if digits.len() != 8 {
        return None;
    }
    let (begin, end) = days(&digits)?;
    Some(Moment { begin: begin.to_datetime(Time::midnight()), end: end.to_datetime(Time::MAX), offset: None })
}

/// `HH`, `HHMM`, `HHMMSS` or `HHMMSS.FFFFFF`, also with colons as in earlier editions.
fn time(text: &str) -> Option<Moment> {
    let (begin, end) = times(&text.replace(':', ""))?;
    let day = Date::constant(1, 1, 1);
    Some(Moment { begin: day.to_datetime(begin), end: day.to_datetime(end), offset: None })
}

/// `YYYYMMDDHHMMSS.FFFFFF&ZZXX`, of which all behind the year may be absent.
fn date_time(text: &str) -> Option<Moment> {
    let (text, offset) = match text.find(['+', '-']) {
        Some(at) => (&text[..at], Some(minutes(&text[at..])?)),
        None => (text, None),
    };
    if !text.is_ascii() {
        return None;
    }
    let (day, within) = text.split_at(text.len().min(8));
    let (begin, end) = days(day)?;
    let (first, last) = if within.is_empty() { (Time::midnight(), Time::MAX) } else { times(within)? };
    Some(Moment { begin: begin.to_datetime(first), end: end.to_datetime(last), offset })
}

/// The first and the last day of `YYYY`, `YYYYMM` or `YYYYMMDD`.
fn days(text: &str) -> Option<(Date, Date)> {
    if !matches!(text.len(), 4 | 6 | 8) {
        return None;
    }
    let year = i16::try_from(number(text.get(..4)?)?).ok()?;
    let part = |at: usize| match text.get(at..at + 2) {
        Some(digits) => Some(Some(number(digits)?)),
        None => Some(None),
    };
    let small = |value: u32| i8::try_from(value).ok();
    Some(match (part(4)?, part(6)?) {
        (Some(month), Some(day)) => {
            let date = Date::new(year, small(month)?, small(day)?).ok()?;
            (date, date)
        }
        (Some(month), None) => {
            let first = Date::new(year, small(month)?, 1).ok()?;
            (first, first.last_of_month())
        }
        _ => {
            let first = Date::new(year, 1, 1).ok()?;
            (first, first.last_of_year())
        }
    })
}

/// The first and the last moment of a time of limited precision. A leap second counts as the one
/// before it.
fn times(text: &str) -> Option<(Time, Time)> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) if whole.len() == 6 && matches!(fraction.len(), 1..=6) => (whole, fraction),
        Some(_) => return None,
        None => (text, ""),
    };
    if !matches!(whole.len(), 2 | 4 | 6) {
        return None;
    }
    let part = |at: usize, missing: u32| match whole.get(at..at + 2) {
        Some(digits) => number(digits),
        None => Some(missing),
    };
    let at = |missing: u32, filler: &str| {
        let digits = format!("{fraction}{}", filler.get(fraction.len()..)?);
        let nanoseconds = i32::try_from(number(&digits)?).ok()?;
        let small = |value: u32| i8::try_from(value).ok();
        let seconds = small(part(4, missing)?)?;
        let seconds = if seconds == 60 { 59 } else { seconds };
        Time::new(small(part(0, 0)?)?, small(part(2, missing)?)?, seconds, nanoseconds).ok()
    };
    Some((at(0, "000000000")?, at(59, "999999999")?))
}

/// `+HHMM` or `-HHMM` in minutes; from -1200 to +1400 (PS3.5 §6.2).
fn minutes(text: &str) -> Option<i64> {
    let (sign, digits) = text.split_at_checked(1)?;
    if digits.len() != 4 {
        return None;
    }
    let (hours, minutes) = (i64::from(number(digits.get(..2)?)?), i64::from(number(digits.get(2..)?)?));
    let ahead = if sign == "-" { -(hours * 60 + minutes) } else { hours * 60 + minutes };
    (minutes < 60 && (-720..=840).contains(&ahead)).then_some(ahead)
}

fn number(digits: &str) -> Option<u32> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}
