//! Headers and trailers of entries as bytes: fields of a two-byte name, a four-byte length and a
//! value, little endian. Unknown names are skipped, so a later version may add some.

use std::{
    net::IpAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use instance::{AeTitle, Identity, Tag, TransferSyntax, Uid};

use crate::{Destination, EntryHeader, EntryTrailer, HeldReason};

const CALLING_AE_TITLE: u16 = 1;
const CALLED_AE_TITLE: u16 = 2;
const PEER_ADDRESS: u16 = 3;
const USER: u16 = 4;
const TRANSFER_SYNTAX: u16 = 5;
const SOP_CLASS_UID: u16 = 6;
const SOP_INSTANCE_UID: u16 = 7;
const ACCEPTED_AT: u16 = 8;
const STUDY_INSTANCE_UID: u16 = 9;
const SERIES_INSTANCE_UID: u16 = 10;
const ATTRIBUTE: u16 = 11;
const CHARACTER_SET: u16 = 12;
const DESTINATION: u16 = 13;
const HELD: u16 = 14;

/// Milliseconds since 1970; times before are taken as 1970.
pub(crate) fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// The time of [`millis`]; what no clock can show is taken as 1970.
pub(crate) fn time(millis: i64) -> SystemTime {
    let since = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
    UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH)
}

/// `text`, cut to `limit` bytes at a character.
pub(crate) fn cut(text: &str, limit: usize) -> &str {
    let mut end = text.len().min(limit);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn push(to: &mut Vec<u8>, name: u16, value: &[u8]) {
    to.extend_from_slice(&name.to_le_bytes());
    // Every value is bounded far below 4 GiB by the type that it comes from.
    to.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
    to.extend_from_slice(value);
}

pub(crate) fn write_header(header: &EntryHeader) -> Vec<u8> {
    let mut to = Vec::with_capacity(256);
    push(&mut to, CALLING_AE_TITLE, header.calling_ae_title.as_str().as_bytes());
    push(&mut to, CALLED_AE_TITLE, header.called_ae_title.as_str().as_bytes());
    push(&mut to, PEER_ADDRESS, header.peer_address.to_string().as_bytes());
    if let Some(user) = &header.user {
        push(&mut to, USER, cut(user, 256).as_bytes());
    }
    push(&mut to, TRANSFER_SYNTAX, header.transfer_syntax.uid().as_str().as_bytes());
    push(&mut to, SOP_CLASS_UID, header.sop_class_uid.as_str().as_bytes());
    push(&mut to, SOP_INSTANCE_UID, header.sop_instance_uid.as_str().as_bytes());
    push(&mut to, ACCEPTED_AT, &millis(header.accepted_at).to_le_bytes());
    to
}

pub(crate) fn write_trailer(trailer: &EntryTrailer) -> Vec<u8> {
    let mut to = Vec::with_capacity(512);
    push(&mut to, SOP_CLASS_UID, trailer.identity.sop_class_uid.as_str().as_bytes());
    push(&mut to, SOP_INSTANCE_UID, trailer.identity.sop_instance_uid.as_str().as_bytes());
    push(&mut to, STUDY_INSTANCE_UID, trailer.identity.study_instance_uid.as_str().as_bytes());
    push(&mut to, SERIES_INSTANCE_UID, trailer.identity.series_instance_uid.as_str().as_bytes());
    for (tag, value) in &trailer.attributes {
        let mut field = tag.to_u32().to_le_bytes().to_vec();
        field.extend_from_slice(value);
        push(&mut to, ATTRIBUTE, &field);
    }
    if !trailer.character_set.is_empty() {
        push(&mut to, CHARACTER_SET, &trailer.character_set);
    }
    for destination in &trailer.destinations {
        push(&mut to, DESTINATION, destination.to_string().as_bytes());
    }
    if let Some(reason) = &trailer.held {
        push(&mut to, HELD, &held_bytes(reason));
    }
    to
}

/// A held reason as a code and words.
pub(crate) fn held_bytes(reason: &HeldReason) -> Vec<u8> {
    let (code, words) = match reason {
        HeldReason::Unrouted => (0, ""),
        HeldReason::DestinationGone => (1, ""),
        HeldReason::Refused(words) => (2, words.as_str()),
        HeldReason::DifferentContent => (3, ""),
        HeldReason::OutcomeUnknown => (4, ""),
        HeldReason::Operator(words) => (5, words.as_str()),
        HeldReason::Other(words) => (6, words.as_str()),
    };
    let mut bytes = vec![code];
    bytes.extend_from_slice(cut(words, crate::delivery::TEXT_BYTES_MAX).as_bytes());
    bytes
}

fn held(bytes: &[u8]) -> Option<HeldReason> {
    let (code, words) = bytes.split_first()?;
    let words = String::from_utf8_lossy(words).into_owned();
    Some(match code {
        0 => HeldReason::Unrouted,
        1 => HeldReason::DestinationGone,
        2 => HeldReason::Refused(words),
        3 => HeldReason::DifferentContent,
        4 => HeldReason::OutcomeUnknown,
        5 => HeldReason::Operator(words),
        _ => HeldReason::Other(words),
    })
}

/// The fields of a header or trailer, one after the other; ends early where they are malformed.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let name = u16::from_le_bytes(self.0.get(0..2)?.try_into().ok()?);
        let length = u32::from_le_bytes(self.0.get(2..6)?.try_into().ok()?) as usize;
        let value = self.0.get(6..6_usize.checked_add(length)?)?;
        self.0 = &self.0[6 + length..];
        Some((name, value))
    }
}

