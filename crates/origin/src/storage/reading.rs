//! What the index keeps of a data set that passes by.

use std::collections::BTreeSet;

use dataset::{
    json::{Converter, Options, Select},
    scan::{Attributes, IdentityError, ScanError, ScanLimits, Scanner, Wanted},
};
use instance::{Encoding, Identity, Tag};
use serde_json::Value;

use crate::index::attributes::{ATTRIBUTES, Attribute, Kind};

/// Picks the attributes of the index from a data set, piece by piece.
pub(super) struct Reading {
    scanner: Scanner,
    /// Reads the sequences; none once they cannot be read, which costs them alone.
    sequences: Option<Converter>,
    json: Vec<u8>,
    big_endian: bool,
}

/// The attributes of the index that a data set has.
pub(super) struct Values {
    attributes: Attributes,
    sequences: Value,
    big_endian: bool,
}

impl Reading {
    pub(super) fn new(encoding: Encoding) -> Self {
        let scanned = ATTRIBUTES.iter().filter(|attribute| attribute.is_scanned());
        let wanted = Wanted::identity().and(scanned.map(|attribute| attribute.tag));
        let sequences = ATTRIBUTES.iter().filter(|attribute| attribute.kind == Kind::Sequence);
        let sequences: BTreeSet<Tag> = sequences.map(|attribute| attribute.tag).collect();
        let options = Options { select: Select::Only(sequences), ..Options::default() };
        Self {
            scanner: Scanner::new(encoding, wanted, ScanLimits::default()),
            sequences: Some(Converter::new(encoding, options)),
            json: Vec::new(),
            big_endian: encoding == Encoding::ExplicitVrBigEndian,
        }
    }

    /// Takes the next bytes.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), ScanError> {
        if let Some(converter) = self.sequences.as_mut().filter(|converter| !converter.is_done())
            && converter.push(bytes, &mut self.json).is_err()
        {
            self.sequences = None;
        }
        self.scanner.push(bytes).map(|_| ())
    }

    /// All bytes are there.
    pub(super) fn finish(mut self) -> Result<Values, ScanError> {
        let complete =
            self.sequences.take().is_some_and(|converter| converter.finish(&mut self.json).is_ok());
        let json = if complete { self.json.as_slice() } else { b"null" };
        let sequences = serde_json::from_slice(json).unwrap_or_default();
        Ok(Values { attributes: self.scanner.finish()?, sequences, big_endian: self.big_endian })
    }
}

impl Values {
    /// The identity of the instance.
    pub(super) fn identity(&self) -> Result<Identity, IdentityError> {
        self.attributes.identity()
    }

    /// The value of a column: several values stand with backslashes between them.
    pub(super) fn value(&self, attribute: &Attribute) -> Option<String> {
        if attribute.kind == Kind::Sequence {
            let items = self.sequences.get(format!("{:08X}", attribute.tag.to_u32()))?.get("Value")?;
            return Some(items.to_string());
        }
        let raw = self.attributes.get(attribute.tag)?;
        let character_set = self.attributes.specific_character_set();
        Some(match attribute.kind {
            Kind::Number => {
                let bytes = [*raw.first()?, *raw.get(1)?];
                let number =
                    if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) };
                number.to_string()
            }
            // The delimiters of a name end a run of designations, those of other text do not.
            Kind::PersonName => character_set.decode_person_names(raw).join("\\"),
            _ => character_set.decode_values(raw).join("\\"),
        })
    }
}
