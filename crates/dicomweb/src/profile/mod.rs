//! What an origin server can do. Behaviour follows the profile, never the name of a vendor.

mod built_in;
mod postdicom;
mod retrieve;
mod search;
mod worklist;

use instance::TransferSyntax;

use crate::multipart::Boundary;
use crate::url::PathTemplate;

pub use retrieve::RetrieveCapabilities;
pub use search::{IncludeField, PersonNames, SearchCapabilities, Searchable, Values};
pub use worklist::{WorklistCapabilities, WorklistKeys};

/// The abilities and habits of one origin server. Every field can be overridden; the defaults are
/// those of [`Profile::standard`].
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Name of the profile, for logs.
    pub name: String,
    /// Where the resources are.
    pub paths: Paths,
    /// Form of a store request. Default multipart (PS3.18 §10.5.1.4); single part sends one instance per
    /// request as `application/dicom`.
    pub store_form: StoreForm,
    /// The boundary of multipart store requests. Default none: a new one for each, which no data holds. With
    /// one of the profile the Content-Type names it before the type, as the client has it whose boundary it
    /// is, and an instance that holds it is refused before it is cut by it.
    pub store_boundary: Option<Boundary>,
    /// Whether a request body of unknown length (chunked) is accepted. Default true: HTTP/1.1 demands it
    /// of every server (RFC 9112 §7.1), some gateways refuse it with 411.
    pub unknown_length_accepted: bool,
    /// Most bytes of a store request. Default 1 GiB; `None` is no limit. A single instance above it is
    /// still sent, alone.
    pub request_bytes_max: Option<u64>,
    /// Most instances of a store request. Default 100.
    pub request_instances_max: usize,
    /// Transfer syntaxes that are accepted; `None` is all. Default all: PS3.18 §8.7.3 keeps Implicit VR
    /// Little Endian and Explicit VR Big Endian out, yet common servers store them.
    pub transfer_syntaxes: Option<Vec<TransferSyntax>>,
    /// What a successful answer means that does not name the instance, although PS3.18 §10.5.3 has it
    /// carry a response data set. Default verify.
    pub store_response: StoreResponse,
    /// Failure Reasons (0008,1197) that say that the instance is already there. Default 0111H (PS3.7
    /// §C.5.8), which PS3.18 §I.2.2 does not list but servers send.
    pub duplicate_failure_reasons: Vec<u16>,
    /// HTTP status codes that say so for a request of one instance when no response data set comes with
    /// them. Default none: PS3.18 §10.5.3.1 uses 409 for every refusal.
    pub duplicate_statuses: Vec<u16>,
    /// Whether the server names an instance as stored whose SOP Instance UID it has already, and keeps
    /// the content that it has. Default false: a server that says so is believed.
    pub duplicates_unreported: bool,
    /// How to find out whether an instance is there. Default search.
    pub lookup: Lookup,
    /// Whether `transfer-syntax=*` may be asked for in a retrieve (PS3.18 §8.7.3.5.2). Default true.
    pub any_transfer_syntax: bool,
    /// How it searches.
    pub search: SearchCapabilities,
    /// What can be retrieved.
    pub retrieve: RetrieveCapabilities,
    /// What can be asked of its worklists.
    pub worklist: WorklistCapabilities,
    /// Whether instances can be deleted. Default false: not part of PS3.18.
    pub delete: bool,
}

