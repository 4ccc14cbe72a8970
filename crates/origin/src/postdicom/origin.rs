//! Orders, folders and links past the wire: to put some there, and to see what became of them.

use std::sync::Arc;

use super::{
    Folder, NewFolder, NewOrder, Order, Share, Store,
    store::{FolderSearch, OrderSearch},
};
use crate::{Error, Origin};

impl Origin {
    fn order_store(&self) -> Result<&Arc<Store>, Error> {
        self.state.orders.as_ref().ok_or(Error::NoOrders)
    }

    /// All orders, the oldest first.
    ///
    /// # Errors
    /// The personality keeps none, or they cannot be read.
    pub async fn orders(&self) -> Result<Vec<Order>, Error> {
        self.order_store()?.blocking(|store| store.orders(&OrderSearch::default(), usize::MAX)).await
    }

    /// All folders, the oldest first.
    ///
    /// # Errors
    /// As [`Origin::orders`].
    pub async fn folders(&self) -> Result<Vec<Folder>, Error> {
        self.order_store()?.blocking(|store| store.folders(&FolderSearch::default(), usize::MAX)).await
    }

    /// All links, the oldest first.
    ///
    /// # Errors
    /// As [`Origin::orders`].
    pub async fn shares(&self) -> Result<Vec<Share>, Error> {
        self.order_store()?.blocking(Store::shares).await
    }

    /// Makes an order, under a UUID that is not taken or a new one, and gives it. Nothing is checked.
    ///
    /// # Errors
    /// As [`Origin::orders`], or the UUID is taken.
    pub async fn add_order(&self, uuid: Option<&str>, order: NewOrder) -> Result<String, Error> {
        let uuid = uuid.map(str::to_owned);
        self.order_store()?.blocking(move |store| store.add_order(uuid.as_deref(), &order)).await
    }

    /// Makes a folder, under a UUID that is not taken or a new one, and gives it. Nothing is checked.
    ///
    /// # Errors
    /// As [`Origin::add_order`].
    pub async fn add_folder(&self, uuid: Option<&str>, folder: NewFolder) -> Result<String, Error> {
        let uuid = uuid.map(str::to_owned);
        self.order_store()?.blocking(move |store| store.add_folder(uuid.as_deref(), &folder)).await
    }
}
