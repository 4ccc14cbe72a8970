//! Bytes of the Upper Layer and of DIMSE commands, put together field by field as PS3.8 §9.3 and
//! PS3.7 §6.3 print them, so that a peer can also be wrong on purpose.

/// Verification SOP Class (PS3.4 §A.4).
pub const VERIFICATION: &str = "1.2.840.10008.1.1";

/// PDU types (PS3.8 §9.3.1).
pub mod pdu {
    /// A-ASSOCIATE-RQ.
    pub const ASSOCIATE_RQ: u8 = 1;
    /// A-ASSOCIATE-AC.
    pub const ASSOCIATE_AC: u8 = 2;
    /// A-ASSOCIATE-RJ.
    pub const ASSOCIATE_RJ: u8 = 3;
    /// P-DATA-TF.
    pub const P_DATA: u8 = 4;
    /// A-RELEASE-RQ.
    pub const RELEASE_RQ: u8 = 5;
    /// A-RELEASE-RP.
    pub const RELEASE_RP: u8 = 6;
    /// A-ABORT.
    pub const ABORT: u8 = 7;
}

/// What an A-ASSOCIATE-RQ says.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// Called AE title.
    pub called: String,
    /// Calling AE title.
    pub calling: String,
    /// Application context name.
    pub application_context: String,
    /// Protocol version field.
    pub protocol_version: u16,
    /// Presentation contexts: abstract syntax and transfer syntaxes; identifiers 1, 3, 5 and so on.
    pub contexts: Vec<(String, Vec<String>)>,
    /// Maximum length received, in bytes.
    pub maximum_length: u32,
    /// Asynchronous operations window (PS3.7 §D.3.3.3): most operations invoked at once, where offered.
    pub operations_invoked: Option<u16>,
    /// SOP Class extended negotiation (PS3.7 §D.3.3.5): SOP Class UID and its application information.
    pub extended_negotiations: Vec<(String, Vec<u8>)>,
    /// SOP classes for which the role of service class provider alone is proposed (PS3.7 §D.3.3.4).
    pub provided: Vec<String>,
}

impl Proposal {
    /// A proposal to the AE title of the tests.
    #[must_use]
    pub fn new(contexts: &[(&str, &[&str])]) -> Self {
        Self {
            called: "DIMSEWAY".to_owned(),
            calling: "MODALITY".to_owned(),
            application_context: "1.2.840.10008.3.1.1.1".to_owned(),
            protocol_version: 1,
            contexts: contexts
                .iter()
                .map(|(syntax, transfer)| {
                    ((*syntax).to_owned(), transfer.iter().map(|uid| (*uid).to_owned()).collect())
                })
                .collect(),
            maximum_length: 65_536,
            operations_invoked: None,
            extended_negotiations: Vec::new(),
            provided: Vec::new(),
        }
    }

    /// The PDU (PS3.8 §9.3.2).
    ///
    /// # Panics
    /// Where an AE title has more than 16 characters.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut body = self.protocol_version.to_be_bytes().to_vec();
        body.extend_from_slice(&[0, 0]);
        for title in [&self.called, &self.calling] {
            assert!(title.len() <= 16, "{title} is no AE title");
            body.extend_from_slice(format!("{title:<16}").as_bytes());
        }
        body.extend_from_slice(&[0; 32]);
        body.extend(item(0x10, self.application_context.as_bytes()));
        for (index, (abstract_syntax, transfer_syntaxes)) in self.contexts.iter().enumerate() {
            let mut context = vec![context_id(index), 0, 0, 0];
            context.extend(item(0x30, abstract_syntax.as_bytes()));
            for transfer_syntax in transfer_syntaxes {
                context.extend(item(0x40, transfer_syntax.as_bytes()));
            }
            body.extend(item(0x20, &context));
        }
        let mut user = item(0x51, &self.maximum_length.to_be_bytes());
        user.extend(item(0x52, b"1.2.826.0.1.3680043.9.9999"));
        if let Some(invoked) = self.operations_invoked {
            let [high, low] = invoked.to_be_bytes();
            user.extend(item(0x53, &[high, low, 0, 1]));
        }
        for sop_class in &self.provided {
            let length = u16::try_from(sop_class.len()).expect("a UID");
            user.extend(item(0x54, &[&length.to_be_bytes(), sop_class.as_bytes(), &[0, 1]].concat()));
        }
        user.extend(item(0x55, b"SCRIPTED"));
        for (sop_class, information) in &self.extended_negotiations {
            let length = u16::try_from(sop_class.len()).expect("a UID");
            user.extend(item(0x56, &[&length.to_be_bytes(), sop_class.as_bytes(), information].concat()));
        }
        body.extend(item(0x50, &user));
        pdu_of(pdu::ASSOCIATE_RQ, &body)
    }
}

