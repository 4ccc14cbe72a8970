//! Protocol data units as far as they are framed here (PS3.8 §9.3): types, header, control PDUs.

use crate::{Abort, AbortSource, Error, Misbehaviour, acse::AssociateReject};

/// A-ASSOCIATE-RQ.
pub(crate) const ASSOCIATE_RQ: u8 = 0x01;
/// A-ASSOCIATE-AC.
pub(crate) const ASSOCIATE_AC: u8 = 0x02;
/// A-ASSOCIATE-RJ.
pub(crate) const ASSOCIATE_RJ: u8 = 0x03;
/// P-DATA-TF.
pub(crate) const P_DATA_TF: u8 = 0x04;
/// A-RELEASE-RQ.
pub(crate) const RELEASE_RQ: u8 = 0x05;
/// A-RELEASE-RP.
pub(crate) const RELEASE_RP: u8 = 0x06;
/// A-ABORT.
pub(crate) const ABORT: u8 = 0x07;

/// Bytes of a PDU header: type, reserved, length.
pub(crate) const HEADER_LENGTH: usize = 6;
/// Bytes of the variable field of A-ASSOCIATE-RJ, A-RELEASE-RQ, A-RELEASE-RP and A-ABORT.
pub(crate) const CONTROL_LENGTH: u32 = 4;

/// The head of every PDU (PS3.8 §9.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) pdu_type: u8,
    /// Bytes of the variable field.
    pub(crate) length: u32,
}

impl Header {
    pub(crate) const fn read(bytes: [u8; HEADER_LENGTH]) -> Self {
        let [pdu_type, _, length @ ..] = bytes;
        Self { pdu_type, length: u32::from_be_bytes(length) }
    }

    /// The error that this PDU is, where it has no place in the present state.
    pub(crate) const fn unexpected(self) -> Error {
        Error::PeerMisbehaved(match self.pdu_type {
            ASSOCIATE_RQ..=ABORT => Misbehaviour::UnexpectedPdu(self.pdu_type),
            other => Misbehaviour::UnrecognizedPdu(other),
        })
    }

    /// Refuses a length above `limit`, before anything of the PDU is read.
    pub(crate) const fn limited(self, limit: u32) -> Result<Self, Error> {
        if self.length <= limit {
            return Ok(self);
        }
        Err(Error::PeerMisbehaved(Misbehaviour::PduTooLong {
            pdu_type: self.pdu_type,
            length: self.length,
            limit,
        }))
    }
}

const fn control(pdu_type: u8, field: [u8; 4]) -> [u8; 10] {
    [pdu_type, 0, 0, 0, 0, 4, field[0], field[1], field[2], field[3]]
}

pub(crate) const fn reject(reject: AssociateReject) -> [u8; 10] {
    control(ASSOCIATE_RJ, reject.to_bytes())
}

pub(crate) const fn release_rq() -> [u8; 10] {
    control(RELEASE_RQ, [0; 4])
}

pub(crate) const fn release_rp() -> [u8; 10] {
    control(RELEASE_RP, [0; 4])
}

pub(crate) const fn abort(abort: Abort) -> [u8; 10] {
    let source = match abort.source {
        AbortSource::ServiceUser => 0,
        AbortSource::ServiceProvider => 2,
        AbortSource::Reserved(source) => source,
    };
    control(ABORT, [0, 0, source, abort.reason])
}

/// Reads the variable field of an A-ABORT.
pub(crate) const fn read_abort(field: [u8; 4]) -> Abort {
    let source = match field[2] {
        0 => AbortSource::ServiceUser,
        2 => AbortSource::ServiceProvider,
        other => AbortSource::Reserved(other),
    };
    Abort { source, reason: field[3] }
}
