//! The PostDICOM account that a command speaks to, and what its answers mean to a person.
//!
//! A command sends its calls itself and a person sees what became of them, so nothing waits in a queue: a
//! call whose outcome is unknown is looked up once and then left to the person.

use crate::{
    configuration::Configuration,
    exit::{Exit, OrExit, fail},
    table::shown,
};
use anyhow::anyhow;
use http::StatusCode;
use postdicom::{
    Call, Client, Error, Evidence, FolderPath, FolderUuid, InstitutionUuid, InvalidField, Remedy, SideEffect,
};
use std::path::Path;

/// An account, reached.
pub(crate) struct Account {
    /// Its end points.
    pub(crate) client: Client,
    /// Institutions of the configuration.
    pub(crate) institutions: Vec<InstitutionUuid>,
    /// Name of the origin.
    pub(crate) origin: String,
}

/// What is known of a call that failed.
pub(crate) enum Failed {
    /// It was carried out nevertheless, as a search shows.
    Done(Evidence),
    /// What to tell.
    Told(anyhow::Error),
}

impl Account {
    /// The account of the origin `name` of the configuration at `path`, or of its only one.
    ///
    /// # Errors
    /// The configuration is wrong, has no such origin, or several ([`Exit::Configuration`], [`Exit::Usage`]).
    pub(crate) fn open(path: &Path, name: Option<&str>) -> anyhow::Result<Self> {
        let configuration = Configuration::read(path).or_exit(Exit::Configuration)?;
        let mut accounts = configuration
            .bridge
            .origins
            .into_iter()
            .filter_map(|origin| {
                let client = origin.account()?;
                Some((origin.name, (origin.postdicom?.institutions, client)))
            })
            .filter(|(origin, _)| name.is_none_or(|name| name == origin));
        let (origin, (institutions, client)) = match (accounts.next(), name) {
            (Some(account), _) => account,
            (None, Some(name)) => {
                let message = format!("--origin {name}: no origin of this name has profile \"postdicom\"");
                return Err(fail(Exit::Usage, message));
            }
            (None, None) => {
                return Err(fail(Exit::Configuration, "no origin has profile \"postdicom\""));
            }
        };
        if let Some((other, _)) = accounts.next() {
            let message = format!("--origin NAME is needed: {origin} and {other} have profile \"postdicom\"");
            return Err(fail(Exit::Usage, message));
        }
        let client = Client::new(client)
            .map_err(|error| anyhow!("origin {origin}: {error}"))
            .or_exit(Exit::Configuration)?;
        Ok(Self { client, institutions, origin })
    }

    /// The institution that was named, or the first of the configuration.
    ///
    /// # Errors
    /// There is neither ([`Exit::Usage`]).
    pub(crate) fn institution(&self, named: Option<&InstitutionUuid>) -> anyhow::Result<InstitutionUuid> {
        named.or_else(|| self.institutions.first()).cloned().ok_or_else(|| {
            let message = format!(
                "--institution UUID is needed, or `institutions` in [origin.{}.postdicom]",
                self.origin
            );
            fail(Exit::Usage, message)
        })
    }

    /// The folder at a path; none where a name of it is not there.
    ///
    /// # Errors
    /// A search failed.
    pub(crate) async fn folder(&self, path: &FolderPath) -> anyhow::Result<Option<FolderUuid>> {
        let mut parent: Option<FolderUuid> = None;
        for name in path.names() {
            let found = self.client.folder_named(parent.as_ref(), name).await;
            match found.map_err(|error| self.told(&error, SideEffect::None))?.and_then(|folder| folder.uuid) {
                Some(uuid) => parent = Some(uuid),
                None => return Ok(None),
            }
        }
        Ok(parent)
    }

