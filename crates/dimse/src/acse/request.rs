//! Everything an A-ASSOCIATE-RQ says (PS3.8 §9.3.2, PS3.7 §D.3.3).

use bytes::Bytes;
use instance::{AeTitle, Uid, ae_title::InvalidAeTitle};

/// What a requestor proposes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssociateRequest {
    /// Protocol-version: bit 0 is version 1 (PS3.8 §9.3.2).
    pub protocol_version: u16,
    /// Called-AE-title.
    pub called_ae_title: AeTitleField,
    /// Calling-AE-title.
    pub calling_ae_title: AeTitleField,
    /// Application-context-name, padding taken off; empty where the item is absent.
    pub application_context: String,
    /// Presentation contexts in the order proposed.
    pub presentation_contexts: Vec<ProposedContext>,
    /// Maximum-length-received in bytes: the longest P-DATA-TF variable field that the requestor takes;
    /// 0 is unlimited (PS3.8 §D.1), and so is an absent item.
    pub max_pdu_length: u32,
    /// Implementation-class-uid; mandatory, but some peers leave it out.
    pub implementation_class_uid: Option<Uid>,
    /// Implementation-version-name.
    pub implementation_version_name: Option<String>,
    /// Asynchronous operations window (PS3.7 §D.3.3.3); `None` is one operation at a time.
    pub operations_window: Option<OperationsWindow>,
    /// SCP/SCU role selections (PS3.7 §D.3.3.4).
    pub role_selections: Vec<RoleSelection>,
    /// SOP Class extended negotiations (PS3.7 §D.3.3.5).
    pub extended_negotiations: Vec<ExtendedNegotiation>,
    /// User identity (PS3.7 §D.3.3.7).
    pub user_identity: Option<UserIdentity>,
}

/// An AE title as it stood in the PDU, and as it reads.
#[derive(Clone, PartialEq, Eq)]
pub struct AeTitleField {
    /// The 16 bytes of the field; an answer repeats them (PS3.8 §9.3.3).
    pub raw: [u8; 16],
    /// The title, or why it is none.
    pub title: Result<AeTitle, InvalidAeTitle>,
}

impl AeTitleField {
    /// Reads a field.
    #[must_use]
    pub fn new(raw: [u8; 16]) -> Self {
        Self { raw, title: AeTitle::from_bytes(&raw) }
    }
}

impl From<AeTitle> for AeTitleField {
    fn from(title: AeTitle) -> Self {
        Self { raw: title.to_field(), title: Ok(title) }
    }
}

impl std::fmt::Debug for AeTitleField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.title {
            Ok(title) => write!(f, "{title}"),
            Err(_) => write!(f, "{}", self.raw.escape_ascii()),
        }
    }
}

/// A proposed presentation context (PS3.8 §9.3.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedContext {
    /// Presentation-context-ID, odd.
    pub id: u8,
    /// Abstract syntax; `None` where it is no UID even when read with tolerance.
    pub abstract_syntax: Option<Uid>,
    /// Transfer syntaxes in the requestor's order; what is no UID is left out.
    pub transfer_syntaxes: Vec<Uid>,
}

/// Asynchronous operations window (PS3.7 §D.3.3.3), 0 is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OperationsWindow {
    /// Operations that the requestor may have outstanding.
    pub invoked: u16,
    /// Operations that the requestor performs at the same time.
    pub performed: u16,
}

/// The roles of the requestor for a SOP Class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Roles {
    /// It invokes operations.
    pub scu: bool,
    /// It performs operations.
    pub scp: bool,
}

impl Roles {
    /// The roles without a role selection: the requestor is SCU (PS3.7 §D.3.3.4).
    pub const DEFAULT: Self = Self { scu: true, scp: false };
}

/// SCP/SCU role selection (PS3.7 §D.3.3.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleSelection {
    /// The SOP Class.
    pub sop_class_uid: Uid,
    /// The roles proposed or accepted.
    pub roles: Roles,
}

/// SOP Class extended negotiation (PS3.7 §D.3.3.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtendedNegotiation {
    /// The SOP Class.
    pub sop_class_uid: Uid,
    /// Service-class-application-information.
    pub application_information: Bytes,
}

/// User identity (PS3.7 §D.3.3.7.1). The fields are secrets: the debug form leaves them out.
#[derive(Clone, PartialEq, Eq)]
pub struct UserIdentity {
    /// What the primary field holds.
    pub kind: UserIdentityKind,
    /// Whether the requestor wants to be told that it was believed.
    pub positive_response_requested: bool,
    /// User name, ticket, assertion or token.
    pub primary: Bytes,
    /// Passcode; empty for every other kind.
    pub secondary: Bytes,
}

/// User-Identity-Type (PS3.7 §D.3.3.7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UserIdentityKind {
    /// 1: user name in UTF-8.
    Username,
    /// 2: user name and passcode in UTF-8.
    UsernamePasscode,
    /// 3: Kerberos service ticket.
    Kerberos,
    /// 4: SAML assertion.
    Saml,
    /// 5: JSON Web Token.
    Jwt,
}

impl UserIdentity {
    /// The user's name, where the identity is one in readable text.
    #[must_use]
    pub fn username(&self) -> Option<&str> {
        match self.kind {
            UserIdentityKind::Username | UserIdentityKind::UsernamePasscode => {
                std::str::from_utf8(&self.primary).ok()
            }
            _ => None,
        }
    }
}

impl std::fmt::Debug for UserIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UserIdentity").field("kind", &self.kind).finish_non_exhaustive()
    }
}
