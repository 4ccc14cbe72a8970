//! Values by VR (PS3.5 §6.2), bytes to the model and back.

use std::borrow::Cow;

use serde_json::Number;

use crate::{
    character_set::CharacterSet,
    element::{Form, VR},
    json::{Content, Element, PersonName, Value},
};

/// Whether (0008,0005) governs the values (PS3.5 §6.1.2.3).
pub(super) const fn is_in_character_set(vr: VR) -> bool {
    matches!(vr, VR::LO | VR::LT | VR::PN | VR::SH | VR::ST | VR::UC | VR::UT)
}

/// What the bytes of a value mean. Bytes too few for one more number are left out.
pub(super) fn content(vr: VR, form: Form, bytes: &[u8], character_set: &CharacterSet) -> Content {
    let ascii = CharacterSet::default();
    let values = match vr {
        VR::PN => {
            let names = character_set.decode_person_names(bytes);
            names.iter().map(|name| name_value(PersonName::parse(name))).collect()
        }
        VR::LO | VR::SH | VR::UC => texts(character_set.decode_values(bytes)),
        VR::ST | VR::LT | VR::UT => texts(vec![character_set.decode_text(bytes)]),
        VR::UR => texts(vec![ascii.decode_text(bytes)]),
        VR::AE | VR::AS | VR::CS | VR::DA | VR::DS | VR::DT | VR::IS | VR::TM | VR::UI => {
            texts(ascii.decode_values(bytes))
        }
        VR::US => numbers(bytes, |value| form.u16(value).into()),
        VR::SS => numbers(bytes, |value| form.u16(value).cast_signed().into()),
        VR::UL => numbers(bytes, |value| form.u32(value).into()),
        VR::SL => numbers(bytes, |value| form.u32(value).cast_signed().into()),
        VR::UV => numbers(bytes, |value| form.u64(value).into()),
        VR::SV => numbers(bytes, |value| form.u64(value).cast_signed().into()),
        VR::FL => floats(bytes, |value| f32::from_bits(form.u32(value)).into()),
        VR::FD => floats(bytes, |value| f64::from_bits(form.u64(value))),
        VR::AT => {
            let (tags, _) = bytes.as_chunks::<4>();
            let text =
                |[a, b, c, d]: &[u8; 4]| format!("{:04X}{:04X}", form.u16([*a, *b]), form.u16([*c, *d]));
            tags.iter().map(|tag| Value::Text(text(tag))).collect()
        }
        VR::SQ => Vec::new(),
        VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW | VR::UN => {
            return if bytes.is_empty() {
                Content::Empty
            } else {
                Content::InlineBinary(swapped(bytes, width(vr), form).into_owned())
            };
        }
    };
    Element::values(vr, values).content
}

/// Appends the bytes of an element that is no sequence, and says how many characters had to be
/// replaced. What the VR has no form for becomes an empty value.
pub(super) fn append(
    vr: VR,
    content: &Content,
    form: Form,
    character_set: &CharacterSet,
    out: &mut Vec<u8>,
) -> usize {
    match content {
        Content::Values(values) if is_text(vr) || vr == VR::UN => {
            return append_texts(vr, values, character_set, out);
        }
        Content::Values(values) => {
            let begin = out.len();
            if !values.iter().all(|value| append_number(vr, value, form, out)) {
                out.truncate(begin);
            }
        }
        Content::InlineBinary(bytes) if !is_text(vr) => {
            out.extend_from_slice(&swapped(bytes, width(vr), form));
        }
        Content::InlineBinary(_) | Content::BulkDataUri(_) | Content::Empty => {}
    }
    0
}

fn append_texts(vr: VR, values: &[Value], character_set: &CharacterSet, out: &mut Vec<u8>) -> usize {
    let ascii;
    let character_set = if is_in_character_set(vr) || vr == VR::UN {
        character_set
    } else {
        ascii = CharacterSet::default();
        &ascii
    };
    let begin = out.len();
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(b'\\');
        }
        out.extend_from_slice(text(vr, value).as_bytes());
    }
    if character_set.is_ascii_plain(&out[begin..]) {
        return 0;
    }
    let joined = String::from_utf8_lossy(&out[begin..]).into_owned();
    let encoded = match vr {
        VR::PN => character_set.encode_person_names(&joined),
        VR::ST | VR::LT | VR::UT => character_set.encode_text(&joined),
        _ => character_set.encode_values(&joined),
    };
    out.truncate(begin);
    out.extend_from_slice(&encoded.bytes);
    encoded.replaced
}

fn texts(texts: Vec<String>) -> Vec<Value> {
    let value = |text: String| if text.is_empty() { Value::Null } else { Value::Text(text) };
    texts.into_iter().map(value).collect()
}

fn name_value(name: PersonName) -> Value {
    if name.is_empty() { Value::Null } else { Value::Name(Box::new(name)) }
}

