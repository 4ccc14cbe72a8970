//! Text as (0008,0005) Specific Character Set says (PS3.3 §C.12.1.1.2, PS3.5 §6.1).

/// A Specific Character Set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CharacterSet {
    terms: Vec<String>,
}

impl CharacterSet {
    /// Reads the value of (0008,0005). Unknown terms are tolerated.
    #[must_use]
    pub fn from_value(value: &[u8]) -> Self {
        let text = String::from_utf8_lossy(value).into_owned();
        Self { terms: text.split('\\').map(|term| term.trim_matches([' ', '\0']).to_owned()).collect() }
    }

    /// Decodes a value that may be multi-valued, split at backslashes, padding taken off.
    #[must_use]
    pub fn decode_values(&self, value: &[u8]) -> Vec<String> {
        let text = value.iter().map(|byte| char::from(*byte)).collect::<String>();
        text.split('\\').map(|value| value.trim_end_matches([' ', '\0']).to_owned()).collect()
    }

    /// Decodes person names.
    #[must_use]
    pub fn decode_person_names(&self, value: &[u8]) -> Vec<String> {
        self.decode_values(value)
    }

    /// Decodes a text of one value, in which a backslash is a character.
    #[must_use]
    pub fn decode_text(&self, value: &[u8]) -> String {
        value.iter().map(|byte| char::from(*byte)).collect::<String>().trim_end().to_owned()
    }
}
