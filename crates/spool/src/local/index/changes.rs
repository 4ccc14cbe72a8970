//! Changes within one transaction: entries added, deliveries moved, gauges kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rusqlite::{Connection, OptionalExtension, params};

use super::{NewEntry, signed};
use crate::{Destination, EntryId, Error, State, local::fields};

/// What the writing thread remembers between transactions.
#[derive(Default)]
pub(crate) struct Memory {
    destinations: HashMap<String, i64>,
}

/// The changes of one transaction. Dropped without [`Changes::finish`] they are forgotten.
pub(crate) struct Changes<'a> {
    pub(super) connection: &'a Connection,
    memory: &'a mut Memory,
    gauges: BTreeMap<(i64, u8), (i64, i64)>,
    /// Segments that may have become free of needed entries.
    pub(super) touched: Vec<u64>,
    /// Segments that nothing needs any more, once the transaction is durable.
    pub(crate) retired: Vec<Retired>,
    /// Destinations to which something became due, by their numbers.
    due_to: BTreeSet<i64>,
    /// The same, by their names, once the changes are finished.
    pub(crate) became_due: Vec<Destination>,
    pub(crate) now: i64,
}

/// A segment that nothing needs any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retired {
    pub(crate) number: u64,
    /// A write or sync of it failed once: it is never written again.
    pub(crate) poisoned: bool,
}

/// A delivery as it stands.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) entry: i64,
    pub(crate) destination: i64,
    pub(crate) sop: String,
    pub(crate) length: i64,
    pub(crate) state: State,
    pub(crate) due_at: i64,
    pub(crate) next_attempt_at: i64,
    pub(crate) attempts: i64,
    pub(crate) fence: i64,
    pub(crate) reason: Option<String>,
    pub(crate) delivered_at: Option<i64>,
}

pub(crate) const fn number(state: State) -> u8 {
    match state {
        State::Due => 0,
        State::Delivering => 1,
        State::Deferred => 2,
        State::Delivered => 3,
        State::Held => 4,
        State::Quarantined => 5,
    }
}

pub(crate) fn state(number: i64) -> State {
    usize::try_from(number).ok().and_then(|at| State::ALL.get(at).copied()).unwrap_or(State::Held)
}

pub(crate) const ROW: &str = "entry, destination, sop, length, state, due_at, next_attempt_at, attempts, fence, \
                              reason, delivered_at";

pub(crate) fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        entry: row.get(0)?,
        destination: row.get(1)?,
        sop: row.get(2)?,
        length: row.get(3)?,
        state: state(row.get(4)?),
        due_at: row.get(5)?,
        next_attempt_at: row.get(6)?,
        attempts: row.get(7)?,
        fence: row.get(8)?,
        reason: row.get(9)?,
        delivered_at: row.get(10)?,
    })
}

impl<'a> Changes<'a> {
    pub(super) fn new(connection: &'a Connection, memory: &'a mut Memory, now: i64) -> Self {
        Self {
            connection,
            memory,
            gauges: BTreeMap::new(),
            touched: Vec::new(),
            retired: Vec::new(),
            due_to: BTreeSet::new(),
            became_due: Vec::new(),
            now,
        }
    }

    /// The number of a destination, made where it is new.
    pub(crate) fn destination(&mut self, destination: &Destination) -> Result<i64, Error> {
        let name = destination.to_string();
        if let Some(id) = self.memory.destinations.get(&name) {
            return Ok(*id);
        }
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO destination (name) VALUES (?1)")?
            .execute([&name])?;
        let id = self
            .connection
            .prepare_cached("SELECT id FROM destination WHERE name = ?1")?
            .query_row([&name], |row| row.get(0))?;
        // Names come from configuration and operators; should there be endless ones, the table is
        // asked instead.
        if self.memory.destinations.len() < 4096 {
            self.memory.destinations.insert(name, id);
        }
        Ok(id)
    }

    pub(crate) fn forget(memory: &mut Memory) {
        memory.destinations.clear();
    }

    fn gauge(&mut self, destination: i64, state: u8, entries: i64, bytes: i64) {
        let gauge = self.gauges.entry((destination, state)).or_default();
        gauge.0 += entries;
        gauge.1 += bytes;
    }

