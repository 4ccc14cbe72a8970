//! Items in the plainest shape that PS3.18 §F.2 allows, which is the one that servers write, read byte by
//! byte as they lie in the answer: no search for their end before, no copy, no general JSON reader. What
//! has anything else in it (escapes, sequences, fractions, binary values) is left to the other readers, and
//! so is everything that is not quite JSON.

use dicom_core::VR;
use instance::Tag;

use super::{
    Element, Item, PersonName, Value,
    item::{from_number, from_text},
};
use crate::element::vr_of;

/// Digits that every integer has room for.
const DIGITS_MAX: usize = 15;

/// Reads the item that `json` begins with, and says how many bytes it takes; none where it is not plain or
/// does not end within `json`.
pub(super) fn read(json: &[u8]) -> Option<(Item, usize)> {
    let mut plain = Plain { json, at: 0 };
    // Room for a usual search answer.
    let mut elements = Vec::with_capacity(16);
    plain.expect(b'{')?;
    if !plain.takes(b'}') {
        loop {
            elements.push(plain.element()?);
            if !plain.goes_on(b'}')? {
                break;
            }
        }
    }
    Some((elements.into_iter().collect(), plain.at))
}

struct Plain<'a> {
    json: &'a [u8],
    at: usize,
}

impl<'a> Plain<'a> {
    fn element(&mut self) -> Option<(Tag, Element)> {
        let tag = tag(self.string()?)?;
        self.expect(b':')?;
        self.expect(b'{')?;
        let element = match self.string()? {
            "vr" => {
                let vr = self.vr()?;
                if !self.goes_on(b'}')? {
                    return Some((tag, Element::empty(vr)));
                }
                let is_value = self.string()? == "Value";
                Element::values(vr, is_value.then(|| self.values(vr))??)
            }
            // Some servers sort their keys, so that the value stands before the VR.
            "Value" => {
                let (vr, _) = vr_of(tag)?;
                let values = self.values(vr)?;
                let is_vr = self.goes_on(b'}')? && self.string()? == "vr";
                (is_vr && self.vr()? == vr).then(|| Element::values(vr, values))?
            }
            _ => return None,
        };
        (!self.goes_on(b'}')?).then_some((tag, element))
    }

    fn vr(&mut self) -> Option<VR> {
        self.expect(b':')?;
        VR::from_binary(self.string()?.as_bytes().try_into().ok()?)
    }

    fn values(&mut self, vr: VR) -> Option<Vec<Value>> {
        self.expect(b':')?;
        self.expect(b'[')?;
        if self.takes(b']') {
            return Some(Vec::new());
        }
        // Most elements have one value.
        let mut values = Vec::with_capacity(1);
        loop {
            values.push(self.value(vr)?);
            if !self.goes_on(b']')? {
                return Some(values);
            }
        }
    }

    fn value(&mut self, vr: VR) -> Option<Value> {
        match self.next()? {
            b'"' => Some(from_text(vr, self.string()?)),
            b'-' | b'0'..=b'9' => Some(from_number(vr, self.integer()?.into())),
            b'n' => {
                let rest = self.json[self.at..].strip_prefix(b"null")?;
                self.at = self.json.len() - rest.len();
                Some(Value::Null)
            }
            b'{' if vr == VR::PN => self.name(),
            _ => None,
        }
    }

    fn name(&mut self) -> Option<Value> {
        self.expect(b'{')?;
        let mut name = PersonName::default();
        if !self.takes(b'}') {
            loop {
                let group = self.string()?;
                self.expect(b':')?;
                let text = self.string()?.to_owned();
                match group {
                    "Alphabetic" => name.alphabetic = text,
                    "Ideographic" => name.ideographic = text,
                    "Phonetic" => name.phonetic = text,
                    _ => return None,
                }
                if !self.goes_on(b'}')? {
                    break;
                }
            }
        }
        Some(if name.is_empty() { Value::Null } else { Value::Name(Box::new(name)) })
    }

