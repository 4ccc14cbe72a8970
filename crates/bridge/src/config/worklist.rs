//! The worklist: where it comes from and how it is answered (PS3.4 §K).

use std::{path::PathBuf, time::Duration};

use dataset::character_set::CharacterSet;
use instance::AeTitle;
use jiff::{civil::Time, tz::TimeZone};

/// The worklist that modalities ask for with a C-FIND of the Modality Worklist Information Model.
#[derive(Debug, Clone, PartialEq)]
pub struct Worklist {
    /// Where orders come from, merged in this order. Of entries with the same Accession Number and Patient ID
    /// those of the earliest source count. Default: none, and then no AE title offers the SOP Class.
    pub sources: Vec<WorklistSource>,
    /// Days before today that are kept. Default: 1, for night shifts and for steps that were not finished.
    pub days_before: u16,
    /// Days after today that are kept. Default: 1.
    pub days_after: u16,
    /// From the end of one refresh of a source to the next, up to a tenth of it longer or shorter, so that
    /// replicas do not ask together. Default: 30 s; a folder is looked at every 2 s.
    pub refresh: Duration,
    /// How long a refresh may take. Default: 60 s; a list of 10,000 orders takes a slow line half of it.
    pub refresh_timeout: Duration,
    /// How old the last list of a source may become that cannot be reached. Default: 24 h: today's patients
    /// stay on the screen for as long as an outage may last, and no shift works with the list of the day before
    /// yesterday. Beyond it queries end in A700.
    pub max_age: Duration,
    /// Orders of one source that are kept. Default: 20,000, about 300 MB at some 10 KB for each, and half as much
    /// again during a refresh. Of more, those that begin next to now are kept and the others counted.
    pub orders_max: usize,
    /// Responses of one C-FIND. Default: 10,000. Beyond it the final status is A700 (PS3.4 §K.4.1.1.4).
    pub results_max: usize,
    /// How long a source may take to answer a query that finds nothing here. Default: 3 s, since modalities
    /// give up after some seconds. Zero: it is not asked.
    pub look_up_timeout: Duration,
    /// Look-ups at the same time. Default: 8; what is beyond is answered from here alone.
    pub look_ups_max: usize,
    /// Whether a range of dates and one of times are one period from the first to the last moment (PS3.4
    /// §K.6.1.2.2). Default: yes; otherwise each is matched by itself.
    pub combined_date_time: bool,
    /// The time zone of the site: what "today" is, and what dates and times of answers are in. Default: that
    /// of the system.
    pub time_zone: TimeZone,
    /// The devices of the site. Default: none.
    pub equipment: Vec<Equipment>,
    /// What becomes of orders that name no station. Default: they are hidden, and counted.
    pub unassigned: Unassigned,
    /// What stands in for values that a modality cannot do without. Default: see there.
    pub fallback: WorklistFallback,
    /// What becomes of a step that was begun and discontinued. Default: it is back on the list, since
    /// a modality discontinues what it began by mistake (PS3.4 §F.1).
    pub discontinued: Discontinued,
    /// Whether a completed step leaves the list. Default: yes.
    pub completed_leaves: bool,
    /// How long the status of a step is kept whose order no source has any more. Default: 7 days.
    pub status_retention: Duration,
}

impl Default for Worklist {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 3600);
        Self {
            sources: Vec::new(),
            days_before: 1,
            days_after: 1,
            refresh: Duration::from_secs(30),
            refresh_timeout: Duration::from_secs(60),
            max_age: DAY,
            orders_max: 20_000,
            results_max: 10_000,
            look_up_timeout: Duration::from_secs(3),
            look_ups_max: 8,
            combined_date_time: true,
            time_zone: TimeZone::system(),
            equipment: Vec::new(),
            unassigned: Unassigned::default(),
            fallback: WorklistFallback::default(),
            discontinued: Discontinued::default(),
            completed_leaves: true,
            status_retention: 7 * DAY,
        }
    }
}

/// One source of orders.
#[derive(Debug, Clone, PartialEq)]
pub struct WorklistSource {
    /// Its name, for logs, metrics and the documents that keep its list.
    pub name: String,
    /// What it is.
    pub kind: WorklistSourceKind,
    /// From the end of one refresh to the next. Default: [`Worklist::refresh`]; for a folder 2 s.
    pub refresh: Option<Duration>,
    /// The time zone in which it states dates and times. Default: that of the site.
    pub time_zone: Option<TimeZone>,
}

