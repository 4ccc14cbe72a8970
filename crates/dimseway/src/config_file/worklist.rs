//! What modalities are to do: `[worklist]`, `[worklist_source.NAME]`, `[[equipment]]`.

use super::{ClockTime, OneOrMany, Parsed, Span, ZoneName};
use instance::AeTitle;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The worklist that modalities ask for with a C-FIND. It is kept here, refreshed in the background and
/// answered at once, also while its sources cannot be reached. Without a source no AE title offers it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Worklist {
    /// Names of the sources, merged in this order: of entries with the same Accession Number and Patient
    /// ID those of the earliest source count. Left out, it is the only source; with several it must be
    /// written. A source that is not named is not asked.
    /// Unit: none. Source: `[worklist_source.NAME]` of this file.
    #[schemars(extend("x-sample" = ["archive"]))]
    pub(crate) sources: OneOrMany<String>,
    /// Days before and after today that are kept, and that a query sees which has no date.
    /// Unit: whole days. Source: night shifts, and steps that were not finished.
    pub(crate) window: Span,
    /// Days after today, where they are not as many as before; left out: as `window`.
    /// Unit: whole days. Source: how early a department prepares its day.
    #[schemars(extend("x-sample" = "2d"))]
    pub(crate) window_after: Option<Span>,
    /// From the end of one refresh of a source to the next, up to a tenth of it longer or shorter.
    /// Unit: time. Source: patience of who has just entered an order; a folder is looked at every 2s.
    pub(crate) refresh: Span,
    /// How long a refresh may take.
    /// Unit: time. Source: a list of 10,000 orders takes a slow line half of it.
    pub(crate) refresh_timeout: Span,
    /// How old the last list of a source may become that cannot be reached; beyond it queries end with
    /// status A700.
    /// Unit: time. Source: an outage of a day is worked through, and no shift works with the list of the
    /// day before yesterday.
    pub(crate) max_age: Span,
    /// Orders of one source that are kept; of more those that begin next to now, and the others are counted.
    /// Unit: orders. Source: memory, some 10KB for each order and half as much again during a refresh: 20,000 take
    /// about 300MB, an ordinary day of 500 less than 10MB.
    pub(crate) orders_max: u32,
    /// Responses of one C-FIND; beyond them it ends with status A700.
    /// Unit: responses. Source: PS3.4 §K.4.1.1.4; no person reads as many.
    pub(crate) results_max: u32,
    /// How long a source may take to answer a query that finds nothing here and has a patient, an accession
    /// number, or dates outside the window. `"0s"`: it is not asked.
    /// Unit: time. Source: modalities give up after some seconds.
    pub(crate) look_up_timeout: Span,
    /// Such look-ups at the same time; a query beyond them is answered from here alone. Needs a restart to
    /// change.
    /// Unit: look-ups. Source: what a source answers at once.
    pub(crate) look_ups_max: u32,
    /// Whether a range of dates and one of times are one period, from the first to the last moment;
    /// otherwise each is matched by itself.
    /// Unit: none. Source: PS3.4 §K.6.1.2.2.
    pub(crate) combined_date_time: bool,
    /// Time zone of the site: what today is, and what dates and times of answers are in. Left out: that of
    /// the system, which in a container mostly is UTC.
    /// Unit: name of the IANA database. Source: where the modalities stand.
    #[schemars(extend("x-sample" = "Europe/Berlin"))]
    pub(crate) time_zone: Option<Parsed<ZoneName>>,
    /// What becomes of orders that name no station: `"hide"`, or `"all"` shows them to everybody, each
    /// under its own AE title. Hidden ones are counted.
    /// Unit: none. Source: (0040,0001) is of type 1 in answers, PS3.4 §K.6.1.2.2.
    pub(crate) unassigned: Unassigned,
    /// What becomes of a step that was begun and discontinued: it `"returns"` to the list, or `"leaves"` it.
    /// Unit: none. Source: a modality discontinues what it began by mistake, PS3.4 §F.1.5.
    pub(crate) discontinued: Discontinued,
    /// Whether a completed step leaves the list.
    /// Unit: none. Source: PS3.4 §K.6.1.2.2; `false` for devices that look for it again.
    pub(crate) completed_leaves: bool,
    /// How long the status of a step is kept whose order no source has any more.
    /// Unit: time. Source: an order may come back when a source was repaired.
    pub(crate) status_retention: Span,
    /// What stands in for values that a modality cannot do without.
    pub(crate) fallback: WorklistFallback,
}

