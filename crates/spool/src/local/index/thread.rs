//! The one thread that writes the index.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc, Condvar, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime},
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{
    Changes, NewEntry,
    changes::{Memory, Retired},
};
use crate::{
    Destination, Error,
    local::{Shared, fields, lock},
};

/// Commands that may wait: 1024, a few megabytes at most. Whoever adds one more waits.
const QUEUE: usize = 1024;
/// Commands of one transaction at most.
const BATCH: usize = 256;
/// How often a transaction that failed for want of room is tried again at once.
const TRIES: usize = 3;
/// How long an entry waits for others to share its transaction, while nobody waits for an answer: 25
/// milliseconds, a few CT slices of one association. A transaction for each of them would take as much
/// of a processor as their hashes do.
const GATHER: Duration = Duration::from_millis(25);

/// One thing to do within a transaction.
trait Command: Send {
    /// May be called again where the transaction failed.
    fn apply(&mut self, changes: &mut Changes<'_>) -> Result<(), Error>;
    /// Called once, after the transaction.
    fn finish(self: Box<Self>);
    /// Whether it must survive a power cut when it is answered.
    fn durable(&self) -> bool;
    /// Whether someone waits for the answer.
    fn is_awaited(&self) -> bool;
    /// Called instead, where the transaction failed: gives itself back where it must be done later.
    fn fail(self: Box<Self>, error: Error) -> Option<Box<dyn Command>>;
}

struct Insert(Box<NewEntry>);

impl Command for Insert {
    fn apply(&mut self, changes: &mut Changes<'_>) -> Result<(), Error> {
        changes.insert(&self.0).map(drop)
    }

    fn finish(self: Box<Self>) {}

    fn durable(&self) -> bool {
        false
    }

    fn is_awaited(&self) -> bool {
        false
    }

