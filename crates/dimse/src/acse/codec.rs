//! A-ASSOCIATE-RQ and A-ASSOCIATE-AC between the types of `dicom-ul` and ours.

use std::io;

use bytes::Bytes;
use dicom_ul::pdu::{
    AssociationAC, AssociationRQ, MAXIMUM_PDU_SIZE, Pdu, PresentationContextProposed,
    PresentationContextResult, PresentationContextResultReason, RequestorRoles,
    UserIdentity as UlUserIdentity, UserIdentityType, UserVariableItem, read_pdu, write_pdu,
};
use instance::{TransferSyntax, Uid, transfer_syntax::IMPLICIT_VR_LITTLE_ENDIAN};

use super::{
    APPLICATION_CONTEXT, AeTitleField, AssociateAccept, AssociateRequest, ContextAnswer, ContextResult,
    ExtendedNegotiation, OperationsWindow, ProposedContext, RoleSelection, Roles, UserIdentity,
    UserIdentityKind, items,
};
use crate::{
    Misbehaviour,
    pdu::{ASSOCIATE_AC, ASSOCIATE_RQ},
};

/// Asynchronous operations window sub-item (PS3.7 §D.3.3.3.1).
const OPERATIONS_WINDOW: u8 = 0x53;
/// User identity server response sub-item (PS3.7 §D.3.3.7.2).
const USER_IDENTITY_RESPONSE: u8 = 0x59;
/// Where the two AE titles stand in a whole PDU (PS3.8 §9.3.2).
const AE_TITLES: std::ops::Range<usize> = 10..42;

/// Reads the variable field of an A-ASSOCIATE-RQ.
pub(super) fn read_request(body: &[u8]) -> Result<AssociateRequest, Misbehaviour> {
    let malformed = || Misbehaviour::MalformedPdu(ASSOCIATE_RQ);
    let Some(Pdu::AssociationRQ(rq)) = decode(ASSOCIATE_RQ, body)? else { return Err(malformed()) };
    let title = |at: usize| {
        body.get(at..).and_then(<[u8]>::first_chunk).map(|raw| AeTitleField::new(*raw)).ok_or_else(malformed)
    };
    let user = UserInformation::read(&rq.user_variables);
    Ok(AssociateRequest {
        protocol_version: rq.protocol_version,
        called_ae_title: title(4)?,
        calling_ae_title: title(20)?,
        application_context: trimmed(&rq.application_context_name).to_owned(),
        presentation_contexts: rq.presentation_contexts.iter().map(proposed).collect(),
        max_pdu_length: user.max_pdu_length,
        implementation_class_uid: user.implementation_class_uid,
        implementation_version_name: user.implementation_version_name,
        operations_window: user.operations_window,
        role_selections: user.role_selections,
        extended_negotiations: user.extended_negotiations,
        user_identity: user.user_identity,
    })
}

/// Reads the variable field of an A-ASSOCIATE-AC.
pub(super) fn read_accept(body: &[u8]) -> Result<AssociateAccept, Misbehaviour> {
    let Some(Pdu::AssociationAC(ac)) = decode(ASSOCIATE_AC, body)? else {
        return Err(Misbehaviour::MalformedPdu(ASSOCIATE_AC));
    };
    let user = UserInformation::read(&ac.user_variables);
    Ok(AssociateAccept {
        presentation_contexts: ac.presentation_contexts.iter().map(answer).collect(),
        max_pdu_length: user.max_pdu_length,
        implementation_class_uid: user.implementation_class_uid,
        implementation_version_name: user.implementation_version_name,
        operations_window: user.operations_window,
        role_selections: user.role_selections,
        extended_negotiations: user.extended_negotiations,
        user_identity_response: user.user_identity_response,
    })
}

fn decode(pdu_type: u8, body: &[u8]) -> Result<Option<Pdu>, Misbehaviour> {
    let pdu = items::readable(pdu_type, body)?;
    // The length was checked against our own limit before the body was read.
    read_pdu(pdu.as_slice(), MAXIMUM_PDU_SIZE, false).map_err(|_| Misbehaviour::MalformedPdu(pdu_type))
}

/// A whole A-ASSOCIATE-RQ. It fails where a part is too long for its field.
pub(super) fn write_request(request: &AssociateRequest) -> io::Result<Vec<u8>> {
    let presentation_contexts = request.presentation_contexts.iter().map(|context| {
        let syntax = context.abstract_syntax.as_ref().map_or("", Uid::as_str);
        PresentationContextProposed {
            id: context.id,
            abstract_syntax: syntax.to_owned(),
            transfer_syntaxes: context.transfer_syntaxes.iter().map(ToString::to_string).collect(),
        }
    });
    let pdu = Pdu::AssociationRQ(AssociationRQ {
        protocol_version: request.protocol_version,
        calling_ae_title: PLACEHOLDER.to_owned(),
        called_ae_title: PLACEHOLDER.to_owned(),
        application_context_name: request.application_context.clone(),
        presentation_contexts: presentation_contexts.collect(),
        user_variables: UserInformation {
            max_pdu_length: request.max_pdu_length,
            implementation_class_uid: request.implementation_class_uid.clone(),
            implementation_version_name: request.implementation_version_name.clone(),
            operations_window: request.operations_window,
            role_selections: request.role_selections.clone(),
            extended_negotiations: request.extended_negotiations.clone(),
            user_identity: request.user_identity.clone(),
            user_identity_response: None,
        }
        .write(),
    });
    encode(&pdu, &request.called_ae_title, &request.calling_ae_title)
}

