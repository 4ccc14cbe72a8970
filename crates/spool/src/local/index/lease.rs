//! Leasing what is due, and recording what became of it.

use std::time::Duration;

use rusqlite::{OptionalExtension, params};

use super::{Changes, changes, changes::Row, query, signed, unsigned};
use crate::{
    Error, Lease, LeaseRequest, Leased, Left, Outcome, State, Token,
    delivery::{ATTEMPTS_KEPT_MAX, SHARE_MIN, TEXT_BYTES_MAX},
    local::fields::{cut, millis, time},
};

/// Leases of one request at most.
const LEASES_MAX: usize = 1000;
/// Bytes of an owner that are kept.
const OWNER_BYTES_MAX: usize = 64;

fn after(now: i64, by: Duration) -> i64 {
    now.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX))
}

impl Changes<'_> {
    pub(crate) fn lease(
        &mut self,
        request: &LeaseRequest,
        mut fence: impl FnMut() -> u64,
    ) -> Result<Leased, Error> {
        let destination = self.destination(&request.destination)?;
        let mut leases = Vec::new();
        let mut bytes: u64 = 0;
        for mut row in self.due(destination, request)? {
            bytes = bytes.saturating_add(unsigned(row.length));
            if !leases.is_empty() && bytes > request.bytes_max {
                break;
            }
            let from = row.state;
            let details = match query::entry(self.connection, row.entry) {
                Ok(Some(details)) => details,
                Ok(None) => continue,
                Err(damaged @ Error::Corrupt { .. }) => {
                    row.state = State::Quarantined;
                    row.reason = Some(damaged.to_string());
                    self.change(&row, from)?;
                    continue;
                }
                Err(other) => return Err(other),
            };
            let attempts = u32::try_from(row.attempts.saturating_add(1)).unwrap_or(u32::MAX);
            row.state = State::Delivering;
            row.attempts = i64::from(attempts);
            row.fence = signed(fence());
            row.due_at = after(self.now, request.ttl);
            row.next_attempt_at = after(self.now, request.retry.after(attempts));
            self.change(&row, from)?;
            self.begin_attempt(&row, &request.owner)?;
            leases.push(Lease {
                token: Token {
                    entry_id: details.entry_id,
                    destination: request.destination.clone(),
                    fence: unsigned(row.fence),
                },
                entry: details,
                attempts,
                leased_at: time(self.now),
                expires_at: time(row.due_at),
            });
        }
        let study = leases.last().map(|lease| lease.entry.trailer.identity.study_instance_uid.as_str());
        let left = self.left(destination, request, study.unwrap_or_default())?;
        Ok(Leased { leases, left })
    }

    fn left(&self, destination: i64, request: &LeaseRequest, study: &str) -> Result<Left, Error> {
        let limit = request.entries_max.min(LEASES_MAX) as i64;
        let (due, of_study): (i64, i64) = self
            .connection
            .prepare_cached(
                "SELECT COUNT(*), COALESCE(SUM(study = ?3), 0) FROM (SELECT study FROM delivery INDEXED BY delivery_ready \
                 WHERE destination = ?1 AND ready = 1 AND due_at <= ?2 ORDER BY due_at, entry LIMIT ?4)",
            )?
            .query_row(params![destination, self.now, study, limit], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Left {
            due: usize::try_from(due).unwrap_or(0),
            of_study: usize::try_from(of_study).unwrap_or(0),
            next_due: query::next_due(self.connection, &request.destination)?,
        })
    }

    /// What may be leased, oldest due time first.
    fn due(&self, destination: i64, request: &LeaseRequest) -> Result<Vec<Row>, Error> {
        let limit = self.share(destination, request)?;
        let select = format!("SELECT {} FROM delivery", changes::ROW);
        if !request.same_study {
            let mut statement = self.connection.prepare_cached(&format!(
                "{select} INDEXED BY delivery_ready WHERE destination = ?1 AND ready = 1 AND due_at <= ?2 ORDER BY due_at, entry LIMIT ?3"
            ))?;
            let rows = statement.query_map(params![destination, self.now, limit as i64], changes::row)?;
            return Ok(rows.collect::<Result<_, _>>()?);
        }
        let study: Option<String> = self
            .connection
            .prepare_cached(
                "SELECT study FROM delivery INDEXED BY delivery_ready WHERE destination = ?1 AND ready = 1 AND due_at <= ?2 \
                 ORDER BY due_at, entry LIMIT 1",
            )?
            .query_row([destination, self.now], |row| row.get(0))
            .optional()?;
        let Some(study) = study else { return Ok(Vec::new()) };
        let mut statement = self.connection.prepare_cached(&format!(
            "{select} INDEXED BY delivery_ready_study WHERE destination = ?1 AND ready = 1 AND study = ?2 AND due_at <= ?3 \
             ORDER BY due_at, entry LIMIT ?4"
        ))?;
        let rows = statement.query_map(params![destination, study, self.now, limit as i64], changes::row)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many deliveries one worker is given. Where much is due that is what it asks for. Of a little it has
    /// its share: else the first one would take it all, the others stand idle, and the last instance of
    /// a study waits for all before it, one after the other.
    fn share(&self, destination: i64, request: &LeaseRequest) -> Result<usize, Error> {
        let limit = request.entries_max.min(LEASES_MAX);
        if request.workers <= 1 || limit <= SHARE_MIN {
            return Ok(limit);
        }
        // More than is enough for all need not be counted.
        let enough = limit.saturating_mul(request.workers).min(LEASES_MAX);
        let due: i64 = self
            .connection
            .prepare_cached(
                "SELECT COUNT(*) FROM (SELECT 1 FROM delivery INDEXED BY delivery_ready \
                 WHERE destination = ?1 AND ready = 1 AND due_at <= ?2 LIMIT ?3)",
            )?
            .query_row(params![destination, self.now, enough as i64], |row| row.get(0))?;
        let share = usize::try_from(due).unwrap_or(enough).div_ceil(request.workers);
        Ok(share.clamp(SHARE_MIN, limit))
    }

    fn begin_attempt(&self, row: &Row, owner: &str) -> Result<(), Error> {
        let number = self
            .connection
            .prepare_cached(
                "INSERT INTO attempt (entry, destination, number, fence, started_at, owner) \
                 SELECT ?1, ?2, COALESCE(MAX(number), 0) + 1, ?3, ?4, ?5 FROM attempt \
                 WHERE entry = ?1 AND destination = ?2 RETURNING number",
            )?
            .query_row(
                params![row.entry, row.destination, row.fence, self.now, cut(owner, OWNER_BYTES_MAX)],
                |row| row.get(0),
            )?;
        self.prune_attempts(row, number)
    }

    /// Forgets attempts that are too old to be kept, once there are so many.
    fn prune_attempts(&self, row: &Row, number: i64) -> Result<(), Error> {
        if number <= ATTEMPTS_KEPT_MAX as i64 {
            return Ok(());
        }
        self.connection
            .prepare_cached("DELETE FROM attempt WHERE entry = ?1 AND destination = ?2 AND number <= ?3")?
            .execute(params![row.entry, row.destination, number - ATTEMPTS_KEPT_MAX as i64])?;
        Ok(())
    }

    /// Notes what a person decided among the attempts.
    pub(super) fn note(&self, row: &Row, words: &str) -> Result<(), Error> {
        let number = self
            .connection
            .prepare_cached(
                "INSERT INTO attempt (entry, destination, number, fence, started_at, ended_at, owner, outcome) \
                 SELECT ?1, ?2, COALESCE(MAX(number), 0) + 1, 0, ?3, ?3, 'operator', ?4 FROM attempt \
                 WHERE entry = ?1 AND destination = ?2 RETURNING number",
            )?
            .query_row(
                params![row.entry, row.destination, self.now, cut(words, TEXT_BYTES_MAX)],
                |row| row.get(0),
            )?;
        self.prune_attempts(row, number)
    }

    fn end_attempt(&self, row: &Row, outcome: &str) -> Result<(), Error> {
        self.connection
            .prepare_cached(
                "UPDATE attempt SET ended_at = ?4, outcome = ?5 WHERE entry = ?1 AND destination = ?2 AND fence = ?3",
            )?
            .execute(params![row.entry, row.destination, row.fence, self.now, cut(outcome, TEXT_BYTES_MAX)])?;
        Ok(())
    }

    /// The delivery that a token was given for, while no later lease of it was given.
    fn leased(&mut self, token: &Token) -> Result<Row, Error> {
        let destination = self.destination(&token.destination)?;
        let row = self.delivery(signed(token.entry_id.0), destination)?;
        row.filter(|row| unsigned(row.fence) == token.fence).ok_or(Error::StaleToken)
    }

    pub(crate) fn renew(&mut self, token: &Token, ttl: Duration) -> Result<(), Error> {
        let mut row = self.leased(token)?;
        if row.state != State::Delivering {
            return Err(Error::StaleToken);
        }
        row.due_at = after(self.now, ttl);
        self.change(&row, State::Delivering)
    }

    pub(crate) fn record(&mut self, token: &Token, outcome: &Outcome) -> Result<(), Error> {
        let mut row = self.leased(token)?;
        let from = row.state;
        let held_meanwhile = from == State::Held && matches!(outcome, Outcome::Delivered { .. });
        if from != State::Delivering && !held_meanwhile {
            return Err(Error::StaleToken);
        }
        let text = |text: &str| Some(cut(text, TEXT_BYTES_MAX).to_owned());
        let words = match outcome {
            Outcome::Delivered { answer } => {
                row.state = State::Delivered;
                row.delivered_at = Some(self.now);
                row.reason = text(answer);
                format!("delivered: {answer}")
            }
            Outcome::Deferred { not_before, reason } => {
                row.state = State::Deferred;
                row.due_at = millis(*not_before);
                row.reason = text(reason);
                format!("deferred: {reason}")
            }
            Outcome::Held { reason } => {
                row.state = State::Held;
                row.reason = text(&reason.to_string());
                format!("held: {reason}")
            }
            Outcome::Quarantined { reason } => {
                row.state = State::Quarantined;
                row.reason = text(reason);
                format!("quarantined: {reason}")
            }
            Outcome::Released { not_before, reason } => {
                self.connection
                    .prepare_cached(
                        "DELETE FROM attempt WHERE entry = ?1 AND destination = ?2 AND fence = ?3",
                    )?
                    .execute([row.entry, row.destination, row.fence])?;
                row.state = if row.attempts > 1 { State::Deferred } else { State::Due };
                row.attempts -= 1;
                if let Some(reason) = reason {
                    row.reason = text(reason);
                }
                row.due_at = millis(*not_before);
                row.next_attempt_at = row.due_at;
                String::new()
            }
        };
        if !words.is_empty() {
            self.end_attempt(&row, &words)?;
        }
        row.fence = 0;
        self.change(&row, from)
    }

    /// Records one outcome after the other. One that comes too late leaves the others as they are; where the
    /// index fails, none is recorded.
    pub(crate) fn record_all(
        &mut self,
        outcomes: &[(Token, Outcome)],
    ) -> Result<Vec<Result<(), Error>>, Error> {
        let each = outcomes.iter().map(|(token, outcome)| match self.record(token, outcome) {
            late @ Err(Error::StaleToken) => Ok(late),
            recorded => recorded.map(Ok),
        });
        each.collect()
    }

    /// After a restart: what was under way waits for the next attempt time that its lease committed.
    pub(crate) fn interrupt_all(&mut self) -> Result<u64, Error> {
        let rows: Vec<Row> = {
            let mut statement = self.connection.prepare(&format!(
                "SELECT {} FROM delivery INDEXED BY delivery_leased WHERE state = 1",
                changes::ROW
            ))?;
            let rows = statement.query_map([], changes::row)?;
            rows.collect::<Result<_, _>>()?
        };
        let interrupted = rows.len() as u64;
        for mut row in rows {
            self.end_attempt(&row, "interrupted: the spool was closed before an outcome was recorded")?;
            row.state = State::Deferred;
            row.due_at = row.next_attempt_at;
            row.fence = 0;
            row.reason = Some("interrupted; the outcome is unknown".into());
            self.change(&row, State::Delivering)?;
        }
        Ok(interrupted)
    }
}
