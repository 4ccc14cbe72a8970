//! A small DICOMweb origin server on a folder, for demo and for tests.
