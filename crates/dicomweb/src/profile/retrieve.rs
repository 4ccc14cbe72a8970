//! How an origin server gives back what it holds (PS3.18 §10.4), as far as servers differ.

use instance::TransferSyntax;

/// What may be retrieved from one origin server, and in which form. The defaults are those of
/// [`RetrieveCapabilities::standard`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrieveCapabilities {
    /// Whether one request may ask for a study. Default true (PS3.18 §10.4.1.1.1).
    pub whole_study: bool,
    /// Whether one request may ask for a series. Default true.
    pub whole_series: bool,
    /// Whether a study or series is asked for as a whole even where its instances one by one would come
    /// sooner. Default false; for a server of which only the whole was ever seen to work.
    pub whole_preferred: bool,
    /// Whether one request may ask for the metadata of a study or series. Default true (PS3.18
    /// §10.4.1.1.2).
    pub metadata: bool,
    /// Whether a request may ask for the metadata of one instance. Default true.
    pub instance_metadata: bool,
    /// Whether single frames can be asked for. Default true (PS3.18 §10.4.1.1.6).
    pub frames: bool,
    /// Transfer syntaxes into which the server changes instances that it holds in others, where it is
    /// asked to. Default Explicit VR Little Endian alone, the default of PS3.18 §8.7.3.2; a server that
    /// cannot answers 406.
    pub transcodes_to: Vec<TransferSyntax>,
    /// Whether a request may list several acceptable transfer syntaxes. Default true (PS3.18 §8.7.5).
    pub several_transfer_syntaxes: bool,
    /// Whether an instance is asked for as a single part, `application/dicom`, instead of multipart.
    /// Default false: multipart is what every server has (PS3.18 §10.4.4).
    pub single_part_instance: bool,
}
