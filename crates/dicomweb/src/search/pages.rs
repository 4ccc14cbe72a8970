//! Page after page.

use std::sync::{Arc, Mutex};

use dataset::json::Item;
use tokio::sync::mpsc;

use super::{Search, SearchLimits, SearchReport};
use crate::{Client, Error};

pub(super) async fn read(
    _client: Client,
    _search: Search,
    _limits: SearchLimits,
    results: mpsc::Sender<Result<Item, Error>>,
    _report: Arc<Mutex<SearchReport>>,
) {
    let _ = results.send(Err(Error::Profile("no search"))).await;
}
