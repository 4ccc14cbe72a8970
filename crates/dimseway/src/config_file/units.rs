//! Sizes and time spans as people write them: a number and its unit.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

/// A size in bytes: `"512MiB"`, `"64 KiB"`, `"1GB"`. Units: B, KB, MB, GB, TB (powers of 1000) and
/// KiB, MiB, GiB, TiB (powers of 1024).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Size(pub(crate) u64);

/// A span of time: `"250ms"`, `"30s"`, `"30m"`, `"2h"`, `"7d"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span(pub(crate) Duration);

const SIZE_UNITS: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
];

/// Units of time in milliseconds.
const SPAN_UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl Size {
    pub(crate) const fn kib(count: u64) -> Self {
        Self(count << 10)
    }

    pub(crate) const fn mib(count: u64) -> Self {
        Self(count << 20)
    }
}

impl Span {
    pub(crate) const fn seconds(count: u64) -> Self {
        Self(Duration::from_secs(count))
    }

    pub(crate) const fn minutes(count: u64) -> Self {
        Self::seconds(count * 60)
    }

    pub(crate) const fn hours(count: u64) -> Self {
        Self::minutes(count * 60)
    }

    pub(crate) const fn days(count: u64) -> Self {
        Self::hours(count * 24)
    }
}

/// Splits `value` into its whole number and the factor of its unit, and multiplies them.
fn parse(value: &str, units: &[(&str, u64)]) -> Option<u64> {
    let value = value.trim();
    let digits = value.find(|character: char| !character.is_ascii_digit())?;
    let unit = value[digits..].trim();
    let (_, factor) = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?;
    value[..digits].parse::<u64>().ok()?.checked_mul(*factor)
}

/// The shortest exact form: the largest unit that divides `value`.
fn format(value: u64, units: &[(&str, u64)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let exact = units.iter().find(|(_, factor)| value != 0 && value.is_multiple_of(*factor));
    match exact {
        Some((unit, factor)) => write!(f, "{}{unit}", value / factor),
        None => {
            write!(f, "0{}", units.iter().rev().find(|(unit, _)| *unit != "ms").map_or("", |(unit, _)| unit))
        }
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        parse(value, &SIZE_UNITS).map(Self).ok_or_else(|| {
            format!("`{value}` is not a size: write a whole number and a unit, such as \"512MiB\" (B, KB, MB, GB, TB, KiB, MiB, GiB, TiB)")
        })
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(value: &str) -> Result<Self, String> {
        parse(value, &SPAN_UNITS).map(|milliseconds| Self(Duration::from_millis(milliseconds))).ok_or_else(|| {
            format!("`{value}` is not a time span: write a whole number and a unit, such as \"30s\" (ms, s, m, h, d)")
        })
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        format(self.0, &SIZE_UNITS, f)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        format(u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX), &SPAN_UNITS, f)
    }
}

/// Reads a string with [`FromStr`], and answers a bare number with what is missing: its unit.
struct WithUnit<T>(std::marker::PhantomData<T>);

impl<T: FromStr<Err = String>> de::Visitor<'_> for WithUnit<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string with a number and a unit")
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<T, E> {
        value.parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<T, E> {
        self.visit_str(&value.to_string())
    }
}

macro_rules! written_with_unit {
    ($type:ident, $name:literal, $pattern:literal) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_str(WithUnit(std::marker::PhantomData))
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "format": $name, "pattern": $pattern })
            }
        }
    };
}

written_with_unit!(Size, "size", "^[0-9]+ *([KMGTkmgt]i?)?[Bb]$");
written_with_unit!(Span, "time span", "^[0-9]+ *(ms|s|m|h|d)$");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_sizes() {
        for (written, bytes, again) in [
            ("512MiB", 512 << 20, "512MiB"),
            ("64 KiB", 64 << 10, "64KiB"),
            ("1024kib", 1 << 20, "1MiB"),
            ("5GB", 5_000_000_000, "5GB"),
            ("0B", 0, "0B"),
            ("7B", 7, "7B"),
        ] {
            let size: Size = written.parse().unwrap();
            assert_eq!((size.0, size.to_string().as_str()), (bytes, again), "{written}");
        }
        for wrong in ["", "12", "MiB", "1.5GiB", "-1B", "99999999999TiB", "1 parsec"] {
            assert!(wrong.parse::<Size>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn reads_and_writes_time_spans() {
        for (written, milliseconds, again) in [
            ("250ms", 250, "250ms"),
            ("90s", 90_000, "90s"),
            ("60m", 3_600_000, "1h"),
            ("0s", 0, "0s"),
            ("7d", 604_800_000, "7d"),
        ] {
            let span: Span = written.parse().unwrap();
            assert_eq!((span.0.as_millis(), span.to_string().as_str()), (milliseconds, again), "{written}");
        }
        for wrong in ["30", "30 sec", "s", "1.5h"] {
            assert!(wrong.parse::<Span>().is_err(), "{wrong}");
        }
    }
}
