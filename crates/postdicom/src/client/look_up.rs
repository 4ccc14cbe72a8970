//! Whether a call whose outcome is unknown took effect.

use super::Client;
use crate::request::{
    AddOrderToFolder, CreateFolder, DeletePatientOrder, GetPatientOrderProperties, SearchFolder,
};
use crate::{Call, Error, FolderUuid, OrderUuid, SideEffect};

/// What a search shows of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evidence {
    /// Its effect is there: it need not be sent again.
    Present {
        /// The order that is there.
        order: Option<OrderUuid>,
        /// The folder that is there.
        folder: Option<FolderUuid>,
    },
    /// Its effect is not there: it may be sent again. A server that shows what was made only after a while
    /// makes this wrong, so whoever asks waits some time before.
    Absent,
    /// No function shows it, or the answer does not tell: a person decides.
    Unaskable,
}

impl Client {
    /// Looks whether a call took effect, with searches that change nothing.
    ///
    /// # Errors
    /// Those of the search; they say nothing about the call.
    pub async fn look_up(&self, call: &Call) -> Result<Evidence, Error> {
        match call {
            Call::CreatePatientOrder(request) => self.evidence_of_order(request).await,
            Call::CreateFolder(request) => self.evidence_of_folder(request).await,
            Call::AddOrderToFolder(request) => self.evidence_of_adding(request).await,
            Call::DeletePatientOrder(request) => self.evidence_of_deletion(request).await,
            other if other.side_effect() == SideEffect::None => Ok(Evidence::Absent),
            _ => Ok(Evidence::Unaskable),
        }
    }

    /// A folder of exactly that name. One that was there before the call is as good.
    async fn evidence_of_folder(&self, request: &CreateFolder) -> Result<Evidence, Error> {
        let name = Some(request.name.clone());
        let search = SearchFolder { parent: request.parent.clone(), name, get_orders_in_folder: false };
        let list = self.search_folder(search).await?;
        let found = list.folders.into_iter().find(|folder| folder.is_named(&request.name));
        Ok(match found {
            Some(folder) => Evidence::Present { order: None, folder: folder.uuid },
            None if list.skipped > 0 => Evidence::Unaskable,
            None => Evidence::Absent,
        })
    }

    /// The order in every one of the folders.
    async fn evidence_of_adding(&self, request: &AddOrderToFolder) -> Result<Evidence, Error> {
        let mut evidence = Evidence::Present { order: Some(request.order.clone()), folder: None };
        for folder in &request.folders {
            let search =
                SearchFolder { parent: Some(folder.clone()), name: None, get_orders_in_folder: true };
            let Some(orders) = self.search_folder(search).await?.orders else {
                return Ok(Evidence::Unaskable);
            };
            if orders.iter().any(|order| order.uuid.as_ref() == Some(&request.order)) {
                continue;
            }
            if orders.iter().any(|order| order.uuid.is_none()) {
                return Ok(Evidence::Unaskable);
            }
            evidence = Evidence::Absent;
        }
        Ok(evidence)
    }

    /// The order no longer there. Only an answer that shows the order says for sure that the call had no
    /// effect.
    async fn evidence_of_deletion(&self, request: &DeletePatientOrder) -> Result<Evidence, Error> {
        let DeletePatientOrder { institution, order } = request.clone();
        let gone = Evidence::Present { order: Some(order.clone()), folder: None };
        match self.get_patient_order_properties(GetPatientOrderProperties { institution, order }).await {
            Ok(Some(_)) => Ok(Evidence::Absent),
            Err(Error::Refused { status, reason: Some(_), .. }) if status == http::StatusCode::NOT_FOUND => {
                Ok(gone)
            }
            // How the vendor says that there is no such order is not documented.
            Ok(None) | Err(Error::Failed { .. } | Error::Unreadable(_)) => Ok(Evidence::Unaskable),
            Err(error) => Err(error),
        }
    }
}
