//! Modality Performed Procedure Steps: what is accepted of them, and where they go on to (PS3.4 §F).

use std::time::Duration;

use dicomweb::performed_procedure::{Payload, UpdateForm};
use instance::AeTitle;

use super::BackOff;

/// Modality Performed Procedure Step as service class provider, and what becomes of what was reported.
///
/// Each step is kept in the spool before its request is answered, and goes on to every sink in the order in
/// which the modality reported it. Without any sink it is kept and shown to who asks (N-GET), no more.
#[derive(Debug, Clone, PartialEq)]
pub struct Mpps {
    /// Where steps go on to, each on its own. Default: none.
    pub sinks: Vec<MppsSink>,
    /// What a request must have. Default: what is of type 1.
    pub requirements: MppsRequirements,
    /// Whether the worklist follows: a step that is IN PROGRESS is shown as such, a COMPLETED one leaves the
    /// worklist, a DISCONTINUED one is scheduled again. Default: yes.
    pub update_worklist: bool,
    /// Longest attribute list or modification list in bytes. Default: 2 MiB, room for the references to 15,000
    /// images; a longer one is answered 0213.
    pub data_set_max: usize,
    /// Sinks that are called at the same time, over all steps. Default: 4. Calls for one step and sink are
    /// always made one after the other.
    pub workers: usize,
    /// How long a call stays with the one who makes it, and may take. Default: 180 s, above the time-outs of
    /// the clients. After a crash an unfinished call is made again then.
    pub lease: Duration,
    /// When a call that failed is made again. Default: that of deliveries.
    pub back_off: BackOff,
    /// Attempts after which a call is held that the sink refuses in a way that may pass (0110, and 500 of
    /// HTTP). Default: 10, some hours. Lines and servers that are down are not counted.
    pub refusals_max: u32,
    /// How long a step is kept after its last change, and can be asked for with N-GET. Default: 30 days. One that
    /// was not delivered to every sink stays longer.
    pub retention: Duration,
}

impl Default for Mpps {
    fn default() -> Self {
        Self {
            sinks: Vec::new(),
            requirements: MppsRequirements::default(),
            update_worklist: true,
            data_set_max: 2 * 1024 * 1024,
            workers: 4,
            lease: Duration::from_secs(180),
            back_off: BackOff::default(),
            refusals_max: 10,
            retention: Duration::from_secs(30 * 24 * 3600),
        }
    }
}

/// Where steps go on to.
#[derive(Debug, Clone, PartialEq)]
pub struct MppsSink {
    /// Its name, for logs, metrics and the queue. Calls that wait are found by it, so another name is another
    /// sink.
    pub name: String,
    /// What it is.
    pub kind: MppsSinkKind,
}

/// What a sink is.
#[derive(Debug, Clone, PartialEq)]
pub enum MppsSinkKind {
    /// `mpps-rs`: a DICOMweb origin (PS3.18 §15).
    MppsRs {
        /// The name of the origin.
        origin: String,
        /// How the resource of an update is written. Default: `?update`.
        update: UpdateForm,
        /// How a data set stands in the body. Default: as an object.
        payload: Payload,
    },
    /// `postdicom`: a procedure that nobody has scheduled becomes an order. What is reported of scheduled ones
    /// has no place there and is kept here.
    PostDicom {
        /// The name of the origin, which has [`Origin::postdicom`](super::Origin::postdicom) with at least one
        /// institution; orders are made in the first.
        origin: String,
        /// What becomes of a step without (0010,0030) Patient's Birth Date, which the vendor insists on.
        /// Default: it is held.
        birth_date: MissingBirthDate,
        /// How long after a call of unknown outcome is looked whether it took effect. Default: 60 s, since an
        /// order may show in the list only a while after it was made.
        look_up_after: Duration,
    },
    /// `dimse`: N-CREATE and N-SET to a peer.
    Dimse {
        /// Its AE title; the peer has an address.
        peer: AeTitle,
    },
}

/// What becomes of an order to be made for a patient whose birth date is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingBirthDate {
    /// `reject`: no order is made; the call is held and says so.
    #[default]
    Reject,
    /// `placeholder`: this date stands in.
    Placeholder(postdicom::Date),
}

/// What a request must have (PS3.4 §F.7.2.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MppsRequirements {
    /// `type-1`: attributes of type 1. What is of type 2 and absent is taken to be empty, attributes that the
    /// N-CREATE did not have may be set, and a DISCONTINUED step needs no series: many modalities leave these
    /// out, and what they report is worth more than the form it has.
    #[default]
    TypeOne,
    /// `all`: the whole of Table F.7.2-1.
    All,
}
