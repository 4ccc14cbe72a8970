//! Presentation data values put together into messages (PS3.8 §9.3.5 and §E): a pure state machine
//! that is fed bytes, so that any packing and any split of the stream takes the same way.

use bytes::{Buf, Bytes, BytesMut};

use crate::{
    Error, Message, Misbehaviour,
    association::PresentationContexts,
    command::{COMMAND_SET_LENGTH_MAX, Command},
    pdu::{self, Header},
};

/// Bytes of the head of a presentation data value item: length, context, message control header.
const VALUE_HEADER_LENGTH: u32 = 6;

/// What the bytes so far amount to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A whole command set.
    Message(Message),
    /// A piece of the data set.
    Fragment(Bytes),
    /// The data set is complete.
    DataSetEnd,
    /// A-RELEASE-RQ.
    ReleaseRequest,
    /// A-RELEASE-RP.
    ReleaseResponse,
}

/// Where in the stream of PDUs the next byte stands.
#[derive(Debug, Clone, Copy)]
enum Position {
    BetweenPdus,
    BetweenValues { pdu_left: u32 },
    InValue { pdu_left: u32, value_left: u32, value: Value },
}

/// The head of a presentation data value (PS3.8 §9.3.5.1, §E.2).
#[derive(Debug, Clone, Copy)]
struct Value {
    context: u8,
    is_command: bool,
    is_last: bool,
}

/// How far the current message is.
#[derive(Debug, Clone, Copy)]
enum Stage {
    BetweenMessages,
    InCommand { context: u8 },
    InDataSet { context: u8 },
}

#[derive(Debug)]
pub(crate) struct Assembler {
    contexts: PresentationContexts,
    /// Bytes of the longest P-DATA-TF variable field we announced; 0 is unlimited.
    max_pdu_length: u32,
    position: Position,
    stage: Stage,
    command: Vec<u8>,
}

impl Assembler {
    pub(crate) const fn new(contexts: PresentationContexts, max_pdu_length: u32) -> Self {
        Self {
            contexts,
            max_pdu_length,
            position: Position::BetweenPdus,
            stage: Stage::BetweenMessages,
            command: Vec::new(),
        }
    }

    /// Whether neither a message nor a PDU is in flight.
    pub(crate) const fn is_idle(&self) -> bool {
        matches!((self.position, self.stage), (Position::BetweenPdus, Stage::BetweenMessages))
    }

    /// Whether a data set is being received.
    pub(crate) const fn is_in_data_set(&self) -> bool {
        matches!(self.stage, Stage::InDataSet { .. })
    }

    /// Takes what it can from the front of `bytes`; `None` when it needs more than is there.
    pub(crate) fn step(&mut self, bytes: &mut BytesMut) -> Result<Option<Step>, Error> {
        loop {
            let step = match self.position {
                Position::BetweenPdus => match self.pdu(bytes)? {
                    Some(step) => step,
                    None => return Ok(None),
                },
                Position::BetweenValues { pdu_left: 0 } => {
                    self.position = Position::BetweenPdus;
                    continue;
                }
                Position::BetweenValues { pdu_left } => {
                    if !self.value_header(pdu_left, bytes)? {
                        return Ok(None);
                    }
                    continue;
                }
                Position::InValue { value_left: 0, value, pdu_left } => {
                    self.position = Position::BetweenValues { pdu_left };
                    self.value_end(value)?
                }
                Position::InValue { .. } if bytes.is_empty() => return Ok(None),
                Position::InValue { pdu_left, value_left, value } => {
                    self.content(pdu_left, value_left, value, bytes)?
                }
            };
            if step.is_some() {
                return Ok(step);
            }
        }
    }