    fn fail(self: Box<Self>, _: Error) -> Option<Box<dyn Command>> {
        Some(self)
    }
}

struct Ask<F, T> {
    work: F,
    durable: bool,
    answer: Option<Result<T, Error>>,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<F, T> Command for Ask<F, T>
where
    F: FnMut(&mut Changes<'_>) -> Result<T, Error> + Send + 'static,
    T: Send + 'static,
{
    fn apply(&mut self, changes: &mut Changes<'_>) -> Result<(), Error> {
        match (self.work)(changes) {
            Err(error @ (Error::Full { .. } | Error::Index(_) | Error::IndexDamaged(_))) => Err(error),
            answer => {
                self.answer = Some(answer);
                Ok(())
            }
        }
    }

    fn finish(self: Box<Self>) {
        let _ = self.reply.send(self.answer.unwrap_or(Err(Error::Closed)));
    }

    fn durable(&self) -> bool {
        self.durable
    }

    fn is_awaited(&self) -> bool {
        true
    }

    fn fail(self: Box<Self>, error: Error) -> Option<Box<dyn Command>> {
        let _ = self.reply.send(Err(error));
        None
    }
}

/// Where commands are handed in.
pub(crate) struct Handle {
    sender: Mutex<Option<mpsc::Sender<Box<dyn Command>>>>,
    gathering: Arc<Gathering>,
}

/// The thread's wait for more entries, which ends early once someone waits for an answer.
#[derive(Default)]
struct Gathering {
    /// Whether a command that someone waits for was handed in since the last wait.
    awaited: Mutex<bool>,
    changed: Condvar,
}

impl Gathering {
    /// Ends the wait, or the next one where there is none now.
    fn end(&self) {
        *lock(&self.awaited) = true;
        self.changed.notify_all();
    }

    fn wait(&self) {
        let waiting = lock(&self.awaited);
        let waited = self.changed.wait_timeout_while(waiting, GATHER, |awaited| !*awaited);
        let (mut awaited, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *awaited = false;
    }
}

/// Ends the thread.
pub(crate) struct Stop {
    thread: Option<JoinHandle<()>>,
    at_once: Arc<AtomicBool>,
}

impl Handle {
    fn sender(&self) -> Result<mpsc::Sender<Box<dyn Command>>, Error> {
        lock(&self.sender).clone().ok_or(Error::Closed)
    }

    /// Takes no further command; those in the queue are still done.
    pub(crate) fn close(&self) {
        lock(&self.sender).take();
        self.gathering.end();
    }

    /// Adds an entry where the queue has room; gives it back where it has none.
    pub(crate) fn try_insert(&self, entry: Box<NewEntry>) -> Option<Box<NewEntry>> {
        let Ok(sender) = self.sender() else { return Some(entry) };
        match sender.try_reserve() {
            Ok(permit) => {
                permit.send(Box::new(Insert(entry)));
                None
            }
            Err(_) => Some(entry),
        }
    }

    /// Adds an entry; waits where the index is far behind. On blocking threads only.
    pub(crate) fn insert(&self, entry: Box<NewEntry>) {
        let sent = self.sender().map(|sender| sender.blocking_send(Box::new(Insert(entry))));
        if !matches!(sent, Ok(Ok(()))) {
            tracing::warn!("the index is closed; the entry will be found when the spool is opened again");
        }
    }

    /// Does `work` in a transaction.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        durable: bool,
        work: impl FnMut(&mut Changes<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let command = Box::new(Ask { work, durable, answer: None, reply });
        self.sender()?.send(command).await.map_err(|_| Error::Closed)?;
        self.gathering.end();
        answer.await.map_err(|_| Error::Closed)?
    }

    /// The same, on a thread that may block.
    pub(crate) fn ask_blocking<T: Send + 'static>(
        &self,
        durable: bool,
        work: impl FnMut(&mut Changes<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        let command = Box::new(Ask { work, durable, answer: None, reply });
        self.sender()?.blocking_send(command).map_err(|_| Error::Closed)?;
        self.gathering.end();
        answer.blocking_recv().map_err(|_| Error::Closed)?
    }
}

impl Stop {
    /// Waits for the thread, which ends once its queue is empty and all handles are gone; or at once.
    pub(crate) fn stop(&mut self, at_once: bool) {
        self.at_once.store(at_once, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A handle, and what [`start`] needs to serve it.
pub(crate) fn channel() -> (Handle, Inbox) {
    let (sender, receiver) = mpsc::channel(QUEUE);
    let gathering = Arc::new(Gathering::default());
    let inbox = Inbox { receiver, gathering: Arc::clone(&gathering) };
    (Handle { sender: Mutex::new(Some(sender)), gathering }, inbox)
}

pub(crate) struct Inbox {
    receiver: mpsc::Receiver<Box<dyn Command>>,
    gathering: Arc<Gathering>,
}

/// Starts the thread.
pub(crate) fn start(connection: Connection, inbox: Inbox, shared: Weak<Shared>) -> Result<Stop, Error> {
    let at_once = Arc::new(AtomicBool::new(false));
    let thread = Thread {
        connection,
        memory: Memory::default(),
        shared,
        delayed: Vec::new(),
        full: None,
        at_once: Arc::clone(&at_once),
    };
    let thread = std::thread::Builder::new()
        .name("spool-index".into())
        .spawn(move || {
            let shared = Weak::clone(&thread.shared);
            let run = AssertUnwindSafe(|| thread.run(inbox.receiver, &inbox.gathering));
            if std::panic::catch_unwind(run).is_err()
                && let Some(shared) = shared.upgrade()
            {
                // Nothing would be delivered any more, so nothing is accepted either.
                shared.index_failed(&Error::Index("its thread ended by a defect".into()));
            }
        })
        .map_err(Error::Io)?;
    Ok(Stop { thread: Some(thread), at_once })
}

struct Thread {
    connection: Connection,
    memory: Memory,
    shared: Weak<Shared>,
    /// Entries that could not be added, to be tried with the next batch. Bounded, because the intake is
    /// refused while there are any.
    delayed: Vec<Box<dyn Command>>,
    /// Whether transactions are synced at present.
    full: Option<bool>,
    at_once: Arc<AtomicBool>,
}

impl Thread {
    fn run(mut self, mut receiver: mpsc::Receiver<Box<dyn Command>>, gathering: &Gathering) {
        while let Some(first) = receiver.blocking_recv() {
            if !first.is_awaited() {
                gathering.wait();
            }
            if self.at_once.load(Ordering::SeqCst) {
                return;
            }
            let mut batch = std::mem::take(&mut self.delayed);
            batch.push(first);
            while batch.len() < BATCH {
                let Ok(next) = receiver.try_recv() else { break };
                batch.push(next);
            }
            self.transact(batch);
        }
        if !self.at_once.load(Ordering::SeqCst) {
            let _ = self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
        }
    }

    fn transact(&mut self, mut batch: Vec<Box<dyn Command>>) {
        let began = Instant::now();
        let mut result = self.attempt(&mut batch);
        for _ in 1..TRIES {
            if !matches!(result, Err(Error::Full { .. })) {
                break;
            }
            // The disk is full: what was set aside for this moment makes room for the index.
            if let Some(shared) = self.shared.upgrade() {
                shared.give_up_reserve();
            }
            result = self.attempt(&mut batch);
        }
        let commands = batch.len();
        match result {
            Ok(done) => {
                for command in batch {
                    command.finish();
                }
                self.after(done, began, commands);
            }
            Err(error) => self.failed(batch, &error),
        }
    }

    fn attempt(&mut self, batch: &mut [Box<dyn Command>]) -> Result<Done, Error> {
        let durable = batch.iter().any(|command| command.durable());
        if self.full != Some(durable) {
            self.connection.pragma_update(None, "synchronous", if durable { "FULL" } else { "NORMAL" })?;
            self.full = Some(durable);
        }
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let mut changes = Changes::new(&self.connection, &mut self.memory, fields::millis(SystemTime::now()));
        let mut apply = || {
            for command in &mut *batch {
                command.apply(&mut changes)?;
            }
            changes.finish()
        };
        let applied = apply();
        let done = Done {
            retired: std::mem::take(&mut changes.retired),
            became_due: std::mem::take(&mut changes.became_due),
        };
        let committed = applied.and_then(|()| Ok(self.connection.execute_batch("COMMIT")?));
        if let Err(error) = committed {
            let _ = self.connection.execute_batch("ROLLBACK");
            Changes::forget(&mut self.memory);
            return Err(error);
        }
        Ok(done)
    }

    fn after(&self, done: Done, began: Instant, commands: usize) {
        let Some(shared) = self.shared.upgrade() else { return };
        shared.config.observer.indexed(began.elapsed(), commands);
        if !done.became_due.is_empty() {
            shared.notify.send_modify(|counts| {
                for destination in done.became_due {
                    let count = counts.entry(destination).or_default();
                    *count = count.wrapping_add(1);
                }
            });
        }
        if !done.retired.is_empty() {
            let mut pool = lock(&shared.pool);
            done.retired.iter().for_each(|retired| pool.recent.forget(retired.number));
            drop(pool);
            shared.upkeep.recycle(done.retired);
        }
        shared.index_works();
    }

    fn failed(&mut self, batch: Vec<Box<dyn Command>>, error: &Error) {
        tracing::error!(%error, "the index of the spool could not be written");
        if let Some(shared) = self.shared.upgrade() {
            shared.index_failed(error);
        }
        self.delayed.extend(batch.into_iter().filter_map(|command| command.fail(again(error))));
    }
}

struct Done {
    retired: Vec<Retired>,
    became_due: Vec<Destination>,
}

fn again(error: &Error) -> Error {
    match error {
        Error::Full { needed, free } => Error::Full { needed: *needed, free: *free },
        other => Error::Index(other.to_string()),
    }
}
