//! Padding of values to even length (PS3.5 §6.2), read with tolerance.

/// The value without leading spaces and without trailing spaces and NULs. The standard pads a UID
/// with NUL and an AE title with spaces; devices do either.
pub(crate) fn taken_off(value: &[u8]) -> &[u8] {
    let end = value.iter().rposition(|byte| !matches!(byte, 0 | b' ')).map_or(0, |last| last + 1);
    let start = value[..end].iter().position(|byte| *byte != b' ').unwrap_or(end);
    &value[start..end]
}
