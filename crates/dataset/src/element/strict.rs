//! What [`Mode::Strict`](super::Mode::Strict) refuses in a header.

use dicom_core::VR;
use instance::Tag;

use super::{ElementError, Form, Header};

/// Refuses what another reader may understand in another way, and so with other lengths.
pub(super) fn check(bytes: &[u8; 12], form: Form, header: &Header) -> Result<(), ElementError> {
    let malformed = Err(ElementError::Malformed(header.tag));
    if header.tag.group() == 0xFFFE {
        return malformed;
    }
    let written = if form.explicit_vr {
        match VR::from_binary([bytes[4], bytes[5]]) {
            Some(vr) => vr,
            None => return malformed,
        }
    } else {
        header.vr
    };
    // A sequence inside UN is read as a sequence here and as bytes elsewhere.
    if written == VR::UN && header.vr == VR::SQ {
        return malformed;
    }
    // A rest too short for one more value is part of the value here, and elsewhere the next header.
    if header.length.is_some_and(|length| length % width(written) != 0) {
        return malformed;
    }
    let undefined_allowed = match written {
        VR::SQ => true,
        VR::OB | VR::OW => header.tag == Tag::PIXEL_DATA,
        VR::UN => !form.explicit_vr,
        _ => false,
    };
    if header.length.is_none() && !undefined_allowed { malformed } else { Ok(()) }
}

/// Bytes of one value, where the VR has values of a fixed size in binary (PS3.5 §6.2).
const fn width(vr: VR) -> u32 {
    match vr {
        VR::US | VR::SS | VR::OW => 2,
        VR::UL | VR::SL | VR::FL | VR::AT | VR::OF | VR::OL => 4,
        VR::UV | VR::SV | VR::FD | VR::OD | VR::OV => 8,
        _ => 1,
    }
}
