//! The content coding `aws-chunked`: a body in chunks, each with its length and signature in front (Amazon S3,
//! "Transferring Payload in Multiple Chunks").

use std::mem;

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _, stream};

use super::ChunkSigner;

/// Bytes of data in every chunk but the last. 64 KiB: what the coding adds is a thousandth, and no more than
/// this is held back from the connection. The documentation of Amazon S3 asks for at least 8 KiB.
const CHUNK_BYTES: usize = 64 * 1024;

/// Characters of a signature.
const SIGNATURE_LENGTH: u64 = 64;

/// Bytes that a body of `length` bytes has in this coding.
pub(crate) fn encoded_length(length: u64) -> u64 {
    let chunk = |bytes: u64| {
        let digits = u64::from(bytes.checked_ilog(16).unwrap_or(0)) + 1;
        digits + ";chunk-signature=".len() as u64 + SIGNATURE_LENGTH + 2 * "\r\n".len() as u64 + bytes
    };
    let (whole, rest) = (length / CHUNK_BYTES as u64, length % CHUNK_BYTES as u64);
    whole * chunk(CHUNK_BYTES as u64) + if rest > 0 { chunk(rest) } else { 0 } + chunk(0)
}

/// The body in this coding. After an error nothing follows: a body that was cut has no last chunk.
pub(crate) fn framed<E: Send>(
    data: impl Stream<Item = Result<Bytes, E>> + Send,
    signer: ChunkSigner,
) -> impl Stream<Item = Result<Bytes, E>> + Send {
    let state = Some((Box::pin(data), Framer { signer, waiting: BytesMut::new() }));
    stream::unfold(state, |state| async {
        let (mut data, mut framer) = state?;
        while framer.waiting.len() < CHUNK_BYTES {
            match data.next().await {
                Some(Ok(bytes)) => framer.waiting.extend_from_slice(&bytes),
                Some(Err(error)) => return Some((Err(error), None)),
                None => return Some((Ok(framer.last()), None)),
            }
        }
        let chunks = framer.whole_chunks();
        Some((Ok(chunks), Some((data, framer))))
    })
}

struct Framer {
    signer: ChunkSigner,
    /// Data that is not in a chunk yet.
    waiting: BytesMut,
}

impl Framer {
    /// All whole chunks there are.
    fn whole_chunks(&mut self) -> Bytes {
        let whole = self.waiting.len() / CHUNK_BYTES * CHUNK_BYTES;
        let ready = self.waiting.split_to(whole);
        let mut coded = BytesMut::with_capacity(encoded_length(whole as u64) as usize);
        for chunk in ready.chunks(CHUNK_BYTES) {
            self.write(chunk, &mut coded);
        }
        coded.freeze()
    }

    /// What is left, and the chunk without data that ends the body.
    fn last(mut self) -> Bytes {
        let rest = mem::take(&mut self.waiting);
        let mut coded = BytesMut::with_capacity(encoded_length(rest.len() as u64) as usize);
        for chunk in rest.chunks(CHUNK_BYTES) {
            self.write(chunk, &mut coded);
        }
        self.write(b"", &mut coded);
        coded.freeze()
    }

    fn write(&mut self, chunk: &[u8], coded: &mut BytesMut) {
        let signature = self.signer.sign(chunk);
        coded.extend_from_slice(format!("{:x};chunk-signature={signature}\r\n", chunk.len()).as_bytes());
        coded.extend_from_slice(chunk);
        coded.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::super::signature::SigningKey;
    use super::*;

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn signer() -> ChunkSigner {
        let secret = "secret".to_owned().into();
        let key = SigningKey::new(&secret, "2026-01-02T03:04:05Z".parse().unwrap(), "us-east-1", "s3");
        ChunkSigner::new(key, "0".repeat(64))
    }

    fn coded(pieces: &[Vec<u8>]) -> Vec<u8> {
        let pieces: Vec<Result<Bytes, Infallible>> =
            pieces.iter().map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let pieces: Vec<Bytes> =
            block_on(framed(stream::iter(pieces), signer()).map(Result::unwrap).collect());
        pieces.concat()
    }

    #[test]
    fn the_example_has_the_length_that_its_documentation_states() {
        assert_eq!(encoded_length(66_560), 66_824);
        assert_eq!(encoded_length(0), 86);
    }

    #[test]
    fn an_error_ends_the_body_without_a_last_chunk() {
        let pieces = [Ok(Bytes::from(vec![1; CHUNK_BYTES])), Ok(Bytes::from_static(b"more")), Err("cut")];
        let framed: Vec<_> = block_on(framed(stream::iter(pieces), signer()).collect());
        assert_eq!(framed.len(), 2);
        assert_eq!(framed[0].as_ref().unwrap().len(), CHUNK_BYTES + 90);
        assert_eq!(framed[1], Err("cut"));
    }

    proptest! {
        /// Chunks do not depend on the pieces in which data comes, so that both ends sign the same.
        #[test]
        fn pieces_leave_no_trace(lengths in prop::collection::vec(0usize..100_000, 0..6)) {
            let whole = vec![7; lengths.iter().sum()];
            let pieces: Vec<Vec<u8>> = lengths.iter().map(|length| vec![7; *length]).collect();
            let coded = coded(&pieces);
            prop_assert_eq!(coded.len() as u64, encoded_length(whole.len() as u64));
            prop_assert_eq!(coded, self::coded(&[whole]));
        }
    }
}
