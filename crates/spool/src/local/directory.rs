//! The directory of a spool: its lock, its files, its index.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use rusqlite::Connection;

use super::{Config, disk::Disk, index};
use crate::Error;

pub(crate) fn segments(directory: &Path) -> PathBuf {
    directory.join("segments")
}

pub(crate) fn index(directory: &Path) -> PathBuf {
    directory.join("index.sqlite")
}

pub(crate) fn documents(directory: &Path) -> PathBuf {
    directory.join("documents.sqlite")
}

pub(crate) fn reserve(directory: &Path) -> PathBuf {
    directory.join("reserve")
}

/// Makes the directory where there is none, and takes its lock.
pub(crate) fn prepare(config: &Config, disk: &Disk) -> Result<File, Error> {
    let directory = &config.directory;
    // What is in it is about patients, so it is for the owner alone. One that is there keeps its mode.
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(directory.join("lock"))?;
    if !disk.lock(&file)? {
        let mut pid = String::new();
        let _ = Read::by_ref(&mut file).take(20).read_to_string(&mut pid);
        return Err(Error::Locked { pid: pid.trim().parse().unwrap_or(0) });
    }
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    writeln!(file, "{}", std::process::id())?;
    std::fs::create_dir_all(segments(directory))?;
    disk.sync_directory(directory)?;
    if let Some(parent) = directory.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        disk.sync_directory(parent)?;
    }
    Ok(file)
}

/// Opens the index. One that cannot be read is put aside and made anew; true where it is new.
pub(crate) fn open_index(directory: &Path) -> Result<(Connection, bool), Error> {
    let path = index(directory);
    match index::open(&path).and_then(|(connection, new)| readable(&connection).map(|()| (connection, new))) {
        Err(Error::IndexDamaged(error)) => {
            put_index_aside(directory, &error)?;
            index::open(&path)
        }
        other => other,
    }
}

/// Gives a damaged index another name, so that a new one is made from the segments. One that is only
/// busy or unreadable at the moment must never come here: it knows what was delivered.
pub(crate) fn put_index_aside(directory: &Path, error: &str) -> Result<(), Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    tracing::error!(%error, "the index of the spool cannot be read; it is put aside and made anew from the segments");
    for suffix in ["", "-wal", "-shm"] {
        let from = directory.join(format!("index.sqlite{suffix}"));
        if from.exists() {
            std::fs::rename(&from, directory.join(format!("index.damaged.{now}.sqlite{suffix}")))?;
        }
    }
    Ok(())
}

/// Touches every table, which finds a file that is no database or has lost its schema.
pub(crate) fn readable(connection: &Connection) -> Result<(), Error> {
    for table in ["destination", "segment", "entry", "delivery", "attempt", "gauge"] {
        let statement = connection.prepare(&format!("SELECT 1 FROM {table} LIMIT 1"));
        let found = statement.and_then(|mut statement| statement.exists([]));
        found.map_err(|error| match error.sqlite_error_code() {
            // SQLite's general error: there is no such table.
            Some(rusqlite::ErrorCode::Unknown) => Error::IndexDamaged(error.to_string()),
            _ => Error::from(error),
        })?;
    }
    Ok(())
}