/// A whole A-ASSOCIATE-AC; the AE titles repeat those of the request (PS3.8 §9.3.3).
pub(super) fn write_accept(accept: &AssociateAccept, request: &AssociateRequest) -> io::Result<Vec<u8>> {
    let pdu = Pdu::AssociationAC(AssociationAC {
        protocol_version: 1,
        calling_ae_title: PLACEHOLDER.to_owned(),
        called_ae_title: PLACEHOLDER.to_owned(),
        application_context_name: APPLICATION_CONTEXT.to_owned(),
        presentation_contexts: accept.presentation_contexts.iter().map(result).collect(),
        user_variables: UserInformation {
            max_pdu_length: accept.max_pdu_length,
            implementation_class_uid: accept.implementation_class_uid.clone(),
            implementation_version_name: accept.implementation_version_name.clone(),
            operations_window: accept.operations_window,
            role_selections: accept.role_selections.clone(),
            extended_negotiations: accept.extended_negotiations.clone(),
            user_identity: None,
            user_identity_response: accept.user_identity_response.clone(),
        }
        .write(),
    });
    encode(&pdu, &request.called_ae_title, &request.calling_ae_title)
}

/// What stands for an AE title until the raw fields are put in.
const PLACEHOLDER: &str = "X";

fn encode(pdu: &Pdu, called: &AeTitleField, calling: &AeTitleField) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(4096);
    // The codec refuses text that it cannot encode, and fields longer than their length can say.
    write_pdu(&mut bytes, pdu).map_err(io::Error::other)?;
    let titles = called.raw.iter().chain(&calling.raw);
    for (to, from) in bytes[AE_TITLES].iter_mut().zip(titles) {
        *to = *from;
    }
    Ok(bytes)
}

fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c == '\0' || c == ' ')
}

fn uid(text: &str) -> Option<Uid> {
    Uid::from_bytes(text.as_bytes()).ok()
}

fn proposed(context: &PresentationContextProposed) -> ProposedContext {
    ProposedContext {
        id: context.id,
        abstract_syntax: uid(&context.abstract_syntax),
        transfer_syntaxes: context.transfer_syntaxes.iter().filter_map(|syntax| uid(syntax)).collect(),
    }
}

fn answer(context: &PresentationContextResult) -> ContextAnswer {
    use PresentationContextResultReason as Reason;
    let result = match (&context.reason, uid(&context.transfer_syntax)) {
        (Reason::Acceptance, Some(syntax)) => ContextResult::Acceptance(TransferSyntax::new(syntax)),
        // Accepted with a transfer syntax that cannot be read is as good as not accepted.
        (Reason::Acceptance | Reason::NoReason, _) => ContextResult::NoReason,
        (Reason::UserRejection, _) => ContextResult::UserRejection,
        (Reason::AbstractSyntaxNotSupported, _) => ContextResult::AbstractSyntaxNotSupported,
        (Reason::TransferSyntaxesNotSupported, _) => ContextResult::TransferSyntaxesNotSupported,
    };
    ContextAnswer { id: context.id, result }
}

fn result(answer: &ContextAnswer) -> PresentationContextResult {
    use PresentationContextResultReason as Reason;
    let reason = match &answer.result {
        ContextResult::Acceptance(_) => Reason::Acceptance,
        ContextResult::UserRejection => Reason::UserRejection,
        ContextResult::NoReason => Reason::NoReason,
        ContextResult::AbstractSyntaxNotSupported => Reason::AbstractSyntaxNotSupported,
        ContextResult::TransferSyntaxesNotSupported => Reason::TransferSyntaxesNotSupported,
    };
    let transfer_syntax = match &answer.result {
        ContextResult::Acceptance(syntax) => syntax.uid().to_string(),
        // Not significant in a rejection (PS3.8 §9.3.3.2), but there are requestors that fail without one.
        _ => IMPLICIT_VR_LITTLE_ENDIAN.to_owned(),
    };
    PresentationContextResult { id: answer.id, reason, transfer_syntax }
}

/// The sub-items of User Information (PS3.8 §D.1, PS3.7 §D.3.3) that both PDUs share.
#[derive(Default)]
struct UserInformation {
    max_pdu_length: u32,
    implementation_class_uid: Option<Uid>,
    implementation_version_name: Option<String>,
    operations_window: Option<OperationsWindow>,
    role_selections: Vec<RoleSelection>,
    extended_negotiations: Vec<ExtendedNegotiation>,
    user_identity: Option<UserIdentity>,
    user_identity_response: Option<Bytes>,
}