/// Path templates below the base URL. `{study}`, `{series}` and `{instance}` stand for UIDs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Target of store requests. Default `/studies` (PS3.18 §10.5.1.1).
    pub store: PathTemplate,
    /// Search for one instance. Default
    /// `/studies/{study}/series/{series}/instances?SOPInstanceUID={instance}` (PS3.18 §10.6.1), which even
    /// servers with few searchable attributes offer.
    pub search_instances: PathTemplate,
    /// Metadata of one instance. Default `/studies/{study}/series/{series}/instances/{instance}/metadata`
    /// (PS3.18 §10.4.1.1.2).
    pub instance_metadata: PathTemplate,
    /// One instance. Default `/studies/{study}/series/{series}/instances/{instance}` (PS3.18
    /// §10.4.1.1.1).
    pub instance: PathTemplate,
    /// Search for studies. Default `/studies` (PS3.18 §10.6.1.1), and so on for the other resources.
    pub studies: PathTemplate,
    /// Search for series of all studies. Default `/series`.
    pub series: PathTemplate,
    /// Search for instances of all studies. Default `/instances`.
    pub instances: PathTemplate,
    /// Search for series of a study. Default `/studies/{study}/series`.
    pub study_series: PathTemplate,
    /// Search for instances of a study. Default `/studies/{study}/instances`.
    pub study_instances: PathTemplate,
    /// Search for instances of a series. Default `/studies/{study}/series/{series}/instances`.
    pub series_instances: PathTemplate,
    /// All instances of a study. Default `/studies/{study}` (PS3.18 §10.4.1.1.1).
    pub retrieve_study: PathTemplate,
    /// All instances of a series. Default `/studies/{study}/series/{series}`.
    pub retrieve_series: PathTemplate,
    /// Metadata of the instances of a study. Default `/studies/{study}/metadata` (PS3.18 §10.4.1.1.2).
    pub study_metadata: PathTemplate,
    /// Metadata of the instances of a series. Default `/studies/{study}/series/{series}/metadata`.
    pub series_metadata: PathTemplate,
    /// Scheduled procedure steps. Default `/modality-scheduled-procedure-steps` (PS3.18 §14).
    pub scheduled_steps: PathTemplate,
    /// Workitems. Default `/workitems` (PS3.18 §11.9).
    pub workitems: PathTemplate,
    /// One workitem, whose UID stands for `{instance}`. Default `/workitems/{instance}` (PS3.18 §11.5).
    pub workitem: PathTemplate,
    /// What a probe asks. Default `/studies?StudyInstanceUID=2.25.0&limit=1`: a search by a UID that no
    /// study has costs an index look-up and carries no patient data, and PS3.18 §10.6.1.2.3 has every
    /// server match it.
    pub probe: PathTemplate,
}

/// Form of a store request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreForm {
    /// `multipart/related; type="application/dicom"`, any number of instances (PS3.18 §8.6.1.2).
    Multipart,
    /// `application/dicom`, one instance (PS3.18 §8.6.1.1).
    SinglePart,
}

/// What a success status means when the answer does not name the instance as stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreResponse {
    /// Unknown: look the instance up.
    Verify,
    /// The status alone is taken as the answer; for servers that never send a response data set.
    StatusOnly,
    /// Unknown, and the server cannot be asked: a person decides.
    Hold,
}

/// How to find out whether an instance is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// QIDO-RS (PS3.18 §10.6).
    Search,
    /// WADO-RS metadata (PS3.18 §10.4).
    Metadata,
    /// Not at all.
    None,
}

impl Profile {
    /// Whether a Failure Reason (0008,1197) says that the instance is already there.
    #[must_use]
    pub fn is_duplicate(&self, failure_reason: u16) -> bool {
        self.duplicate_failure_reasons.contains(&failure_reason)
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self::standard()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_profiles_carry_their_names_and_sound_templates() {
        for name in Profile::BUILT_IN {
            let profile = Profile::built_in(name).unwrap();
            assert_eq!(profile.name, name);
            let Paths {
                store,
                search_instances,
                instance_metadata,
                instance,
                studies,
                series,
                instances,
                study_series,
                study_instances,
                series_instances,
                retrieve_study,
                retrieve_series,
                study_metadata,
                series_metadata,
                scheduled_steps,
                workitems,
                workitem,
                probe,
            } = &profile.paths;
            let whole = [store, studies, series, instances, scheduled_steps, workitems, probe];
            let of_study = [study_series, study_instances, retrieve_study, study_metadata];
            let of_series = [series_instances, retrieve_series, series_metadata];
            let of_instance = [search_instances, instance_metadata, instance, workitem];
            // A request cannot fill a placeholder for what it is not about.
            let unknown: [(&[&PathTemplate], &[&str]); 4] = [
                (&whole, &["{"]),
                (&of_study, &["{series}", "{instance}"]),
                (&of_series, &["{instance}"]),
                (&of_instance, &[]),
            ];
            for (templates, absent) in unknown {
                for template in templates {
                    assert_eq!(template.as_str().parse::<PathTemplate>().as_ref(), Ok(*template));
                    assert!(!absent.iter().any(|name| template.as_str().contains(name)), "{template:?}");
                }
            }
        }
        assert_eq!(Profile::built_in("acme"), None);
    }
}
