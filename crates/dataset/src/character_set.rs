//! Text as (0008,0005) Specific Character Set says (PS3.3 §C.12.1.1.2, PS3.5 §6.1), code extension
//! by ISO 2022 escape sequences included.
//!
//! Decoding never fails: what has no meaning becomes U+FFFD, and where a data set declares nothing
//! but holds more, UTF-8 and then Latin-1 are tried. Encoding counts what it had to replace.

mod decode;
mod encode;
mod repertoire;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, fmt, str::FromStr};

use encoding_rs::Encoding;

use self::repertoire::{Repertoire, Term};

/// A Specific Character Set: its defined terms and what they mean together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CharacterSet {
    /// As written, without padding.
    terms: String,
    meaning: Meaning,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Meaning {
    /// One encoding for everything, without escape sequences: UTF-8, GB18030 or GBK.
    Alone(&'static Encoding),
    /// Code elements G0 and G1 of ISO 2022, of which each may be designated anew.
    Extended(Extended),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Extended {
    /// What bytes below 128 mean at the beginning and behind every delimiter.
    g0: Repertoire,
    /// The same for bytes from 128 on.
    g1: Option<Repertoire>,
    /// What else may be designated, in the order of the terms; empty without code extension.
    further: Vec<Repertoire>,
}

/// Bytes of a value, and how many characters had no place in the character set and became `?`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Encoded {
    /// The value, not padded.
    pub bytes: Vec<u8>,
    /// Characters replaced.
    pub replaced: usize,
}

/// A term that PS3.3 §C.12.1.1.2 does not define.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no defined term of Specific Character Set")]
pub struct UnknownTerm(pub String);

/// Which bytes end a run of designations (PS3.5 §6.1.2.5.3), and whether a backslash splits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// LO, SH, UC: several values.
    Values,
    /// PN: several values, and delimiters inside each.
    PersonNames,
    /// ST, LT, UT: one value of lines and pages.
    Text,
}

impl CharacterSet {
    /// ISO_IR 192, Unicode in UTF-8.
    #[must_use]
    pub fn utf_8() -> Self {
        Self { terms: "ISO_IR 192".to_owned(), meaning: Meaning::Alone(encoding_rs::UTF_8) }
    }

    /// Reads the value of (0008,0005). Terms are understood in the spellings that are met in the
    /// field; unknown ones are passed over.
    #[must_use]
    pub fn from_value(value: &[u8]) -> Self {
        let text = String::from_utf8_lossy(value);
        let terms: Vec<&str> = text.split('\\').map(|term| term.trim_matches([' ', '\0'])).collect();
        let known: Vec<Option<Term>> = terms.iter().map(|term| Term::parse(term)).collect();
        Self { terms: terms.join("\\"), meaning: meaning(&known) }
    }

