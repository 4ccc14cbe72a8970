//! What it means that an origin already has an instance of this UID.

use dicomweb::{BoxError, Client};
use futures::StreamExt;
use instance::{
    Identity,
    part10::{self, InvalidFile},
};
use sha2::{Digest, Sha256};
use spool::{Deliveries, Destination, Lease};

use super::verdict::failure_in_words;

/// What comparing with the copy at the destination gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// The same content; how that is known, in words.
    Equal(&'static str),
    /// Other content.
    Different,
    /// It could not be compared now; why, in words.
    NotNow(String),
}

/// Compares the SHA-256 of a data set with what the destination has: with the newest delivery of
/// this UID on record, and where that does not settle it, with the origin's own copy.
pub(crate) async fn compare(
    identity: &Identity,
    sha256: &[u8; 32],
    destination: &Destination,
    deliveries: &dyn Deliveries,
    client: &Client,
) -> Comparison {
    let uid = std::slice::from_ref(&identity.sop_instance_uid);
    match deliveries.delivered_content(destination, uid).await {
        Ok(delivered) if delivered == [Some(*sha256)] => {
            return Comparison::Equal("equal to what was delivered before");
        }
        Ok(_) => {}
        Err(error) => return Comparison::NotNow(format!("the delivery record cannot be read: {error}")),
    }
    let copy = match client.retrieve_instance(identity).await {
        Ok(Some(copy)) => copy,
        Ok(None) => return Comparison::NotNow("called a duplicate, but not there to be compared".to_owned()),
        Err(error) => return Comparison::NotNow(format!("called a duplicate; {}", failure_in_words(&error))),
    };
    match hash_data_set(copy.map(|chunk| chunk.map_err(BoxError::from))).await {
        Ok(copy) if copy == *sha256 => Comparison::Equal("equal to the copy of the origin"),
        Ok(_) => Comparison::Different,
        Err(words) => Comparison::NotNow(format!("called a duplicate; its copy {words}")),
    }
}

/// Whether the newest delivery on record had other content, for each lease of one destination: of its UID,
/// to that destination.
pub(crate) async fn delivered_other_content(
    leases: &[Lease],
    deliveries: &dyn Deliveries,
) -> Result<Vec<bool>, spool::Error> {
    let Some(first) = leases.first() else { return Ok(Vec::new()) };
    let uid = |lease: &Lease| lease.entry.trailer.identity.sop_instance_uid.clone();
    let uids: Vec<_> = leases.iter().map(uid).collect();
    let delivered = deliveries.delivered_content(&first.token.destination, &uids).await?;
    let differs = |(lease, delivered): (&Lease, Option<[u8; 32]>)| {
        delivered.is_some_and(|delivered| delivered != lease.entry.sha256)
    };
    Ok(leases.iter().zip(delivered).map(differs).collect())
}

/// SHA-256 of the data set behind preamble and File Meta Information, as it streams by. Only the
/// head is kept, and that is bounded.
async fn hash_data_set(
    mut file: impl futures::Stream<Item = Result<bytes::Bytes, BoxError>> + Unpin,
) -> Result<[u8; 32], String> {
    let (mut head, mut hash, mut in_head) = (Vec::new(), Sha256::new(), true);
    while let Some(chunk) = file.next().await {
        let chunk = chunk.map_err(|error| format!("was cut: {error}"))?;
        if !in_head {
            hash.update(&chunk);
            continue;
        }
        head.extend_from_slice(&chunk);
        match part10::read(&head) {
            Ok((_, length)) if length < head.len() => {
                hash.update(&head[length..]);
                (head, in_head) = (Vec::new(), false);
            }
            Ok(_) | Err(InvalidFile::Incomplete) if head.len() <= HEAD_MAX => {}
            Ok(_) | Err(InvalidFile::Incomplete) => {
                return Err("has no end of its File Meta Information".into());
            }
            Err(error) => return Err(format!("is no Part 10 file: {error}")),
        }
    }
    if in_head { Err("ends before its data set".to_owned()) } else { Ok(hash.finalize().into()) }
}

/// Bytes in which File Meta Information must end, with room for one chunk more.
const HEAD_MAX: usize = part10::PREAMBLE_LENGTH + part10::FILE_META_LENGTH_MAX;

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use futures::stream;
    use instance::{TransferSyntax, part10::FileMeta};

    fn file(data_set: &[u8]) -> Vec<u8> {
        let meta = FileMeta {
            sop_class_uid: "1.2".parse().unwrap(),
            sop_instance_uid: "1.2.3".parse().unwrap(),
            transfer_syntax: TransferSyntax::new("1.2.840.10008.1.2.1".parse().unwrap()),
        };
        [part10::write(&meta, None), data_set.to_vec()].concat()
    }

    #[tokio::test]
    async fn hashes_what_stands_behind_the_file_meta_information() {
        let data_set = b"\x08\0\x16\0UI\x02\x001\0 and so on";
        let expected: [u8; 32] = Sha256::digest(data_set).into();
        for size in [1, 7, 131, 132, 133, 4096] {
            let bytes = file(data_set);
            let chunks: Vec<_> = bytes.chunks(size).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
            assert_eq!(hash_data_set(stream::iter(chunks)).await, Ok(expected), "chunks of {size}");
        }
    }

    #[tokio::test]
    async fn refuses_what_is_cut_or_no_file() {
        let whole = file(b"");
        let cases: Vec<Vec<Result<Bytes, BoxError>>> = vec![
            vec![],
            vec![Ok(Bytes::from(whole[..100].to_vec()))],
            vec![Ok(Bytes::from(whole.clone()))],
            vec![Ok(Bytes::from(vec![0; 200]))],
            vec![Ok(Bytes::from(file(b"\x08\0\x16\0UI"))), Err("reset".into())],
        ];
        for chunks in cases {
            assert!(hash_data_set(stream::iter(chunks)).await.is_err());
        }
    }
}
