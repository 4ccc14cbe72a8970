//! Where an entry goes.

use std::{fmt, str::FromStr};

use instance::AeTitle;

/// Where an entry is delivered. Written `archive` for an origin server and `peer:AE` for a DIMSE peer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Destination {
    /// An origin server, by its name in the configuration.
    Origin(String),
    /// A DIMSE peer, by its AE title.
    Peer(AeTitle),
}

/// Why a text names no destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDestination {
    /// No name.
    #[error("the destination is empty")]
    Empty,
    /// More characters than [`Destination::LENGTH_MAX`].
    #[error("the destination has {0} characters, 128 are allowed")]
    TooLong(usize),
    /// What follows `peer:` is no AE title.
    #[error("no AE title follows `peer:`: {0}")]
    AeTitle(#[from] instance::ae_title::InvalidAeTitle),
}

impl Destination {
    /// Characters of the longest name, a bound on what an index key takes.
    pub const LENGTH_MAX: usize = 128;
}

impl FromStr for Destination {
    type Err = InvalidDestination;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(InvalidDestination::Empty);
        }
        if text.len() > Self::LENGTH_MAX {
            return Err(InvalidDestination::TooLong(text.len()));
        }
        match text.strip_prefix("peer:") {
            Some(title) => Ok(Self::Peer(title.parse()?)),
            None => Ok(Self::Origin(text.to_owned())),
        }
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Origin(name) => f.write_str(name),
            Self::Peer(title) => write!(f, "peer:{title}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_prints() {
        for text in ["archive", "peer:CT 1"] {
            assert_eq!(text.parse::<Destination>().unwrap().to_string(), text);
        }
        assert_eq!("".parse::<Destination>(), Err(InvalidDestination::Empty));
        assert!(matches!("peer:".parse::<Destination>(), Err(InvalidDestination::AeTitle(_))));
        assert_eq!("a".repeat(129).parse::<Destination>(), Err(InvalidDestination::TooLong(129)));
    }
}
