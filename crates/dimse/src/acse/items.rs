//! The variable items of A-ASSOCIATE PDUs, made readable for the codec of `dicom-ul`.
//!
//! That codec fails the whole PDU on an item that it does not know, where PS3.8 §9.3.1 has it skipped, on a
//! rejected presentation context without a transfer syntax, where PS3.8 §9.3.3.2 calls the field not
//! significant, and on a missing application context, which has a rejection of its own. Installed
//! devices send all of these. So the items are copied in the shape that the codec takes.

use crate::{Misbehaviour, pdu::ASSOCIATE_AC};

/// Bytes before the variable items: version, reserved, two AE titles, reserved (PS3.8 §9.3.2).
pub(super) const FIXED_LENGTH: usize = 68;

const APPLICATION_CONTEXT: u8 = 0x10;
const PRESENTATION_CONTEXT_RQ: u8 = 0x20;
const PRESENTATION_CONTEXT_AC: u8 = 0x21;
const ABSTRACT_SYNTAX: u8 = 0x30;
const TRANSFER_SYNTAX: u8 = 0x40;
const USER_INFORMATION: u8 = 0x50;

/// A whole A-ASSOCIATE PDU, header included, that holds what the codec understands of `body`.
///
/// # Errors
/// [`Misbehaviour::MalformedPdu`] where an item crosses the end of what holds it.
pub(super) fn readable(pdu_type: u8, body: &[u8]) -> Result<Vec<u8>, Misbehaviour> {
    let malformed = Misbehaviour::MalformedPdu(pdu_type);
    let (fixed, variable) = body.split_at_checked(FIXED_LENGTH).ok_or(malformed.clone())?;
    let mut out = Vec::with_capacity(body.len() + 16);
    out.extend_from_slice(&[pdu_type, 0, 0, 0, 0, 0]);
    out.extend_from_slice(&fixed[..4]);
    // AE titles are read from the raw field by the caller, since any byte may stand in them.
    out.extend_from_slice(&[b' '; 32]);
    out.extend_from_slice(&[0; 32]);
    let expected = if pdu_type == ASSOCIATE_AC { PRESENTATION_CONTEXT_AC } else { PRESENTATION_CONTEXT_RQ };
    let mut has_application_context = false;
    for item in Items(variable) {
        let (item_type, value) = item.ok_or(malformed.clone())?;
        match item_type {
            APPLICATION_CONTEXT => {
                has_application_context = true;
                push(&mut out, item_type, &ascii(value));
            }
            PRESENTATION_CONTEXT_RQ | PRESENTATION_CONTEXT_AC if item_type == expected => {
                push(&mut out, item_type, &presentation_context(item_type, value).ok_or(malformed.clone())?);
            }
            USER_INFORMATION => push(&mut out, item_type, &user_information(value).ok_or(malformed.clone())?),
            _ => {}
        }
    }
    if !has_application_context {
        push(&mut out, APPLICATION_CONTEXT, &[]);
    }
    let length = u32::try_from(out.len() - 6).map_err(|_| malformed)?;
    out[2..6].copy_from_slice(&length.to_be_bytes());
    Ok(out)
}

/// A presentation context with exactly the sub-items that PS3.8 §9.3.2.2 and §9.3.3.2 allow.
fn presentation_context(item_type: u8, value: &[u8]) -> Option<Vec<u8>> {
    let (head, sub_items) = value.split_first_chunk::<4>()?;
    let mut head = *head;
    let is_answer = item_type == PRESENTATION_CONTEXT_AC;
    if is_answer && head[2] > 4 {
        // An undefined Result/Reason is a rejection all the same: no-reason.
        head[2] = 2;
    }
    let mut out = head.to_vec();
    let (mut abstract_syntaxes, mut transfer_syntaxes) = (0, 0);
    for item in Items(sub_items) {
        let (sub_type, value) = item?;
        match sub_type {
            ABSTRACT_SYNTAX if !is_answer && abstract_syntaxes == 0 => abstract_syntaxes += 1,
            TRANSFER_SYNTAX if !is_answer || transfer_syntaxes == 0 => transfer_syntaxes += 1,
            _ => continue,
        }
        push(&mut out, sub_type, &ascii(value));
    }
    if is_answer && transfer_syntaxes == 0 {
        push(&mut out, TRANSFER_SYNTAX, &[]);
    }
    if !is_answer && abstract_syntaxes == 0 {
        push(&mut out, ABSTRACT_SYNTAX, &[]);
    }
    Some(out)
}

/// User information with the sub-items whose own lengths agree (PS3.8 §D.1, PS3.7 §D.3.3); the others
/// are skipped like unknown ones.
fn user_information(value: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(value.len());
    for item in Items(value) {
        let (sub_type, value) = item?;
        let agrees = match sub_type {
            0x51 | 0x53 => value.len() == 4,
            0x54 => counted(value).is_some_and(|(_, rest)| rest.len() == 2),
            0x56 => counted(value).is_some(),
            0x58 => user_identity(value).is_some(),
            _ => true,
        };
        if agrees {
            let text = matches!(sub_type, 0x52 | 0x55);
            push(&mut out, sub_type, if text { ascii(value) } else { value.to_vec() }.as_slice());
        }
    }
    Some(out)
}

/// A field with its 16 bit length before it, and what follows.
fn counted(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = value.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

/// Whether a user identity sub-item is whole (PS3.7 §D.3.3.7.1): type, response flag, two counted fields.
fn user_identity(value: &[u8]) -> Option<()> {
    let (_, rest) = value.split_first_chunk::<2>()?;
    let (_, rest) = counted(rest)?;
    let (_, rest) = counted(rest)?;
    rest.is_empty().then_some(())
}

/// Text that the codec decodes without fail; what is not ASCII is no part of any UID or name.
fn ascii(value: &[u8]) -> Vec<u8> {
    value.iter().map(|byte| if byte.is_ascii() { *byte } else { b'?' }).collect()
}

fn push(out: &mut Vec<u8>, item_type: u8, value: &[u8]) {
    // Every value is cut from an item of the same 16 bit length, or is one of the few bytes added above.
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&[item_type, 0]);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&value[..usize::from(length)]);
}

/// Items of type, reserved byte, 16 bit length and value; `None` for one that crosses the end.
struct Items<'a>(&'a [u8]);

impl<'a> Iterator for Items<'a> {
    type Item = Option<(u8, &'a [u8])>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let item = self.0.split_first_chunk::<2>().and_then(|(head, rest)| {
            let (value, rest) = counted(rest)?;
            self.0 = rest;
            Some((head[0], value))
        });
        if item.is_none() {
            self.0 = &[];
        }
        Some(item)
    }
}
