//! An acceptor that answers every C-FIND with the same identifier, as often as it is told.

use std::io::{BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;

use tests::wire::{self, Value, command_set, item, pdu};

use super::{BUFFER, CONTEXT, IMPLICIT_VR_LITTLE_ENDIAN, STUDY_ROOT_FIND, read_pdu};

/// A listening stub; it takes one association after the other until the process ends.
pub(crate) struct Stub {
    address: SocketAddr,
    _acceptor: JoinHandle<()>,
}

impl Stub {
    /// Answers each C-FIND with so many identifiers, each in a write of its own, as they would be found
    /// one after the other.
    pub(crate) fn start(identifier: &[u8], count: u64) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let mut pending = wire::p_data(CONTEXT, true, true, &response(0xFF00, 0x0001));
        pending.extend(wire::p_data(CONTEXT, false, true, identifier));
        let last = wire::p_data(CONTEXT, true, true, &response(0x0000, 0x0101));
        let acceptor = std::thread::spawn(move || {
            for stream in listener.incoming() {
                // An association that breaks is seen by the requestor.
                let _ = stream.map_err(Into::into).and_then(|stream| serve(stream, &pending, &last, count));
            }
        });
        Ok(Self { address, _acceptor: acceptor })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// One association.
fn serve(stream: TcpStream, pending: &[u8], last: &[u8], count: u64) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::with_capacity(BUFFER, stream);
    let mut body = Vec::new();
    anyhow::ensure!(read_pdu(&mut stream, &mut body)?.0 == pdu::ASSOCIATE_RQ, "no association is asked for");
    stream.get_mut().write_all(&acceptance(&body))?;
    loop {
        match read_pdu(&mut stream, &mut body)?.0 {
            pdu::RELEASE_RQ => {
                stream.get_mut().write_all(&wire::pdu_of(pdu::RELEASE_RP, &[0; 4]))?;
                return Ok(());
            }
            // The requestor sends the identifier behind the command in a PDU of its own.
            pdu::P_DATA if body[5] & 1 == 0 => {
                for _ in 0..count {
                    stream.get_mut().write_all(pending)?;
                }
                stream.get_mut().write_all(last)?;
            }
            _ => {}
        }
    }
}

/// A-ASSOCIATE-AC (PS3.8 §9.3.3), with the titles of the request.
fn acceptance(request: &[u8]) -> Vec<u8> {
    let mut body = request[..68].to_vec();
    body.extend(item(0x10, b"1.2.840.10008.3.1.1.1"));
    let mut context = vec![CONTEXT, 0, 0, 0];
    context.extend(item(0x40, IMPLICIT_VR_LITTLE_ENDIAN.as_bytes()));
    body.extend(item(0x21, &context));
    let mut user = item(0x51, &65_536_u32.to_be_bytes());
    user.extend(item(0x52, b"1.2.826.0.1.3680043.9.9999"));
    body.extend(item(0x50, &user));
    wire::pdu_of(pdu::ASSOCIATE_AC, &body)
}

/// C-FIND-RSP (PS3.7 §9.3.2.2).
fn response(status: u16, data_set_type: u16) -> Vec<u8> {
    command_set(&[
        (0x0002, Value::Uid(STUDY_ROOT_FIND)),
        (0x0100, Value::Number(0x8020)),
        (0x0120, Value::Number(1)),
        (0x0800, Value::Number(data_set_type)),
        (0x0900, Value::Number(status)),
    ])
}