    /// A string without escapes.
    fn string(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let rest = &self.json[self.at..];
        let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1F))?;
        if rest[length] != b'"' {
            return None;
        }
        self.at += length + 1;
        std::str::from_utf8(&rest[..length]).ok()
    }

    /// A number that is whole and is written so.
    fn integer(&mut self) -> Option<i64> {
        let rest = &self.json[self.at..];
        let sign = usize::from(rest.first() == Some(&b'-'));
        let digits = rest[sign..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, behind) = rest.split_at(sign + digits);
        let leads_with_zero = number[sign..].starts_with(b"0");
        let is_plain = (1..=DIGITS_MAX).contains(&digits)
            && !(leads_with_zero && (digits > 1 || sign > 0))
            && matches!(behind.first(), Some(b',' | b']' | b' ' | b'\t' | b'\r' | b'\n'));
        if !is_plain {
            return None;
        }
        self.at += number.len();
        std::str::from_utf8(number).ok()?.parse().ok()
    }

    /// Behind a member or a value: whether another one follows a comma, or `end` stands there.
    fn goes_on(&mut self, end: u8) -> Option<bool> {
        match self.next()? {
            b',' => {
                self.at += 1;
                Some(true)
            }
            byte if byte == end => {
                self.at += 1;
                Some(false)
            }
            _ => None,
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.takes(byte).then_some(())
    }

    /// Takes the next byte that is no blank if it is `byte`.
    fn takes(&mut self, byte: u8) -> bool {
        let found = self.next() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// The next byte that is no blank; it is not taken.
    fn next(&mut self) -> Option<u8> {
        loop {
            match *self.json.get(self.at)? {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }
}

/// Eight hexadecimal digits.
fn tag(key: &str) -> Option<Tag> {
    let digits: &[u8; 8] = key.as_bytes().try_into().ok()?;
    let digit = |tag: u32, digit: &u8| Some(tag << 4 | char::from(*digit).to_digit(16)?);
    digits.iter().try_fold(0, digit).map(Tag::from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::canonical;
    use super::*;

    const PLAIN: [&str; 9] = [
        "{}",
        r#"{"00080018":{"vr":"UI","Value":["1.2.3"]}}"#,
        r#"{ "0020000D" : { "vr" : "UI" } , "00080060":{"vr":"CS","Value":[]}}"#,
        r#"{"00280010":{"vr":"US","Value":[512,0,-7]},"00200013":{"vr":"IS","Value":[12]}}"#,
        r#"{"00100010":{"vr":"PN","Value":[{"Alphabetic":"Ünal^A","Phonetic":"x"},{}]}}"#,
        r#"{"00081030":{"vr":"LO","Value":["a",null,"b"]},"00080008":{"vr":"CS","Value":[null]}}"#,
        r#"{"00080060":{"Value":["CT"],"vr":"CS"},"00280010":{"Value":[512],"vr":"US"}}"#,
        r#"{"00280010":{"vr":"US","Value":["512"]},"00189087":{"vr":"FD","Value":[7]}}"#,
        r#"{"00200013":{"vr":"IS","Value":[1]},"00080018":{"vr":"UI"},"00080018":{"vr":"UI","Value":["2"]}}"#,
    ];

    #[test]
    fn what_is_plain_is_read_as_the_other_reader_does() {
        for json in PLAIN {
            let behind = format!("{json},{{");
            let (item, length) = read(behind.as_bytes()).expect(json);
            assert_eq!((item, length), (canonical::read(json.as_bytes()).unwrap(), json.len()), "{json}");
        }
    }

    #[test]
    fn what_is_not_is_left_to_the_others() {
        let rows = [
            "",
            "[",
            r#"{"00080018":{"vr":"UI","Value":["1.2.3"]}"#,
            r#"{"00080018":{"vr":"UI","Value":["1.2\u002e3"]}}"#,
            r#"{"00080018":{"Value":["1.2.3"],"vr":"LO"}}"#,
            r#"{"00080018":{"Value":["1.2.3"]}}"#,
            r#"{"00091018":{"Value":["1.2.3"],"vr":"LO"}}"#,
            r#"{"00080018":{"vr":"UI","Value":"1.2.3"}}"#,
            r#"{"StudyInstanceUID":{"vr":"UI","Value":["1.2.3"]}}"#,
            r#"{"00280030":{"vr":"DS","Value":[0.5]}}"#,
            r#"{"00280010":{"vr":"US","Value":[1e3]}}"#,
            r#"{"00280010":{"vr":"SS","Value":[-0]}}"#,
            r#"{"00280010":{"vr":"US","Value":[007]}}"#,
            r#"{"00081190":{"vr":"UV","Value":[9007199254740993]}}"#,
            r#"{"00081110":{"vr":"SQ","Value":[{}]}}"#,
            r#"{"00081110":{"vr":"SQ"}}x"#,
            r#"{"00420011":{"vr":"OB","InlineBinary":"AA=="}}"#,
            "{\"00081030\":{\"vr\":\"LO\",\"Value\":[\"a\nb\"]}}",
            r#"{"00081030":{"vr":"LO","Value":["a",]}}"#,
            r#"{"00081030":{"vr":"LO"},}"#,
        ];
        for json in &rows {
            assert_eq!(read(json.as_bytes()).filter(|(_, length)| *length == json.len()), None, "{json}");
        }
        assert_eq!(read(b"{\"00081030\":{\"vr\":\"LO\",\"Value\":[\"\xFF\"]}}"), None);
    }

    proptest! {
        /// Of whatever resembles an item, nothing is read in another way than by the other reader.
        #[test]
        fn nothing_is_read_in_another_way(
            json in proptest::sample::select(PLAIN.to_vec()),
            at in any::<prop::sample::Index>(),
            byte in proptest::sample::select(b"{}[],:\"\\ 0-9.eAnull\x01\xC3".to_vec()),
            replaced in any::<bool>(),
        ) {
            let mut json = json.as_bytes().to_vec();
            let at = at.index(json.len());
            if replaced { json[at] = byte } else { json.insert(at, byte) }
            if let Some((item, length)) = read(&json) {
                let other = canonical::read(&json[..length]);
                prop_assert_eq!(other.ok(), Some(item), "{}", String::from_utf8_lossy(&json));
            }
        }
    }
}
