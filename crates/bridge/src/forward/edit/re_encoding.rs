//! Another encoding for origins that do not take the one that arrived.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use dataset::rewrite::Image;
use dicomweb::{BoxError, profile::TransferSyntaxes};
use futures::{StreamExt, stream, stream::BoxStream};
use instance::{
    TransferSyntax, Uid,
    transfer_syntax::{
        DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN,
        IMPLICIT_VR_LITTLE_ENDIAN,
    },
};
use sha2::{Digest, Sha256};

use super::{DataSet, Edit, EditError, MadeSha256, Making, Original};
use crate::rewriting::{Failed, Rewritten};

/// The transfer syntaxes whose data sets can be rewritten element by element: those without compressed
/// pixel data. A private one may be written in its own way.
const FROM: [&str; 4] = [
    IMPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
];

/// What is made of them, the first that the origin takes. Explicit VR before implicit: it keeps the VRs of
/// private elements.
const TO: [&str; 2] = [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN];

/// Writes data sets in Explicit (or else Implicit) VR Little Endian where the origin does not take them as
/// they are, and leaves all others untouched.
#[derive(Debug, Clone)]
pub struct ReEncoding {
    accepted: TransferSyntaxes,
}

impl ReEncoding {
    /// For an origin that takes these transfer syntaxes.
    #[must_use]
    pub const fn new(accepted: TransferSyntaxes) -> Self {
        Self { accepted }
    }
}

/// What becomes of instances in `from` at an origin that takes `accepted` and not that; none where nothing
/// can be made of it.
fn target(from: &TransferSyntax, accepted: &TransferSyntaxes) -> Option<TransferSyntax> {
    if !FROM.contains(&from.uid().as_str()) {
        return None;
    }
    let all = TO.into_iter().filter_map(|uid| uid.parse().ok()).map(TransferSyntax::new);
    all.into_iter().find(|to| accepted.accept(to))
}

/// The transfer syntaxes of instances that can be delivered to an origin that takes `accepted`, as they are
/// or in another encoding; none where all can.
pub(crate) fn reachable(accepted: &TransferSyntaxes) -> Option<Vec<Uid>> {
    let made = || {
        let all = FROM.into_iter().filter_map(|uid| uid.parse().ok()).map(TransferSyntax::new);
        all.filter(|from| target(from, accepted).is_some())
    };
    match accepted {
        TransferSyntaxes::All | TransferSyntaxes::ExplicitVr => None,
        TransferSyntaxes::These(syntaxes) => {
            let mut reachable: Vec<Uid> = syntaxes.iter().map(|syntax| syntax.uid().clone()).collect();
            for syntax in made() {
                if !reachable.contains(syntax.uid()) {
                    reachable.push(syntax.uid().clone());
                }
            }
            Some(reachable)
        }
    }
}

#[async_trait]
impl Edit for ReEncoding {
    async fn prepare(&self, original: Original) -> Result<DataSet, EditError> {
        let from = &original.transfer_syntax;
        if self.accepted.accept(from) {
            return Ok(DataSet::untouched(original));
        }
        let Some(to) = target(from, &self.accepted) else {
            return Err(EditError::NotTaken(from.uid().clone()));
        };
        let first_pass = Rewritten::new(original.read(), from.encoding(), to.encoding());
        let (length, image) = first_pass.measured().await.map_err(|failed| match failed {
            Failed::Source(source) => EditError::Source(source),
            Failed::DataSet(reason) => EditError::Malformed { from: from.uid().clone(), reason },
        })?;
        let made = ReEncoded { original, to: to.clone(), image, sha256: MadeSha256::default() };
        Ok(DataSet { transfer_syntax: to, length, making: Making::ReEncoded(made) })
    }
}

/// A data set in another encoding, made anew each time.
pub(super) struct ReEncoded {
    original: Original,
    to: TransferSyntax,
    /// What the first pass found.
    image: Image,
    sha256: MadeSha256,
}

impl ReEncoded {
    pub(super) const fn original(&self) -> &Original {
        &self.original
    }

    pub(super) fn bytes(&self) -> BoxStream<'static, Result<Bytes, BoxError>> {
        let (from, to) = (self.original.transfer_syntax.encoding(), self.to.encoding());
        let rewritten = Rewritten::new(self.original.read(), from, to).knowing(self.image);
        let making = (rewritten, Sha256::new(), Arc::clone(&self.sha256));
        stream::try_unfold(making, |(mut rewritten, mut hash, sha256)| async move {
            let bytes = rewritten.next().await.map_err(|failed| match failed {
                Failed::Source(source) => source,
                Failed::DataSet(reason) => BoxError::from(reason),
            })?;
            Ok(match bytes {
                Some(bytes) => {
                    hash.update(&bytes);
                    Some((bytes, (rewritten, hash, sha256)))
                }
                None => {
                    // It is the same each time.
                    let _ = sha256.set(hash.finalize().into());
                    None
                }
            })
        })
        .boxed()
    }

    /// What was sent: the transfer syntax, and the hash where it was sent whole.
    pub(super) fn in_words(&self, transfer_syntax: &TransferSyntax) -> String {
        let words = format!("re-encoded in transfer syntax {}", transfer_syntax.uid());
        match self.sha256.get() {
            Some(sha256) => {
                let hex: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("{words}, SHA-256 {hex}")
            }
            None => words,
        }
    }
}
