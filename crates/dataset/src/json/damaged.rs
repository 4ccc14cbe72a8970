//! Items that are not quite JSON because of what stands inside some of their elements: control characters
//! in a string, half of a surrogate pair, a number beyond all numbers. What can be read of a string is kept;
//! anything else costs the element that it stands in, as long as brackets and quotes tell where that ends.

use serde_json::{Map, Value as Json};

use super::item;

/// Most levels of brackets: 128, as `serde_json` has them. What lies deeper costs its element.
const DEPTH_MAX: usize = 128;

/// What stands for a character that cannot be read.
const REPLACEMENT: &str = "\u{FFFD}";

/// Reads an object, and counts the elements that had to be left out; none where it does not end where `json`
/// does, and where nothing of it could be read.
pub(super) fn read(json: &[u8], dropped: &mut u64) -> Option<Json> {
    let mut damaged = Damaged { json, at: 0, dropped: 0 };
    let members = damaged.object(0)?;
    if damaged.at != json.len() || (members.is_empty() && damaged.dropped > 0) {
        return None;
    }
    *dropped += damaged.dropped;
    Some(Json::Object(members))
}

struct Damaged<'a> {
    json: &'a [u8],
    at: usize,
    dropped: u64,
}

impl Damaged<'_> {
    fn object(&mut self, depth: usize) -> Option<Map<String, Json>> {
        self.at += 1;
        let mut members = Map::new();
        loop {
            match self.next()? {
                b'}' => {
                    self.at += 1;
                    return Some(members);
                }
                b']' => return None,
                b',' => self.at += 1,
                _ => members.extend(self.member(depth)?),
            }
        }
    }

    /// A member, where it could be read; the outer none where the whole object is lost with it.
    fn member(&mut self, depth: usize) -> Option<Option<(String, Json)>> {
        let key = self.key();
        let begin = self.at;
        let is_element = depth == 0 || key.as_deref().is_some_and(|key| item::tag(key).is_some());
        let value = key.as_ref().and_then(|_| self.value(depth + 1));
        // Behind it the object goes on or ends.
        let value = value.filter(|_| matches!(self.next(), Some(b',' | b'}')));
        match key.zip(value) {
            Some(member) => Some(Some(member)),
            None if is_element => {
                self.at = begin;
                self.dropped += 1;
                self.pass_over().then_some(None)
            }
            None => None,
        }
    }

    fn key(&mut self) -> Option<String> {
        let key = (self.next()? == b'"').then(|| self.string())??;
        (self.next()? == b':').then(|| self.at += 1)?;
        Some(key)
    }

    fn value(&mut self, depth: usize) -> Option<Json> {
        if depth == DEPTH_MAX {
            return None;
        }
        match self.next()? {
            b'{' => self.object(depth).map(Json::Object),
            b'[' => self.array(depth).map(Json::Array),
            b'"' => self.string().map(Json::String),
            _ => {
                let rest = &self.json[self.at..];
                let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}') || byte.is_ascii_whitespace();
                let (literal, _) = rest.split_at(rest.iter().position(ends)?);
                self.at += literal.len();
                serde_json::from_slice(literal).ok()
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<Vec<Json>> {
        self.at += 1;
        let mut values = Vec::new();
        if self.next()? == b']' {
            self.at += 1;
            return Some(values);
        }
        loop {
            values.push(self.value(depth + 1)?);
            let behind = self.next()?;
            self.at += 1;
            match behind {
                b',' => {}
                b']' => return Some(values),
                _ => return None,
            }
        }
    }

    /// The string that begins here, with a replacement for each character that cannot be read.
    fn string(&mut self) -> Option<String> {
        self.at += 1;
        let mut text = Vec::new();
        loop {
            let byte = *self.json.get(self.at)?;
            self.at += 1;
            match byte {
                b'"' => return Some(String::from_utf8_lossy(&text).into_owned()),
                b'\\' => {
                    let mut utf8 = [0; 4];
                    text.extend_from_slice(match self.escaped() {
                        Some(character) => character.encode_utf8(&mut utf8).as_bytes(),
                        None => REPLACEMENT.as_bytes(),
                    });
                }
                // What a text may hold (PS3.5 §6.1.3), and the NUL that pads a UID.
                b'\0' | b'\t' | b'\n' | 0x0C | b'\r' => text.push(byte),
                0..=0x1F => text.extend_from_slice(REPLACEMENT.as_bytes()),
                _ => text.push(byte),
            }
        }
    }

    /// What stands behind a backslash; none for no character.
    fn escaped(&mut self) -> Option<char> {
        let byte = *self.json.get(self.at)?;
        let character = match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{C}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.at += 1;
                return self.unicode();
            }
            // It stands for itself, behind the replacement.
            _ => return None,
        };
        self.at += 1;
        Some(character)
    }

    /// The character of one or two escapes, the first of which is behind its `u`.
    fn unicode(&mut self) -> Option<char> {
        let first = digits(self.json.get(self.at..)?)?;
        self.at += 4;
        let second = self.json[self.at..].strip_prefix(b"\\u").and_then(digits);
        match (first, second) {
            (0xD800..=0xDBFF, Some(low @ 0xDC00..=0xDFFF)) => {
                self.at += 6;
                char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + (low - 0xDC00))
            }
            _ => char::from_u32(first),
        }
    }

    /// Passes over what is left of a member; false where it does not end.
    fn pass_over(&mut self) -> bool {
        let (mut depth, mut in_string) = (0_u64, false);
        while let Some(byte) = self.json.get(self.at) {
            match byte {
                b'\\' if in_string => self.at += 1,
                b'"' => in_string = !in_string,
                _ if in_string => {}
                b',' | b'}' | b']' if depth == 0 => return true,
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
            self.at += 1;
        }
        false
    }

    /// The next byte that is no blank; it is not taken.
    fn next(&mut self) -> Option<u8> {
        let blanks = self.json.get(self.at..)?.iter().position(|byte| !byte.is_ascii_whitespace())?;
        self.at += blanks;
        self.json.get(self.at).copied()
    }
}

