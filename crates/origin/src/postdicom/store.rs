//! The order store: tables of its own in the database of the index, where a restart finds them again.

mod attach;
mod folders;
mod orders;
mod shares;

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, functions::FunctionFlags};

pub(super) use folders::FolderSearch;
pub(super) use orders::{Assignee, OrderSearch, Series};

use crate::Error;

/// Longest wait for a change of the index: 60 seconds, longer than the largest archive takes to put in
/// place.
const BUSY_MAX: Duration = Duration::from_secs(60);

/// The tables. Rows refer to each other by number.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS patient_order (id INTEGER PRIMARY KEY, uuid TEXT NOT NULL UNIQUE,
    institution_uuid TEXT NOT NULL, patient_name TEXT NOT NULL, patient_id TEXT NOT NULL,
    other_patient_id TEXT NOT NULL, patient_sex TEXT NOT NULL, patient_birthdate TEXT NOT NULL,
    modality TEXT NOT NULL, study_description TEXT NOT NULL, accession_number TEXT NOT NULL,
    patient_complaints TEXT NOT NULL, order_scheduled_datetime TEXT NOT NULL,
    requested_procedure_id TEXT NOT NULL, requested_procedure_description TEXT NOT NULL,
    requesting_physician TEXT NOT NULL, referring_physicians_name TEXT NOT NULL,
    scheduled_equipment_uuid TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS order_of_accession_number ON patient_order (accession_number);
CREATE INDEX IF NOT EXISTS order_of_patient ON patient_order (patient_id);
CREATE TABLE IF NOT EXISTS order_study (StudyInstanceUID TEXT PRIMARY KEY, patient_order INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS study_of_order ON order_study (patient_order);
CREATE TABLE IF NOT EXISTS assignment (patient_order INTEGER NOT NULL, kind TEXT NOT NULL, uuid TEXT NOT NULL,
    PRIMARY KEY (patient_order, kind, uuid));
CREATE TABLE IF NOT EXISTS folder (id INTEGER PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
    description TEXT NOT NULL, parent_uuid TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS folder_of_parent ON folder (parent_uuid);
CREATE TABLE IF NOT EXISTS folder_order (folder INTEGER NOT NULL, patient_order INTEGER NOT NULL,
    PRIMARY KEY (folder, patient_order));
CREATE INDEX IF NOT EXISTS folder_of_order ON folder_order (patient_order);
CREATE TABLE IF NOT EXISTS share (id INTEGER PRIMARY KEY, uuid TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
    shared TEXT NOT NULL, expire_date TEXT NOT NULL, password TEXT NOT NULL, downloadable INTEGER NOT NULL,
    title TEXT NOT NULL, description TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS series_of_uid ON series (SeriesInstanceUID);
";

/// Orders, folders and links. Every call blocks, unless it goes through [`Store::blocking`].
pub(crate) struct Store {
    connection: Mutex<Connection>,
}

impl Store {
    /// Opens or makes the tables beside those of the index, which are there.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_MAX)?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.execute_batch(TABLES)?;
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
        connection.create_scalar_function("contains", 2, flags, |context| {
            let text = |at: usize| context.get_raw(at).as_str_or_null();
            let (stored, part) = (text(0)?, text(1)?);
            Ok(stored.zip(part).is_some_and(|(stored, part)| lower(stored).contains(&lower(part))))
        })?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    /// Runs `work` on a thread of the blocking pool.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let store = Arc::clone(self);
        tokio::task::spawn_blocking(move || work(&store)).await.map_err(|_| Error::Task)?
    }

    /// A panic in another thread leaves no half-made change behind: SQLite rolls it back.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn lower(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// A UUID of version 4 (RFC 9562 §5.4).
fn new_uuid() -> String {
    uuid_of(rand::random(), 4)
}

/// The UUID of some bytes, with its version and variant.
pub(super) fn uuid_of(bytes: u128, version: u128) -> String {
    let bits = bytes & !(0xF << 76) & !(0x3 << 62) | version << 76 | 0x2 << 62;
    let digits = format!("{bits:032x}");
    let groups = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| &digits[range]);
    groups.join("-")
}
