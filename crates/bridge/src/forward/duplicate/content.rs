//! The content of an instance, here and at the origin.

use bytes::Bytes;
use dataset::{element::Limits, rewrite::Rewriting, scan::ScanLimits};
use dicomweb::BoxError;
use futures::{Stream, StreamExt};
use instance::{
    Encoding,
    part10::{self, InvalidFile},
};
use sha2::{Digest, Sha256};

use crate::forward::edit::Original;

/// What an instance of ours is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Content<'a> {
    /// SHA-256 of the data set that arrived.
    pub(crate) sha256: &'a [u8; 32],
    /// That data set, where it leaves in another encoding.
    pub(crate) changed_from: Option<&'a Original>,
}

/// SHA-256 of a data set in Implicit VR Little Endian with all lengths of sequences and items undefined:
/// what two data sets have in common that differ in encoding alone. VRs do not count, since one of the two
/// had none.
struct Elements {
    /// None once the data set shows that it cannot be rewritten.
    rewriting: Option<Rewriting>,
    piece_length: usize,
    hash: Sha256,
    rewritten: Vec<u8>,
}

impl Elements {
    fn new(from: Encoding) -> Self {
        let ratio = ScanLimits::default().inflate_ratio_max;
        let deflated = from == Encoding::DeflatedExplicitVrLittleEndian;
        let to = Encoding::ImplicitVrLittleEndian;
        Self {
            rewriting: Some(Rewriting::new(from, to, Limits::default(), ratio)),
            // What a piece of a deflated data set becomes may be a thousand times longer.
            piece_length: if deflated { 1024 } else { 64 * 1024 },
            hash: Sha256::new(),
            rewritten: Vec::new(),
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(self.piece_length) {
            let Some(rewriting) = &mut self.rewriting else { return };
            self.rewritten.clear();
            if rewriting.push(piece, &mut self.rewritten).is_err() {
                self.rewriting = None;
                return;
            }
            self.hash.update(&self.rewritten);
        }
    }

    /// None where it is no uncompressed data set.
    fn finish(self) -> Option<[u8; 32]> {
        self.rewriting?.measured().ok()?;
        Some(self.hash.finalize().into())
    }
}

/// The hash of our own data set, to be compared with that of a copy in another encoding.
pub(super) async fn as_one_encoding(original: &Original) -> Result<Option<[u8; 32]>, BoxError> {
    let mut elements = Elements::new(original.transfer_syntax.encoding());
    let mut bytes = original.read();
    while let Some(bytes) = bytes.next().await {
        elements.push(&bytes?);
    }
    Ok(elements.finish())
}

/// SHA-256 of the data set behind preamble and File Meta Information, as it streams by, and where `elements`
/// are asked for, that of its elements in the one encoding. Only the head is kept, and that is bounded.
pub(super) async fn hashes(
    mut file: impl Stream<Item = Result<Bytes, BoxError>> + Unpin,
    elements: bool,
) -> Result<([u8; 32], Option<[u8; 32]>), String> {
    let (mut head, mut hash, mut in_head) = (Vec::new(), Sha256::new(), true);
    let mut passing = None;
    while let Some(chunk) = file.next().await {
        let chunk = chunk.map_err(|error| format!("was cut: {error}"))?;
        if !in_head {
            hash.update(&chunk);
            passing.iter_mut().for_each(|passing: &mut Elements| passing.push(&chunk));
            continue;
        }
        head.extend_from_slice(&chunk);
        match part10::read(&head) {
            Ok((meta, length)) if length < head.len() => {
                hash.update(&head[length..]);
                if elements {
                    let mut begun = Elements::new(meta.transfer_syntax.encoding());
                    begun.push(&head[length..]);
                    passing = Some(begun);
                }
                (head, in_head) = (Vec::new(), false);
            }
            Ok(_) | Err(InvalidFile::Incomplete) if head.len() <= HEAD_MAX => {}
            Ok(_) | Err(InvalidFile::Incomplete) => {
                return Err("has no end of its File Meta Information".into());
            }
            Err(error) => return Err(format!("is no Part 10 file: {error}")),
        }
    }
    if in_head {
        return Err("ends before its data set".to_owned());
    }
    Ok((hash.finalize().into(), passing.and_then(Elements::finish)))
}

/// Bytes in which File Meta Information must end, with room for one chunk more.
const HEAD_MAX: usize = part10::PREAMBLE_LENGTH + part10::FILE_META_LENGTH_MAX;

#[cfg(test)]
mod tests {
    use super::*;
    use dataset::element::{VR, Writer};
    use futures::stream;
    use instance::{Tag, TransferSyntax, part10::FileMeta};

