//! What a fuzzer does with A-ASSOCIATE PDUs.

use super::{Policy, codec, negotiate};
use crate::pdu::HEADER_LENGTH;

/// The variable field of an A-ASSOCIATE-RQ (PS3.8 §9.3.2), and the answer to it.
///
/// # Panics
/// Where what is made of it cannot be written and read again.
pub(crate) fn associate_request(bytes: &[u8]) {
    let Ok(request) = codec::read_request(bytes) else { return };
    if let Ok(written) = codec::write_request(&request) {
        let again = codec::read_request(&written[HEADER_LENGTH..]);
        assert!(again.is_ok(), "what was written reads: {again:?}");
    }
    let Ok(accept) = negotiate(&request, &Policy::default()) else { return };
    assert!(accept.presentation_contexts.len() <= request.presentation_contexts.len());
    if let Ok(written) = codec::write_accept(&accept, &request) {
        let again = codec::read_accept(&written[HEADER_LENGTH..]);
        assert!(again.is_ok(), "what was written reads: {again:?}");
    }
}

/// The variable field of an A-ASSOCIATE-AC (PS3.8 §9.3.3).
///
/// # Panics
/// Never; the target looks for those of others.
pub(crate) fn associate_accept(bytes: &[u8]) {
    let _ = codec::read_accept(bytes);
}
