//! What can be made of which transfer syntax.

use instance::{
    TransferSyntax,
    transfer_syntax::{EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN},
};

use super::{codec::Codec, error::TranscodeError};

/// How an object leaves its transfer syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Element by element; its pixels are not compressed.
    Rewrite,
    /// Its frames are decoded.
    Decode(Codec),
}

impl Way {
    /// The way out of `stored`, where there is one.
    pub(super) fn out_of(stored: &TransferSyntax) -> Option<Self> {
        match stored.uid().as_str() {
            // PS3.5 §A.1, §A.2, §A.3 and §A.5.
            "1.2.840.10008.1.2"
            | "1.2.840.10008.1.2.1"
            | "1.2.840.10008.1.2.2"
            | "1.2.840.10008.1.2.1.99" => Some(Self::Rewrite),
            uid => Codec::of(uid).map(Self::Decode),
        }
    }
}

/// The transfer syntax made of `stored`, one of those `acceptable`, and the way there.
pub(super) fn target(
    stored: &TransferSyntax,
    acceptable: &[TransferSyntax],
) -> Result<(TransferSyntax, Way), TranscodeError> {
    let way = Way::out_of(stored).ok_or_else(|| TranscodeError::NoDecoder(stored.clone()))?;
    [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN]
        .iter()
        .find_map(|uid| acceptable.iter().find(|syntax| syntax.uid().as_str() == *uid))
        .map(|syntax| (syntax.clone(), way))
        .ok_or_else(|| TranscodeError::NoTarget(stored.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn syntax(uid: &str) -> TransferSyntax {
        TransferSyntax::new(uid.parse().unwrap())
    }

    #[test]
    fn prefers_the_vrs_of_private_elements() {
        let acceptable = [syntax("1.2.840.10008.1.2"), syntax("1.2.840.10008.1.2.1")];
        let (to, way) = target(&syntax("1.2.840.10008.1.2.2"), &acceptable).unwrap();
        assert_eq!((to.uid().as_str(), way), ("1.2.840.10008.1.2.1", Way::Rewrite));
        let (to, way) = target(&syntax("1.2.840.10008.1.2.5"), &acceptable[..1]).unwrap();
        assert_eq!((to.uid().as_str(), way), ("1.2.840.10008.1.2", Way::Decode(Codec::Rle)));
    }

    #[test]
    fn says_what_cannot_be_done() {
        let little = [syntax("1.2.840.10008.1.2")];
        for uid in ["1.2.3.4", "1.2.840.10008.1.2.4.102", "1.2.840.10008.1.2.4.94"] {
            assert!(matches!(target(&syntax(uid), &little), Err(TranscodeError::NoDecoder(_))), "{uid}");
        }
        let jpeg = [syntax("1.2.840.10008.1.2.4.50")];
        let got = target(&syntax("1.2.840.10008.1.2.1"), &jpeg);
        assert!(matches!(got, Err(TranscodeError::NoTarget(_))));
    }
}
