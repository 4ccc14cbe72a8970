//! Each function of the guide as a call of its own.

use super::Client;
use crate::request::{
    AddOrderToFolder, AssignOrderToUser, AssignOrderToUserGroup, CreateFolder, CreatePatientOrder,
    CreateShareLink, DeletePatientOrder, GetDicomTagContent, GetPatientOrderList, GetPatientOrderProperties,
    SearchFolder, ShareFolderWithUrl, SharePatientOrderWithUrl,
};
use crate::{
    Acknowledgement, Call, Created, Error, FolderList, FolderUuid, Order, OrderList, OrderUuid, ShareLink,
    TagContent,
};

/// Names under which the vendor may tell the name of what was made, for comparison.
const ORDER_NAMES: &[&str] = &["patientorderuuid", "orderuuid"];
const FOLDER_NAMES: &[&str] = &["folderuuid"];

/// A call that was too long for one request was sent in parts, and one of them failed.
#[derive(Debug, thiserror::Error)]
#[error("{} of {} parts: {error}", done.len(), done.len() + rest.len())]
pub struct Incomplete<T> {
    /// Answers to the parts that succeeded.
    pub done: Vec<T>,
    /// The part that failed, and those behind it, which were not sent.
    pub rest: Vec<Call>,
    /// Why the first of `rest` failed.
    #[source]
    pub error: Box<Error>,
}

impl Client {
    /// Sends any call in one request, and gives what was answered, unread.
    ///
    /// # Errors
    /// As for the function that is called; [`Error::TooLong`] where [`Call::split`] would make several.
    pub async fn send(&self, call: &Call) -> Result<Acknowledgement, Error> {
        self.exchange(call).await.map(|body| Acknowledgement::read(&body))
    }

    /// A small authenticated request that changes nothing, names no patient and tells whether the vendor
    /// would answer: it looks for a folder that nobody has.
    ///
    /// # Errors
    /// Whatever a request of that kind would meet.
    pub async fn probe(&self) -> Result<(), Error> {
        let name = "dimseway-probe".parse().ok();
        self.exchange(&SearchFolder { parent: None, name, get_orders_in_folder: false }.into())
            .await
            .map(drop)
    }

    /// Makes links to orders: one, or several where the list does not fit one request.
    ///
    /// # Errors
    /// [`Incomplete`] with the links that were made.
    pub async fn create_share_link(
        &self,
        request: CreateShareLink,
    ) -> Result<Vec<ShareLink>, Incomplete<ShareLink>> {
        self.in_parts(request.into(), ShareLink::read).await
    }

    /// Makes links to orders: one, or several where the list does not fit one request.
    ///
    /// # Errors
    /// [`Incomplete`] with the links that were made.
    pub async fn share_patient_order_with_url(
        &self,
        request: SharePatientOrderWithUrl,
    ) -> Result<Vec<ShareLink>, Incomplete<ShareLink>> {
        self.in_parts(request.into(), ShareLink::read).await
    }

    /// Makes a folder.
    ///
    /// # Errors
    /// See [`Error::delivery`].
    pub async fn create_folder(&self, request: CreateFolder) -> Result<Created<FolderUuid>, Error> {
        self.exchange(&request.into()).await.map(|body| Created::read(&body, FOLDER_NAMES))
    }

    /// Finds folders.
    ///
    /// # Errors
    /// [`Error::Unreadable`] beside those of the exchange.
    pub async fn search_folder(&self, request: SearchFolder) -> Result<FolderList, Error> {
        match self.exchange_json(&request.into()).await? {
            Some(value) => FolderList::read(value).map_err(Error::Unreadable),
            None => Ok(FolderList::default()),
        }
    }

    /// Makes a link to a folder.
    ///
    /// # Errors
    /// See [`Error::delivery`].
    pub async fn share_folder_with_url(&self, request: ShareFolderWithUrl) -> Result<ShareLink, Error> {
        self.exchange(&request.into()).await.map(|body| ShareLink::read(&body))
    }

    /// Shows an order in folders: with one request, or several where the list does not fit one.
    ///
    /// # Errors
    /// [`Incomplete`] with the answers so far.
    pub async fn add_order_to_folder(
        &self,
        request: AddOrderToFolder,
    ) -> Result<Vec<Acknowledgement>, Incomplete<Acknowledgement>> {
        self.in_parts(request.into(), Acknowledgement::read).await
    }