/// The four hexadecimal digits that `bytes` begins with.
fn digits(bytes: &[u8]) -> Option<u32> {
    let digit = |number: u32, digit: &u8| Some(number << 4 | char::from(*digit).to_digit(16)?);
    bytes.get(..4)?.iter().try_fold(0, digit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Item, ReadLimits, Reader, read_all};

    /// The text of (0008,1030) that is read where this stands in quotes; and whether anything was dropped.
    fn text(quoted: &[u8]) -> Option<String> {
        let json = [br#"[{"00081030":{"vr":"LO","Value":[""#, quoted, br#""]},"00080060":{"vr":"CS"}}]"#];
        let items = read_all(&json.concat(), ReadLimits::default()).unwrap();
        assert_eq!(items.len(), 1, "{}", quoted.escape_ascii());
        items[0].text(instance::Tag(0x0008, 0x1030)).map(Into::into)
    }

    #[test]
    fn what_can_be_read_of_a_string_is_kept() {
        let rows: [(&[u8], &str); 14] = [
            (b"a\x01b", "a\u{FFFD}b"),
            (b"a\tb\nc\x0Cd\re", "a\tb\nc\u{C}d\re"),
            (b"1.2\0", "1.2"),
            (b"a\x1B$Bb", "a\u{FFFD}$Bb"),
            (br"\ud800", "\u{FFFD}"),
            (br"x\udc00y", "x\u{FFFD}y"),
            (br"\ud800\ud83d\ude00", "\u{FFFD}\u{1F600}"),
            (br"\ud800\u0041", "\u{FFFD}A"),
            (br"\ud800A\u00e9\n\/\\", "\u{FFFD}A\u{e9}\n/\\"),
            (br"C:\data", "C:\u{FFFD}data"),
            (br"\u12", "\u{FFFD}12"),
            (br"\u00g0", "\u{FFFD}00g0"),
            (b"\\\xC3\xBC", "\u{FFFD}\u{fc}"),
            (b"M\xFCller\x02", "M\u{FFFD}ller\u{FFFD}"),
        ];
        for (quoted, expected) in rows {
            assert_eq!(text(quoted).as_deref(), Some(expected), "{}", quoted.escape_ascii());
        }
    }

    fn read(json: &str) -> (Vec<Result<Item, super::super::BadItem>>, u64) {
        let mut reader = Reader::new(ReadLimits::default());
        let (mut rest, mut items) = (json.as_bytes(), Vec::new());
        while let Some(item) = reader.next(&mut rest).unwrap() {
            items.push(item);
        }
        reader.finish().unwrap();
        (items, reader.elements_dropped())
    }

    #[test]
    fn what_else_is_damaged_costs_its_element_and_is_counted() {
        let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
        let values = [
            r#"{"vr":"DS","Value":[1e400]}"#,
            r#"{"vr":"DS","Value":[-1e999,1]}"#,
            r#"{"vr":"DS","Value":[NaN]}"#,
            r#"{"vr":"DS","Value":[1,]}"#,
            r#"{"vr":"DS","Value":[1 2]}"#,
            r#"{"vr":"DS","Value":[01]}"#,
            r#"{"vr":"DS" "Value":[1]}"#,
            r#"{"vr":DS}"#,
            r#"{vr:"DS"}"#,
            "undefined",
            "",
            r#""a" "b""#,
            deep.as_str(),
        ];
        let good = r#""00080060":{"vr":"CS","Value":["CT"]}"#;
        let (expected, _) = read(&format!("[{{{good}}}]"));
        for value in values {
            let (items, dropped) = read(&format!(r#"[{{"00180050":{value},{good}}}]"#));
            assert_eq!((items, dropped), (expected.clone(), 1), "{value}");
        }
    }

    #[test]
    fn an_element_of_an_item_is_lost_without_its_sequence() {
        let sequence =
            |elements: &str| format!(r#"[{{"00081140":{{"vr":"SQ","Value":[{{{elements}}},{{}}]}}}}]"#);
        let good = r#""00081155":{"vr":"UI","Value":["1.2"]}"#;
        let (items, dropped) =
            read(&sequence(&format!(r#"{good},"00180050":{{"vr":"DS","Value":[1e400]}}"#)));
        assert_eq!((items, dropped), (read(&sequence(good)).0, 1));
    }

    /// Damage that leaves brackets and quotes in pairs.
    fn damage() -> impl Strategy<Value = Vec<u8>> {
        let noise = prop::collection::vec(any::<u8>(), 0..8);
        let bare = noise.clone().prop_map(|mut bytes| {
            bytes.retain(|byte| !b"\"\\{}[],".contains(byte));
            bytes
        });
        let quoted =
            (noise, prop::sample::select(vec!["", r"\ud800", r"\x", r"\u", r"\\", r#"\""#, "\u{1}"]))
                .prop_map(|(mut bytes, escape)| {
                    bytes.retain(|byte| !b"\"\\".contains(byte));
                    [b"\"", &bytes[..], escape.as_bytes(), b"\""].concat()
                });
        let number = prop::sample::select(vec![&b"1e400"[..], b"-", b"1.", b"+1", b"null", b"NaN"]);
        let leaf = prop_oneof![bare, quoted, number.prop_map(<[u8]>::to_vec)];
        leaf.prop_recursive(4, 24, 4, |inner| {
            let several = prop::collection::vec(inner, 0..4);
            let separator = prop::sample::select(vec![",", ":", " ", ",,", ""]);
            (several, separator, any::<bool>()).prop_map(|(several, separator, object)| {
                let inside = several.join(separator.as_bytes());
                if object { [b"{", &inside[..], b"}"].concat() } else { [b"[", &inside[..], b"]"].concat() }
            })
        })
    }

    const ELEMENTS: [(&str, &str); 5] = [
        ("00080018", r#"{"vr":"UI","Value":["1.2.3"]}"#),
        ("00080060", r#"{"vr":"CS","Value":["CT",null]}"#),
        ("00081140", r#"{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["1.2.4"]}}]}"#),
        ("00100010", r#"{"vr":"PN","Value":[{"Alphabetic":"A^B","Ideographic":"山^田"}]}"#),
        ("00180050", r#"{"vr":"DS","Value":[0.5,"2"]}"#),
    ];

    proptest! {
        /// Whatever stands in the value of one element, the others are read as if it were not there.
        #[test]
        fn damage_inside_one_element_leaves_the_others(
            damaged in 0..ELEMENTS.len(),
            damage in damage(),
            as_values in any::<bool>(),
        ) {
            let mut json = b"[{".to_vec();
            for (index, (tag, value)) in ELEMENTS.iter().enumerate() {
                let comma = if index > 0 { "," } else { "" };
                json.extend_from_slice(format!("{comma}\"{tag}\":").as_bytes());
                match (index == damaged, as_values) {
                    (false, _) => json.extend_from_slice(value.as_bytes()),
                    (true, false) => json.extend_from_slice(&damage),
                    (true, true) => json.extend([b"{\"vr\":\"LO\",\"Value\":[", &damage[..], b"]}"].concat()),
                }
            }
            json.extend_from_slice(b"}]");
            let mut items = read_all(&json, ReadLimits::default()).unwrap();
            prop_assert_eq!(items.len(), 1, "{}", json.escape_ascii());
            let tag = super::item::tag(ELEMENTS[damaged].0).unwrap();
            items[0].remove(tag);
            let others: Vec<String> = ELEMENTS.iter().enumerate()
                .filter(|(index, _)| *index != damaged)
                .map(|(_, (tag, value))| format!("\"{tag}\":{value}"))
                .collect();
            let expected = read_all(format!("[{{{}}}]", others.join(",")).as_bytes(), ReadLimits::default());
            prop_assert_eq!(items, expected.unwrap(), "{}", json.escape_ascii());
        }
    }
}
