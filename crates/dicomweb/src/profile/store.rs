//! How an origin server stores (PS3.18 §10.5), as far as servers differ.

use instance::{TransferSyntax, transfer_syntax::Encoding};

/// Form of a store request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreForm {
    /// `multipart/related; type="application/dicom"`, any number of instances (PS3.18 §8.6.1.2).
    Multipart,
    /// `application/dicom`, one instance (PS3.18 §8.6.1.1).
    SinglePart,
}

/// What a success status means when the answer does not name the instance as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreResponse {
    /// Unknown: look the instance up.
    Verify,
    /// The status alone is taken as the answer; for servers that never send a response data set.
    StatusOnly,
    /// Unknown, and the server cannot be asked: a person decides.
    Hold,
}

/// How to find out whether an instance is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// QIDO-RS (PS3.18 §10.6).
    Search,
    /// WADO-RS metadata (PS3.18 §10.4).
    Metadata,
    /// Not at all.
    None,
}

/// Method of a store request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreMethod {
    /// POST (PS3.18 §10.5.1).
    Post,
    /// PUT, which replaces instances that are there.
    Put,
}

/// Transfer syntaxes of instances that a server stores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransferSyntaxes {
    /// Any, private ones too.
    All,
    /// Any in which data elements carry their VR (PS3.5 §7.1.2): all but Implicit VR Little Endian.
    ExplicitVr,
    /// These.
    These(Vec<TransferSyntax>),
}

impl TransferSyntaxes {
    /// Whether instances in this transfer syntax are stored.
    #[must_use]
    pub fn accept(&self, syntax: &TransferSyntax) -> bool {
        match self {
            Self::All => true,
            Self::ExplicitVr => syntax.encoding() != Encoding::ImplicitVrLittleEndian,
            Self::These(syntaxes) => syntaxes.contains(syntax),
        }
    }
}
