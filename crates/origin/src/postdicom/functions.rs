//! What each function does.

mod folders;
mod orders;
mod shares;
mod tag_content;

use std::sync::Arc;

use axum::http::StatusCode;

use super::{Store, answer::Answer, function::Function, parameters::Parameters};
use crate::{
    Error,
    media::{Refused, refused},
    server::State,
};

/// What a function works on.
pub(super) struct Call<'a> {
    pub(super) state: &'a Arc<State>,
    pub(super) store: &'a Arc<Store>,
    /// Base URL as the client wrote it, for links.
    pub(super) base: String,
}

impl Call<'_> {
    /// Does what a function is for.
    pub(super) async fn perform(&self, function: Function, given: Parameters) -> Result<Answer, Refused> {
        match function {
            Function::CreateShareLink => self.create_share_link(given).await,
            Function::SharePatientOrderWithUrl => self.share_patient_order(given).await,
            Function::CreateFolder => self.create_folder(given).await,
            Function::SearchFolder => self.search_folder(given).await,
            Function::ShareFolderWithUrl => self.share_folder(given).await,
            Function::AddOrderToFolder => self.add_order_to_folder(given).await,
            Function::AssignOrderToUser | Function::AssignOrderToUserGroup => {
                self.assign(function, given).await
            }
            Function::CreatePatientOrder => self.create_patient_order(given).await,
            Function::GetPatientOrderProperties => self.get_patient_order_properties(given).await,
            Function::GetDicomTagContent => self.get_dicom_tag_content(given).await,
            Function::GetPatientOrderList => self.get_patient_order_list(given).await,
            Function::DeletePatientOrder => self.delete_patient_order(given).await,
        }
    }

    async fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Refused> {
        Ok(self.store.blocking(work).await?)
    }

    /// Matches of one answer at most; the vendor's lists have no pages.
    fn matches_max(&self) -> usize {
        self.state.options.limits.matches_max
    }

    /// Refuses a list that would not be whole.
    fn whole<T>(&self, found: Vec<T>) -> Result<Vec<T>, Refused> {
        if found.len() > self.matches_max() {
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            return Err(refused(status, "there are too many for one list"));
        }
        Ok(found)
    }
}
