//! The response data set of a store transaction (PS3.18 §I.1), in JSON or XML.
//!
//! Only what decides the fate of an instance is kept. Reading is tolerant: unknown attributes are
//! passed over, numbers may be text, and an item that cannot be read costs itself, not the answer.

mod json;
#[cfg(test)]
mod tests;
mod xml;

use http::HeaderMap;
use instance::Uid;

use crate::answer;
use crate::error::Unreadable;

/// Retrieve URL.
const RETRIEVE_URL: u32 = 0x0008_1190;
/// Failed SOP Sequence.
const FAILED_SOP_SEQUENCE: u32 = 0x0008_1198;
/// Referenced SOP Sequence.
const REFERENCED_SOP_SEQUENCE: u32 = 0x0008_1199;
/// Other Failures Sequence.
const OTHER_FAILURES_SEQUENCE: u32 = 0x0008_119A;
/// Referenced SOP Instance UID (PS3.3 §10.8).
const REFERENCED_SOP_INSTANCE_UID: u32 = 0x0008_1155;
/// Warning Reason (PS3.18 §I.2.1).
const WARNING_REASON: u32 = 0x0008_1196;
/// Failure Reason (PS3.18 §I.2.2).
const FAILURE_REASON: u32 = 0x0008_1197;

/// What an origin server says about the instances of one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResponseDataSet {
    /// Referenced SOP Sequence (0008,1199): what is stored.
    pub referenced: Vec<Referenced>,
    /// Failed SOP Sequence (0008,1198): what is not.
    pub failed: Vec<Failed>,
    /// Other Failures Sequence (0008,119A): Failure Reasons of what could not be told apart.
    pub other_failures: Vec<Option<u16>>,
}

/// An item of Referenced SOP Sequence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Referenced {
    /// (0008,1155) Referenced SOP Instance UID, if it is there and a UID.
    pub sop_instance_uid: Option<Uid>,
    /// (0008,1196) Warning Reason.
    pub warning_reason: Option<u16>,
    /// (0008,1190) Retrieve URL.
    pub retrieve_url: Option<String>,
}

/// An item of Failed SOP Sequence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failed {
    /// (0008,1155) Referenced SOP Instance UID; absent where the server could not read the instance.
    pub sop_instance_uid: Option<Uid>,
    /// (0008,1197) Failure Reason.
    pub failure_reason: Option<u16>,
    /// Texts of private attributes, in which some servers say why.
    pub remarks: Vec<String>,
}

/// Attributes of one item, as text, of those tags that matter.
#[derive(Debug, Clone, Default)]
struct Item(Vec<(u32, String)>);

impl ResponseDataSet {
    /// Reads the body of an answer.
    ///
    /// # Errors
    /// Anything that is no response data set, which is one with at least one of its sequences.
    pub fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, Unreadable> {
        if answer::is_html(headers) || answer::looks_like_html(body) {
            return Err(Unreadable::Html);
        }
        let text = answer::without_preface(body);
        // Servers are known to label either form wrongly, and the two cannot be mistaken for each other.
        match text.first() {
            None => Err(Unreadable::Empty),
            Some(b'{' | b'[') => json::read(text),
            Some(b'<') => xml::read(text),
            Some(_) => Err(Unreadable::MediaType),
        }
    }

    /// Adds an item of a sequence. Items of other sequences are passed over.
    fn push(&mut self, sequence: u32, item: &Item) {
        match sequence {
            REFERENCED_SOP_SEQUENCE => self.referenced.push(Referenced {
                sop_instance_uid: item.uid(),
                warning_reason: item.number(WARNING_REASON),
                retrieve_url: item.text(RETRIEVE_URL).map(str::to_owned),
            }),
            FAILED_SOP_SEQUENCE => {
                let failure_reason = item.number(FAILURE_REASON);
                let remarks = item.remarks();
                self.failed.push(Failed { sop_instance_uid: item.uid(), failure_reason, remarks });
            }
            OTHER_FAILURES_SEQUENCE => self.other_failures.push(item.number(FAILURE_REASON)),
            _ => {}
        }
    }
}

impl Item {
    fn text(&self, tag: u32) -> Option<&str> {
        self.0
            .iter()
            .find(|(known, _)| *known == tag)
            .map(|(_, text)| text.trim())
            .filter(|text| !text.is_empty())
    }

    fn uid(&self) -> Option<Uid> {
        self.text(REFERENCED_SOP_INSTANCE_UID)?.parse().ok()
    }

    fn remarks(&self) -> Vec<String> {
        self.0.iter().filter(|(tag, _)| is_private(*tag)).map(|(_, text)| text.clone()).collect()
    }

    /// A number that fits an unsigned short; some servers write it as text or with a fraction of zero.
    fn number(&self, tag: u32) -> Option<u16> {
        let text = self.text(tag)?;
        text.strip_suffix(".0").unwrap_or(text).parse().ok()
    }
}

/// Whether a sequence is one of those that make a response data set.
const fn is_sequence(tag: u32) -> bool {
    matches!(tag, REFERENCED_SOP_SEQUENCE | FAILED_SOP_SEQUENCE | OTHER_FAILURES_SEQUENCE)
}

/// Whether an attribute of an item matters.
const fn is_wanted(tag: u32) -> bool {
    matches!(tag, RETRIEVE_URL | REFERENCED_SOP_INSTANCE_UID | WARNING_REASON | FAILURE_REASON)
        || is_private(tag)
}

/// Whether the group of a tag is odd (PS3.5 §7.8).
const fn is_private(tag: u32) -> bool {
    tag & 0x0001_0000 != 0
}

/// A tag as eight hexadecimal digits, or as its keyword where a server writes that.
fn tag(text: &str) -> Option<u32> {
    let text = text.trim();
    Some(match text {
        "RetrieveURL" => RETRIEVE_URL,
        "FailedSOPSequence" => FAILED_SOP_SEQUENCE,
        "ReferencedSOPSequence" => REFERENCED_SOP_SEQUENCE,
        "OtherFailuresSequence" => OTHER_FAILURES_SEQUENCE,
        "ReferencedSOPInstanceUID" => REFERENCED_SOP_INSTANCE_UID,
        "WarningReason" => WARNING_REASON,
        "FailureReason" => FAILURE_REASON,
        _ if text.len() == 8 => u32::from_str_radix(text, 16).ok()?,
        _ => return None,
    })
}