fn numbers<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> Number) -> Vec<Value> {
    let (values, _) = bytes.as_chunks::<N>();
    values.iter().map(|value| Value::Number(number(*value))).collect()
}

/// JSON has no numbers beyond the finite ones; they become text.
fn floats<const N: usize>(bytes: &[u8], float: impl Fn([u8; N]) -> f64) -> Vec<Value> {
    let (values, _) = bytes.as_chunks::<N>();
    let value = |value: &[u8; N]| {
        let float = float(*value);
        Number::from_f64(float).map_or_else(|| Value::Text(float.to_string()), Value::Number)
    };
    values.iter().map(value).collect()
}

fn text(vr: VR, value: &Value) -> Cow<'_, str> {
    match (vr, value) {
        (VR::DS, Value::Number(number)) => Cow::Owned(decimal_string(number)),
        _ => value.text().unwrap_or_default(),
    }
}

/// A number in the 16 characters that DS has (PS3.5 §6.2), as exact as they allow.
fn decimal_string(number: &Number) -> String {
    const LENGTH_MAX: usize = 16;
    let whole = number.to_string();
    let Some(float) = number.as_f64().filter(|_| whole.len() > LENGTH_MAX) else {
        return whole;
    };
    let scientific = (0..LENGTH_MAX).rev().map(|digits| format!("{float:.digits$e}"));
    let plain = (0..LENGTH_MAX).rev().map(|digits| format!("{float:.digits$}"));
    let near = |text: &String| {
        let read: f64 = text.parse().unwrap_or(f64::NAN);
        text.len() <= LENGTH_MAX && (read - float).abs() <= float.abs() * 1e-8
    };
    plain.chain(scientific).find(near).unwrap_or(whole)
}

/// Appends a binary number; false where the value is none of the VR.
fn append_number(vr: VR, value: &Value, form: Form, out: &mut Vec<u8>) -> bool {
    let begin = out.len();
    if little_endian_number(vr, value, out).is_none() {
        return false;
    }
    if form.big_endian {
        out[begin..].chunks_exact_mut(width(vr)).for_each(<[u8]>::reverse);
    }
    true
}

fn little_endian_number(vr: VR, value: &Value, out: &mut Vec<u8>) -> Option<()> {
    let integer = || -> Option<i128> {
        match value {
            Value::Number(number) if number.is_u64() => number.as_u64().map(i128::from),
            Value::Text(text) => text.trim().parse().ok(),
            _ => value.integer().map(i128::from),
        }
    };
    let float = || -> Option<f64> {
        match value {
            Value::Number(number) => number.as_f64(),
            _ => value.text()?.trim().parse().ok(),
        }
    };
    match vr {
        VR::US => out.extend(u16::try_from(integer()?).ok()?.to_le_bytes()),
        VR::SS => out.extend(i16::try_from(integer()?).ok()?.to_le_bytes()),
        VR::UL => out.extend(u32::try_from(integer()?).ok()?.to_le_bytes()),
        VR::SL => out.extend(i32::try_from(integer()?).ok()?.to_le_bytes()),
        VR::UV => out.extend(u64::try_from(integer()?).ok()?.to_le_bytes()),
        VR::SV => out.extend(i64::try_from(integer()?).ok()?.to_le_bytes()),
        #[expect(clippy::cast_possible_truncation, reason = "FL has the precision that it has")]
        VR::FL => out.extend((float()? as f32).to_le_bytes()),
        VR::FD => out.extend(float()?.to_le_bytes()),
        VR::AT => {
            let [a, b, c, d] = u32::from_str_radix(value.text()?.trim(), 16).ok()?.to_be_bytes();
            out.extend([b, a, d, c]);
        }
        _ => return None,
    }
    Some(())
}

/// Between the byte order of a data set and little endian, which JSON has (PS3.18 §F.2.7).
fn swapped(bytes: &[u8], width: usize, form: Form) -> Cow<'_, [u8]> {
    if !form.big_endian || width == 1 {
        return Cow::Borrowed(bytes);
    }
    let mut bytes = bytes.to_vec();
    bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse);
    Cow::Owned(bytes)
}

/// Bytes that change their order together.
const fn width(vr: VR) -> usize {
    match vr {
        VR::AT | VR::OW | VR::SS | VR::US => 2,
        VR::FL | VR::OF | VR::OL | VR::SL | VR::UL => 4,
        VR::FD | VR::OD | VR::OV | VR::SV | VR::UV => 8,
        _ => 1,
    }
}

/// VRs whose values are characters.
const fn is_text(vr: VR) -> bool {
    is_in_character_set(vr)
        || matches!(
            vr,
            VR::AE | VR::AS | VR::CS | VR::DA | VR::DS | VR::DT | VR::IS | VR::TM | VR::UI | VR::UR
        )
}
