//! Modality Performed Procedure Step (PS3.4 §F): N-CREATE, N-SET and N-GET as service class provider.
//!
//! [`attribute`] is the table of the standard and [`requirement`] holds requests against it. [`step`] is a
//! step as it is kept, [`provider`] reads and writes it. What was accepted becomes a [`report`] to every sink,
//! in the transaction that keeps the step; [`delivery`] makes them, in order, to the [`sink`]s.

mod attribute;
pub(crate) mod delivery;
mod fault;
mod progress;
mod provider;
mod report;
mod requirement;
pub(crate) mod retention;
pub(crate) mod sink;
mod step;
#[cfg(test)]
pub(crate) mod tests;

#[cfg(test)]
pub(crate) use self::fault::Attributes;
pub(crate) use self::{
    fault::Fault,
    provider::{DataSet, Provider},
};

/// The kind of the documents that are steps, by SOP Instance UID.
const STEP: &str = "mpps";
/// The kind of the documents that say how far a step was delivered, by SOP Instance UID and sink.
const PROGRESS: &str = "mpps_progress";
/// The kind of the calls that deliver, by sink and SOP Instance UID.
pub(crate) const CALL: &str = "mpps";
/// The name of the worklist among the sinks.
pub(crate) const WORKLIST: &str = "worklist";

/// What a call delivers, without anything about the patient; none where it delivers no step or cannot be read.
pub(crate) fn call_in_words(call: &spool::Call) -> Option<String> {
    let report = (call.kind == CALL).then(|| report::Report::read(&call.body))??;
    Some(report.in_words())
}
