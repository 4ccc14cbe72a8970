//! Identifiers that no source gave: the same for every query, after every restart and for every replica.

use instance::Uid;
use sha2::{Digest, Sha256};

/// A hash of texts, which tells them apart wherever one ends.
fn hash(texts: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(text.as_bytes());
    }
    hash.finalize().into()
}

/// A Study Instance UID of the form `2.25.` (PS3.5 §B.2): of the order's own UUID where that is one, else of
/// the accession number and the patient, which every source of an order states alike, else of the order.
pub(super) fn study_instance_uid(
    source: &str,
    order: &str,
    patient_id: &str,
    accession_number: Option<&str>,
) -> Option<Uid> {
    let number = uuid(order).unwrap_or_else(|| match accession_number {
        Some(accession_number) => of_hash(hash(&["accession number", patient_id, accession_number])),
        None => of_hash(hash(&["order", source, order])),
    });
    format!("2.25.{number}").parse().ok()
}

/// The integer of a UUID, with or without braces.
fn uuid(text: &str) -> Option<u128> {
    let text = text.trim_matches(['{', '}']);
    let dashes = text.match_indices('-').map(|(at, _)| at);
    if text.len() != 36 || !dashes.eq([8, 13, 18, 23]) || !text.is_ascii() {
        return None;
    }
    u128::from_str_radix(&text.replace('-', ""), 16).ok()
}

/// A UUID of version 8 (RFC 9562), which is what a hash of one's own choice makes.
fn of_hash(hash: [u8; 32]) -> u128 {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    bytes[6] = bytes[6] & 0x0F | 0x80;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    u128::from_be_bytes(bytes)
}

/// 16 characters of base 32, the room of an SH element (PS3.5 §6.2).
pub(crate) fn short(texts: &[&str]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut bytes = [0; 16];
    bytes[6..].copy_from_slice(&hash(texts)[..10]);
    let number = u128::from_be_bytes(bytes);
    (0..16).rev().map(|place| char::from(LETTERS[(number >> (place * 5)) as usize % 32])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_is_that_of_the_order_or_of_what_every_source_states() {
        let uid = |source, order, patient, accession| {
            study_instance_uid(source, order, patient, accession).unwrap().to_string()
        };
        let of_uuid = "2.25.329800735698586629295641978511506172918";
        assert_eq!(uid("a", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "1", Some("A1")), of_uuid);
        assert_eq!(uid("b", "{F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6}", "2", None), of_uuid);
        let of_accession = uid("a", "1", "4711", Some("A1"));
        assert_eq!(of_accession, uid("b", "x", "4711", Some("A1")), "from any source");
        assert_ne!(of_accession, uid("a", "1", "4712", Some("A1")), "another patient");
        assert_ne!(of_accession, uid("a", "1", "4711", Some("A2")), "another order");
        assert_ne!(uid("a", "1", "4711", None), uid("b", "1", "4711", None), "ids are of their source");
        assert_eq!(uid("a", "1", "4711", None), uid("a", "1", "other", None));
    }

    #[test]
    fn a_short_identifier_fits_and_stays() {
        assert_eq!(short(&["ris", "1"]), short(&["ris", "1"]));
        assert_ne!(short(&["ris", "1"]), short(&["ris1", ""]));
        assert_eq!(short(&["ris", "1"]).len(), 16);
    }
}
