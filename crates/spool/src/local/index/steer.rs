//! What a person may do with deliveries.

use rusqlite::{OptionalExtension, params};

use super::{Changes, changes, changes::Row, signed};
use crate::{Destination, EntryId, Error, HeldReason, State};

impl Changes<'_> {
    /// The deliveries of an entry, or its one delivery to `destination`.
    fn chosen(&self, entry_id: EntryId, destination: Option<&Destination>) -> Result<Vec<Row>, Error> {
        let mut statement = self.connection.prepare_cached(&format!(
            "SELECT {} FROM delivery WHERE entry = ?1 AND \
             (?2 IS NULL OR destination = (SELECT id FROM destination WHERE name = ?2)) ORDER BY destination",
            changes::ROW
        ))?;
        let name = destination.map(ToString::to_string);
        let rows: Vec<Row> = statement
            .query_map(params![signed(entry_id.0), name], changes::row)?
            .collect::<Result<_, _>>()?;
        let known = !rows.is_empty() || (destination.is_none() && self.payload_kept(entry_id)?.is_some());
        if known { Ok(rows) } else { Err(Error::NotFound(entry_id)) }
    }

    /// Whether the bytes of an entry are kept; `None` where there is no such entry.
    fn payload_kept(&self, entry_id: EntryId) -> Result<Option<bool>, Error> {
        let mut statement =
            self.connection.prepare_cached("SELECT segment IS NOT NULL FROM entry WHERE id = ?1")?;
        Ok(statement.query_row([signed(entry_id.0)], |row| row.get(0)).optional()?)
    }

    fn make_due(&mut self, mut row: Row, words: &str) -> Result<(), Error> {
        let from = row.state;
        row.state = State::Due;
        row.due_at = self.now;
        row.next_attempt_at = self.now;
        row.fence = 0;
        self.note(&row, words)?;
        self.change(&row, from)
    }

    pub(crate) fn retry(&mut self, entry_id: EntryId, to: Option<&Destination>) -> Result<usize, Error> {
        let allowed =
            |row: &Row| matches!(row.state, State::Due | State::Deferred | State::Held | State::Quarantined);
        self.make_all_due(entry_id, to, allowed, "made due by hand")
    }

    pub(crate) fn release(&mut self, entry_id: EntryId, to: Option<&Destination>) -> Result<usize, Error> {
        self.make_all_due(entry_id, to, |row| row.state == State::Held, "released by hand")
    }

    fn make_all_due(
        &mut self,
        entry_id: EntryId,
        to: Option<&Destination>,
        allowed: impl Fn(&Row) -> bool,
        words: &str,
    ) -> Result<usize, Error> {
        let rows = self.chosen(entry_id, to)?;
        // Destination 0 is none: there is nowhere to deliver to before a reroute.
        let rows: Vec<Row> = rows.into_iter().filter(|row| row.destination != 0 && allowed(row)).collect();
        if !rows.is_empty() && self.payload_kept(entry_id)? != Some(true) {
            return Err(Error::PayloadGone(entry_id));
        }
        let changed = rows.len();
        for row in rows {
            self.make_due(row, words)?;
        }
        Ok(changed)
    }

    pub(crate) fn hold(
        &mut self,
        entry_id: EntryId,
        to: Option<&Destination>,
        reason: &HeldReason,
    ) -> Result<usize, Error> {
        let mut changed = 0;
        for mut row in self.chosen(entry_id, to)? {
            if !row.state.is_pending() {
                continue;
            }
            let from = row.state;
            row.state = State::Held;
            row.reason = Some(reason.to_string());
            self.note(&row, &format!("held: {reason}"))?;
            // The fence stays, so that an attempt that is under way may still be recorded as Delivered.
            self.change(&row, from)?;
            changed += 1;
        }
        Ok(changed)
    }

    pub(crate) fn discard(&mut self, entry_id: EntryId, to: Option<&Destination>) -> Result<usize, Error> {
        let mut changed = 0;
        for row in self.chosen(entry_id, to)? {
            if row.state != State::Delivered {
                self.note(&row, "discarded by hand")?;
                self.remove(&row)?;
                changed += 1;
            }
        }
        Ok(changed)
    }

    pub(crate) fn reroute(
        &mut self,
        entry_id: EntryId,
        from: Option<&Destination>,
        to: &Destination,
    ) -> Result<usize, Error> {
        let rows = self.chosen(entry_id, from)?;
        if self.payload_kept(entry_id)? != Some(true) {
            return Err(Error::PayloadGone(entry_id));
        }
        let destination = self.destination(to)?;
        let mut changed = 0;
        for row in
            rows.into_iter().filter(|row| row.state != State::Delivered && row.destination != destination)
        {
            self.note(&row, &format!("rerouted to {to} by hand"))?;
            self.remove(&row)?;
            changed += 1;
        }
        match self.delivery(signed(entry_id.0), destination)? {
            Some(row) if matches!(row.state, State::Held | State::Quarantined | State::Deferred) => {
                self.make_due(row, "made due by a reroute")?;
                changed += 1;
            }
            Some(_) => {}
            None => {
                self.add_delivery(entry_id, destination, State::Due, None)?;
                changed = changed.max(1);
            }
        }
        Ok(changed)
    }
}
