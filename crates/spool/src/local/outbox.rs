//! Calls with side effects, beside the documents.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};
use tokio::sync::watch;

use super::{
    LocalSpool,
    documents::{self, bounded},
    fields::{cut, millis, time},
    index::{signed, unsigned},
};
use crate::{
    Call, CallCount, CallId, CallLease, CallOutcome, CallToken, Error, ListedCall, Outbox, RetrySchedule,
    delivery::TEXT_BYTES_MAX,
    documents::{DOCUMENT_BYTES_MAX, KEY_BYTES_MAX, Write},
};

/// Calls of one lease or list at most.
const CALLS_MAX: usize = 1000;

fn listed(row: &Row<'_>) -> rusqlite::Result<ListedCall> {
    Ok(ListedCall {
        call_id: CallId(unsigned(row.get(0)?)),
        call: Call { kind: row.get(1)?, key: row.get(2)?, body: row.get(3)?, not_before: time(row.get(4)?) },
        attempts: row.get(5)?,
        failed: row.get(6)?,
        reason: row.get(7)?,
    })
}

const LISTED: &str = "id, kind, key, body, due_at, attempts, failed, reason";

/// Whether a call is within the limits.
fn check(call: &Call) -> Result<(), Error> {
    bounded("the call", call.body.len(), DOCUMENT_BYTES_MAX)?;
    bounded("the key of a call", call.key.len().max(call.kind.len()), KEY_BYTES_MAX)
}

fn add(connection: &Connection, call: &Call) -> Result<CallId, Error> {
    connection
        .prepare_cached(
            "INSERT INTO call (kind, key, body, due_at, attempts, fence, failed) VALUES (?1, ?2, ?3, ?4, 0, 0, 0)",
        )?
        .execute(params![call.kind, call.key, call.body, millis(call.not_before)])?;
    Ok(CallId(unsigned(connection.last_insert_rowid())))
}

/// Reads calls of all kinds from behind `after`, without their bodies.
pub(super) fn list(
    connection: &Connection,
    failed: Option<bool>,
    after: Option<CallId>,
    limit: usize,
) -> Result<Vec<ListedCall>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT id, kind, key, x'', due_at, attempts, failed, reason FROM call \
         WHERE id > ?1 AND (?2 IS NULL OR failed = ?2) ORDER BY id LIMIT ?3",
    )?;
    let after = after.map_or(0, |after| signed(after.0));
    let rows = statement.query_map(params![after, failed, limit.min(CALLS_MAX) as i64], listed)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Reads a call.
pub(super) fn get(connection: &Connection, call_id: CallId) -> Result<Option<ListedCall>, Error> {
    let mut statement = connection.prepare_cached(&format!("SELECT {LISTED} FROM call WHERE id = ?1"))?;
    Ok(statement.query_row([signed(call_id.0)], listed).optional()?)
}

