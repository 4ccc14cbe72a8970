//! Lines of the log on their way to whoever reads them, for whom nothing else ever waits.

use prometheus::IntCounter;
use std::{
    io::{self, Write},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tracing_subscriber::fmt::MakeWriter;

/// Bytes of lines that wait for the reader; as many again may be on their way to it. Unit: bytes. Default:
/// 1 MiB, some 4,000 lines: a collector that restarts misses nothing at level info, and the memory does not count
/// beside the rest. What does not fit is lost, and counted.
const WAITING_BYTES_MAX: usize = 1 << 20;

/// Wait for the reader at the end of the program. Unit: time. Default: 1 s, which a reader that reads at all
/// does not need, and which is little beside the grace period of a service.
const END_MAX: Duration = Duration::from_secs(1);

/// Takes lines and returns at once; a thread of its own writes them.
#[derive(Clone)]
pub(crate) struct Lines(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue>,
    /// Told when lines came, and when all were written.
    changed: Condvar,
    bytes_max: usize,
}

/// What waits. The lock is held to copy a line or to swap the buffer, never while anything is written.
#[derive(Default)]
struct Queue {
    bytes: Vec<u8>,
    lines: u64,
    is_writing: bool,
    lost: Lost,
}

#[derive(Default)]
struct Lost {
    total: u64,
    /// How many of them the log itself has told.
    told: u64,
    metric: Option<IntCounter>,
}

impl Lost {
    fn add(&mut self, lines: u64) {
        self.total += lines;
        if let Some(metric) = &self.metric {
            metric.inc_by(lines);
        }
    }
}

/// Waits for what was logged when it is dropped, for a limited time.
pub(crate) struct LinesGuard(Lines);

impl Lines {
    /// Begins to write to standard error.
    ///
    /// # Errors
    /// No thread can be started.
    pub(super) fn to_standard_error() -> io::Result<(Self, LinesGuard)> {
        Self::to(io::stderr(), WAITING_BYTES_MAX)
    }

    fn to(reader: impl Write + Send + 'static, bytes_max: usize) -> io::Result<(Self, LinesGuard)> {
        let shared = Shared { queue: Mutex::default(), changed: Condvar::new(), bytes_max };
        let lines = Self(Arc::new(shared));
        let writing = Arc::clone(&lines.0);
        // Never joined: it may wait for a reader that does not read, and ends with the program.
        std::thread::Builder::new().name("log".to_owned()).spawn(move || writing.write_to(reader))?;
        Ok((lines.clone(), LinesGuard(lines)))
    }

    /// Counts what is lost, and what was lost before, in `metric`.
    pub(crate) fn count_lost(&self, metric: IntCounter) {
        let mut queue = self.0.queue();
        metric.inc_by(queue.lost.total);
        queue.lost.metric = Some(metric);
    }

    /// Waits until all that was logged is written, or not a line longer than `limit`. False where some is left.
    pub(super) fn flush(&self, limit: Duration) -> bool {
        let busy = |queue: &mut Queue| queue.is_writing || !queue.bytes.is_empty();
        let waited = self.0.changed.wait_timeout_while(self.0.queue(), limit, busy);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }
}

impl Drop for LinesGuard {
    fn drop(&mut self) {
        self.0.flush(END_MAX);
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Whoever panicked beside it left a queue that can be used: each change is a single step.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a whole line, or loses it where the reader is too far behind.
    fn take(&self, line: &[u8]) {
        let mut queue = self.queue();
        if queue.bytes.len() + line.len() > self.bytes_max {
            queue.lost.add(1);
            return;
        }
        queue.bytes.extend_from_slice(line);
        queue.lines += 1;
        drop(queue);
        self.changed.notify_all();
    }

    fn write_to(&self, mut reader: impl Write) {
        let mut batch = Vec::new();
        loop {
            batch.clear();
            let lines = self.next(&mut batch);
            let written = reader.write_all(&batch).and_then(|()| reader.flush());
            if let Some(lost) = self.written(lines, written.is_ok()) {
                // One more line: what stands in the log before and after it does not follow on each other.
                tracing::warn!(lines = lost, "lines of the log were lost, its reader does not keep up");
            }
        }
    }

    /// Waits for lines and takes all that are there; how many they are.
    fn next(&self, batch: &mut Vec<u8>) -> u64 {
        let empty = |queue: &mut Queue| queue.bytes.is_empty();
        let waited = self.changed.wait_while(self.queue(), empty);
        let mut queue = waited.unwrap_or_else(PoisonError::into_inner);
        queue.is_writing = true;
        std::mem::swap(&mut queue.bytes, batch);
        std::mem::take(&mut queue.lines)
    }

    /// How many lines were lost that the log should tell of, now that its reader takes some.
    fn written(&self, lines: u64, is_read: bool) -> Option<u64> {
        let mut queue = self.queue();
        queue.is_writing = false;
        if !is_read {
            queue.lost.add(lines);
        }
        let untold = queue.lost.total - queue.lost.told;
        if is_read {
            queue.lost.told = queue.lost.total;
        }
        drop(queue);
        self.changed.notify_all();
        // Of a reader that is gone nobody needs to be told, least of all through it.
        (is_read && untold > 0).then_some(untold)
    }
}

impl Write for &Lines {
    /// Takes one whole line, as the layer of the log writes them.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.take(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = &'a Self;

    fn make_writer(&'a self) -> Self::Writer {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, PipeReader, pipe};

    /// More than a pipe holds.
    static LINE: [u8; 100_000] = [b'x'; 100_000];

    fn to_pipe(bytes_max: usize) -> (Lines, PipeReader) {
        let (reader, writer) = pipe().unwrap();
        let (lines, guard) = Lines::to(writer, bytes_max).unwrap();
        // Only its wait is of interest, and tested by itself.
        std::mem::forget(guard);
        (lines, reader)
    }

    fn log(mut lines: &Lines, line: &[u8]) {
        lines.write_all(line).unwrap();
    }

    fn lost(lines: &Lines) -> u64 {
        lines.0.queue().lost.total
    }

    #[test]
    fn lines_are_written_in_their_order_and_at_once() {
        let (lines, reader) = to_pipe(1 << 10);
        let mut reader = BufReader::new(reader).lines();
        for number in 0..100 {
            log(&lines, format!("{number}\n").as_bytes());
            assert_eq!(reader.next().unwrap().unwrap(), number.to_string());
        }
        assert!(lines.flush(Duration::MAX));
        assert_eq!(lost(&lines), 0);
    }

    #[test]
    fn a_reader_that_does_not_read_costs_lines_and_nothing_else() {
        let (lines, reader) = to_pipe(LINE.len());
        for _ in 0..10 {
            log(&lines, &LINE);
        }
        // One may be on its way and one waits.
        assert!((8..=9).contains(&lost(&lines)), "{}", lost(&lines));
        assert!(lines.0.queue().bytes.capacity() <= 2 * LINE.len());
        assert!(!lines.flush(Duration::from_millis(1)), "the end waits for a limited time");

        let metric = IntCounter::new("lost", "lines").unwrap();
        lines.count_lost(metric.clone());
        assert_eq!(metric.get(), lost(&lines), "what was lost before is counted too");
        log(&lines, &LINE);
        log(&lines, &LINE);
        assert!(metric.get() >= 9, "{}", metric.get());
        assert_eq!(metric.get(), lost(&lines));

        let reading = std::thread::spawn(move || {
            let mut reader = reader;
            io::copy(&mut reader, &mut io::sink())
        });
        assert!(lines.flush(Duration::MAX), "once it reads, all that waited is written");
        let told = lines.0.queue().lost.told;
        assert_eq!(told, lost(&lines), "and the log tells what is missing");
        drop(reading);
    }

    #[test]
    fn without_a_reader_all_lines_are_lost_and_counted() {
        let (lines, reader) = to_pipe(1 << 10);
        drop(reader);
        for _ in 0..10 {
            log(&lines, b"nobody reads this\n");
        }
        assert!(lines.flush(Duration::MAX));
        assert_eq!(lost(&lines), 10);
        assert_eq!(lines.0.queue().lost.told, 0);
    }
}