impl WorklistSource {
    /// A source with the usual refresh.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: WorklistSourceKind) -> Self {
        Self { name: name.into(), kind, refresh: None, time_zone: None }
    }
}

/// What a source of orders is.
#[derive(Debug, Clone, PartialEq)]
pub enum WorklistSourceKind {
    /// Files in a directory: DICOM JSON (`.json`, an object or an array of them), Part 10 files or bare data
    /// sets (`.wl`, `.dcm`). Others, and directories in it, are not looked at.
    Folder {
        /// The directory.
        directory: PathBuf,
        /// Assumed where a file names no character set. Default: none, the default repertoire.
        character_set: Option<CharacterSet>,
    },
    /// The orders of a PostDICOM account.
    PostDicom {
        /// The name of the origin, which has [`Origin::postdicom`](super::Origin::postdicom).
        origin: String,
        /// Whether orders that have images already are part of the worklist. Default: yes; a modality
        /// that reports no MPPS would otherwise be the only one to know that a step is done, and one that asks
        /// again during an examination would not find it any more.
        with_images: bool,
        /// Orders of one refresh whose properties are asked for, because the list leaves out what an entry
        /// needs. Default: 200; those beyond it wait for the next refresh.
        properties_max: usize,
    },
    /// The scheduled procedure steps of an origin (`mwl-rs`, PS3.18 §14).
    MwlRs {
        /// The name of the origin, whose profile has
        /// [`scheduled_steps`](dicomweb::profile::WorklistCapabilities::scheduled_steps).
        origin: String,
    },
    /// The workitems of an origin (`ups-rs`, PS3.18 §11) that are scheduled or in progress.
    UpsRs {
        /// The name of the origin, whose profile has
        /// [`workitems`](dicomweb::profile::WorklistCapabilities::workitems).
        origin: String,
        /// Workitems of one refresh that are retrieved, because the search leaves out what an entry needs.
        /// Default: 200; those beyond it wait for the next refresh.
        workitems_max: usize,
    },
    /// The worklist of a DIMSE peer, asked with a C-FIND.
    Dimse {
        /// Its AE title; the peer has an address.
        peer: AeTitle,
    },
}

/// A device of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Equipment {
    /// What the source calls it: with PostDICOM, its UUID. Compared without case.
    pub uuid: String,
    /// (0040,0001) Scheduled Station AE Title.
    pub ae_title: AeTitle,
    /// (0040,0010) Scheduled Station Name. Default: none.
    pub station_name: Option<String>,
    /// (0040,0011) Scheduled Procedure Step Location. Default: none.
    pub location: Option<String>,
    /// (0008,0060) Modality of orders that have none. Default: none.
    pub modality: Option<String>,
}

/// What becomes of orders that name no station.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Unassigned {
    /// Nobody sees them.
    #[default]
    Hide,
    /// Everybody sees them, each under its own AE title.
    All,
}

/// What stands in for values of type 1 that an order lacks (PS3.4 §K.6.1.2.2). An order that still lacks one
/// is left out, and counted with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorklistFallback {
    /// What becomes of an order without a day. Default: it is left out.
    pub start_date: MissingStart,
    /// (0040,0003) Scheduled Procedure Step Start Time. Default: 00:00, the beginning of the day.
    pub start_time: Time,
    /// (0008,0060) Modality. Default: `OT`, other: it says no more than that it is not known.
    pub modality: Option<String>,
    /// (0010,0010) Patient's Name. Default: none; nobody is examined without a name.
    pub patient_name: Option<String>,
    /// (0010,0020) Patient ID. Default: none.
    pub patient_id: Option<String>,
}

impl Default for WorklistFallback {
    fn default() -> Self {
        Self {
            start_date: MissingStart::default(),
            start_time: Time::midnight(),
            modality: Some("OT".to_owned()),
            patient_name: None,
            patient_id: None,
        }
    }
}

/// What becomes of an order without a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingStart {
    /// It is left out.
    #[default]
    LeaveOut,
    /// It is for today, every day.
    Today,
}

/// What becomes of a step that was discontinued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Discontinued {
    /// It is scheduled again.
    #[default]
    Returns,
    /// It leaves the list.
    Leaves,
}
