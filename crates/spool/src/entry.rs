//! An accepted instance and what is known of it beside its bytes.

use std::{fmt, net::IpAddr, str::FromStr, time::SystemTime};

use instance::{AeTitle, Identity, Tag, TransferSyntax, Uid};

use crate::{Destination, HeldReason};

/// The number of an entry: grows with every commit, also across restarts and when the index is lost,
/// because it is never below the microseconds since 1970. Printed as 13 characters of Crockford's base 32.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(pub u64);

/// Digits of the printed form: no I, L, O and U, which people misread.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of the printed form.
const PRINTED: usize = 13;

/// A text that is not the printed form of an entry number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not the number of an entry")]
pub struct InvalidEntryId;

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in (0..PRINTED).rev() {
            let digit = (self.0 >> (place * 5)) & 31;
            write!(f, "{}", char::from(DIGITS[digit as usize]))?;
        }
        Ok(())
    }
}

impl fmt::Debug for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for EntryId {
    type Err = InvalidEntryId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.len() > PRINTED {
            return Err(InvalidEntryId);
        }
        let mut value: u64 = 0;
        for byte in text.bytes() {
            let digit = DIGITS.iter().position(|digit| *digit == byte.to_ascii_lowercase());
            let digit = digit.ok_or(InvalidEntryId)? as u64;
            if value >> 59 != 0 {
                return Err(InvalidEntryId);
            }
            value = (value << 5) | digit;
        }
        Ok(Self(value))
    }
}

/// What is known before the first byte of the data set arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryHeader {
    /// AE title of the association's requestor.
    pub calling_ae_title: AeTitle,
    /// AE title that it called.
    pub called_ae_title: AeTitle,
    /// Address that it called from.
    pub peer_address: IpAddr,
    /// The user that the association was authenticated for (PS3.7 §D.3.3.7), at most 256 bytes.
    pub user: Option<String>,
    /// Transfer syntax of the data set.
    pub transfer_syntax: TransferSyntax,
    /// Affected SOP Class UID of the command.
    pub sop_class_uid: Uid,
    /// Affected SOP Instance UID of the command.
    pub sop_instance_uid: Uid,
    /// When the command arrived.
    pub accepted_at: SystemTime,
}

/// What is known once the last byte has arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryTrailer {
    /// The identity that the data set states.
    pub identity: Identity,
    /// Values for routing, queries and lists, raw as in the data set. At most
    /// [`EntryTrailer::ATTRIBUTES_BYTES_MAX`] bytes together.
    pub attributes: Vec<(Tag, Vec<u8>)>,
    /// Raw value of (0008,0005), which the attributes are written in; empty where there is none.
    pub character_set: Vec<u8>,
    /// Where the entry goes, fixed at acceptance. At most [`EntryTrailer::DESTINATIONS_MAX`].
    pub destinations: Vec<Destination>,
    /// Set where the entry is not delivered until a person releases it, for example because no route
    /// matched. An entry without destinations is always held.
    pub held: Option<HeldReason>,
}

impl EntryTrailer {
    /// Bytes of all attribute values together: what the data set scan keeps at most, 64 KiB.
    pub const ATTRIBUTES_BYTES_MAX: usize = 64 * 1024;
    /// Destinations of one entry: far above what a site routes to.
    pub const DESTINATIONS_MAX: usize = 64;

    /// The raw value of an attribute, if it was kept.
    #[must_use]
    pub fn attribute(&self, tag: Tag) -> Option<&[u8]> {
        self.attributes.iter().find(|(known, _)| *known == tag).map(|(_, value)| value.as_slice())
    }
}

/// An accepted instance without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub entry_id: EntryId,
    /// What the association said.
    pub header: EntryHeader,
    /// What the data set said, and the destinations at acceptance.
    pub trailer: EntryTrailer,
    /// Bytes of the data set.
    pub length: u64,
    /// SHA-256 of the data set.
    pub sha256: [u8; 32],
}

/// The proof that an instance is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Its number.
    pub entry_id: EntryId,
    /// Bytes of the data set.
    pub length: u64,
    /// SHA-256 of the data set.
    pub sha256: [u8; 32],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_ids_print_short_and_in_order() {
        let ids = [0, 1, 31, 32, 1_700_000_000_000_000, u64::MAX];
        for pair in ids.windows(2) {
            assert!(EntryId(pair[0]).to_string() < EntryId(pair[1]).to_string());
        }
        for id in ids {
            assert_eq!(EntryId(id).to_string().parse(), Ok(EntryId(id)));
        }
        for text in ["", "u", "00000000000000", "g000000000000"] {
            assert_eq!(text.parse::<EntryId>(), Err(InvalidEntryId), "{text}");
        }
    }
}