/// An A-ASSOCIATE-AC (PS3.8 §9.3.3) to the body of a request: result and transfer syntax of each
/// presentation context.
#[must_use]
pub fn acceptance(request: &[u8], contexts: &[(u8, u8, &str)], maximum_length: u32) -> Vec<u8> {
    let mut body = request[..68].to_vec();
    body.extend(item(0x10, b"1.2.840.10008.3.1.1.1"));
    for (id, result, transfer_syntax) in contexts {
        let mut context = vec![*id, 0, *result, 0];
        context.extend(item(0x40, transfer_syntax.as_bytes()));
        body.extend(item(0x21, &context));
    }
    let mut user = item(0x51, &maximum_length.to_be_bytes());
    user.extend(item(0x52, b"1.2.826.0.1.3680043.9.9999"));
    body.extend(item(0x50, &user));
    pdu_of(pdu::ASSOCIATE_AC, &body)
}

/// The identifier of the context at an index of a proposal: odd numbers from 1.
///
/// # Panics
/// Beyond 128 contexts.
#[must_use]
pub fn context_id(index: usize) -> u8 {
    u8::try_from(2 * index + 1).expect("at most 128 contexts")
}

/// An item or sub-item: type, reserved byte, 16-bit length, body.
///
/// # Panics
/// Where the body is too long for an item.
#[must_use]
pub fn item(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 0];
    bytes.extend_from_slice(&u16::try_from(body.len()).expect("a short item").to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// Splits a list of items into types and bodies.
///
/// # Panics
/// Where an item is cut.
#[must_use]
pub fn items(mut bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let length = usize::from(u16::from_be_bytes([bytes[2], bytes[3]]));
        found.push((bytes[0], &bytes[4..4 + length]));
        bytes = &bytes[4 + length..];
    }
    found
}