fn count(connection: &Connection) -> Result<Vec<CallCount>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT kind, receiver, failed, calls FROM call_count WHERE calls > 0 ORDER BY kind, receiver, failed",
    )?;
    let read = |row: &Row<'_>| {
        let (kind, to, failed) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(CallCount { kind, to, failed, calls: unsigned(row.get(3)?) })
    };
    let rows = statement.query_map([], read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl LocalSpool {
    fn notify_calls(&self) {
        self.shared.documents.notify.send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// Only the first call of a key that was not given up may be made.
const FIRST: &str = "NOT EXISTS (SELECT 1 FROM call e WHERE e.failed = 0 AND e.kind = call.kind \
                     AND e.key = call.key AND e.id < call.id)";

#[async_trait]
impl Outbox for LocalSpool {
    async fn enqueue(&self, call: Call) -> Result<CallId, Error> {
        check(&call)?;
        let call_id = self.shared.documents.transact(move |connection| add(connection, &call)).await?;
        self.notify_calls();
        Ok(call_id)
    }

    async fn put_and_enqueue(&self, document: Write, calls: Vec<Call>) -> Result<u64, Error> {
        documents::check(&document)?;
        calls.iter().try_for_each(check)?;
        let both = move |connection: &Connection| {
            let version = documents::put(connection, &document)?;
            for call in &calls {
                add(connection, call)?;
            }
            Ok(version)
        };
        let version = self.shared.documents.transact(both).await?;
        self.notify_calls();
        Ok(version)
    }

    async fn lease_calls(
        &self,
        kind: &str,
        limit: usize,
        ttl: Duration,
        retry: RetrySchedule,
    ) -> Result<Vec<CallLease>, Error> {
        let kind = kind.to_owned();
        let fence = self.shared.next_id().0;
        let now = SystemTime::now();
        let lease = move |connection: &Connection| {
            let due: Vec<ListedCall> = {
                let mut statement = connection.prepare_cached(&format!(
                    "SELECT {LISTED} FROM call WHERE kind = ?1 AND failed = 0 AND due_at <= ?2 AND {FIRST} \
                     ORDER BY due_at, id LIMIT ?3"
                ))?;
                let rows =
                    statement.query_map(params![kind, millis(now), limit.min(CALLS_MAX) as i64], listed)?;
                rows.collect::<Result<_, _>>()?
            };
            let mut leases = Vec::with_capacity(due.len());
            for call in due {
                let attempts = call.attempts.saturating_add(1);
                // The lease ends with its time or with the next attempt time, whichever is later.
                let due_at = now + ttl.max(retry.after(attempts));
                connection
                    .prepare_cached("UPDATE call SET attempts = ?2, fence = ?3, due_at = ?4 WHERE id = ?1")?
                    .execute(params![signed(call.call_id.0), attempts, signed(fence), millis(due_at)])?;
                let token = CallToken { call_id: call.call_id, fence };
                leases.push(CallLease { token, call: call.call, attempts });
            }
            Ok(leases)
        };
        self.shared.documents.transact(lease).await
    }

    async fn record_call(&self, token: CallToken, outcome: CallOutcome) -> Result<(), Error> {
        let record = move |connection: &Connection| {
            let (id, fence) = (signed(token.call_id.0), signed(token.fence));
            let changed = match outcome {
                CallOutcome::Done => connection
                    .prepare_cached("DELETE FROM call WHERE id = ?1 AND fence = ?2")?
                    .execute([id, fence])?,
                CallOutcome::Deferred { not_before, reason } => connection
                    .prepare_cached(
                        "UPDATE call SET fence = 0, due_at = ?3, reason = ?4 WHERE id = ?1 AND fence = ?2",
                    )?
                    .execute(params![id, fence, millis(not_before), cut(&reason, TEXT_BYTES_MAX)])?,
                CallOutcome::Failed { reason } => connection
                    .prepare_cached(
                        "UPDATE call SET fence = 0, failed = 1, reason = ?3 WHERE id = ?1 AND fence = ?2",
                    )?
                    .execute(params![id, fence, cut(&reason, TEXT_BYTES_MAX)])?,
            };
            if changed == 0 { Err(Error::StaleToken) } else { Ok(()) }
        };
        self.shared.documents.transact(record).await?;
        self.notify_calls();
        Ok(())
    }

    async fn calls(&self, kind: &str, after: Option<CallId>, limit: usize) -> Result<Vec<ListedCall>, Error> {
        let kind = kind.to_owned();
        let after = after.map_or(0, |after| signed(after.0));
        let list = move |connection: &Connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {LISTED} FROM call WHERE kind = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
            ))?;
            let rows = statement.query_map(params![kind, after, limit.min(CALLS_MAX) as i64], listed)?;
            Ok(rows.collect::<Result<_, _>>()?)
        };
        self.shared.documents.transact(list).await
    }

    async fn list_calls(
        &self,
        failed: Option<bool>,
        after: Option<CallId>,
        limit: usize,
    ) -> Result<Vec<ListedCall>, Error> {
        let list = move |connection: &Connection| list(connection, failed, after, limit);
        self.shared.documents.transact(list).await
    }

    async fn call(&self, call_id: CallId) -> Result<Option<ListedCall>, Error> {
        self.shared.documents.transact(move |connection| get(connection, call_id)).await
    }

    async fn first_call(&self, kind: &str, key: &str) -> Result<Option<CallId>, Error> {
        let (kind, key) = (kind.to_owned(), key.to_owned());
        let first = move |connection: &Connection| {
            // Two ways in, since each has an index of its own.
            let first: Option<i64> = connection
                .prepare_cached(
                    "SELECT min(id) FROM (SELECT min(id) AS id FROM call WHERE kind = ?1 AND key = ?2 \
                     AND failed = 0 UNION ALL SELECT min(id) FROM call WHERE kind = ?1 AND key = ?2 AND failed = 1)",
                )?
                .query_row([kind, key], |row| row.get(0))?;
            Ok(first.map(|id| CallId(unsigned(id))))
        };
        self.shared.documents.transact(first).await
    }

    async fn count_calls(&self) -> Result<Vec<CallCount>, Error> {
        self.shared.documents.transact(count).await
    }

    async fn discard_call(&self, call_id: CallId) -> Result<bool, Error> {
        let discard = move |connection: &Connection| {
            let discarded = connection
                .prepare_cached("DELETE FROM call WHERE id = ?1 AND fence = 0")?
                .execute([signed(call_id.0)])?;
            Ok(discarded > 0)
        };
        let discarded = self.shared.documents.transact(discard).await?;
        self.notify_calls();
        Ok(discarded)
    }

    async fn retry_call(&self, call_id: CallId) -> Result<bool, Error> {
        let now = millis(SystemTime::now());
        let retry = move |connection: &Connection| {
            let changed = connection
                .prepare_cached("UPDATE call SET failed = 0, due_at = ?2 WHERE id = ?1 AND fence = 0")?
                .execute(params![signed(call_id.0), now])?;
            Ok(changed > 0)
        };
        let changed = self.shared.documents.transact(retry).await?;
        self.notify_calls();
        Ok(changed)
    }

    async fn next_call_due(&self, kind: &str) -> Result<Option<SystemTime>, Error> {
        let kind = kind.to_owned();
        let next = move |connection: &Connection| {
            let due: Option<i64> = connection
                .prepare_cached(&format!(
                    "SELECT due_at FROM call WHERE kind = ?1 AND failed = 0 AND {FIRST} ORDER BY due_at LIMIT 1"
                ))?
                .query_row([kind], |row| row.get(0))
                .optional()?;
            Ok(due.map(time))
        };
        self.shared.documents.transact(next).await
    }

    fn calls_notified(&self) -> watch::Receiver<u64> {
        self.shared.documents.notify.subscribe()
    }
}
