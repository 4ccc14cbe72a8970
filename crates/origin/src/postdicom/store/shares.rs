//! Links in the store.

use rusqlite::{Row, params};

use super::{Store, new_uuid, orders::rows};
use crate::{
    Error,
    postdicom::{Share, Shared},
};

const COLUMNS: &str = "uuid, kind, shared, expire_date, password, downloadable, title, description";

impl Store {
    /// Makes a link and gives it a UUID; none, and nothing made, where what is shared is not there.
    pub(crate) fn add_share(&self, share: &Share) -> Result<Option<String>, Error> {
        let (kind, shared, table) = match &share.shared {
            Shared::Link(orders) => ("link", orders.as_slice(), "patient_order"),
            Shared::Orders(orders) => ("orders", orders.as_slice(), "patient_order"),
            Shared::Folder(folder) => ("folder", std::slice::from_ref(folder), "folder"),
        };
        let connection = self.lock();
        if rows(&connection, table, shared)?.is_none() {
            return Ok(None);
        }
        let uuid = new_uuid();
        connection.execute(
            &format!("INSERT INTO share ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
            params![
                uuid,
                kind,
                serde_json::Value::from(shared).to_string(),
                share.expire_date,
                share.password,
                share.downloadable,
                share.title,
                share.description
            ],
        )?;
        Ok(Some(uuid))
    }

    /// All links, the oldest first.
    pub(crate) fn shares(&self) -> Result<Vec<Share>, Error> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM share ORDER BY id"))?;
        let rows = statement.query_map([], read)?;
        rows.map(|row| row.map_err(Error::from)).collect()
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<Share> {
    let mut shared: Vec<String> = serde_json::from_str(&row.get::<_, String>(2)?).unwrap_or_default();
    let shared = match row.get::<_, String>(1)?.as_str() {
        "folder" => Shared::Folder(shared.pop().unwrap_or_default()),
        "link" => Shared::Link(shared),
        _ => Shared::Orders(shared),
    };
    Ok(Share {
        uuid: row.get(0)?,
        shared,
        expire_date: row.get(3)?,
        password: row.get(4)?,
        downloadable: row.get(5)?,
        title: row.get(6)?,
        description: row.get(7)?,
    })
}
