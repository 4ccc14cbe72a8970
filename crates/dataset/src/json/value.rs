//! Raw values of a data set to JSON, by VR (PS3.18 §F.2.3).

use std::io::{self, Write};

use dicom_core::VR;

use super::{
    PersonName,
    write::{comma, inline_binary, person_name, string},
};
use crate::{character_set::CharacterSet, element::Form};

/// Writes `Value` or `InlineBinary` of an element, with its leading comma; nothing for an empty one.
pub(super) fn write(
    vr: VR,
    form: Form,
    value: &[u8],
    character_set: &CharacterSet,
    out: &mut impl Write,
) -> io::Result<()> {
    match vr {
        VR::PN => names(&character_set.decode_person_names(value), out),
        VR::LO | VR::SH | VR::UC => texts(&character_set.decode_values(value), string, out),
        VR::ST | VR::LT | VR::UT => texts(&[character_set.decode_text(value)], string, out),
        VR::UR => texts(&[CharacterSet::default().decode_text(value)], string, out),
        VR::AE | VR::AS | VR::CS | VR::DA | VR::DT | VR::TM | VR::UI => {
            texts(&CharacterSet::default().decode_values(value), string, out)
        }
        VR::DS | VR::IS => texts(&CharacterSet::default().decode_values(value), decimal, out),
        VR::US => numbers(value, out, |b: [u8; 2], out| write!(out, "{}", form.u16(b))),
        VR::SS => numbers(value, out, |b: [u8; 2], out| write!(out, "{}", form.u16(b).cast_signed())),
        VR::UL => numbers(value, out, |b: [u8; 4], out| write!(out, "{}", form.u32(b))),
        VR::SL => numbers(value, out, |b: [u8; 4], out| write!(out, "{}", form.u32(b).cast_signed())),
        VR::FL => numbers(value, out, |b: [u8; 4], out| {
            let float = f32::from_bits(form.u32(b));
            if float.is_finite() {
                Ok(serde_json::to_writer(out, &float)?)
            } else {
                not_finite(float.into(), out)
            }
        }),
        VR::FD => numbers(value, out, |b: [u8; 8], out| {
            let float = f64::from_bits(form.u64(b));
            if float.is_finite() { Ok(serde_json::to_writer(out, &float)?) } else { not_finite(float, out) }
        }),
        VR::UV => numbers(value, out, |b: [u8; 8], out| long(form.u64(b).into(), out)),
        VR::SV => numbers(value, out, |b: [u8; 8], out| long(form.u64(b).cast_signed().into(), out)),
        VR::AT => numbers(value, out, |[a, b, c, d]: [u8; 4], out| {
            write!(out, "\"{:04X}{:04X}\"", form.u16([a, b]), form.u16([c, d]))
        }),
        VR::SQ => Ok(()),
        VR::OB | VR::UN => inline_binary(value, out),
        VR::OW => inline_binary(&little_endian(value, 2, form), out),
        VR::OL | VR::OF => inline_binary(&little_endian(value, 4, form), out),
        VR::OD | VR::OV => inline_binary(&little_endian(value, 8, form), out),
    }
}

/// Texts, null where empty, and no `Value` at all where all of them are.
fn texts<W: Write>(
    values: &[String],
    write: impl Fn(&str, &mut W) -> io::Result<()>,
    out: &mut W,
) -> io::Result<()> {
    if values.iter().all(String::is_empty) {
        return Ok(());
    }
    out.write_all(b",\"Value\":[")?;
    for (index, text) in values.iter().enumerate() {
        comma(index, out)?;
        if text.is_empty() { out.write_all(b"null")? } else { write(text, out)? }
    }
    out.write_all(b"]")
}

fn names(values: &[String], out: &mut impl Write) -> io::Result<()> {
    let values: Vec<PersonName> = values.iter().map(|name| PersonName::parse(name)).collect();
    if values.iter().all(PersonName::is_empty) {
        return Ok(());
    }
    out.write_all(b",\"Value\":[")?;
    for (index, name) in values.iter().enumerate() {
        comma(index, out)?;
        person_name(name, out)?;
    }
    out.write_all(b"]")
}

/// Values of a fixed size; a rest that is too short for one is left out.
fn numbers<const N: usize, W: Write>(
    value: &[u8],
    out: &mut W,
    write: impl Fn([u8; N], &mut W) -> io::Result<()>,
) -> io::Result<()> {
    let (values, _) = value.as_chunks::<N>();
    if values.is_empty() {
        return Ok(());
    }
    out.write_all(b",\"Value\":[")?;
    for (index, bytes) in values.iter().enumerate() {
        comma(index, out)?;
        write(*bytes, out)?;
    }
    out.write_all(b"]")
}

/// DS and IS: a JSON number with the very digits of the data set, or text where JSON has no such
/// number.
fn decimal(text: &str, out: &mut impl Write) -> io::Result<()> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let trimmed = digits.trim_start_matches('0');
    // JSON allows one zero before the point and none before other digits.
    let digits = if trimmed.starts_with(|c: char| c.is_ascii_digit()) {
        trimmed.to_owned()
    } else {
        format!("0{trimmed}")
    };
    let number = format!("{sign}{digits}");
    let is_number = text.contains(|c: char| c.is_ascii_digit())
        && serde_json::from_str::<serde_json::Number>(&number)
            .is_ok_and(|n| n.as_f64().is_some_and(f64::is_finite));
    if is_number { out.write_all(number.as_bytes()) } else { string(text, out) }
}

/// SV and UV: a number where every reader of JSON keeps it exact, else text (PS3.18 §F.2.3).
fn long(value: i128, out: &mut impl Write) -> io::Result<()> {
    const EXACT_MAX: u128 = 1 << 53;
    if value.unsigned_abs() <= EXACT_MAX { write!(out, "{value}") } else { write!(out, "\"{value}\"") }
}

/// JSON has no such numbers and PS3.18 §F.2.3 no texts for them; these are what `dicom-json` reads.
fn not_finite(value: f64, out: &mut impl Write) -> io::Result<()> {
    let text = match value {
        value if value.is_nan() => "NaN",
        value if value > 0.0 => "inf",
        _ => "-inf",
    };
    string(text, out)
}

/// `InlineBinary` is little endian whatever the data set was (PS3.18 §F.2.7).
fn little_endian(value: &[u8], width: usize, form: Form) -> Vec<u8> {
    let mut value = value.to_vec();
    if form.big_endian {
        value.chunks_exact_mut(width).for_each(<[u8]>::reverse);
    }
    value
}