fn uid(value: Option<&[u8]>) -> Option<Uid> {
    Uid::from_bytes(value?).ok()
}

pub(crate) fn read_header(bytes: &[u8]) -> Option<EntryHeader> {
    let field = |name| Fields(bytes).find(|(known, _)| *known == name).map(|(_, value)| value);
    let text = |name| field(name).and_then(|value| std::str::from_utf8(value).ok());
    Some(EntryHeader {
        calling_ae_title: AeTitle::from_bytes(field(CALLING_AE_TITLE)?).ok()?,
        called_ae_title: AeTitle::from_bytes(field(CALLED_AE_TITLE)?).ok()?,
        peer_address: text(PEER_ADDRESS)?.parse::<IpAddr>().ok()?,
        user: text(USER).map(str::to_owned),
        transfer_syntax: TransferSyntax::new(uid(field(TRANSFER_SYNTAX))?),
        sop_class_uid: uid(field(SOP_CLASS_UID))?,
        sop_instance_uid: uid(field(SOP_INSTANCE_UID))?,
        accepted_at: time(i64::from_le_bytes(field(ACCEPTED_AT)?.try_into().ok()?)),
    })
}

pub(crate) fn read_trailer(bytes: &[u8]) -> Option<EntryTrailer> {
    let field = |name| Fields(bytes).find(|(known, _)| *known == name).map(|(_, value)| value);
    let all = |name| Fields(bytes).filter(move |(known, _)| *known == name).map(|(_, value)| value);
    let attribute = |value: &[u8]| {
        let (tag, value) = value.split_at_checked(4)?;
        Some((Tag::from(u32::from_le_bytes(tag.try_into().ok()?)), value.to_vec()))
    };
    let destination = |value: &[u8]| std::str::from_utf8(value).ok()?.parse::<Destination>().ok();
    Some(EntryTrailer {
        identity: Identity {
            sop_class_uid: uid(field(SOP_CLASS_UID))?,
            sop_instance_uid: uid(field(SOP_INSTANCE_UID))?,
            study_instance_uid: uid(field(STUDY_INSTANCE_UID))?,
            series_instance_uid: uid(field(SERIES_INSTANCE_UID))?,
        },
        attributes: all(ATTRIBUTE).map(attribute).collect::<Option<_>>()?,
        character_set: field(CHARACTER_SET).unwrap_or_default().to_vec(),
        destinations: all(DESTINATION).map(destination).collect::<Option<_>>()?,
        held: field(HELD).and_then(held),
    })
}
