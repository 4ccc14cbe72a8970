//! What the index knows of segments.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Changes, changes::Retired, signed, unsigned};
use crate::{Error, local::format::SegmentHeader};

/// How far a segment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SegmentState {
    /// There may be entries in it that the index does not know.
    Open,
    /// The index knows all its entries.
    Sealed,
    /// Nothing in it is needed.
    Retired,
}

/// A segment as the index knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SegmentRow {
    pub(crate) number: u64,
    pub(crate) generation: u64,
    pub(crate) nonce: u64,
    pub(crate) state: SegmentState,
    pub(crate) poisoned: bool,
}

impl Changes<'_> {
    /// Keeps a segment for a person to look at, whatever becomes of the entries that can be read.
    pub(crate) fn set_aside(&mut self, header: &SegmentHeader) -> Result<(), Error> {
        self.know_segment(header)?;
        self.count_live(signed(header.number), 1)
    }
}

/// Everything the index knows of segments; as many rows as files.
pub(crate) fn all(connection: &Connection) -> Result<Vec<SegmentRow>, Error> {
    let mut statement = connection
        .prepare("SELECT number, generation, nonce, state, poisoned FROM segment ORDER BY number")?;
    let rows = statement.query_map([], |row| {
        Ok(SegmentRow {
            number: unsigned(row.get(0)?),
            generation: unsigned(row.get(1)?),
            nonce: unsigned(row.get(2)?),
            state: match row.get::<_, i64>(3)? {
                0 => SegmentState::Open,
                1 => SegmentState::Sealed,
                _ => SegmentState::Retired,
            },
            poisoned: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl Changes<'_> {
    /// Takes note of a segment that has an entry; one of an earlier generation is forgotten.
    pub(super) fn know_segment(&self, header: &SegmentHeader) -> Result<(), Error> {
        self.connection
            .prepare_cached(
                "INSERT INTO segment (number, generation, nonce, state, live, poisoned) VALUES (?1, ?2, ?3, 0, 0, 0) \
                 ON CONFLICT (number) DO UPDATE SET generation = ?2, nonce = ?3, state = 0, live = 0, poisoned = 0 \
                 WHERE generation <> ?2",
            )?
            .execute([signed(header.number), signed(header.generation), signed(header.nonce)])?;
        Ok(())
    }

    pub(super) fn count_live(&mut self, segment: i64, by: i64) -> Result<(), Error> {
        self.connection
            .prepare_cached("UPDATE segment SET live = live + ?2 WHERE number = ?1")?
            .execute([segment, by])?;
        self.touched.push(unsigned(segment));
        Ok(())
    }

    /// No entry will be added to a segment any more.
    pub(crate) fn seal(&mut self, header: &SegmentHeader, poisoned: bool) -> Result<(), Error> {
        self.know_segment(header)?;
        self.connection
            .prepare_cached(
                "UPDATE segment SET state = 1, poisoned = poisoned OR ?2 WHERE number = ?1 AND state = 0",
            )?
            .execute(params![signed(header.number), poisoned])?;
        self.touched.push(header.number);
        Ok(())
    }

    /// Retires the segments of this transaction that hold nothing that is needed.
    pub(super) fn retire_touched(&mut self) -> Result<(), Error> {
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        touched.dedup();
        for number in touched {
            let poisoned: Option<bool> = self
                .connection
                .prepare_cached("UPDATE segment SET state = 2 WHERE number = ?1 AND state = 1 AND live = 0 RETURNING poisoned")?
                .query_row([signed(number)], |row| row.get(0))
                .optional()?;
            if let Some(poisoned) = poisoned {
                self.connection
                    .prepare_cached("UPDATE entry SET segment = NULL WHERE segment = ?1")?
                    .execute([signed(number)])?;
                self.retired.push(Retired { number, poisoned });
            }
        }
        Ok(())
    }

    /// Forgets a segment whose file is gone for good.
    pub(crate) fn forget_segment(&self, number: u64) -> Result<(), Error> {
        self.connection
            .prepare_cached("DELETE FROM segment WHERE number = ?1 AND state = 2")?
            .execute([signed(number)])?;
        Ok(())
    }
}
