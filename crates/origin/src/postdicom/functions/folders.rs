//! Folders: made, found, and orders shown in them.

use super::Call;
use crate::{
    media::Refused,
    postdicom::{
        NewFolder,
        answer::Answer,
        parameters::{Parameters, unknown},
        store::FolderSearch,
    },
};

/// Stands for the folder that all others are in.
const TOP: &str = "00000000-0000-0000-0000-000000000000";

impl Call<'_> {
    pub(super) async fn create_folder(&self, mut given: Parameters) -> Result<Answer, Refused> {
        let folder = NewFolder {
            name: given.required("FolderName")?,
            description: given.text("FolderDescription"),
            parent_uuid: self.parent(&mut given).await?.unwrap_or_default(),
        };
        let uuid = self.with_store(move |store| store.add_folder(None, &folder)).await?;
        Ok(Answer::Created("FolderUuid", uuid))
    }

    /// Folders right below one, or of a name wherever they are, or at the top where nothing is said. The
    /// orders that come along are those of the folders found by their name, or else those of the parent.
    pub(super) async fn search_folder(&self, mut given: Parameters) -> Result<Answer, Refused> {
        let parent = self.parent(&mut given).await?;
        let name = given.text("FolderName");
        let with_orders = given.boolean("GetOrdersInFolder")?;
        let everywhere = parent.is_none() && !name.is_empty();
        let below = if everywhere { None } else { Some(parent.clone().unwrap_or_default()) };
        let search = FolderSearch { parent: below, name: name.clone() };
        let limit = self.matches_max() + 1;
        let folders = self.with_store(move |store| store.folders(&search, limit)).await?;
        let folders = self.whole(folders)?;
        if !with_orders {
            return Ok(Answer::Folders(folders, None));
        }
        let of = if name.is_empty() {
            parent.into_iter().collect()
        } else {
            folders.iter().map(|folder| folder.uuid.clone()).collect::<Vec<_>>()
        };
        let orders = self.with_store(move |store| store.orders_in(&of, limit)).await?;
        Ok(Answer::Folders(folders, Some(self.whole(orders)?)))
    }

    pub(super) async fn add_order_to_folder(&self, mut given: Parameters) -> Result<Answer, Refused> {
        let order = given.required("PatientOrderUuid")?;
        let folders = given.required_list("FolderUuidList")?;
        if self.with_store(move |store| store.add_to_folders(&order, &folders)).await? {
            Ok(Answer::Done)
        } else {
            Err(unknown("PatientOrderUuid or FolderUuidList"))
        }
    }

    /// The folder that is named as parent; none where none is, `Some("")` for the top.
    async fn parent(&self, given: &mut Parameters) -> Result<Option<String>, Refused> {
        let parent = given.text("ParentFolderUuid");
        match parent.as_str() {
            "" => Ok(None),
            TOP => Ok(Some(String::new())),
            _ => {
                let uuid = parent.clone();
                let known = self.with_store(move |store| store.has_folder(&uuid)).await?;
                if known { Ok(Some(parent)) } else { Err(unknown("ParentFolderUuid")) }
            }
        }
    }
}
