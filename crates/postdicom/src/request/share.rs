//! Links to orders and folders for people without an account.

use serde::{Deserialize, Serialize};

use crate::parameters::{Parameters, quoted};
use crate::{Date, Fault, FolderUuid, InvalidField, OrderUuid, SharePassword, Text};

/// A link to orders. A list that does not fit one request becomes several links.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CreateShareLink {
    /// At least one.
    pub orders: Vec<OrderUuid>,
    /// The last day of the link.
    pub expires: Date,
    /// None: the link is public.
    #[serde(skip)]
    pub password: Option<SharePassword>,
    /// Whether whoever has the link may download.
    pub downloadable: bool,
}

/// A link to orders, by the function that the vendor added later for the same.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SharePatientOrderWithUrl {
    /// At least one.
    pub orders: Vec<OrderUuid>,
    /// The last day of the link.
    pub expires: Date,
    /// None: the link is public.
    #[serde(skip)]
    pub password: Option<SharePassword>,
    /// Whether whoever has the link may download.
    pub user_can_download_studies: bool,
}

/// A link to a folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ShareFolderWithUrl {
    /// The folder.
    pub folder: FolderUuid,
    /// None: the link is public.
    #[serde(skip)]
    pub password: Option<SharePassword>,
    /// What the page is called.
    pub title: Option<Text>,
    /// What the page says.
    pub description: Option<Text>,
    /// The last day of the link; none: as the vendor sees fit.
    pub expires: Option<Date>,
    /// Whether whoever has the link may download.
    pub user_can_download_studies: bool,
}

fn exposed(password: Option<&SharePassword>) -> Result<String, InvalidField> {
    let Some(password) = password else { return Ok(String::new()) };
    password.expose().map(str::to_owned).ok_or(Fault::Withheld.at("SharePassword"))
}

impl CreateShareLink {
    pub(super) fn write<'a>(&self, to: Parameters<'a>) -> Result<Parameters<'a>, InvalidField> {
        if self.orders.is_empty() {
            return Err(Fault::Missing.at("PatientOrderInfoList"));
        }
        let info = |uuid: &str| format!("{{\"PatientOrderUuid\":{}}}", quoted(uuid));
        Ok(to
            .uuids("PatientOrderInfoList", &self.orders, info)?
            .text("ExpireDate", self.expires.to_text())
            .text("SharePassword", exposed(self.password.as_ref())?)
            .flag("Downloadable", self.downloadable))
    }
}

impl SharePatientOrderWithUrl {
    pub(super) fn write<'a>(&self, to: Parameters<'a>) -> Result<Parameters<'a>, InvalidField> {
        if self.orders.is_empty() {
            return Err(Fault::Missing.at("OrderUuidList"));
        }
        Ok(to
            .uuids("OrderUuidList", &self.orders, str::to_owned)?
            .text("ExpireDate", self.expires.to_text())
            .text("SharePassword", exposed(self.password.as_ref())?)
            .flag("UserCanDownloadStudies", self.user_can_download_studies))
    }
}

impl ShareFolderWithUrl {
    pub(super) fn write<'a>(&self, to: Parameters<'a>) -> Result<Parameters<'a>, InvalidField> {
        Ok(to
            .uuid("FolderUuid", &self.folder)?
            .text("SharePassword", exposed(self.password.as_ref())?)
            .maybe("ShareTitle", self.title.clone())
            .maybe("ShareDescription", self.description.clone())
            .maybe("ExpireDate", self.expires)
            .flag("UserCanDownloadStudies", self.user_can_download_studies))
    }
}