impl Default for Worklist {
    fn default() -> Self {
        Self {
            sources: OneOrMany(Vec::new()),
            window: Span::days(1),
            window_after: None,
            refresh: Span::seconds(30),
            refresh_timeout: Span::seconds(60),
            max_age: Span::days(1),
            orders_max: 20_000,
            results_max: 10_000,
            look_up_timeout: Span::seconds(3),
            look_ups_max: 8,
            combined_date_time: true,
            time_zone: None,
            unassigned: Unassigned::Hide,
            discontinued: Discontinued::Returns,
            completed_leaves: true,
            status_retention: Span::days(7),
            fallback: WorklistFallback::default(),
        }
    }
}

/// What stands in for values of type 1 that an order lacks. One that still lacks such a value is left out,
/// and counted with the reason.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WorklistFallback {
    /// What becomes of an order without a day: `"leave-out"`, or it is for `"today"`, every day.
    /// Unit: none. Source: (0040,0002), PS3.4 §K.6.1.2.2.
    pub(crate) start_date: MissingStart,
    /// Time of an order that has none.
    /// Unit: hours and minutes. Source: (0040,0003), PS3.4 §K.6.1.2.2; the beginning of the day.
    pub(crate) start_time: Parsed<ClockTime>,
    /// Modality of an order that has none, nor has its equipment; `""`: such an order is left out.
    /// Unit: defined term. Source: (0008,0060), PS3.3 §C.7.3.1.1.1; `OT` says no more than that it is not
    /// known.
    pub(crate) modality: String,
    /// Patient's Name of an order that has none; left out: such an order is left out.
    /// Unit: none. Source: (0010,0010); nobody is examined without a name.
    #[schemars(extend("x-sample" = "UNKNOWN"))]
    pub(crate) patient_name: Option<String>,
    /// Patient ID of an order that has none; left out: such an order is left out.
    /// Unit: none. Source: (0010,0020), PS3.4 §K.6.1.2.2.
    #[schemars(extend("x-sample" = "UNKNOWN"))]
    pub(crate) patient_id: Option<String>,
}

impl Default for WorklistFallback {
    fn default() -> Self {
        Self {
            start_date: MissingStart::LeaveOut,
            start_time: Parsed(ClockTime::MIDNIGHT),
            modality: "OT".to_owned(),
            patient_name: None,
            patient_id: None,
        }
    }
}

