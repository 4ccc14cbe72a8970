//! A DICOM store of the Google Cloud Healthcare API, as far as its conformance statement goes.

mod options;

pub use options::Options;