/// A PDU: type, reserved byte, 32-bit length, body.
///
/// # Panics
/// Beyond 4 GiB.
#[must_use]
pub fn pdu_of(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 0];
    bytes.extend_from_slice(&u32::try_from(body.len()).expect("a PDU").to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// A presentation data value with its header (PS3.8 §9.3.5 and §E.2).
///
/// # Panics
/// Beyond 4 GiB.
#[must_use]
pub fn pdv(context: u8, is_command: bool, is_last: bool, fragment: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(fragment.len() + 2).expect("a fragment").to_be_bytes().to_vec();
    bytes.push(context);
    bytes.push(u8::from(is_command) | (u8::from(is_last) << 1));
    bytes.extend_from_slice(fragment);
    bytes
}

/// A P-DATA-TF PDU with one presentation data value.
#[must_use]
pub fn p_data(context: u8, is_command: bool, is_last: bool, fragment: &[u8]) -> Vec<u8> {
    pdu_of(pdu::P_DATA, &pdv(context, is_command, is_last, fragment))
}

/// A value in a command set (PS3.7 §E.1).
#[derive(Debug, Clone)]
pub enum Value<'a> {
    /// US.
    Number(u16),
    /// UI.
    Uid(&'a str),
    /// AE.
    Text(&'a str),
}

/// A command set in Implicit VR Little Endian with its group length.
#[must_use]
pub fn command_set(elements: &[(u16, Value<'_>)]) -> Vec<u8> {
    let mut group = Vec::new();
    for (number, value) in elements {
        let bytes = match value {
            Value::Number(number) => number.to_le_bytes().to_vec(),
            Value::Uid(uid) => {
                let mut bytes = uid.as_bytes().to_vec();
                if bytes.len() % 2 == 1 {
                    bytes.push(0);
                }
                bytes
            }
            Value::Text(text) => {
                let mut bytes = text.as_bytes().to_vec();
                if bytes.len() % 2 == 1 {
                    bytes.push(b' ');
                }
                bytes
            }
        };
        group.extend(command_element(*number, &bytes));
    }
    let length = u32::try_from(group.len()).unwrap_or(u32::MAX);
    let mut set = command_element(0x0000, &length.to_le_bytes());
    set.extend(group);
    set
}

fn command_element(number: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0];
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(value);
    bytes
}

/// C-ECHO-RQ (PS3.7 §9.3.5.1).
#[must_use]
pub fn echo_request(message_id: u16) -> Vec<u8> {
    command_set(&[
        (0x0002, Value::Uid(VERIFICATION)),
        (0x0100, Value::Number(0x0030)),
        (0x0110, Value::Number(message_id)),
        (0x0800, Value::Number(0x0101)),
    ])
}

/// C-STORE-RQ (PS3.7 §9.3.1.1).
#[must_use]
pub fn store_request(message_id: u16, sop_class: &str, sop_instance: &str) -> Vec<u8> {
    command_set(&[
        (0x0002, Value::Uid(sop_class)),
        (0x0100, Value::Number(0x0001)),
        (0x0110, Value::Number(message_id)),
        (0x0700, Value::Number(0)),
        (0x0800, Value::Number(0x0000)),
        (0x1000, Value::Uid(sop_instance)),
    ])
}

/// C-FIND-RQ (PS3.7 §9.3.2.1).
#[must_use]
pub fn find_request(message_id: u16, sop_class: &str) -> Vec<u8> {
    command_set(&[
        (0x0002, Value::Uid(sop_class)),
        (0x0100, Value::Number(0x0020)),
        (0x0110, Value::Number(message_id)),
        (0x0700, Value::Number(0)),
        (0x0800, Value::Number(0x0001)),
    ])
}

/// C-MOVE-RQ (PS3.7 §9.3.4.1).
#[must_use]
pub fn move_request(message_id: u16, sop_class: &str, destination: &str) -> Vec<u8> {
    command_set(&[
        (0x0002, Value::Uid(sop_class)),
        (0x0100, Value::Number(0x0021)),
        (0x0110, Value::Number(message_id)),
        (0x0600, Value::Text(destination)),
        (0x0700, Value::Number(0)),
        (0x0800, Value::Number(0x0001)),
    ])
}

/// C-GET-RQ (PS3.7 §9.3.3.1).
#[must_use]
pub fn get_request(message_id: u16, sop_class: &str) -> Vec<u8> {
    command_set(&[
        (0x0002, Value::Uid(sop_class)),
        (0x0100, Value::Number(0x0010)),
        (0x0110, Value::Number(message_id)),
        (0x0700, Value::Number(0)),
        (0x0800, Value::Number(0x0001)),
    ])
}

/// C-STORE-RSP (PS3.7 §9.3.1.2).
#[must_use]
pub fn store_response(message_id: u16, sop_class: &str, sop_instance: &str, status: u16) -> Vec<u8> {
    command_set(&[
        (0x0002, Value::Uid(sop_class)),
        (0x0100, Value::Number(0x8001)),
        (0x0120, Value::Number(message_id)),
        (0x0800, Value::Number(0x0101)),
        (0x0900, Value::Number(status)),
        (0x1000, Value::Uid(sop_instance)),
    ])
}

/// C-CANCEL-RQ (PS3.7 §9.3.2.3).
#[must_use]
pub fn cancel_request(message_id: u16) -> Vec<u8> {
    command_set(&[
        (0x0100, Value::Number(0x0FFF)),
        (0x0120, Value::Number(message_id)),
        (0x0800, Value::Number(0x0101)),
    ])
}

/// The elements of group 0000 of a command set in Implicit VR Little Endian, by element number.
///
/// # Panics
/// Where it is cut.
#[must_use]
pub fn read_command_set(mut bytes: &[u8]) -> std::collections::BTreeMap<u16, Vec<u8>> {
    let mut elements = std::collections::BTreeMap::new();
    while !bytes.is_empty() {
        assert!(bytes.len() >= 8 && bytes[..2] == [0, 0], "not a command element: {bytes:02X?}");
        let number = u16::from_le_bytes([bytes[2], bytes[3]]);
        let length = u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]) as usize;
        assert!(bytes.len() >= 8 + length, "the command set is cut");
        elements.insert(number, bytes[8..8 + length].to_vec());
        bytes = &bytes[8 + length..];
    }
    elements
}
