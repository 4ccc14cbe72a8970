//! The coded character sets of PS3.3 §C.12.1.1.2, their defined terms and escape sequences.

use encoding_rs::Encoding;

/// A coded character set that ISO 2022 designates as G0 or G1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repertoire {
    /// ISO-IR 6, G0.
    Ascii,
    /// ISO-IR 14, G0: JIS X 0201 romaji.
    Romaji,
    /// ISO-IR 13, G1: JIS X 0201 katakana.
    Katakana,
    /// ISO-IR 100, G1.
    Latin1,
    /// One of the other sets of 96 characters, G1.
    Single(&'static SingleByte),
    /// ISO-IR 87, G0: JIS X 0208.
    Kanji,
    /// ISO-IR 159, G0: JIS X 0212.
    SupplementaryKanji,
    /// ISO-IR 149, G1: KS X 1001.
    Korean,
    /// ISO-IR 58, G1: GB 2312.
    Chinese,
}

/// A set of 96 characters on the right-hand side.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SingleByte {
    registration: u32,
    /// Number of the part of ISO 8859, which some devices write as the term.
    part: u32,
    /// The byte behind `ESC -`.
    pub(super) last_byte: u8,
    pub(super) encoding: &'static Encoding,
}

/// What one term of (0008,0005) means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Term {
    Alone(&'static Encoding),
    Code { g0: Repertoire, g1: Option<Repertoire> },
}

/// Windows-1254 and -874 are what the Encoding Standard has for ISO 8859-9 and -11; they differ in
/// the control characters of C1 only.
static SINGLE_BYTE: [SingleByte; 10] = [
    single(101, 2, b'B', encoding_rs::ISO_8859_2),
    single(109, 3, b'C', encoding_rs::ISO_8859_3),
    single(110, 4, b'D', encoding_rs::ISO_8859_4),
    single(144, 5, b'L', encoding_rs::ISO_8859_5),
    single(127, 6, b'G', encoding_rs::ISO_8859_6),
    single(126, 7, b'F', encoding_rs::ISO_8859_7),
    single(138, 8, b'H', encoding_rs::ISO_8859_8),
    single(148, 9, b'M', encoding_rs::WINDOWS_1254),
    single(166, 11, b'T', encoding_rs::WINDOWS_874),
    single(203, 15, b'b', encoding_rs::ISO_8859_15),
];

const fn single(registration: u32, part: u32, last_byte: u8, encoding: &'static Encoding) -> SingleByte {
    SingleByte { registration, part, last_byte, encoding }
}

impl Term {
    /// Reads a term, in any case and with any separators: `ISO_IR 100`, `ISO-IR 100`, `ISO 8859-1`.
    pub(super) fn parse(term: &str) -> Option<Self> {
        let letters: String = term.chars().filter(char::is_ascii_alphanumeric).collect();
        let letters = letters.to_ascii_uppercase();
        let rest =
            letters.strip_prefix("ISO2022").or_else(|| letters.strip_prefix("ISO")).unwrap_or(&letters);
        let rest = rest.strip_prefix("IR").unwrap_or(rest);
        let code = |g1| Some(Self::Code { g0: Repertoire::Ascii, g1: Some(g1) });
        match rest {
            "GB18030" => return Some(Self::Alone(encoding_rs::GB18030)),
            "GBK" => return Some(Self::Alone(encoding_rs::GBK)),
            "192" | "UTF8" => return Some(Self::Alone(encoding_rs::UTF_8)),
            "6" => return Some(Self::Code { g0: Repertoire::Ascii, g1: None }),
            "13" => {
                return Some(Self::Code { g0: Repertoire::Romaji, g1: Some(Repertoire::Katakana) });
            }
            "87" => return Some(Self::Code { g0: Repertoire::Kanji, g1: None }),
            "159" => return Some(Self::Code { g0: Repertoire::SupplementaryKanji, g1: None }),
            "149" => return code(Repertoire::Korean),
            "58" => return code(Repertoire::Chinese),
            "100" | "88591" => return code(Repertoire::Latin1),
            _ => {}
        }
        let number: u32 = rest.parse().ok()?;
        let part = rest.strip_prefix("8859").and_then(|part| part.parse().ok());
        let is_meant = |set: &&SingleByte| set.registration == number || Some(set.part) == part;
        code(Repertoire::Single(SINGLE_BYTE.iter().find(is_meant)?))
    }
}

/// What an escape sequence designates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Designation {
    G0(Repertoire),
    G1(Repertoire),
}

impl Repertoire {
    /// Bytes of one character.
    pub(super) const fn width(self) -> usize {
        match self {
            Self::Kanji | Self::SupplementaryKanji | Self::Korean | Self::Chinese => 2,
            _ => 1,
        }
    }

    /// Whether its place is G0.
    pub(super) const fn is_g0(self) -> bool {
        matches!(self, Self::Ascii | Self::Romaji | Self::Kanji | Self::SupplementaryKanji)
    }

    /// The escape sequence that designates it, behind ESC (PS3.3 §C.12.1.1.2).
    pub(super) fn escape(self) -> [u8; 4] {
        match self {
            Self::Ascii => *b"\x1B(B\0",
            Self::Romaji => *b"\x1B(J\0",
            Self::Katakana => *b"\x1B)I\0",
            Self::Latin1 => *b"\x1B-A\0",
            Self::Single(set) => [0x1B, b'-', set.last_byte, 0],
            Self::Kanji => *b"\x1B$B\0",
            Self::SupplementaryKanji => *b"\x1B$(D",
            Self::Korean => *b"\x1B$)C",
            Self::Chinese => *b"\x1B$)A",
        }
    }
}

/// Reads what stands behind ESC: the designation, if it is a known one, and the bytes it takes.
/// Sets that DICOM keeps in G1 are understood in G0 too, and the older JIS X 0208 as the newer one.
pub(super) fn read_escape(rest: &[u8]) -> (Option<Designation>, usize) {
    use Designation::{G0, G1};
    use Repertoire::{Ascii, Chinese, Kanji, Katakana, Korean, Latin1, Romaji, Single, SupplementaryKanji};
    let found = match rest {
        [b'(', b'B', ..] => (G0(Ascii), 2),
        [b'(', b'J', ..] => (G0(Romaji), 2),
        [b'(', b'I', ..] => (G0(Katakana), 2),
        [b')', b'I', ..] => (G1(Katakana), 2),
        [b'-', b'A', ..] => (G1(Latin1), 2),
        [b'-', last, ..] => match SINGLE_BYTE.iter().find(|set| set.last_byte == *last) {
            Some(set) => (G1(Single(set)), 2),
            None => return (None, 2),
        },
        [b'$', b'B' | b'@', ..] => (G0(Kanji), 2),
        [b'$', b'A', ..] => (G0(Chinese), 2),
        [b'$', b'(', b'B', ..] => (G0(Kanji), 3),
        [b'$', b'(', b'D', ..] => (G0(SupplementaryKanji), 3),
        [b'$', b'(', b'C', ..] => (G0(Korean), 3),
        [b'$', b'(', b'A', ..] => (G0(Chinese), 3),
        [b'$', b')', b'C', ..] => (G1(Korean), 3),
        [b'$', b')', b'A', ..] => (G1(Chinese), 3),
        // Intermediate bytes, then a final one (ISO 2022).
        _ => {
            let intermediate = rest.iter().take_while(|byte| (0x20..0x30).contains(*byte)).count();
            let last = rest.get(intermediate).is_some_and(|byte| (0x30..0x7F).contains(byte));
            return (None, intermediate + usize::from(last));
        }
    };
    (Some(found.0), found.1)
}
