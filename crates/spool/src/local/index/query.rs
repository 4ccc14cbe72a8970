//! Reading the index.

use std::time::SystemTime;

use instance::Uid;
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

use super::{changes, signed, unsigned};
use crate::{
    Attempt, Cursor, Delivery, Destination, Details, Entry, EntryId, Error, Filter, Gauge, Listed, Page,
    State,
    deliveries::{FOUND_MAX, PAGE_LINES_MAX},
    local::fields::{self, millis, time},
};

/// Where the bytes of an entry are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Location {
    pub(crate) segment: Option<u64>,
    pub(crate) start: u64,
    pub(crate) header_bytes: u64,
    pub(crate) nonce: u64,
    pub(crate) length: u64,
}

pub(crate) fn location(connection: &Connection, entry_id: EntryId) -> Result<Location, Error> {
    connection
        .prepare_cached("SELECT segment, start, header_bytes, nonce, length FROM entry WHERE id = ?1")?
        .query_row([signed(entry_id.0)], |row| {
            Ok(Location {
                segment: row.get::<_, Option<i64>>(0)?.map(unsigned),
                start: unsigned(row.get(1)?),
                header_bytes: unsigned(row.get(2)?),
                nonce: unsigned(row.get(3)?),
                length: unsigned(row.get(4)?),
            })
        })
        .optional()?
        .ok_or(Error::NotFound(entry_id))
}

/// Header, trailer, length and SHA-256.
type Stored = (Vec<u8>, Vec<u8>, i64, [u8; 32]);

/// An entry as the association and the data set described it.
pub(crate) fn entry(connection: &Connection, id: i64) -> Result<Option<Entry>, Error> {
    let found: Option<Stored> = connection
        .prepare_cached("SELECT header, trailer, length, sha256 FROM entry WHERE id = ?1")?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    let Some((header, trailer, length, sha256)) = found else { return Ok(None) };
    let entry_id = EntryId(unsigned(id));
    let unreadable = || Error::Corrupt { entry_id, what: "its description in the index".into() };
    Ok(Some(Entry {
        entry_id,
        header: fields::read_header(&header).ok_or_else(unreadable)?,
        trailer: fields::read_trailer(&trailer).ok_or_else(unreadable)?,
        length: unsigned(length),
        sha256,
    }))
}

/// Destinations are made only from what was one before, so the texts can be read again.
fn destination(name: &str) -> Option<Destination> {
    name.parse().ok()
}

pub(crate) fn details(connection: &Connection, entry_id: EntryId) -> Result<Details, Error> {
    let id = signed(entry_id.0);
    let entry = entry(connection, id)?.ok_or(Error::NotFound(entry_id))?;
    let payload_kept = location(connection, entry_id)?.segment.is_some();
    let mut statement = connection.prepare_cached(
        "SELECT name, state, attempts, due_at, delivered_at, reason, destination.id FROM delivery \
         JOIN destination ON destination.id = delivery.destination WHERE entry = ?1 ORDER BY name",
    )?;
    let mut rows = statement.query([id])?;
    let mut deliveries = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(destination) = destination(&row.get::<_, String>(0)?) else { continue };
        deliveries.push(Delivery {
            destination,
            state: changes::state(row.get(1)?),
            attempts: row.get(2)?,
            due_at: time(row.get(3)?),
            delivered_at: row.get::<_, Option<i64>>(4)?.map(time),
            reason: row.get(5)?,
            history: history(connection, id, row.get(6)?)?,
        });
    }
    Ok(Details { entry, payload_kept, deliveries })
}

