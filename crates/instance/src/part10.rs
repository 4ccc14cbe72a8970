//! Part 10 framing: preamble and File Meta Information (PS3.10 §7.1).
//!
//! Data sets travel and rest without it; it is made when an instance leaves as a file or as the part
//! of a STOW-RS request. The result depends on nothing but its arguments, so a repeated delivery
//! sends the same bytes.

use crate::{AeTitle, IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, TransferSyntax, Uid};

/// Bytes of the preamble and the prefix `DICM` (PS3.10 §7.1).
pub const PREAMBLE_LENGTH: usize = 132;

/// Most bytes of File Meta Information that [`read`] accepts: real ones have about 300; vendors add
/// private information (0002,0102) of a few kilobytes.
pub const FILE_META_LENGTH_MAX: usize = 64 * 1024;

/// What File Meta Information says of the data set behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMeta {
    /// (0002,0002) Media Storage SOP Class UID.
    pub sop_class_uid: Uid,
    /// (0002,0003) Media Storage SOP Instance UID.
    pub sop_instance_uid: Uid,
    /// (0002,0010) Transfer Syntax UID.
    pub transfer_syntax: TransferSyntax,
}

/// Why bytes are not a Part 10 file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidFile {
    /// The prefix `DICM` is not at byte 128.
    #[error("no DICM prefix at byte 128")]
    NoPrefix,
    /// The bytes end inside the File Meta Information; more may complete it.
    #[error("the File Meta Information is cut")]
    Incomplete,
    /// The File Meta Information breaks its own encoding, or is longer than the limit.
    #[error("the File Meta Information is malformed at byte {0}")]
    Malformed(usize),
    /// A mandatory element is absent or is no UID.
    #[error("the File Meta Information has no usable ({0:04X},{1:04X})")]
    Missing(u16, u16),
}

/// Preamble, prefix and File Meta Information for a data set. `source` becomes (0002,0016) Source
/// Application Entity Title.
#[must_use]
pub fn write(meta: &FileMeta, source: Option<&AeTitle>) -> Vec<u8> {
    let mut group = Vec::with_capacity(256);
    push(&mut group, 0x0001, b"OB", &[0, 1]);
    push(&mut group, 0x0002, b"UI", &meta.sop_class_uid.to_padded());
    push(&mut group, 0x0003, b"UI", &meta.sop_instance_uid.to_padded());
    push(&mut group, 0x0010, b"UI", &meta.transfer_syntax.uid().to_padded());
    push(&mut group, 0x0012, b"UI", &padded(IMPLEMENTATION_CLASS_UID.as_bytes(), 0));
    push(&mut group, 0x0013, b"SH", &padded(IMPLEMENTATION_VERSION_NAME.as_bytes(), b' '));
    if let Some(title) = source {
        push(&mut group, 0x0016, b"AE", &padded(title.as_str().as_bytes(), b' '));
    }
    let mut file = vec![0; PREAMBLE_LENGTH - 4];
    file.extend_from_slice(b"DICM");
    // The values above have at most 64 bytes each, so the group is far below 4 GiB.
    push(&mut file, 0x0000, b"UL", &u32::try_from(group.len()).unwrap_or(u32::MAX).to_le_bytes());
    file.extend_from_slice(&group);
    file
}

/// Reads preamble, prefix and File Meta Information from the head of a file, and tells how many
/// bytes they take. A wrong or absent group length (0002,0000) is tolerated: the elements decide.
///
/// # Errors
/// [`InvalidFile::Incomplete`] where `head` ends too early; any other error is final.
pub fn read(head: &[u8]) -> Result<(FileMeta, usize), InvalidFile> {
    read_with(head, None)
}

/// As [`read`], but takes this transfer syntax where (0002,0010) is absent or no UID, since the header
/// fields of a part may name it too (PS3.18 §8.7.3.5.2).
///
/// # Errors
/// As [`read`].
pub fn read_with(
    head: &[u8],
    transfer_syntax: Option<&TransferSyntax>,
) -> Result<(FileMeta, usize), InvalidFile> {
    if head.len() < PREAMBLE_LENGTH {
        return Err(InvalidFile::Incomplete);
    }
    if &head[PREAMBLE_LENGTH - 4..PREAMBLE_LENGTH] != b"DICM" {
        return Err(InvalidFile::NoPrefix);
    }
    let mut at = PREAMBLE_LENGTH;
    let (mut class, mut instance, mut syntax) = (None, None, transfer_syntax.cloned());
    loop {
        let group_ends = match head.get(at..at + 2) {
            Some(group) => group != [2, 0],
            None if syntax.is_some() && at == head.len() => true,
            None => return Err(InvalidFile::Incomplete),
        };
        if group_ends {
            break;
        }
        let (element, value, next) = element(head, at)?;
        match element {
            0x0002 => class = Uid::from_bytes(value).ok(),
            0x0003 => instance = Uid::from_bytes(value).ok(),
            0x0010 => syntax = Uid::from_bytes(value).ok().map(TransferSyntax::new).or(syntax),
            _ => {}
        }
        at = next;
    }
    let meta = FileMeta {
        sop_class_uid: class.ok_or(InvalidFile::Missing(2, 2))?,
        sop_instance_uid: instance.ok_or(InvalidFile::Missing(2, 3))?,
        transfer_syntax: syntax.ok_or(InvalidFile::Missing(2, 0x10))?,
    };
    Ok((meta, at))
}

