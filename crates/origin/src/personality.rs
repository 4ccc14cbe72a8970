//! What kind of server the origin pretends to be.

use std::{fmt, str::FromStr};

/// The server whose behaviour the origin shows. What differs only in degree is data in `Rules`;
/// what has resources of its own gets handlers of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Personality {
    /// An origin server that does what PS3.18 §10 says.
    #[default]
    Standard,
}

/// The behaviour of one personality, as data.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Path below which the DICOMweb resources stand.
    pub(crate) base_path: &'static str,
    /// Failure Reason (0008,1197) for a SOP Instance UID that is there with other bytes.
    pub(crate) duplicate_reason: u16,
    /// Whether the single part form of a store request is taken (PS3.18 §8.6.1.1).
    pub(crate) single_part_store: bool,
}

/// Every personality, in the order in which help texts list them.
const ALL: [Personality; 1] = [Personality::Standard];

impl Personality {
    /// The name used on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
        }
    }

    /// Every personality there is.
    #[must_use]
    pub const fn all() -> &'static [Self] {
        &ALL
    }

    pub(crate) const fn rules(self) -> Rules {
        match self {
            Self::Standard => Rules {
                base_path: crate::BASE_PATH,
                duplicate_reason: crate::routes::failure::DUPLICATE_SOP_INSTANCE,
                single_part_store: true,
            },
        }
    }
}

/// A name that is no personality.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no origin personality `{0}`")]
pub struct UnknownPersonality(String);

impl FromStr for Personality {
    type Err = UnknownPersonality;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        ALL.into_iter().find(|one| one.name() == name).ok_or_else(|| UnknownPersonality(name.to_owned()))
    }
}

impl fmt::Display for Personality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for personality in Personality::all() {
            assert_eq!(personality.name().parse(), Ok(*personality));
        }
        assert_eq!("pacs".parse::<Personality>(), Err(UnknownPersonality("pacs".to_owned())));
    }
}
