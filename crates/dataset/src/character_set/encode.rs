//! Text to bytes, with escape sequences where the character set has code extensions.

use std::{collections::HashMap, sync::LazyLock};

use encoding_rs::{EUC_JP, EUC_KR, Encoding, GBK};

use super::{
    Encoded, Extended, Kind,
    decode::{SYMBOLS, pair},
    repertoire::Repertoire,
};

/// Encodes in an encoding that stands alone.
pub(super) fn encode_alone(encoding: &'static Encoding, text: &str) -> Encoded {
    let mut encoded = Encoded::default();
    let mut buffer = [0; 4];
    for character in text.chars() {
        match one(encoding, character.encode_utf8(&mut buffer)) {
            // The web's GBK has the euro sign in one byte, where PS3.3 has nothing.
            Some(bytes) if *bytes != [0x80] => encoded.bytes.extend_from_slice(&bytes),
            _ => encoded.replace(),
        }
    }
    encoded
}

/// Encodes with designations. Every value, and every part of it between delimiters, begins and ends
/// with the designations of the first term (PS3.5 §6.1.2.5.3).
pub(super) fn encode(extended: &Extended, text: &str, kind: Kind) -> Encoded {
    let mut encoder = Encoder { extended, g0: extended.g0, g1: extended.g1, encoded: Encoded::default() };
    for character in text.chars() {
        let delimiter = match character {
            '\t' | '\n' | '\x0C' | '\r' => true,
            '\\' => kind != Kind::Text,
            '^' | '=' => kind == Kind::PersonNames,
            _ => false,
        };
        if delimiter {
            encoder.return_to_first_term();
            // INVARIANT: all delimiters are ASCII.
            encoder.encoded.bytes.push(character as u8);
        } else {
            encoder.character(character);
        }
    }
    encoder.return_to_first_term();
    encoder.encoded
}

struct Encoder<'a> {
    extended: &'a Extended,
    g0: Repertoire,
    g1: Option<Repertoire>,
    encoded: Encoded,
}

impl Encoder<'_> {
    fn character(&mut self, character: char) {
        let first = [Some(self.g0), self.g1, Some(self.extended.g0), self.extended.g1];
        let candidates = first.into_iter().flatten().chain(self.extended.further.iter().copied());
        // Code extension allows the ASCII of G0 whatever the terms are.
        let extension = !self.extended.further.is_empty();
        let candidates = candidates.chain(extension.then_some(Repertoire::Ascii));
        for repertoire in candidates.collect::<Vec<_>>() {
            if let Some(bytes) = self.bytes(repertoire, character) {
                if self.g0.width() == 2 && !repertoire.is_g0() {
                    // Bytes of G1 may stand beside two-byte characters of G0; software that decodes
                    // from one escape sequence to the next does not know that.
                    self.designate(self.extended.g0);
                    self.g1 = None;
                }
                self.designate(repertoire);
                self.encoded.bytes.extend_from_slice(&bytes);
                return;
            }
        }
        self.character_unknown();
    }

    /// A question mark, which all sets of G0 with one byte have.
    fn character_unknown(&mut self) {
        if self.g0.width() == 2 {
            self.designate(self.extended.g0);
        }
        self.encoded.replace();
    }

    fn designate(&mut self, repertoire: Repertoire) {
        if repertoire == self.g0 || Some(repertoire) == self.g1 {
            return;
        }
        let escape = repertoire.escape();
        self.encoded.bytes.extend(escape.into_iter().filter(|byte| *byte != 0));
        if repertoire.is_g0() {
            self.g0 = repertoire;
        } else {
            self.g1 = Some(repertoire);
        }
    }

    fn return_to_first_term(&mut self) {
        self.designate(self.extended.g0);
        match self.extended.g1 {
            Some(first) => self.designate(first),
            // There is nothing to return to; what follows is designated again.
            None => self.g1 = None,
        }
    }

    fn bytes(&self, repertoire: Repertoire, character: char) -> Option<Vec<u8>> {
        let byte = u8::try_from(u32::from(character)).ok();
        let mut buffer = [0; 4];
        let text: &str = character.encode_utf8(&mut buffer);
        match repertoire {
            // An escape would be taken for a designation.
            Repertoire::Ascii | Repertoire::Romaji if byte == Some(0x1B) => None,
            Repertoire::Ascii => byte.filter(u8::is_ascii).map(|byte| vec![byte]),
            Repertoire::Romaji => match character {
                '¥' => Some(vec![b'\\']),
                '‾' => Some(vec![b'~']),
                '\\' | '~' => None,
                _ => byte.filter(u8::is_ascii).map(|byte| vec![byte]),
            },
            Repertoire::Katakana => {
                let offset = u32::from(character).checked_sub(0xFF61)?;
                u8::try_from(offset).ok().filter(|offset| *offset < 63).map(|offset| vec![0xA1 + offset])
            }
            Repertoire::Latin1 => byte.filter(|byte| *byte >= 0xA0).map(|byte| vec![byte]),
            Repertoire::Single(set) => one(set.encoding, text).filter(|bytes| bytes.first() >= Some(&0xA0)),
            Repertoire::Kanji => {
                let web = SYMBOLS.iter().find(|(_, jis)| *jis == character).map(|(web, _)| web.to_string());
                let cell = two_bytes(EUC_JP, web.as_deref().unwrap_or(text));
                cell.map(|bytes| bytes.map(|byte| byte & 0x7F)).filter(is_jis_x_0208).map(Vec::from)
            }
            Repertoire::SupplementaryKanji => SUPPLEMENTARY_KANJI.get(&character).map(|bytes| bytes.to_vec()),
            Repertoire::Korean => two_bytes(EUC_KR, text).map(Vec::from),
            // GB 2312 and GBK disagree about the places of these two in Unicode.
            Repertoire::Chinese if character == '・' => self.bytes(repertoire, '·'),
            Repertoire::Chinese if character == '―' => self.bytes(repertoire, '—'),
            Repertoire::Chinese => two_bytes(GBK, text).filter(is_gb_2312).map(Vec::from),
        }
    }
}

