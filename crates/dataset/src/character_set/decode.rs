//! Bytes to text, through the designations of ISO 2022 (PS3.5 §6.1.2.5).

use encoding_rs::{EUC_JP, EUC_KR, Encoding, GBK};

use super::{
    Extended, Kind,
    repertoire::{Designation, Repertoire, read_escape},
};

const UNKNOWN: char = char::REPLACEMENT_CHARACTER;

/// Decodes a value. A backslash of G0 splits values, where the kind has several.
pub(super) fn decode(extended: &Extended, value: &[u8], kind: Kind) -> Vec<String> {
    let (mut g0, mut g1) = (extended.g0, extended.g1.or_else(|| only_g1(extended)));
    let mut values = Vec::new();
    let mut text = String::new();
    let mut rest = value;
    while let [byte, behind @ ..] = rest {
        rest = behind;
        let mut delimiter = matches!(byte, b'\t' | b'\n' | 0x0C | b'\r');
        match byte {
            0x1B => {
                let (designation, length) = read_escape(rest);
                match designation {
                    Some(Designation::G0(repertoire)) => g0 = repertoire,
                    Some(Designation::G1(repertoire)) => {
                        g1 = Some(repertoire);
                        // Some toolkits leave two-byte characters of G0 with a designation of G1.
                        g0 = if g0.width() == 2 { extended.g0 } else { g0 };
                    }
                    None => {}
                }
                rest = rest.get(length..).unwrap_or_default();
            }
            0x21..=0x7E if g0.width() == 2 => {
                let (character, used) = pair(g0, *byte, rest.first().copied());
                text.push(character);
                rest = rest.get(used..).unwrap_or_default();
            }
            b'\\' if kind != Kind::Text => {
                values.push(std::mem::take(&mut text));
                delimiter = true;
            }
            0x00..=0x7F => {
                text.push(left_hand(g0, *byte));
                delimiter |= kind == Kind::PersonNames && matches!(byte, b'^' | b'=');
            }
            0x80.. => {
                let (character, used) = right_hand(g1, *byte, rest.first().copied());
                text.push(character);
                rest = rest.get(used..).unwrap_or_default();
            }
        }
        if delimiter {
            g0 = extended.g0;
            // Where the first term has no G1, nothing else can be meant: some devices designate it
            // once for the whole value.
            g1 = extended.g1.or(g1);
        }
    }
    values.push(text);
    values
}

/// What bytes from 128 on can only mean where nothing has designated a G1: some toolkits leave the
/// escape sequence out.
fn only_g1(extended: &Extended) -> Option<Repertoire> {
    let mut possible = extended.further.iter().filter(|repertoire| !repertoire.is_g0());
    match (possible.next(), possible.next()) {
        (Some(only), None) => Some(*only),
        _ => None,
    }
}

fn left_hand(g0: Repertoire, byte: u8) -> char {
    match (g0, byte) {
        (Repertoire::Romaji, b'\\') => '¥',
        (Repertoire::Romaji, b'~') => '‾',
        (Repertoire::Katakana, 0x21..=0x7E) => katakana(byte),
        _ => char::from(byte),
    }
}

/// A character of G1 and how many further bytes it takes. Without a G1 the byte is Latin-1, which
/// is what devices mean that declare nothing.
fn right_hand(g1: Option<Repertoire>, byte: u8, next: Option<u8>) -> (char, usize) {
    match g1 {
        Some(Repertoire::Katakana) => (katakana(byte & 0x7F), 0),
        Some(Repertoire::Single(set)) => (one(set.encoding, &[byte]), 0),
        Some(repertoire) if repertoire.width() == 2 => pair(repertoire, byte, next),
        _ => (char::from(byte), 0),
    }
}

/// JIS X 0201 katakana stand in Unicode in their own order from U+FF61 on.
fn katakana(byte: u8) -> char {
    match byte {
        0x21..=0x5F => char::from_u32(0xFF61 + u32::from(byte - 0x21)).unwrap_or(UNKNOWN),
        _ => UNKNOWN,
    }
}

/// A character of two bytes and how many bytes it takes beyond the first.
pub(super) fn pair(repertoire: Repertoire, first: u8, second: Option<u8>) -> (char, usize) {
    let Some(second) = second.filter(|byte| byte & 0x7F > 0x20 && byte & 0x80 == first & 0x80) else {
        return (UNKNOWN, 0);
    };
    let bytes = [0x8F, first | 0x80, second | 0x80];
    let character = match repertoire {
        Repertoire::SupplementaryKanji => one(EUC_JP, &bytes),
        Repertoire::Korean => one(EUC_KR, &bytes[1..]),
        Repertoire::Chinese => one(GBK, &bytes[1..]),
        _ => as_in_jis(one(EUC_JP, &bytes[1..])),
    };
    (character, 1)
}

/// Six symbols of JIS X 0208 stand at other places of Unicode in the encodings of the web.
pub(super) const SYMBOLS: [(char, char); 6] = [
    ('\u{FF5E}', '\u{301C}'),
    ('\u{2225}', '\u{2016}'),
    ('\u{FF0D}', '\u{2212}'),
    ('\u{FFE0}', '\u{00A2}'),
    ('\u{FFE1}', '\u{00A3}'),
    ('\u{FFE2}', '\u{00AC}'),
];

/// The character by the mapping of the standard itself, which other DICOM software has too.
fn as_in_jis(character: char) -> char {
    SYMBOLS.iter().find(|(web, _)| *web == character).map_or(character, |(_, jis)| *jis)
}

fn one(encoding: &'static Encoding, bytes: &[u8]) -> char {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    text.and_then(|text| text.chars().next()).unwrap_or(UNKNOWN)
}
