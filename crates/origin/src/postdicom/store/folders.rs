//! Folders in the store.

use rusqlite::{Connection, Row, params};

use super::{
    Store, new_uuid,
    orders::{rows, select},
};
use crate::{
    Error,
    postdicom::{Folder, NewFolder, Order},
};

/// A folder with what is in it. Folders below are found by their parents, whatever their depth.
const COLUMNS: &str = "uuid, name, description, parent_uuid,
    (SELECT count(*) FROM folder_order WHERE folder_order.folder = folder.id),
    (WITH RECURSIVE below (id, uuid) AS (SELECT folder.id, folder.uuid UNION
         SELECT child.id, child.uuid FROM folder AS child JOIN below ON child.parent_uuid = below.uuid)
     SELECT count(DISTINCT patient_order) FROM folder_order WHERE folder_order.folder IN (SELECT id FROM below)),
    (SELECT count(*) FROM folder AS child WHERE child.parent_uuid = folder.uuid),
    (WITH RECURSIVE below (id, uuid) AS (SELECT folder.id, folder.uuid UNION
         SELECT child.id, child.uuid FROM folder AS child JOIN below ON child.parent_uuid = below.uuid)
     SELECT count(*) - 1 FROM below),
    EXISTS (SELECT 1 FROM share WHERE kind = 'folder' AND share.shared = json_array(folder.uuid))";

/// Which folders are looked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct FolderSearch {
    /// Right below this one; `Some("")` is the top, none is everywhere.
    pub(crate) parent: Option<String>,
    /// A part of the name; empty is any.
    pub(crate) name: String,
}

impl Store {
    /// Makes a folder below one that is there, and gives its UUID: a new one, unless it is given.
    pub(crate) fn add_folder(&self, uuid: Option<&str>, folder: &NewFolder) -> Result<String, Error> {
        let uuid = uuid.map_or_else(new_uuid, str::to_owned);
        self.lock().execute(
            "INSERT INTO folder (uuid, name, description, parent_uuid) VALUES (?, ?, ?, ?)",
            params![uuid, folder.name, folder.description, folder.parent_uuid],
        )?;
        Ok(uuid)
    }

    /// Folders that were looked for, the oldest first, at most so many.
    pub(crate) fn folders(&self, search: &FolderSearch, limit: usize) -> Result<Vec<Folder>, Error> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let statement = format!(
            "SELECT {COLUMNS} FROM folder WHERE (?1 IS NULL OR parent_uuid = ?1) \
             AND (?2 = '' OR contains(name, ?2)) ORDER BY id LIMIT {limit}"
        );
        let connection = self.lock();
        let mut statement = connection.prepare_cached(&statement)?;
        let rows = statement.query_map(params![search.parent, search.name], read)?;
        rows.map(|row| row.map_err(Error::from)).collect()
    }

    /// Whether there is a folder of this UUID.
    pub(crate) fn has_folder(&self, uuid: &str) -> Result<bool, Error> {
        let statement = "SELECT EXISTS (SELECT 1 FROM folder WHERE uuid = ?)";
        Ok(self.lock().query_row(statement, [uuid], |row| row.get(0))?)
    }

    /// The orders in any of these folders, the oldest first, at most so many.
    pub(crate) fn orders_in(&self, folders: &[String], limit: usize) -> Result<Vec<Order>, Error> {
        let marks = vec!["?"; folders.len()].join(", ");
        let condition = format!(
            "patient_order.id IN (SELECT patient_order FROM folder_order JOIN folder ON folder.id = folder_order.folder \
             WHERE folder.uuid IN ({marks}))"
        );
        select(&self.lock(), &condition, folders, limit)
    }

    /// Shows an order in folders, twice is as once; false, and nothing done, where one is not there.
    pub(crate) fn add_to_folders(&self, order: &str, folders: &[String]) -> Result<bool, Error> {
        let mut connection = self.lock();
        let transaction = connection.transaction()?;
        let order = rows(&transaction, "patient_order", &[order.to_owned()])?.and_then(|mut rows| rows.pop());
        let (Some(order), Some(folders)) = (order, rows(&transaction, "folder", folders)?) else {
            return Ok(false);
        };
        put(&transaction, order, &folders)?;
        transaction.commit()?;
        Ok(true)
    }
}

fn put(connection: &Connection, order: i64, folders: &[i64]) -> Result<(), Error> {
    let mut statement = connection.prepare_cached("INSERT OR IGNORE INTO folder_order VALUES (?, ?)")?;
    for folder in folders {
        statement.execute([*folder, order])?;
    }
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Folder> {
    let number = |position: usize| Ok::<_, rusqlite::Error>(row.get::<_, i64>(position)?.unsigned_abs());
    Ok(Folder {
        uuid: row.get(0)?,
        made: NewFolder { name: row.get(1)?, description: row.get(2)?, parent_uuid: row.get(3)? },
        order_count: number(4)?,
        all_sub_order_count: number(5)?,
        sub_folder_count: number(6)?,
        all_sub_folder_count: number(7)?,
        is_shared: row.get(8)?,
    })
}