impl Encoded {
    fn replace(&mut self) {
        self.bytes.push(b'?');
        self.replaced += 1;
    }
}

/// JIS X 0212 by character, a constant that is computed when first needed: the library only decodes it.
static SUPPLEMENTARY_KANJI: LazyLock<HashMap<char, [u8; 2]>> = LazyLock::new(supplementary_kanji);

fn supplementary_kanji() -> HashMap<char, [u8; 2]> {
    let cells = (0x21..=0x7E_u8).flat_map(|row| (0x21..=0x7E_u8).map(move |cell| [row, cell]));
    let character = |[row, cell]: [u8; 2]| pair(Repertoire::SupplementaryKanji, row, Some(cell)).0;
    let known = cells.map(|bytes| (character(bytes), bytes));
    known.filter(|(character, _)| *character != char::REPLACEMENT_CHARACTER).collect()
}

/// Whether the cell is one of JIS X 0208 itself; the web's encoding has more rows from vendors.
fn is_jis_x_0208([row, _]: &[u8; 2]) -> bool {
    matches!(row, 0x21..=0x28 | 0x30..=0x74)
}

/// Whether the cell is one of GB 2312 itself; GBK fills gaps in its rows.
fn is_gb_2312(bytes: &[u8; 2]) -> bool {
    match bytes {
        [0xA2, cell] => *cell > 0xAA,
        [0xA6, cell] => *cell < 0xD9,
        [0xA8, cell] => !matches!(cell, 0xBB..=0xC4),
        [0xD7, cell] => *cell < 0xFA,
        [row, _] => matches!(row, 0xA1..=0xA9 | 0xB0..=0xF7),
    }
}

/// A character whose two bytes are both in the right half: the sets of 94 times 94 characters,
/// without what the encodings of the web add to them.
fn two_bytes(encoding: &'static Encoding, text: &str) -> Option<[u8; 2]> {
    let bytes: [u8; 2] = one(encoding, text)?.try_into().ok()?;
    bytes.iter().all(|byte| *byte >= 0xA1).then_some(bytes)
}

fn one(encoding: &'static Encoding, text: &str) -> Option<Vec<u8>> {
    let (bytes, _, unmappable) = encoding.encode(text);
    (!unmappable).then(|| bytes.into_owned())
}
