//! What is accepted for a destination and not delivered, grouped as queries see it.

use instance::Uid;
use rusqlite::{Connection, ToSql};

use super::{query, unsigned};
use crate::{Destination, Entry, EntryId, Error, deliveries::PAGE_LINES_MAX};

/// Every undelivered SOP Instance has a delivery that is ready, the first one pending, or held ones.
/// Both parts walk their index in the order of the key and stop at the limit.
pub(crate) fn studies(
    connection: &Connection,
    destination: &Destination,
    after: Option<&Uid>,
    limit: usize,
) -> Result<Vec<Entry>, Error> {
    let sql = "WITH wanted AS (SELECT id FROM destination WHERE name = ?1) \
         SELECT study, MAX(entry) FROM ( \
           SELECT * FROM (SELECT study, MAX(entry) AS entry FROM delivery INDEXED BY delivery_ready_study \
             WHERE ready = 1 AND destination = (SELECT id FROM wanted) AND study > ?2 \
             GROUP BY study ORDER BY study LIMIT ?3) \
           UNION ALL \
           SELECT * FROM (SELECT study, MAX(entry) AS entry FROM delivery INDEXED BY delivery_state \
             WHERE destination = (SELECT id FROM wanted) AND state = 4 AND study > ?2 \
             GROUP BY study ORDER BY study LIMIT ?3) \
         ) GROUP BY study ORDER BY study LIMIT ?3";
    let limit = limit.clamp(1, PAGE_LINES_MAX) as i64;
    entries(connection, sql, &[&destination.to_string(), &behind(after), &limit])
}

pub(crate) fn instances(
    connection: &Connection,
    destination: &Destination,
    study: &Uid,
    after: Option<&Uid>,
    limit: usize,
) -> Result<Vec<Entry>, Error> {
    let sql = "WITH wanted AS (SELECT id FROM destination WHERE name = ?1) \
         SELECT sop, MAX(entry) FROM ( \
           SELECT sop, entry FROM delivery INDEXED BY delivery_ready_study \
             WHERE ready = 1 AND destination = (SELECT id FROM wanted) AND study = ?4 AND sop > ?2 \
           UNION ALL \
           SELECT sop, entry FROM delivery INDEXED BY delivery_state \
             WHERE destination = (SELECT id FROM wanted) AND state = 4 AND study = ?4 AND sop > ?2 \
         ) GROUP BY sop ORDER BY sop LIMIT ?3";
    let limit = limit.clamp(1, PAGE_LINES_MAX) as i64;
    entries(connection, sql, &[&destination.to_string(), &behind(after), &limit, &study.as_str()])
}

/// A text that all wanted UIDs are behind.
fn behind(after: Option<&Uid>) -> String {
    after.map(Uid::to_string).unwrap_or_default()
}

fn entries(connection: &Connection, sql: &str, values: &[&dyn ToSql]) -> Result<Vec<Entry>, Error> {
    let mut statement = connection.prepare_cached(sql)?;
    let ids: Vec<i64> = statement.query_map(values, |row| row.get(1))?.collect::<Result<_, _>>()?;
    let found = ids.into_iter().map(|id| match query::entry(connection, id)? {
        Some(entry) => Ok(entry),
        None => Err(Error::NotFound(EntryId(unsigned(id)))),
    });
    found.collect()
}
