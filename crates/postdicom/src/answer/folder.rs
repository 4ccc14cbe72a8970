//! Folders as the vendor describes them.

use serde_json::{Map, Value};

use super::{Order, OrderList, shape};
use crate::error::Unreadable;
use crate::{FolderUuid, Text};

/// Names of lists of folders.
const LISTS: &[&str] = &["subfolderlist", "folderlist", "subfolders", "folders", "searchresultlist"];

/// Names of lists of the orders in a folder.
const ORDER_LISTS: &[&str] = &["patientorderlist", "orderlist", "orders"];

/// A folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Folder {
    /// Its name for the vendor.
    pub uuid: Option<FolderUuid>,
    /// Its name for people.
    pub name: Option<Text>,
    /// A remark.
    pub description: Option<Text>,
    /// Whether there is a link to it.
    pub is_shared: Option<bool>,
    /// Orders in it.
    pub order_count: Option<u64>,
    /// Folders right below it.
    pub sub_folder_count: Option<u64>,
}

/// Folders of an answer, and orders where they were asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FolderList {
    /// In the order of the answer.
    pub folders: Vec<Folder>,
    /// Orders in the folder that was asked for; `None` where the answer has no list of them.
    pub orders: Option<Vec<Order>>,
    /// Items of the lists that are neither.
    pub skipped: usize,
}

fn is_folder(map: &Map<String, Value>) -> bool {
    let names: Vec<String> = map.keys().map(|name| shape::key(name)).collect();
    let has = |wanted: &str| names.iter().any(|name| name == wanted);
    // What has a list of folders below it is the answer about a folder, not one of those found.
    (has("folderuuid") || has("foldername")) && !has("subfolderlist")
}

impl Folder {
    /// Whether people call it exactly that; blanks at the ends are no part of a name.
    #[must_use]
    pub fn is_named(&self, name: &Text) -> bool {
        self.name.as_ref().is_some_and(|own| own.expose().trim() == name.expose().trim())
    }

    fn read(value: Value) -> Option<Self> {
        let value = shape::unfolded(value);
        let map = value.as_object().filter(|map| is_folder(map))?;
        let text = |wanted: &str| {
            map.iter().find(|(name, _)| shape::key(name) == wanted).and_then(|(_, value)| shape::text(value))
        };
        Some(Self {
            uuid: text("folderuuid").and_then(|text| text.parse().ok()),
            name: text("foldername").and_then(|text| text.parse().ok()),
            description: text("folderdescription").and_then(|text| text.parse().ok()),
            is_shared: text("isshared").and_then(|text| text.to_ascii_lowercase().parse().ok()),
            order_count: text("ordercount").and_then(|text| text.parse().ok()),
            sub_folder_count: text("subfoldercount").and_then(|text| text.parse().ok()),
        })
    }
}

impl FolderList {
    pub(crate) fn read(value: Value) -> Result<Self, Unreadable> {
        let outline = shape::outline(&value);
        let orders = orders(&value, 0);
        let mut list = Self::default();
        if let Some(orders) = orders {
            let OrderList { orders, skipped } = OrderList::read(Value::Array(orders))?;
            (list.orders, list.skipped) = (Some(orders), skipped);
        }
        let items = match shape::list(value, LISTS, is_folder) {
            Some(items) => items,
            // An answer about the orders of a folder need not name folders.
            None if list.orders.is_some() => Vec::new(),
            None => return Err(Unreadable::Shape(outline)),
        };
        // Where the list of orders is the only one it is found in both ways, and holds no folder.
        let only_orders = list.orders.as_ref().is_some_and(|orders| orders.len() == items.len());
        for item in items {
            match Folder::read(item) {
                Some(folder) => list.folders.push(folder),
                None if only_orders => {}
                None => list.skipped += 1,
            }
        }
        Ok(list)
    }
}

/// The list of orders in the answer, wherever it stands.
fn orders(value: &Value, depth: usize) -> Option<Vec<Value>> {
    if depth > 4 {
        return None;
    }
    match shape::opened(value).as_ref() {
        Value::Object(map) => {
            let own = map.iter().find(|(name, _)| ORDER_LISTS.contains(&shape::key(name).as_str()));
            if let Some((_, Value::Array(items))) = own {
                return Some(items.clone());
            }
            map.values().filter(|value| !value.is_array()).find_map(|value| orders(value, depth + 1))
        }
        Value::Array(items) => items.iter().take(1).find_map(|value| orders(value, depth + 1)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn folders_and_their_orders_are_read() {
        let folder = json!({"FolderUuid": "f-1", "FolderName": "F1", "FolderDescription": "d", "IsShared": "True", "OrderCount": 2, "SubFolderCount": "0"});
        let order = json!({"PatientOrderUuid": "o-1", "PatientName": "DOE"});
        let cases = [
            (
                json!({"Success": true, "Folder": {"SubFolderList": [folder], "PatientOrderList": [order]}}),
                1,
                Some(1),
            ),
            (
                json!({"Success": true, "Folder": {"FolderUuid": "top", "SubFolderList": [folder], "PatientOrderList": []}}),
                1,
                Some(0),
            ),
            (json!({"SearchResultList": [folder, folder]}), 2, None),
            (json!([folder]), 1, None),
            (folder.clone(), 1, None),
            (
                json!({"ResponseMessage": serde_json::to_string(&json!({"SubFolderList": [folder]})).unwrap()}),
                1,
                None,
            ),
            (json!({"Success": true, "Folder": {"PatientOrderList": [order]}}), 0, Some(1)),
            (json!({"Success": true, "Folder": null}), 0, None),
            (json!([]), 0, None),
        ];
        for (answer, folders, orders) in cases {
            let list = FolderList::read(answer.clone()).unwrap();
            assert_eq!(list.folders.len(), folders, "{answer}");
            assert_eq!(list.orders.as_ref().map(Vec::len), orders, "{answer}");
            assert_eq!(list.skipped, 0, "{answer}");
            if let Some(found) = list.folders.first() {
                assert_eq!(found.uuid.as_ref().unwrap().as_str(), "f-1");
                assert_eq!(
                    (found.is_shared, found.order_count, found.sub_folder_count),
                    (Some(true), Some(2), Some(0))
                );
            }
        }
        assert!(matches!(FolderList::read(json!("OK")), Err(Unreadable::Shape(_))));
    }
}