/// One element of group 0002 at `at`: its element number, its value, and where the next one begins.
fn element(head: &[u8], at: usize) -> Result<(u16, &[u8], usize), InvalidFile> {
    let header = head.get(at..at + 8).ok_or(InvalidFile::Incomplete)?;
    let number = u16::from_le_bytes([header[2], header[3]]);
    let long = matches!(&header[4..6], b"OB" | b"OW" | b"UN" | b"UT" | b"SQ" | b"OF" | b"UC" | b"UR");
    let (start, length) = if long {
        let field = head.get(at + 8..at + 12).ok_or(InvalidFile::Incomplete)?;
        (at + 12, u32::from_le_bytes([field[0], field[1], field[2], field[3]]) as usize)
    } else if header[4].is_ascii_uppercase() && header[5].is_ascii_uppercase() {
        (at + 8, usize::from(u16::from_le_bytes([header[6], header[7]])))
    } else {
        return Err(InvalidFile::Malformed(at));
    };
    let end = start.checked_add(length).filter(|end| *end <= FILE_META_LENGTH_MAX);
    let end = end.ok_or(InvalidFile::Malformed(at))?;
    let value = head.get(start..end).ok_or(InvalidFile::Incomplete)?;
    Ok((number, value, end))
}

fn push(to: &mut Vec<u8>, element: u16, vr: &[u8; 2], value: &[u8]) {
    to.extend_from_slice(&[2, 0]);
    to.extend_from_slice(&element.to_le_bytes());
    to.extend_from_slice(vr);
    if vr == b"OB" {
        to.extend_from_slice(&[0, 0]);
        to.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
    } else {
        to.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
    }
    to.extend_from_slice(value);
}

fn padded(value: &[u8], pad: u8) -> Vec<u8> {
    let mut value = value.to_vec();
    if value.len() % 2 == 1 {
        value.push(pad);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn meta() -> FileMeta {
        FileMeta {
            sop_class_uid: "1.2.840.10008.5.1.4.1.1.2".parse().unwrap(),
            sop_instance_uid: "1.2.3.4.5".parse().unwrap(),
            transfer_syntax: TransferSyntax::new("1.2.840.10008.1.2.1".parse().unwrap()),
        }
    }

    #[test]
    fn reads_what_it_wrote() {
        let file = write(&meta(), Some(&"CT1".parse().unwrap()));
        assert_eq!(file.len() % 2, 0);
        let mut whole = file.clone();
        whole.extend_from_slice(b"\x08\0\x16\0UI\x02\x001\0");
        assert_eq!(read(&whole), Ok((meta(), file.len())));
        assert_eq!(read(&file), Ok((meta(), file.len())));
    }

    #[test]
    fn every_cut_is_incomplete() {
        let mut file = write(&meta(), None);
        file.extend_from_slice(&[8, 0]);
        for cut in 0..file.len() - 2 {
            let got = read(&file[..cut]);
            // A cut behind a whole element that already gave all three UIDs reads as the end of the file.
            if let Ok((_, length)) = got {
                assert_eq!(length, cut);
            } else {
                assert_eq!(got, Err(InvalidFile::Incomplete), "cut at {cut}");
            }
        }
    }

    #[test]
    fn takes_the_transfer_syntax_of_others_where_it_names_none() {
        let other = TransferSyntax::new("1.2.840.10008.1.2.4.90".parse().unwrap());
        let mut file = write(&meta(), None);
        file.extend_from_slice(b"\x08\0\x16\0UI\x02\x001\0");
        assert_eq!(read_with(&file, Some(&other)).unwrap().0, meta(), "its own comes first");
        let at = file.windows(4).position(|tag| tag == [2, 0, 0x10, 0]).unwrap();
        file[at + 2] = 0x11;
        assert_eq!(read(&file), Err(InvalidFile::Missing(2, 0x10)));
        assert_eq!(read_with(&file, Some(&other)).unwrap().0.transfer_syntax, other);
    }

    #[test]
    fn refuses_what_is_no_file() {
        assert_eq!(read(&[0; 200]), Err(InvalidFile::NoPrefix));
        let mut file = write(&meta(), None);
        file[PREAMBLE_LENGTH + 4..PREAMBLE_LENGTH + 6].copy_from_slice(&[0, 1]);
        assert_eq!(read(&file), Err(InvalidFile::Malformed(PREAMBLE_LENGTH)));
    }

    proptest! {
        #[test]
        fn never_panics(noise in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut file = vec![0; 128];
            file.extend_from_slice(b"DICM\x02\0");
            file.extend_from_slice(&noise);
            let _ = read(&file);
        }
    }
}