/// Where orders come from.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorklistSource {
    /// What it is: files in a `"folder"`, the orders of a `"postdicom"` account, `"mwl-rs"` or `"ups-rs"` of
    /// an origin, or the worklist of a `"dimse"` peer.
    /// Unit: none. Source: what the site has.
    #[schemars(example = SourceType::Folder)]
    pub(crate) r#type: SourceType,
    /// Directory, for `folder`: DICOM JSON (`.json`, an object or an array of them), Part 10 files or bare
    /// data sets (`.wl`, `.dcm`). Other files, and directories in it, are not looked at.
    /// Unit: path, relative to this file. Source: where the information system writes to.
    #[serde(default)]
    #[schemars(example = &"/var/lib/dimseway/worklist")]
    pub(crate) directory: Option<String>,
    /// Specific Character Set that is assumed where a file of a `folder` names none; a list where it has
    /// several values. Left out: ASCII.
    /// Unit: defined terms. Source: PS3.3 §C.12.1.1.2.
    #[serde(default)]
    #[schemars(extend("x-sample" = "ISO_IR 100"))]
    pub(crate) character_set: OneOrMany<String>,
    /// Name of the origin, for `postdicom`, `mwl-rs` and `ups-rs`.
    /// Unit: none. Source: `[origin.NAME]` of this file.
    #[serde(default)]
    #[schemars(extend("x-sample" = "archive"))]
    pub(crate) origin: Option<String>,
    /// AE title of the peer, for `dimse`; it needs an `address`.
    /// Unit: 1 to 16 characters. Source: `[[peer]]` of this file.
    #[serde(default)]
    #[schemars(extend("x-sample" = "RIS"))]
    pub(crate) peer: Option<Parsed<AeTitle>>,
    /// Whether orders that have images already are on the worklist, for `postdicom`.
    /// Left out: yes.
    /// Unit: none. Source: a modality that asks again during an examination looks for its patient.
    #[serde(default)]
    #[schemars(extend("x-sample" = false))]
    pub(crate) with_images: Option<bool>,
    /// Orders of one refresh whose properties are asked for because the list leaves out what an entry needs,
    /// for `postdicom`; others wait for the next refresh. Left out: 200.
    /// Unit: orders. Source: one request for each.
    #[serde(default)]
    #[schemars(extend("x-sample" = 200))]
    pub(crate) properties_max: Option<u32>,
    /// Workitems of one refresh that are retrieved because the search leaves out what an entry needs, for
    /// `ups-rs`; others wait for the next refresh. Left out: 200.
    /// Unit: workitems. Source: one request for each.
    #[serde(default)]
    #[schemars(extend("x-sample" = 200))]
    pub(crate) workitems_max: Option<u32>,
    /// As `refresh` of `[worklist]`, for this source.
    /// Unit: time. Source: what the source can bear.
    #[serde(default)]
    #[schemars(extend("x-sample" = "10s"))]
    pub(crate) refresh: Option<Span>,
    /// Time zone in which it states dates and times; left out: that of the site.
    /// Unit: name of the IANA database. Source: the source's documentation.
    #[serde(default)]
    #[schemars(extend("x-sample" = "UTC"))]
    pub(crate) time_zone: Option<Parsed<ZoneName>>,
}

/// A device of the site, for sources that name devices otherwise than by AE title.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Equipment {
    /// What the source calls it: with PostDICOM its UUID. Compared without case.
    /// Unit: none. Source: the source; `dimseway worklist show` says which are unknown.
    #[schemars(example = &"2f1c8e0a-2f4e-4d43-9f0c-6a4a37a6b0a1")]
    pub(crate) uuid: String,
    /// Scheduled Station AE Title.
    /// Unit: 1 to 16 characters. Source: (0040,0001), the device's DICOM settings.
    #[schemars(example = &"CT1")]
    pub(crate) ae_title: Parsed<AeTitle>,
    /// Scheduled Station Name.
    /// Unit: 1 to 16 characters. Source: (0040,0010).
    #[serde(default)]
    #[schemars(extend("x-sample" = "CT in room 2"))]
    pub(crate) station_name: Option<String>,
    /// Scheduled Procedure Step Location.
    /// Unit: 1 to 16 characters. Source: (0040,0011).
    #[serde(default)]
    #[schemars(extend("x-sample" = "Room 2"))]
    pub(crate) location: Option<String>,
    /// Modality of its orders that have none.
    /// Unit: defined term. Source: (0008,0060).
    #[serde(default)]
    #[schemars(extend("x-sample" = "CT"))]
    pub(crate) modality: Option<String>,
}

/// What a source of orders is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum SourceType {
    /// Files in a directory.
    Folder,
    /// Orders of a PostDICOM account.
    PostDicom,
    /// Modality scheduled procedure steps of an origin (PS3.18 §14).
    #[serde(rename = "mwl-rs")]
    MwlRs,
    /// Workitems of an origin (PS3.18 §11).
    #[serde(rename = "ups-rs")]
    UpsRs,
    /// A DIMSE peer, asked with a C-FIND.
    Dimse,
}

/// What becomes of orders that name no station.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Unassigned {
    /// Nobody sees them.
    Hide,
    /// Everybody sees them.
    All,
}

/// What becomes of an order without a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(crate) enum MissingStart {
    /// It is left out.
    LeaveOut,
    /// It is for today.
    Today,
}

/// What becomes of a step that was discontinued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Discontinued {
    /// It is scheduled again.
    Returns,
    /// It leaves the list.
    Leaves,
}