    /// What to tell of a call that failed; one whose outcome is unknown is looked up first.
    pub(crate) async fn failed(&self, call: &Call, error: Error) -> Failed {
        let remedy = error.remedy(call.side_effect());
        if remedy != Remedy::OutcomeUnknown {
            return Failed::Told(self.told(&error, call.side_effect()));
        }
        let function = call.function();
        let told = match self.client.look_up(call).await {
            Ok(present @ Evidence::Present { .. }) => return Failed::Done(present),
            Ok(Evidence::Absent) => format!(
                "{error}; a search shows no effect of {function}, so the same command can be run again"
            ),
            Ok(Evidence::Unaskable) => format!(
                "{error}; outcome unknown: {function} may have been carried out, and no search shows it. \
                 Look at the vendor's own pages before you run the command again"
            ),
            Err(second) => format!(
                "{error}; outcome unknown: {function} may have been carried out, and the search for its \
                 effect failed too ({second}). Search for it before you run the command again"
            ),
        };
        Failed::Told(fail(Exit::Unavailable, told))
    }

    /// As [`Self::failed`], where nothing but the effect itself counts.
    ///
    /// # Errors
    /// What to tell.
    pub(crate) async fn unless_done(&self, call: &Call, error: Error) -> anyhow::Result<()> {
        match self.failed(call, error).await {
            Failed::Done(_) => Ok(()),
            Failed::Told(error) => Err(error),
        }
    }

    /// An error as a person reads it, with the exit code that fits it.
    pub(crate) fn told(&self, error: &Error, side_effect: SideEffect) -> anyhow::Error {
        let reason = error.reason().map(|reason| format!(": {}", shown(reason.expose()))).unwrap_or_default();
        if let Error::Invalid(field) = error {
            return invalid(*field);
        }
        let exit = match error.remedy(side_effect) {
            Remedy::Retry { .. } | Remedy::OutcomeUnknown => Exit::Unavailable,
            Remedy::FixCredentials => Exit::Configuration,
            Remedy::Reject => Exit::Data,
        };
        let hint = match error {
            Error::Refused { status, .. } if *status == StatusCode::UNAUTHORIZED => {
                format!(" (look at `auth` of [origin.{}])", self.origin)
            }
            Error::Unencrypted => {
                format!(" (`plain_http = true` in [origin.{}.postdicom] allows it)", self.origin)
            }
            Error::TooLong { .. } => {
                format!(" (`header_limit` in [origin.{}.postdicom])", self.origin)
            }
            _ => String::new(),
        };
        fail(exit, format!("origin {}: {error}{reason}{hint}", self.origin))
    }
}

/// A parameter that cannot be sent, under the name of the option it came from.
pub(crate) fn invalid(field: InvalidField) -> anyhow::Error {
    let InvalidField { field, fault } = field;
    fail(Exit::Usage, format!("{}: {fault}", option(field).unwrap_or(field)))
}

/// The option or argument for a parameter of the vendor.
fn option(field: &str) -> Option<&'static str> {
    Some(match field {
        "AccessionNumber" => "--accession-number",
        "AssignedUserGroupUuid" => "--group",
        "AssignedUserUuid" => "--user",
        "DicomTagIdList" => "TAG",
        "ExpireDate" => "--expires",
        "FolderDescription" | "ShareDescription" => "--description",
        "FolderName" => "NAME",
        "FolderUuid" | "FolderUuidList" => "--folder",
        "InstitutionUuid" | "InstitutionUuidList" | "PatientOrderInstitutionUuid" => "--institution",
        "Modality" | "ModalityList" => "--modality",
        "OrderScheduledDatetime" => "--scheduled",
        "OrderUuidList" | "PatientOrderInfoList" | "PatientOrderUuid" => "ORDER",
        "OtherPatientId" => "--other-patient-id",
        "ParentFolderUuid" => "--parent",
        "PatientBirthdate" => "--birthdate",
        "PatientBirthdateFrom" => "--birthdate-from",
        "PatientBirthdateTo" => "--birthdate-to",
        "PatientComplaints" => "--complaints",
        "PatientId" => "--patient-id",
        "PatientName" => "--patient-name",
        "PatientSeriesUuid" => "--series",
        "PatientSex" => "--sex",
        "ReferringPhysiciansName" => "--referring-physician",
        "RequestedProcedureDescription" => "--procedure-description",
        "RequestedProcedureId" => "--procedure-id",
        "RequestingPhysician" => "--requesting-physician",
        "ScheduledEquipmentUuid" => "--equipment",
        "SharePassword" => "--password-file",
        "ShareTitle" => "--title",
        "StudyDateFrom" => "--from",
        "StudyDateTo" => "--to",
        "StudyDescription" => "--study-description",
        _ => return None,
    })
}