    /// Adds an entry and its deliveries; nothing where it is known already.
    pub(crate) fn insert(&mut self, new: &NewEntry) -> Result<bool, Error> {
        let trailer = &new.trailer;
        let patient = trailer.attribute(instance::Tag::PATIENT_ID).map(trimmed).filter(|id| !id.is_empty());
        let added = self
            .connection
            .prepare_cached(
                "INSERT OR IGNORE INTO entry (id, segment, start, header_bytes, nonce, length, sha256, accepted_at, \
                 patient_id, study, series, sop, header, trailer, unfinished) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
            )?
            .execute(params![
                signed(new.entry_id.0),
                signed(new.segment.number),
                signed(new.offset),
                signed(new.header_bytes),
                signed(new.nonce),
                signed(new.length),
                new.sha256.as_slice(),
                fields::millis(new.accepted_at),
                patient,
                trailer.identity.study_instance_uid.as_str(),
                trailer.identity.series_instance_uid.as_str(),
                trailer.identity.sop_instance_uid.as_str(),
                new.header_fields,
                new.trailer_fields,
                0,
            ])?;
        if added == 0 {
            return Ok(false);
        }
        self.know_segment(&new.segment)?;
        // Without a delivery it counts as finished; its first one takes that back.
        self.gauge(-1, 3, 1, signed(new.length));
        let mut destinations = Vec::with_capacity(trailer.destinations.len());
        for destination in &trailer.destinations {
            let id = self.destination(destination)?;
            if !destinations.contains(&id) {
                destinations.push(id);
            }
        }
        let held = trailer.held.as_ref().map(ToString::to_string);
        let (state, reason) = match (&new.damaged, held) {
            (Some(what), _) => (State::Quarantined, Some(what.clone())),
            (None, Some(reason)) => (State::Held, Some(reason)),
            (None, None) if destinations.is_empty() => (State::Held, Some("no destination".to_owned())),
            (None, None) => (State::Due, None),
        };
        if destinations.is_empty() {
            destinations.push(0);
        }
        for destination in destinations {
            self.add_delivery(new.entry_id, destination, state, reason.as_deref())?;
        }
        Ok(true)
    }

    /// Adds a delivery of an entry whose bytes are kept.
    pub(crate) fn add_delivery(
        &mut self,
        entry_id: EntryId,
        destination: i64,
        state: State,
        reason: Option<&str>,
    ) -> Result<(), Error> {
        let id = signed(entry_id.0);
        self.connection
            .prepare_cached(
                "INSERT INTO delivery (entry, destination, sop, study, length, state, ready, due_at, next_attempt_at, \
                 attempts, fence, reason) \
                 SELECT id, ?2, sop, study, length, ?3, 0, ?4, ?4, 0, 0, ?5 FROM entry WHERE id = ?1",
            )?
            .execute(params![id, destination, number(state), self.now, reason])?;
        let (length, sop): (i64, String) = self
            .connection
            .prepare_cached("SELECT length, sop FROM entry WHERE id = ?1")?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        self.gauge(destination, number(state), 1, length);
        if state != State::Delivered {
            self.count_unfinished(id, 1)?;
        }
        self.advance(&sop, destination)
    }

    /// The delivery of an entry to a destination.
    pub(crate) fn delivery(&self, entry: i64, destination: i64) -> Result<Option<Row>, Error> {
        let mut statement = self
            .connection
            .prepare_cached(&format!("SELECT {ROW} FROM delivery WHERE entry = ?1 AND destination = ?2"))?;
        Ok(statement.query_row([entry, destination], row).optional()?)
    }

