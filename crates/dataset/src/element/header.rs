//! The header of a data element, bytes to [`Header`].

use dicom_core::{
    VR,
    dictionary::{DataDictionary, DataDictionaryEntry, VirtualVr},
};
use dicom_dictionary_std::StandardDataDictionary;
use instance::Tag;

use super::{Form, Header};

const UNDEFINED: u32 = 0xFFFF_FFFF;

/// Bytes of the header that begins with these eight.
pub(super) fn length_of(first: [u8; 8], form: Form) -> usize {
    if form.explicit_vr && tag(first, form).group() != 0xFFFE && has_long_length([first[4], first[5]]) {
        12
    } else {
        8
    }
}

/// The tag that begins a header.
pub(super) fn tag(first: [u8; 8], form: Form) -> Tag {
    Tag(form.u16([first[0], first[1]]), form.u16([first[2], first[3]]))
}

/// Reads a complete header, 8 or 12 bytes of `bytes` as [`length_of`] said.
pub(super) fn read(bytes: [u8; 12], form: Form) -> Header {
    let [a, b, c, d, e, f, g, h, ..] = bytes;
    let tag = tag([a, b, c, d, e, f, g, h], form);
    let long = form.u32([e, f, g, h]);
    // Some devices switch to implicit VR inside a data set that began with explicit VR.
    if tag.group() == 0xFFFE || !form.explicit_vr || !is_vr([e, f]) {
        let form = Form { explicit_vr: false, ..form };
        let (vr, us_or_ss) = vr_of(tag).unwrap_or((VR::UN, false));
        return Header { tag, vr, us_or_ss, length: defined(long), form };
    }
    let written = VR::from_binary([e, f]).unwrap_or(VR::UN);
    let length = if has_long_length([e, f]) {
        defined(form.u32([bytes[8], bytes[9], bytes[10], bytes[11]]))
    } else {
        Some(u32::from(form.u16([g, h])))
    };
    if written != VR::UN {
        return Header { tag, vr: written, us_or_ss: false, length, form };
    }
    // What stands in UN is Implicit VR Little Endian (PS3.5 §6.2.2, note 2).
    let (vr, us_or_ss) = vr_of(tag).unwrap_or((VR::UN, false));
    Header { tag, vr, us_or_ss, length, form: Form::IMPLICIT_VR_LITTLE_ENDIAN }
}

/// The form of a data set, judged by its first element where that contradicts the declared form:
/// legacy devices send one and declare another.
pub(super) fn detect(first: [u8; 8], declared: Form) -> Form {
    let group = |form: Form| form.u16([first[0], first[1]]);
    let swapped = Form { big_endian: !declared.big_endian, ..declared };
    // A data set begins with a low group; 0008 read in the wrong order is 0800.
    let low = |group: u16| (0x0001..=0x0010).contains(&group);
    let big_endian =
        if low(group(swapped)) && !low(group(declared)) { swapped.big_endian } else { declared.big_endian };
    let vr = [first[4], first[5]];
    let explicit_vr = if declared.explicit_vr { is_vr(vr) } else { VR::from_binary(vr).is_some() };
    Form { explicit_vr, big_endian }
}

/// The VR of PS3.6, and whether it may be SS instead of US; none for attributes that it does not list.
#[must_use]
pub fn vr_of(tag: Tag) -> Option<(VR, bool)> {
    if tag.element() == 0 {
        return Some((VR::UL, false));
    }
    if tag.is_private() {
        // Private Creator Data Elements (PS3.5 §7.8.1).
        return (0x0010..=0x00FF).contains(&tag.element()).then_some((VR::LO, false));
    }
    let entry = StandardDataDictionary.by_tag(dicom_core::Tag(tag.group(), tag.element()))?;
    Some(match entry.vr() {
        VirtualVr::Exact(vr) => (vr, false),
        VirtualVr::Xs => (VR::US, true),
        VirtualVr::Ox | VirtualVr::Px | VirtualVr::Lt => (VR::OW, false),
        _ => return None,
    })
}

fn defined(length: u32) -> Option<u32> {
    (length != UNDEFINED).then_some(length)
}

/// Two capital letters; `??` is what some toolkits write for a VR that they do not know.
fn is_vr(vr: [u8; 2]) -> bool {
    vr == *b"??" || vr.iter().all(u8::is_ascii_uppercase)
}

/// Whether two reserved bytes and a length of four bytes follow the VR: all VRs but those that
/// PS3.5 §7.1.2 lists, future ones too.
fn has_long_length(vr: [u8; 2]) -> bool {
    let short =
        matches!(
            &vr,
            b"AE" | b"AS" | b"AT" | b"CS" | b"DA" | b"DS" | b"DT" | b"FL" | b"FD" | b"IS" | b"LO" | b"LT"
        ) || matches!(&vr, b"PN" | b"SH" | b"SL" | b"SS" | b"ST" | b"TM" | b"UI" | b"UL" | b"US" | b"??");
    is_vr(vr) && !short
}
