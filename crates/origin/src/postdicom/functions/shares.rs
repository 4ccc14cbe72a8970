//! Links to orders and folders.

use serde_json::Value;

use super::Call;
use crate::{
    media::Refused,
    postdicom::{
        Share, Shared,
        answer::Answer,
        parameters::{Parameters, bad, unknown},
    },
};

impl Call<'_> {
    pub(super) async fn create_share_link(&self, mut given: Parameters) -> Result<Answer, Refused> {
        let name = "PatientOrderInfoList";
        let infos = given.required_list(name)?;
        let orders = infos.iter().map(|info| {
            let object: Value = serde_json::from_str(info).ok()?;
            let object = object.as_object().filter(|object| object.len() == 1)?;
            Some(object.get("PatientOrderUuid")?.as_str()?.to_owned())
        });
        let orders: Option<Vec<_>> = orders.collect();
        let orders = orders
            .ok_or_else(|| bad(name, "one of the list is no JSON text of an object with PatientOrderUuid"))?;
        let share = Share {
            expire_date: given.required_date("ExpireDate")?,
            password: given.text("SharePassword"),
            downloadable: given.boolean("Downloadable")?,
            ..of(Shared::Link(orders))
        };
        self.share(name, share).await
    }

    pub(super) async fn share_patient_order(&self, mut given: Parameters) -> Result<Answer, Refused> {
        let name = "OrderUuidList";
        let orders = given.required_list(name)?;
        let share = Share {
            expire_date: given.required_date("ExpireDate")?,
            password: given.text("SharePassword"),
            downloadable: given.boolean("UserCanDownloadStudies")?,
            ..of(Shared::Orders(orders))
        };
        self.share(name, share).await
    }

    pub(super) async fn share_folder(&self, mut given: Parameters) -> Result<Answer, Refused> {
        let name = "FolderUuid";
        let folder = given.required(name)?;
        let share = Share {
            expire_date: given.date("ExpireDate")?,
            password: given.text("SharePassword"),
            downloadable: given.boolean("UserCanDownloadStudies")?,
            title: given.text("ShareTitle"),
            description: given.text("ShareDescription"),
            ..of(Shared::Folder(folder))
        };
        self.share(name, share).await
    }

    async fn share(&self, name: &str, share: Share) -> Result<Answer, Refused> {
        let uuid = self.with_store(move |store| store.add_share(&share)).await?;
        let uuid = uuid.ok_or_else(|| unknown(name))?;
        Ok(Answer::Link(format!("{}/share/{uuid}", self.base)))
    }
}

/// A public link for ever.
const fn of(shared: Shared) -> Share {
    Share {
        uuid: String::new(),
        shared,
        expire_date: String::new(),
        password: String::new(),
        downloadable: false,
        title: String::new(),
        description: String::new(),
    }
}