impl UserInformation {
    fn read(sub_items: &[UserVariableItem]) -> Self {
        let mut user = Self::default();
        for item in sub_items {
            match item {
                UserVariableItem::MaxLength(length) => user.max_pdu_length = *length,
                UserVariableItem::ImplementationClassUID(text) => user.implementation_class_uid = uid(text),
                UserVariableItem::ImplementationVersionName(name) => {
                    user.implementation_version_name = Some(trimmed(name).to_owned());
                }
                UserVariableItem::ScuScpRoleSelectionSubItem(class, RequestorRoles { scu, scp }) => {
                    let roles = Roles { scu: *scu, scp: *scp };
                    user.role_selections
                        .extend(uid(class).map(|sop_class_uid| RoleSelection { sop_class_uid, roles }));
                }
                UserVariableItem::SopClassExtendedNegotiationSubItem(class, information) => {
                    user.extended_negotiations.extend(uid(class).map(|sop_class_uid| ExtendedNegotiation {
                        sop_class_uid,
                        application_information: Bytes::copy_from_slice(information),
                    }));
                }
                UserVariableItem::UserIdentityItem(identity) => user.user_identity = read_identity(identity),
                UserVariableItem::Unknown(OPERATIONS_WINDOW, value) => {
                    user.operations_window = read_window(value);
                }
                UserVariableItem::Unknown(USER_IDENTITY_RESPONSE, value) => {
                    user.user_identity_response = value.get(2..).map(Bytes::copy_from_slice);
                }
                UserVariableItem::Unknown(..) => {}
            }
        }
        user
    }

    /// The sub-items in the order of their types.
    fn write(self) -> Vec<UserVariableItem> {
        let mut sub_items = vec![UserVariableItem::MaxLength(self.max_pdu_length)];
        sub_items.extend(
            self.implementation_class_uid
                .map(|uid| UserVariableItem::ImplementationClassUID(uid.to_string())),
        );
        sub_items.extend(self.operations_window.map(|window| {
            let fields = [window.invoked.to_be_bytes(), window.performed.to_be_bytes()];
            UserVariableItem::Unknown(OPERATIONS_WINDOW, fields.concat())
        }));
        sub_items.extend(self.role_selections.into_iter().map(|selection| {
            let Roles { scu, scp } = selection.roles;
            let class = selection.sop_class_uid.to_string();
            UserVariableItem::ScuScpRoleSelectionSubItem(class, RequestorRoles { scu, scp })
        }));
        sub_items.extend(self.implementation_version_name.map(UserVariableItem::ImplementationVersionName));
        sub_items.extend(self.extended_negotiations.into_iter().map(|negotiation| {
            UserVariableItem::SopClassExtendedNegotiationSubItem(
                negotiation.sop_class_uid.to_string(),
                negotiation.application_information.to_vec(),
            )
        }));
        sub_items.extend(self.user_identity.map(|user| UserVariableItem::UserIdentityItem(identity(&user))));
        sub_items.extend(self.user_identity_response.map(|response| {
            // The item's own 16 bit length leaves no room for more.
            let length = u16::try_from(response.len()).unwrap_or(u16::MAX);
            let response = &response[..usize::from(length)];
            UserVariableItem::Unknown(USER_IDENTITY_RESPONSE, [&length.to_be_bytes(), response].concat())
        }));
        sub_items
    }
}

fn read_window(value: &[u8]) -> Option<OperationsWindow> {
    let (invoked, rest) = value.split_first_chunk()?;
    let performed = rest.first_chunk()?;
    Some(OperationsWindow {
        invoked: u16::from_be_bytes(*invoked),
        performed: u16::from_be_bytes(*performed),
    })
}

fn read_identity(identity: &UlUserIdentity) -> Option<UserIdentity> {
    let kind = match identity.identity_type() {
        UserIdentityType::Username => UserIdentityKind::Username,
        UserIdentityType::UsernamePassword => UserIdentityKind::UsernamePasscode,
        UserIdentityType::KerberosServiceTicket => UserIdentityKind::Kerberos,
        UserIdentityType::SamlAssertion => UserIdentityKind::Saml,
        UserIdentityType::Jwt => UserIdentityKind::Jwt,
        _ => return None,
    };
    Some(UserIdentity {
        kind,
        positive_response_requested: identity.positive_response_requested(),
        primary: identity.primary_field().into(),
        secondary: identity.secondary_field().into(),
    })
}

fn identity(user: &UserIdentity) -> UlUserIdentity {
    let kind = match user.kind {
        UserIdentityKind::Username => UserIdentityType::Username,
        UserIdentityKind::UsernamePasscode => UserIdentityType::UsernamePassword,
        UserIdentityKind::Kerberos => UserIdentityType::KerberosServiceTicket,
        UserIdentityKind::Saml => UserIdentityType::SamlAssertion,
        UserIdentityKind::Jwt => UserIdentityType::Jwt,
    };
    UlUserIdentity::new(
        user.positive_response_requested,
        kind,
        user.primary.to_vec(),
        user.secondary.to_vec(),
    )
}

#[cfg(test)]
mod tests;