fn history(connection: &Connection, entry: i64, destination: i64) -> Result<Vec<Attempt>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT started_at, ended_at, owner, outcome FROM attempt WHERE entry = ?1 AND destination = ?2 \
         ORDER BY number",
    )?;
    let rows = statement.query_map([entry, destination], |row| {
        Ok(Attempt {
            started_at: time(row.get(0)?),
            ended_at: row.get::<_, Option<i64>>(1)?.map(time),
            owner: row.get(2)?,
            outcome: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn by_sop_instance(connection: &Connection, uid: &str) -> Result<Vec<Details>, Error> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM entry WHERE sop = ?1 ORDER BY id DESC LIMIT ?2")?;
    let ids: Vec<i64> =
        statement.query_map(params![uid, FOUND_MAX as i64], |row| row.get(0))?.collect::<Result<_, _>>()?;
    ids.into_iter().map(|id| details(connection, EntryId(unsigned(id)))).collect()
}

/// The SHA-256 of the newest entry of each SOP Instance that `destination` was given.
pub(crate) fn delivered_content(
    connection: &Connection,
    destination: &Destination,
    sop_instance_uids: &[Uid],
) -> Result<Vec<Option<[u8; 32]>>, Error> {
    let name = destination.to_string();
    // From the entries of the instance to their deliveries, never through all that the destination has.
    let mut statement = connection.prepare_cached(
        "SELECT e.sha256 FROM entry e INDEXED BY entry_sop CROSS JOIN delivery d \
         WHERE e.sop = ?1 AND d.entry = e.id AND d.state = ?3 \
         AND d.destination = (SELECT id FROM destination WHERE name = ?2) ORDER BY e.id DESC LIMIT 1",
    )?;
    let delivered = changes::number(State::Delivered);
    let newest = sop_instance_uids
        .iter()
        .map(|uid| statement.query_row(params![uid.as_str(), name, delivered], |row| row.get(0)).optional());
    Ok(newest.collect::<Result<_, _>>()?)
}

/// One page, as the index was at one moment: what changes its state meanwhile is on it once.
pub(crate) fn list(
    connection: &Connection,
    filter: &Filter,
    cursor: Option<&Cursor>,
    limit: usize,
) -> Result<Page, Error> {
    let limit = limit.clamp(1, PAGE_LINES_MAX);
    let moment = connection.unchecked_transaction()?;
    let mut lines = if is_by_delivery(filter) {
        lines_of_runs(&moment, filter, cursor, limit + 1)?
    } else {
        lines_of_entries(&moment, filter, cursor, limit + 1)?
    };
    let more = lines.len() > limit;
    lines.truncate(limit);
    let next = if more { lines.last().map(|(cursor, _)| cursor.clone()) } else { None };
    Ok(Page { lines: lines.into_iter().map(|(_, line)| line).collect(), next })
}

/// Whether destination and state are the only things that narrow a list.
fn is_by_delivery(filter: &Filter) -> bool {
    let Filter { patient_id, study_instance_uid, series_instance_uid, sop_instance_uid, .. } = filter;
    let uids = [study_instance_uid, series_instance_uid, sop_instance_uid];
    (filter.state.is_some() || filter.waiting || filter.destination.is_some())
        && patient_id.is_none()
        && uids.iter().all(|uid| uid.is_none())
}

/// A line, and where it stands.
type Standing = (Cursor, Listed);

/// The first lines of the entries that are meant, in the order of their numbers.
fn lines_of_entries(
    connection: &Connection,
    filter: &Filter,
    cursor: Option<&Cursor>,
    limit: usize,
) -> Result<Vec<Standing>, Error> {
    let (clause, values) = conditions(filter, cursor);
    let mut statement = connection.prepare_cached(&list_sql(&clause, limit))?;
    let values: Vec<&dyn ToSql> = values.iter().map(AsRef::as_ref).collect();
    let mut rows = statement.query(values.as_slice())?;
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        lines.push(standing(row)?);
    }
    Ok(lines)
}

/// The same out of the index of states, which has the entries in their order for one destination and one state
/// alone: a run. Each run is read no further than the page needs it, so that a page of the few that are held does
/// not pass all that are due, nor a page of what waits all that is delivered.
fn lines_of_runs(
    connection: &Connection,
    filter: &Filter,
    cursor: Option<&Cursor>,
    limit: usize,
) -> Result<Vec<Standing>, Error> {
    let states: Vec<_> = states(filter).map(changes::number).collect();
    let destinations = destinations(connection, filter.destination.as_ref())?;
    let of_each =
        destinations.iter().flat_map(|destination| states.iter().map(move |state| (destination, state)));
    let of_any = Filter { destination: None, state: None, waiting: false, ..filter.clone() };
    let (clause, values) = conditions(&of_any, cursor);
    let sql = run_sql(&clause, values.len(), limit);
    let prepared = of_each.clone().map(|_| connection.prepare_cached(&sql));
    let mut statements = prepared.collect::<Result<Vec<_>, _>>()?;
    let mut runs = Vec::with_capacity(statements.len());
    for (statement, (destination, state)) in statements.iter_mut().zip(of_each) {
        let values = values.iter().map(AsRef::as_ref).chain([destination as &dyn ToSql, state]);
        let mut rows = statement.query(values.collect::<Vec<_>>().as_slice())?;
        runs.push((rows.next()?.map(standing).transpose()?, rows));
    }
    let mut lines = Vec::new();
    while lines.len() < limit {
        let place = |head: &Option<Standing>| head.as_ref().map(|(at, _)| (at.entry_id, at.destination));
        let left = runs.iter_mut().filter(|(head, _)| head.is_some());
        let Some((head, rows)) = left.min_by_key(|(head, _)| place(head)) else { break };
        lines.extend(std::mem::replace(head, rows.next()?.map(standing).transpose()?));
    }
    Ok(lines)
}

fn states(filter: &Filter) -> impl Iterator<Item = State> + '_ {
    let is_meant = |state: &State| filter.state.is_none_or(|wanted| wanted == *state);
    State::ALL.into_iter().filter(is_meant).filter(|state| !filter.waiting || *state != State::Delivered)
}

fn destinations(connection: &Connection, one: Option<&Destination>) -> Result<Vec<i64>, Error> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM destination WHERE ?1 IS NULL OR name = ?1")?;
    let ids = statement.query_map([one.map(ToString::to_string)], |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

const COLUMNS: &str = "d.entry, d.destination, n.name, d.state, d.attempts, d.due_at, d.reason, e.header, e.trailer, \
                       e.length";

fn list_sql(clause: &str, limit: usize) -> String {
    // From the entries to their deliveries, whatever is asked of these too.
    format!(
        "SELECT {COLUMNS} FROM entry e CROSS JOIN delivery d ON d.entry = e.id \
         CROSS JOIN destination n ON n.id = d.destination \
         WHERE {clause} ORDER BY e.id, d.destination LIMIT {limit}"
    )
}

/// What comes behind `values` others is the destination and the state.
fn run_sql(clause: &str, values: usize, limit: usize) -> String {
    let (destination, state) = (values + 1, values + 2);
    format!(
        "SELECT {COLUMNS} FROM delivery d INDEXED BY delivery_state CROSS JOIN entry e ON e.id = d.entry \
         CROSS JOIN destination n ON n.id = d.destination \
         WHERE {clause} AND d.destination = ?{destination} AND d.state = ?{state} ORDER BY d.entry LIMIT {limit}"
    )
}

fn conditions(filter: &Filter, cursor: Option<&Cursor>) -> (String, Vec<Box<dyn ToSql>>) {
    let mut clause = String::from("1");
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    let mut add = |condition: &str, value: Box<dyn ToSql>| {
        values.push(value);
        clause.push_str(" AND ");
        clause.push_str(&condition.replace('?', &format!("?{}", values.len())));
    };
    if let Some(destination) = &filter.destination {
        add("d.destination = (SELECT id FROM destination WHERE name = ?)", Box::new(destination.to_string()));
    }
    if let Some(state) = filter.state {
        add("d.state = ?", Box::new(changes::number(state)));
    }
    if filter.waiting {
        add("d.state <> ?", Box::new(changes::number(State::Delivered)));
    }
    if let Some(patient) = &filter.patient_id {
        add("e.patient_id = ?", Box::new(changes::trimmed(patient).to_vec()));
    }
    for (column, uid) in [
        ("e.study", &filter.study_instance_uid),
        ("e.series", &filter.series_instance_uid),
        ("e.sop", &filter.sop_instance_uid),
    ] {
        if let Some(uid) = uid {
            add(&format!("{column} = ?"), Box::new(uid.as_str().to_owned()));
        }
    }
    if let Some(since) = filter.since {
        add("e.accepted_at >= ?", Box::new(millis(since)));
    }
    if let Some(until) = filter.until {
        add("e.accepted_at < ?", Box::new(millis(until)));
    }
    if let Some(cursor) = cursor {
        // Whichever of the two tables comes first begins there.
        add("d.entry >= ?", Box::new(signed(cursor.entry_id.0)));
        add("e.id >= ?", Box::new(signed(cursor.entry_id.0)));
        add(
            &format!("(d.entry > {} OR d.destination > ?)", signed(cursor.entry_id.0)),
            Box::new(cursor.destination),
        );
    }
    (clause, values)
}

fn standing(row: &Row<'_>) -> Result<Standing, Error> {
    let line = line(row)?;
    Ok((Cursor { entry_id: line.entry_id, destination: row.get(1)? }, line))
}

fn line(row: &Row<'_>) -> Result<Listed, Error> {
    let entry_id = EntryId(unsigned(row.get(0)?));
    let header: Vec<u8> = row.get(7)?;
    let trailer: Vec<u8> = row.get(8)?;
    let unreadable = || Error::Corrupt { entry_id, what: "its description in the index".into() };
    let header = fields::read_header(&header).ok_or_else(unreadable)?;
    let identity = fields::read_trailer(&trailer).ok_or_else(unreadable)?.identity;
    Ok(Listed {
        entry_id,
        destination: destination(&row.get::<_, String>(2)?),
        state: changes::state(row.get(3)?),
        attempts: row.get(4)?,
        due_at: time(row.get(5)?),
        reason: row.get(6)?,
        calling_ae_title: header.calling_ae_title,
        accepted_at: header.accepted_at,
        sop_class_uid: identity.sop_class_uid,
        sop_instance_uid: identity.sop_instance_uid,
        study_instance_uid: identity.study_instance_uid,
        series_instance_uid: identity.series_instance_uid,
        length: unsigned(row.get(9)?),
    })
}

pub(crate) fn next_due(connection: &Connection, to: &Destination) -> Result<Option<SystemTime>, Error> {
    let due: Option<i64> = connection
        .prepare_cached(
            "SELECT MIN(due_at) FROM delivery INDEXED BY delivery_ready WHERE ready = 1 AND \
             destination = (SELECT id FROM destination WHERE name = ?1)",
        )?
        .query_row([to.to_string()], |row| row.get(0))?;
    Ok(due.map(time))
}

pub(crate) fn gauges(connection: &Connection) -> Result<Vec<Gauge>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT g.destination, n.name, g.state, g.entries, g.bytes, \
         (SELECT e.accepted_at FROM delivery d INDEXED BY delivery_state JOIN entry e ON e.id = d.entry \
          WHERE d.destination = g.destination AND d.state = g.state ORDER BY d.entry LIMIT 1) \
         FROM gauge g JOIN destination n ON n.id = g.destination ORDER BY n.name, g.state",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(Gauge {
            destination: destination(&row.get::<_, String>(1)?),
            state: changes::state(row.get(2)?),
            entries: unsigned(row.get::<_, i64>(3)?.max(0)),
            bytes: unsigned(row.get::<_, i64>(4)?.max(0)),
            oldest_accepted_at: row.get::<_, Option<i64>>(5)?.map(time),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The highest number that an entry or a lease ever had, as far as the index remembers.
pub(crate) fn last_id(connection: &Connection) -> Result<u64, Error> {
    let last: i64 = connection.query_row("SELECT COALESCE(MAX(id), 0) FROM entry", [], |row| row.get(0))?;
    Ok(unsigned(last))
}

/// Entries that stand in a segment and have not ended.
pub(crate) fn entries_of_segment(
    connection: &Connection,
    segment: u64,
) -> Result<Vec<(EntryId, u64)>, Error> {
    let mut statement =
        connection.prepare_cached("SELECT id, start FROM entry WHERE segment = ?1 AND unfinished > 0")?;
    let rows = statement
        .query_map([signed(segment)], |row| Ok((EntryId(unsigned(row.get(0)?)), unsigned(row.get(1)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whether an entry is known.
pub(crate) fn knows(connection: &Connection, entry_id: EntryId) -> Result<bool, Error> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM entry WHERE id = ?1")?;
    Ok(statement.exists([signed(entry_id.0)])?)
}

#[cfg(test)]
mod tests;