    /// A PDU header, and the whole PDU unless it is P-DATA-TF. The outer `None` asks for more bytes.
    #[expect(
        clippy::option_option,
        reason = "the outer one asks for bytes, the inner one has no step to report"
    )]
    fn pdu(&mut self, bytes: &mut BytesMut) -> Result<Option<Option<Step>>, Error> {
        let Some(head) = bytes.first_chunk() else { return Ok(None) };
        let header = Header::read(*head);
        if header.pdu_type == pdu::P_DATA_TF {
            let limit = if self.max_pdu_length == 0 { u32::MAX } else { self.max_pdu_length };
            header.limited(limit)?;
            if header.length < VALUE_HEADER_LENGTH {
                return Err(Misbehaviour::MalformedPdu(header.pdu_type).into());
            }
            bytes.advance(pdu::HEADER_LENGTH);
            self.position = Position::BetweenValues { pdu_left: header.length };
            return Ok(Some(None));
        }
        if !matches!(header.pdu_type, pdu::RELEASE_RQ | pdu::RELEASE_RP | pdu::ABORT) {
            return Err(header.unexpected());
        }
        if header.length != pdu::CONTROL_LENGTH {
            return Err(Misbehaviour::MalformedPdu(header.pdu_type).into());
        }
        let Some(field) = bytes.get(pdu::HEADER_LENGTH..).and_then(<[u8]>::first_chunk) else {
            return Ok(None);
        };
        let field = *field;
        bytes.advance(pdu::HEADER_LENGTH + field.len());
        match header.pdu_type {
            pdu::ABORT => Err(Error::Aborted(pdu::read_abort(field))),
            _ if !matches!(self.stage, Stage::BetweenMessages) => {
                Err(Misbehaviour::ReleaseInsideMessage.into())
            }
            pdu::RELEASE_RQ => Ok(Some(Some(Step::ReleaseRequest))),
            _ => Ok(Some(Some(Step::ReleaseResponse))),
        }
    }

    /// The head of a presentation data value; `false` when more bytes are needed.
    fn value_header(&mut self, pdu_left: u32, bytes: &mut BytesMut) -> Result<bool, Error> {
        if pdu_left < VALUE_HEADER_LENGTH {
            return Err(Misbehaviour::PresentationDataValueLength(pdu_left).into());
        }
        let Some(head) = bytes.first_chunk::<6>() else { return Ok(false) };
        let [length @ .., context, control] = *head;
        let length = u32::from_be_bytes(length);
        if length < 2 || length > pdu_left - 4 {
            return Err(Misbehaviour::PresentationDataValueLength(length).into());
        }
        let value = Value { context, is_command: control & 1 != 0, is_last: control & 2 != 0 };
        self.belongs(value)?;
        bytes.advance(head.len());
        self.position = Position::InValue { pdu_left: pdu_left - 4 - length, value_left: length - 2, value };
        Ok(true)
    }

    /// Whether a value may come at this stage, and the stage that it begins.
    fn belongs(&mut self, value: Value) -> Result<(), Misbehaviour> {
        if self.contexts.get(value.context).is_none() {
            return Err(Misbehaviour::PresentationContextNotAccepted(value.context));
        }
        let context = match (self.stage, value.is_command) {
            (Stage::BetweenMessages, true) => {
                self.stage = Stage::InCommand { context: value.context };
                return Ok(());
            }
            (Stage::InCommand { context }, true) | (Stage::InDataSet { context }, false) => context,
            (Stage::BetweenMessages | Stage::InCommand { .. }, false) => {
                return Err(Misbehaviour::DataSetWithoutCommand);
            }
            (Stage::InDataSet { .. }, true) => return Err(Misbehaviour::CommandInsideDataSet),
        };
        if context == value.context {
            Ok(())
        } else {
            Err(Misbehaviour::PresentationContextChanged(context, value.context))
        }
    }

    /// What is there of a value, be it the whole or a part.
    fn content(
        &mut self,
        pdu_left: u32,
        value_left: u32,
        value: Value,
        bytes: &mut BytesMut,
    ) -> Result<Option<Step>, Error> {
        let taken = bytes.len().min(usize::try_from(value_left).unwrap_or(usize::MAX));
        let content = bytes.split_to(taken);
        // `taken` is at most `value_left`, so the conversion never falls back.
        let left = value_left - u32::try_from(taken).unwrap_or(value_left);
        self.position = Position::InValue { pdu_left, value_left: left, value };
        if !value.is_command {
            return Ok(Some(Step::Fragment(content.freeze())));
        }
        if self.command.len() + content.len() > COMMAND_SET_LENGTH_MAX {
            return Err(Misbehaviour::CommandSetTooLong(COMMAND_SET_LENGTH_MAX).into());
        }
        self.command.extend_from_slice(&content);
        Ok(None)
    }

    fn value_end(&mut self, value: Value) -> Result<Option<Step>, Error> {
        if !value.is_last {
            return Ok(None);
        }
        if !value.is_command {
            self.stage = Stage::BetweenMessages;
            return Ok(Some(Step::DataSetEnd));
        }
        let context = self.contexts.get(value.context);
        let presentation_context =
            context.cloned().ok_or(Misbehaviour::PresentationContextNotAccepted(value.context))?;
        let read = Command::read(&std::mem::take(&mut self.command));
        let (command, has_data_set) = read.map_err(|error| Misbehaviour::CommandSet(error.0))?;
        self.stage =
            if has_data_set { Stage::InDataSet { context: value.context } } else { Stage::BetweenMessages };
        Ok(Some(Step::Message(Message { presentation_context, command, has_data_set })))
    }
}
