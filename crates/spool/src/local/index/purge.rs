//! Delivery records end with their retention time, in small steps.

use rusqlite::{OptionalExtension, params};

use super::Changes;
use crate::Error;

/// Records that one step removes at most, so that a step takes milliseconds.
pub(crate) const STEP: usize = 200;

impl Changes<'_> {
    /// Removes the oldest records that finished before `before`, or that are more than `records_max`;
    /// returns how many.
    pub(crate) fn purge(&mut self, before: i64, records_max: u64) -> Result<usize, Error> {
        let kept: i64 = self
            .connection
            .prepare_cached("SELECT entries FROM gauge WHERE destination = -1 AND state = 3")?
            .query_row([], |row| row.get(0))
            .optional()?
            .unwrap_or(0);
        let over = kept.saturating_sub(i64::try_from(records_max).unwrap_or(i64::MAX)).clamp(0, STEP as i64);
        let records: Vec<(i64, i64)> = {
            let mut statement = self.connection.prepare_cached(
                "SELECT id, length FROM (SELECT id, length, finished_at FROM entry INDEXED BY entry_record \
                 WHERE segment IS NULL AND finished_at IS NOT NULL ORDER BY finished_at LIMIT ?2) \
                 WHERE finished_at < ?1 \
                 UNION SELECT id, length FROM (SELECT id, length FROM entry INDEXED BY entry_record \
                 WHERE segment IS NULL AND finished_at IS NOT NULL ORDER BY finished_at LIMIT ?3)",
            )?;
            let rows = statement
                .query_map(params![before, STEP as i64, over], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<Result<_, _>>()?
        };
        for (id, length) in &records {
            let deliveries: Vec<(i64, u8)> = {
                let mut statement = self
                    .connection
                    .prepare_cached("SELECT destination, state FROM delivery WHERE entry = ?1")?;
                let rows = statement.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
                rows.collect::<Result<_, _>>()?
            };
            for (destination, state) in deliveries {
                self.uncount_delivery(destination, state, *length);
            }
            for table in ["delivery", "attempt"] {
                self.connection
                    .prepare_cached(&format!("DELETE FROM {table} WHERE entry = ?1"))?
                    .execute([id])?;
            }
            self.connection.prepare_cached("DELETE FROM entry WHERE id = ?1")?.execute([id])?;
            self.uncount_record(*length);
        }
        Ok(records.len())
    }
}