    /// All deliveries of an entry.
    pub(crate) fn deliveries_of(&self, entry_id: EntryId) -> Result<Vec<Row>, Error> {
        let mut statement =
            self.connection.prepare_cached(&format!("SELECT {ROW} FROM delivery WHERE entry = ?1"))?;
        let rows = statement.query_map([signed(entry_id.0)], row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Writes a delivery that was in state `from`, and what follows from its new state.
    pub(crate) fn change(&mut self, row: &Row, from: State) -> Result<(), Error> {
        self.connection
            .prepare_cached(
                "UPDATE delivery SET state = ?3, ready = ready AND ?3 < 3, due_at = ?4, next_attempt_at = ?5, \
                 attempts = ?6, fence = ?7, reason = ?8, delivered_at = ?9 WHERE entry = ?1 AND destination = ?2",
            )?
            .execute(params![
                row.entry,
                row.destination,
                number(row.state),
                row.due_at,
                row.next_attempt_at,
                row.attempts,
                row.fence,
                row.reason,
                row.delivered_at,
            ])?;
        self.gauge(row.destination, number(from), -1, -row.length);
        self.gauge(row.destination, number(row.state), 1, row.length);
        match (from == State::Delivered, row.state == State::Delivered) {
            (false, true) => self.count_unfinished(row.entry, -1)?,
            (true, false) => self.count_unfinished(row.entry, 1)?,
            _ => {}
        }
        self.advance(&row.sop, row.destination)
    }

    /// Ends a delivery without a record of its own.
    pub(crate) fn remove(&mut self, row: &Row) -> Result<(), Error> {
        self.connection
            .prepare_cached("DELETE FROM delivery WHERE entry = ?1 AND destination = ?2")?
            .execute([row.entry, row.destination])?;
        self.gauge(row.destination, number(row.state), -1, -row.length);
        if row.state != State::Delivered {
            self.count_unfinished(row.entry, -1)?;
        }
        self.advance(&row.sop, row.destination)
    }

    /// Makes the oldest pending delivery of a SOP Instance to a destination the one that may be leased,
    /// unless another is under way.
    ///
    /// SQLite is told which index to use: without statistics it would choose one whose entries grow
    /// with the backlog.
    fn advance(&mut self, sop: &str, destination: i64) -> Result<(), Error> {
        let front: Option<(i64, i64)> = self
            .connection
            .prepare_cached(
                "SELECT entry, state FROM delivery INDEXED BY delivery_front WHERE ready = 1 AND sop = ?1 AND destination = ?2",
            )?
            .query_row(params![sop, destination], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        if front.is_some_and(|(_, state)| state == i64::from(number(State::Delivering))) {
            return Ok(());
        }
        let oldest: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT MIN(entry) FROM delivery INDEXED BY delivery_pending WHERE state < 3 AND sop = ?1 AND destination = ?2",
            )?
            .query_row(params![sop, destination], |row| row.get(0))?;
        if oldest.is_some() {
            self.due_to.insert(destination);
        }
        if oldest == front.map(|(entry, _)| entry) {
            return Ok(());
        }
        let mut mark = self
            .connection
            .prepare_cached("UPDATE delivery SET ready = ?3 WHERE entry = ?1 AND destination = ?2")?;
        if let Some((entry, _)) = front {
            mark.execute(params![entry, destination, 0])?;
        }
        if let Some(entry) = oldest {
            mark.execute(params![entry, destination, 1])?;
        }
        Ok(())
    }

    /// Counts deliveries of an entry that have not ended, and what that means for its segment.
    fn count_unfinished(&mut self, entry: i64, by: i64) -> Result<(), Error> {
        let (unfinished, segment, length): (i64, Option<i64>, i64) = self
            .connection
            .prepare_cached(
                "UPDATE entry SET unfinished = unfinished + ?2, \
                 finished_at = CASE WHEN unfinished + ?2 = 0 THEN ?3 END WHERE id = ?1 \
                 RETURNING unfinished, segment, length",
            )?
            .query_row([entry, by, self.now], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let crossed = match (by, unfinished) {
            (-1, 0) => -1,
            (1, 1) => 1,
            _ => return Ok(()),
        };
        self.gauge(-1, 3, -crossed, -crossed * length);
        if let Some(segment) = segment {
            self.count_live(segment, crossed)?;
        }
        Ok(())
    }

    /// Forgets the count of a record that is purged.
    pub(super) fn uncount_record(&mut self, length: i64) {
        self.gauge(-1, 3, -1, -length);
    }

    pub(super) fn uncount_delivery(&mut self, destination: i64, state: u8, length: i64) {
        self.gauge(destination, state, -1, -length);
    }

    /// Retires segments, names what became due where, and writes the gauges; the last step of a transaction.
    pub(crate) fn finish(&mut self) -> Result<(), Error> {
        self.retire_touched()?;
        for destination in std::mem::take(&mut self.due_to) {
            let name: Option<String> = self
                .connection
                .prepare_cached("SELECT name FROM destination WHERE id = ?1")?
                .query_row([destination], |row| row.get(0))
                .optional()?;
            // Number 0 stands for none.
            self.became_due.extend(name.and_then(|name| name.parse().ok()));
        }
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO gauge (destination, state, entries, bytes) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT DO UPDATE SET entries = entries + ?3, bytes = bytes + ?4",
        )?;
        for ((destination, state), (entries, bytes)) in std::mem::take(&mut self.gauges) {
            statement.execute(params![destination, state, entries, bytes])?;
        }
        Ok(())
    }
}

/// A value without its padding.
pub(crate) fn trimmed(value: &[u8]) -> &[u8] {
    let value = value.trim_ascii();
    let end = value.iter().rposition(|byte| !matches!(byte, 0 | b' ')).map_or(0, |last| last + 1);
    &value[..end]
}