    /// Gives an order to a user.
    ///
    /// # Errors
    /// See [`Error::delivery`].
    pub async fn assign_order_to_user(&self, request: AssignOrderToUser) -> Result<Acknowledgement, Error> {
        self.send(&request.into()).await
    }

    /// Gives an order to a group of users.
    ///
    /// # Errors
    /// See [`Error::delivery`].
    pub async fn assign_order_to_user_group(
        &self,
        request: AssignOrderToUserGroup,
    ) -> Result<Acknowledgement, Error> {
        self.send(&request.into()).await
    }

    /// Makes an order, whether or not there is one like it; [`Self::create_order_once`] looks first.
    ///
    /// # Errors
    /// See [`Error::delivery`].
    pub async fn create_patient_order(
        &self,
        request: CreatePatientOrder,
    ) -> Result<Created<OrderUuid>, Error> {
        self.exchange(&request.into()).await.map(|body| Created::read(&body, ORDER_NAMES))
    }

    /// Everything about one order; `None` where the answer has no order.
    ///
    /// # Errors
    /// [`Error::Unreadable`] beside those of the exchange.
    pub async fn get_patient_order_properties(
        &self,
        request: GetPatientOrderProperties,
    ) -> Result<Option<Order>, Error> {
        let uuid = request.order.clone();
        let Some(value) = self.exchange_json(&request.into()).await? else { return Ok(None) };
        let list = OrderList::read(value).map_err(Error::Unreadable)?;
        let mut orders = list.orders;
        let place = orders.iter().position(|order| order.uuid.as_ref() == Some(&uuid));
        // Properties of what was asked for by name need not repeat the name; those of another order do not
        // count.
        let place = place.or_else(|| (orders.len() == 1 && orders[0].uuid.is_none()).then_some(0));
        Ok(place.map(|place| {
            let mut order = orders.swap_remove(place);
            order.uuid = Some(uuid);
            order
        }))
    }

    /// Values of elements; for accounts authorised for it. Long lists are asked for in parts.
    ///
    /// # Errors
    /// [`Error::Unreadable`] beside those of the exchange.
    pub async fn get_dicom_tag_content(&self, request: GetDicomTagContent) -> Result<Vec<TagContent>, Error> {
        let mut contents = Vec::new();
        for call in Call::from(request).split(self.conventions())? {
            if let Some(value) = self.exchange_json(&call).await? {
                contents.extend(TagContent::read(value).map_err(Error::Unreadable)?);
            }
        }
        Ok(contents)
    }

    /// Finds orders. Long lists of institutions or modalities are asked for in parts, and each order is
    /// given once. The vendor has no pages: [`crate::Conventions::answer_bytes_max`] is the limit.
    ///
    /// # Errors
    /// [`Error::Unreadable`] beside those of the exchange.
    pub async fn get_patient_order_list(&self, request: GetPatientOrderList) -> Result<OrderList, Error> {
        let mut list = OrderList::default();
        for call in Call::from(request).split(self.conventions())? {
            if let Some(value) = self.exchange_json(&call).await? {
                list.merge(OrderList::read(value).map_err(Error::Unreadable)?);
            }
        }
        Ok(list)
    }

    /// Removes an order for good.
    ///
    /// # Errors
    /// See [`Error::delivery`].
    pub async fn delete_patient_order(&self, request: DeletePatientOrder) -> Result<Acknowledgement, Error> {
        self.send(&request.into()).await
    }

    /// Sends a call in as many requests as it needs, and stops at the first that fails.
    async fn in_parts<T>(&self, call: Call, read: fn(&[u8]) -> T) -> Result<Vec<T>, Incomplete<T>> {
        let mut done = Vec::new();
        let mut rest = match call.clone().split(self.conventions()) {
            Ok(calls) => calls,
            Err(error) => return Err(Incomplete { done, rest: vec![call], error: Box::new(error) }),
        };
        rest.reverse();
        while let Some(call) = rest.pop() {
            match self.exchange(&call).await {
                Ok(body) => done.push(read(&body)),
                Err(error) => {
                    rest.push(call);
                    rest.reverse();
                    return Err(Incomplete { done, rest, error: Box::new(error) });
                }
            }
        }
        Ok(done)
    }
}

impl<T> From<Incomplete<T>> for Error {
    /// The error alone, for whoever does not go on with the rest.
    fn from(incomplete: Incomplete<T>) -> Self {
        *incomplete.error
    }
}