    /// The terms as (0008,0005) holds them; empty for the default repertoire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.terms
    }

    /// Decodes a value of LO, SH or UC, split at backslashes, without padding.
    #[must_use]
    pub fn decode_values(&self, value: &[u8]) -> Vec<String> {
        let values = self.decode(value, Kind::Values);
        values.iter().map(|text| text.trim_matches([' ', '\0']).to_owned()).collect()
    }

    /// Decodes a value of PN, split at backslashes; each keeps its `=` and `^`.
    #[must_use]
    pub fn decode_person_names(&self, value: &[u8]) -> Vec<String> {
        let values = self.decode(value, Kind::PersonNames);
        values.iter().map(|text| text.trim_end_matches([' ', '\0']).to_owned()).collect()
    }

    /// Decodes a value of ST, LT or UT, in which a backslash is a character like any other.
    #[must_use]
    pub fn decode_text(&self, value: &[u8]) -> String {
        self.decode(value, Kind::Text).concat().trim_end_matches([' ', '\0']).to_owned()
    }

    /// Encodes one value of LO, SH or UC, or several joined by backslashes.
    #[must_use]
    pub fn encode_values(&self, text: &str) -> Encoded {
        self.encode(text, Kind::Values)
    }

    /// Encodes a person name, or several joined by backslashes.
    #[must_use]
    pub fn encode_person_names(&self, text: &str) -> Encoded {
        self.encode(text, Kind::PersonNames)
    }

    /// Encodes a text of ST, LT or UT.
    #[must_use]
    pub fn encode_text(&self, text: &str) -> Encoded {
        self.encode(text, Kind::Text)
    }

    fn decode(&self, value: &[u8], kind: Kind) -> Vec<String> {
        let whole = match &self.meaning {
            _ if self.is_ascii_plain(value) => String::from_utf8_lossy(value),
            Meaning::Alone(encoding) => encoding.decode_without_bom_handling(value).0,
            Meaning::Extended(extended) => match undeclared_utf_8(extended, value) {
                Some(text) => Cow::Borrowed(text),
                None => return decode::decode(extended, value, kind),
            },
        };
        match kind {
            Kind::Text => vec![whole.into_owned()],
            Kind::Values | Kind::PersonNames => whole.split('\\').map(str::to_owned).collect(),
        }
    }

    /// Whether bytes stand for themselves: ASCII without escape sequences, where values begin in it.
    pub(crate) fn is_ascii_plain(&self, bytes: &[u8]) -> bool {
        let begins_in_ascii = match &self.meaning {
            Meaning::Alone(_) => true,
            Meaning::Extended(extended) => extended.g0 == Repertoire::Ascii,
        };
        begins_in_ascii && bytes.is_ascii() && !bytes.contains(&0x1B)
    }

    fn encode(&self, text: &str, kind: Kind) -> Encoded {
        match &self.meaning {
            _ if self.is_ascii_plain(text.as_bytes()) => Encoded { bytes: text.into(), replaced: 0 },
            Meaning::Alone(encoding) => encode::encode_alone(encoding, text),
            Meaning::Extended(extended) => encode::encode(extended, text, kind),
        }
    }
}

impl Default for CharacterSet {
    /// The default repertoire, ISO_IR 6.
    fn default() -> Self {
        Self { terms: String::new(), meaning: meaning(&[]) }
    }
}

impl fmt::Display for CharacterSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.terms)
    }
}

impl FromStr for CharacterSet {
    type Err = UnknownTerm;

    /// Reads a value that a person wrote, where an unknown term is an error.
    fn from_str(value: &str) -> Result<Self, Self::Err> {
        let unknown = value.split('\\').find(|term| !term.trim().is_empty() && Term::parse(term).is_none());
        match unknown {
            Some(term) => Err(UnknownTerm(term.to_owned())),
            None => Ok(Self::from_value(value.as_bytes())),
        }
    }
}

/// The first term decides where a value begins; an encoding that stands alone is taken wherever it
/// stands behind a first term that says nothing.
fn meaning(terms: &[Option<Term>]) -> Meaning {
    let first = terms.first().copied().flatten();
    let says_nothing = matches!(first, None | Some(Term::Code { g0: Repertoire::Ascii, g1: None }));
    let alone = terms.iter().flatten().find_map(|term| match term {
        Term::Alone(encoding) => Some(*encoding),
        Term::Code { .. } => None,
    });
    match (first, alone) {
        (Some(Term::Alone(encoding)), _) => return Meaning::Alone(encoding),
        (_, Some(encoding)) if says_nothing => return Meaning::Alone(encoding),
        _ => {}
    }
    let codes = terms.iter().flatten().filter_map(|term| match term {
        Term::Code { g0, g1 } => Some((*g0, *g1)),
        Term::Alone(_) => None,
    });
    let (g0, g1) = match first {
        // JIS X 0208 in the first place is an error of the device: text still begins in ASCII.
        Some(Term::Code { g0, g1 }) => (if g0.width() == 1 { g0 } else { Repertoire::Ascii }, g1),
        _ => (Repertoire::Ascii, None),
    };
    let mut further = Vec::new();
    for repertoire in codes.flat_map(|(g0, g1)| [Some(g0), g1]).flatten() {
        if repertoire != g0 && Some(repertoire) != g1 && !further.contains(&repertoire) {
            further.push(repertoire);
        }
    }
    Meaning::Extended(Extended { g0, g1, further })
}

/// The value as UTF-8 where nothing but ASCII was declared and it holds more.
fn undeclared_utf_8<'a>(extended: &Extended, value: &'a [u8]) -> Option<&'a str> {
    let undeclared = extended.g1.is_none() && extended.further.is_empty() && !value.is_ascii();
    undeclared.then(|| std::str::from_utf8(value).ok()).flatten()
}
