//! Dimseway: DIMSE in front, DICOMweb behind.

fn main() {}