    const EXPLICIT: &str = "1.2.840.10008.1.2.1";

    fn file(transfer_syntax: &str, data_set: &[u8]) -> Vec<u8> {
        let meta = FileMeta {
            sop_class_uid: "1.2".parse().unwrap(),
            sop_instance_uid: "1.2.3".parse().unwrap(),
            transfer_syntax: TransferSyntax::new(transfer_syntax.parse().unwrap()),
        };
        [part10::write(&meta, None), data_set.to_vec()].concat()
    }

    async fn hashes_of(file: &[u8], size: usize, elements: bool) -> ([u8; 32], Option<[u8; 32]>) {
        let chunks: Vec<_> = file.chunks(size).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        hashes(stream::iter(chunks), elements).await.unwrap()
    }

    #[tokio::test]
    async fn hashes_what_stands_behind_the_file_meta_information() {
        let data_set = b"\x08\0\x16\0UI\x02\x001\0 and so on";
        let expected: [u8; 32] = Sha256::digest(data_set).into();
        for size in [1, 7, 131, 132, 133, 4096] {
            let file = file(EXPLICIT, data_set);
            assert_eq!(hashes_of(&file, size, false).await, (expected, None), "chunks of {size}");
        }
    }

    #[tokio::test]
    async fn the_same_elements_in_another_encoding_are_the_same() {
        let written = |encoding, value: &[u8]| {
            let mut writer = Writer::new(encoding);
            writer
                .element(Tag::SOP_CLASS_UID, VR::UI, b"1.2.3\0")
                .begin_sequence(Tag(0x0008, 0x1140))
                .begin_item()
                .element(Tag(0x0028, 0x0106), VR::US, &[1, 2])
                .end_item()
                .end_sequence()
                .element(Tag::PIXEL_DATA, VR::OW, value);
            writer.into_bytes()
        };
        let of = async |syntax: &str, encoding, value: &[u8]| {
            hashes_of(&file(syntax, &written(encoding, value)), 50, true).await.1.unwrap()
        };
        let implicit = of("1.2.840.10008.1.2", Encoding::ImplicitVrLittleEndian, b"pixels").await;
        assert_eq!(implicit, of(EXPLICIT, Encoding::ExplicitVrLittleEndian, b"pixels").await);
        assert_ne!(implicit, of(EXPLICIT, Encoding::ExplicitVrLittleEndian, b"others").await);
    }

    #[tokio::test]
    async fn what_is_compressed_or_broken_has_no_elements_in_common() {
        let fragments = b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\0\0\0\0\xFE\xFF\xDD\xE0\0\0\0\0";
        for data_set in [&fragments[..], b"\x08\0\x16\0UI\x20\x001\0"] {
            assert_eq!(hashes_of(&file(EXPLICIT, data_set), 10, true).await.1, None);
        }
    }

    #[tokio::test]
    async fn refuses_what_is_cut_or_no_file() {
        let whole = file(EXPLICIT, b"");
        let cases: Vec<Vec<Result<Bytes, BoxError>>> = vec![
            vec![],
            vec![Ok(Bytes::from(whole[..100].to_vec()))],
            vec![Ok(Bytes::from(whole.clone()))],
            vec![Ok(Bytes::from(vec![0; 200]))],
            vec![Ok(Bytes::from(file(EXPLICIT, b"\x08\0\x16\0UI"))), Err("reset".into())],
        ];
        for chunks in cases {
            assert!(hashes(stream::iter(chunks), true).await.is_err());
        }
    }
}
