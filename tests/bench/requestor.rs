//! A requestor of C-FIND that prints nothing and keeps nothing, and an acceptor that answers it without
//! looking anything up: what the exchange itself costs.

mod stub;

use std::io::{BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::Context as _;
use tests::instances::{EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN};
use tests::wire::{self, Proposal, Value, command_set, pdu};

pub(crate) use stub::Stub;

/// Study Root Query/Retrieve Information Model - FIND (PS3.4 §C.6.2).
const STUDY_ROOT_FIND: &str = "1.2.840.10008.5.1.4.1.2.2.1";

/// Bytes read at a time.
const BUFFER: usize = 64 * 1024;

/// The longest silence of the other end.
const SILENCE: Duration = Duration::from_secs(120);

/// The only presentation context.
const CONTEXT: u8 = 1;

/// What came back.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    /// Responses with an identifier.
    pub(crate) pending: u64,
    /// The final status.
    pub(crate) status: u16,
    /// The identifier of the last response that had one.
    pub(crate) sample: Vec<u8>,
}

/// An association for C-FIND.
pub(crate) struct Requestor {
    sop_class: &'static str,
    stream: BufReader<TcpStream>,
    /// The PDU at hand, and behind it what is left of longer ones.
    body: Vec<u8>,
    /// Its length.
    length: usize,
}

impl Requestor {
    /// Opens it for Study Root in Implicit VR Little Endian.
    pub(crate) fn open(address: SocketAddr, called: &str) -> anyhow::Result<Self> {
        Self::open_for(address, called, STUDY_ROOT_FIND, IMPLICIT_VR_LITTLE_ENDIAN)
    }

    /// Opens it for another information model in Explicit VR Little Endian.
    pub(crate) fn open_explicit(
        address: SocketAddr,
        called: &str,
        sop_class: &'static str,
    ) -> anyhow::Result<Self> {
        Self::open_for(address, called, sop_class, EXPLICIT_VR_LITTLE_ENDIAN)
    }

    fn open_for(
        address: SocketAddr,
        called: &str,
        sop_class: &'static str,
        transfer_syntax: &str,
    ) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(SILENCE))?;
        let mut proposal = Proposal::new(&[(sop_class, &[transfer_syntax])]);
        called.clone_into(&mut proposal.called);
        "BENCH".clone_into(&mut proposal.calling);
        stream.write_all(&proposal.bytes())?;
        let mut requestor =
            Self { sop_class, stream: BufReader::with_capacity(BUFFER, stream), body: Vec::new(), length: 0 };
        let kind = requestor.pdu()?;
        anyhow::ensure!(kind == pdu::ASSOCIATE_AC, "the association is refused: PDU type {kind}");
        Ok(requestor)
    }

    /// Sends one identifier and takes every response.
    ///
    /// It is built without optimisation and shares the processor with what it measures, so it does as little as
    /// it can for each response: those that are pending all have the same command set, which is read once.
    pub(crate) fn find(&mut self, identifier: &[u8]) -> anyhow::Result<Found> {
        let command = command_set(&[
            (0x0002, Value::Uid(self.sop_class)),
            (0x0100, Value::Number(0x0020)),
            (0x0110, Value::Number(1)),
            (0x0700, Value::Number(0)),
            (0x0800, Value::Number(0x0001)),
        ]);
        let mut request = wire::p_data(CONTEXT, true, true, &command);
        request.extend(wire::p_data(CONTEXT, false, true, identifier));
        self.stream.get_mut().write_all(&request)?;
        let mut found = Found::default();
        let (mut command, mut data_set, mut pending) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            let kind = self.pdu()?;
            anyhow::ensure!(kind == pdu::P_DATA, "PDU type {kind} instead of a response");
            let mut rest = &self.body[..self.length];
            while let Some((value, behind)) = presentation_data_value(rest) {
                rest = behind;
                let (control, fragment) = (value[1], &value[2..]);
                if control & 1 == 0 {
                    data_set.extend_from_slice(fragment);
                    if control & 2 != 0 {
                        found.pending += 1;
                        std::mem::swap(&mut found.sample, &mut data_set);
                        data_set.clear();
                    }
                    continue;
                }
                command.extend_from_slice(fragment);
                if control & 2 != 0 {
                    if command != pending {
                        found.status = status(&command).context("a response without a status")?;
                        if !matches!(found.status, 0xFF00 | 0xFF01) {
                            return Ok(found);
                        }
                        pending.clone_from(&command);
                    }
                    command.clear();
                }
            }
        }
    }

    /// Releases the association.
    pub(crate) fn release(mut self) -> anyhow::Result<()> {
        self.stream.get_mut().write_all(&wire::pdu_of(pdu::RELEASE_RQ, &[0; 4]))?;
        let kind = self.pdu()?;
        anyhow::ensure!(kind == pdu::RELEASE_RP, "PDU type {kind} instead of A-RELEASE-RP");
        Ok(())
    }

    /// Reads a PDU; its type.
    fn pdu(&mut self) -> anyhow::Result<u8> {
        let (kind, length) = read_pdu(&mut self.stream, &mut self.body)?;
        self.length = length;
        Ok(kind)
    }
}

/// Reads a PDU to the beginning of `body`, which only grows; its type and length.
fn read_pdu(stream: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> anyhow::Result<(u8, usize)> {
    let mut head = [0; 6];
    stream.read_exact(&mut head)?;
    let length = u32::from_be_bytes([head[2], head[3], head[4], head[5]]) as usize;
    if body.len() < length {
        body.resize(length, 0);
    }
    stream.read_exact(&mut body[..length])?;
    Ok((head[0], length))
}

/// The first presentation data value, from its context on, and what follows.
fn presentation_data_value(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_be_bytes(*length) as usize)
}

/// (0000,0900) Status of a command set in Implicit VR Little Endian.
fn status(mut command: &[u8]) -> Option<u16> {
    while let Some((header, rest)) = command.split_first_chunk::<8>() {
        let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        let (value, behind) = rest.split_at_checked(length)?;
        if header[..4] == [0x00, 0x00, 0x00, 0x09] {
            return Some(u16::from_le_bytes(value.try_into().ok()?));
        }
        command = behind;
    }
    None
}

/// The identifier of a query for all instances of a series, with the attributes that list them.
pub(crate) fn instances_of(study: &str, series: &str) -> Vec<u8> {
    let mut identifier = Vec::new();
    for (group, number, value) in [
        (0x0008, 0x0016, ""),
        (0x0008, 0x0018, ""),
        (0x0008, 0x0052, "IMAGE"),
        (0x0020, 0x000D, study),
        (0x0020, 0x000E, series),
        (0x0020, 0x0013, ""),
        (0x0028, 0x0010, ""),
        (0x0028, 0x0011, ""),
    ] {
        let mut value = value.as_bytes().to_vec();
        if value.len() % 2 == 1 {
            value.push(0);
        }
        identifier.extend(u16::to_le_bytes(group));
        identifier.extend(u16::to_le_bytes(number));
        identifier.extend((value.len() as u32).to_le_bytes());
        identifier.extend(value);
    }
    identifier
}
