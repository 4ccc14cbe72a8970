//! What data sets need on every side: bounded scan, character sets, DICOM JSON.
