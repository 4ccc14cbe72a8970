//! Folders of the account.

use serde::{Deserialize, Serialize};

use crate::parameters::Parameters;
use crate::{Fault, FolderUuid, InvalidField, OrderUuid, Text};

/// A new folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateFolder {
    /// Its name.
    pub name: Text,
    /// A remark.
    pub description: Option<Text>,
    /// Where it is put; none: at the top.
    pub parent: Option<FolderUuid>,
}

/// Folders by name and parent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchFolder {
    /// Only folders right below this one.
    pub parent: Option<FolderUuid>,
    /// The name or a part of it.
    pub name: Option<Text>,
    /// Whether the orders in the folder are given too.
    pub get_orders_in_folder: bool,
}

/// Shows an order in folders; the order stays where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddOrderToFolder {
    /// The order.
    pub order: OrderUuid,
    /// At least one.
    pub folders: Vec<FolderUuid>,
}

impl CreateFolder {
    pub(super) fn write<'a>(&self, to: Parameters<'a>) -> Result<Parameters<'a>, InvalidField> {
        to.text("FolderName", self.name.clone())
            .maybe("FolderDescription", self.description.clone())
            .maybe_uuid("ParentFolderUuid", self.parent.as_ref())
    }
}

impl SearchFolder {
    pub(super) fn write<'a>(&self, to: Parameters<'a>) -> Result<Parameters<'a>, InvalidField> {
        Ok(to
            .maybe_uuid("ParentFolderUuid", self.parent.as_ref())?
            .maybe("FolderName", self.name.clone())
            .flag("GetOrdersInFolder", self.get_orders_in_folder))
    }
}

impl AddOrderToFolder {
    pub(super) fn write<'a>(&self, to: Parameters<'a>) -> Result<Parameters<'a>, InvalidField> {
        if self.folders.is_empty() {
            return Err(Fault::Missing.at("FolderUuidList"));
        }
        to.uuid("PatientOrderUuid", &self.order)?.uuids("FolderUuidList", &self.folders, str::to_owned)
    }
}
