//! What is done beside the way of an instance: spare segments are written, finished ones recycled or
//! deleted, records purged, a refused intake probed.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant, SystemTime},
};

use super::{
    Shared, fields,
    format::{PREWRITTEN, SegmentHeader},
    index::Retired,
    lock, recovery, segment,
    segment::Segment,
};
use crate::Error;

/// What is to be done; bounded by the number of segments.
#[derive(Default)]
pub(crate) struct Upkeep {
    tasks: Mutex<Tasks>,
    wake: Condvar,
}

#[derive(Default)]
struct Tasks {
    seals: VecDeque<(SegmentHeader, bool)>,
    recycle: VecDeque<Retired>,
    woken: bool,
    stop: bool,
    at_once: bool,
}

impl Upkeep {
    /// Something changed: look at the spares.
    pub(crate) fn wake(&self) {
        lock(&self.tasks).woken = true;
        self.wake.notify_one();
    }

    /// Tells the index that a segment is sealed.
    pub(crate) fn seal(&self, header: SegmentHeader, poisoned: bool) {
        lock(&self.tasks).seals.push_back((header, poisoned));
        self.wake.notify_one();
    }

    /// Recycles segments that nothing needs, as soon as no one reads them.
    pub(crate) fn recycle(&self, retired: Vec<Retired>) {
        let mut tasks = lock(&self.tasks);
        tasks.recycle.extend(retired);
        tasks.woken = true;
        drop(tasks);
        self.wake.notify_one();
    }

    pub(crate) fn stop(&self, at_once: bool) {
        let mut tasks = lock(&self.tasks);
        tasks.stop = true;
        tasks.at_once = at_once;
        drop(tasks);
        self.wake.notify_one();
    }
}

/// Starts the thread.
pub(crate) fn start(shared: Arc<Shared>) -> Result<JoinHandle<()>, Error> {
    std::thread::Builder::new().name("spool-upkeep".into()).spawn(move || run(&shared)).map_err(Error::Io)
}

fn run(shared: &Arc<Shared>) {
    let mut last_tick = Instant::now();
    let mut unsealed: Vec<(SegmentHeader, bool)> = Vec::new();
    loop {
        let (seals, recycle, stop, at_once) = wait(shared);
        if at_once {
            return;
        }
        for (header, poisoned) in std::mem::take(&mut unsealed).into_iter().chain(seals) {
            let told = shared.index.ask_blocking(true, move |changes| changes.seal(&header, poisoned));
            if let Err(error) = told {
                // An open segment keeps what is finished in it, so it is sealed when the index works
                // again; one that is open at the end is read at the next start.
                tracing::debug!(segment = header.number, %error, "a segment could not be sealed yet");
                unsealed.push((header, poisoned));
            }
        }
        for retired in recycle {
            if !shared.begin_recycling(retired.number) {
                lock(&shared.upkeep.tasks).recycle.push_back(retired);
                continue;
            }
            if let Err(error) = recycle_one(shared, retired) {
                tracing::warn!(segment = retired.number, %error, "a finished segment could not be recycled");
            }
            shared.end_recycling(retired.number);
        }
        if stop {
            return;
        }
        fill_spares(shared);
        let tick = last_tick.elapsed() >= shared.config.probe_interval;
        if tick {
            last_tick = Instant::now();
            shared.nudge_index();
            if shared.counters.calm_for() >= CALM {
                shared.trim_idle_segments();
            }
            purge(shared);
            shared.restore_reserve();
        }
        if tick || shared.is_refused_for_room() {
            shared.probe_if_refused();
        }
    }
}

fn wait(shared: &Shared) -> (VecDeque<(SegmentHeader, bool)>, VecDeque<Retired>, bool, bool) {
    let upkeep = &shared.upkeep;
    // The pool is looked at before the tasks are locked: no one holds both locks at once.
    let spares = lock(&shared.pool).spares.len();
    let mut tasks = lock(&upkeep.tasks);
    // Segments that someone still reads are tried again with the next wake-up.
    if tasks.seals.is_empty() && !tasks.woken && !tasks.stop {
        let patience =
            if spares < shared.config.spare_segments { CALM } else { shared.config.probe_interval };
        let waited = upkeep.wake.wait_timeout(tasks, patience.min(shared.config.probe_interval));
        tasks = waited.unwrap_or_else(PoisonError::into_inner).0;
    }
    tasks.woken = false;
    (std::mem::take(&mut tasks.seals), std::mem::take(&mut tasks.recycle), tasks.stop, tasks.at_once)
}

fn recycle_one(shared: &Shared, retired: Retired) -> Result<(), Error> {
    let path = segment::path(&shared.segments, retired.number);
    let wanted = {
        let pool = lock(&shared.pool);
        !retired.poisoned && pool.spares.len() < shared.config.spare_segments
    };
    if wanted && let Some(spare) = renew(shared, &path, retired.number)? {
        lock(&shared.pool).spares.push(Arc::new(spare));
        return Ok(());
    }
    delete(shared, retired.number)
}

/// Gives a segment a new generation, so that nothing written before counts; `None` where the segment
/// is not fit to be a spare.
pub(crate) fn renew(shared: &Shared, path: &std::path::Path, number: u64) -> Result<Option<Segment>, Error> {
    let file = shared.disk.open(path)?;
    let mut page = [0; 4096];
    std::os::unix::fs::FileExt::read_exact_at(&file, &mut page, 0)?;
    let bytes = shared.config.segment_bytes;
    let fit = matches!(SegmentHeader::read(&page), Ok(Some(header)) if header.is(PREWRITTEN) && header.bytes == bytes)
        && file.metadata()?.len() == bytes;
    if !fit {
        return Ok(None);
    }
    let header = SegmentHeader {
        number,
        generation: shared.next_id().0,
        nonce: super::nonce(),
        flags: PREWRITTEN,
        bytes,
    };
    shared.disk.write_at(&file, &header.write(), 0)?;
    // Synced before the first entry: a torn header can only meet a segment that holds nothing.
    shared.disk.sync(&file)?;
    Ok(Some(Segment::new(header, file)))
}

/// Deletes a segment that nothing needs. The index forgets it last, so that a name that comes back
/// after a power cut is known to be retired.
fn delete(shared: &Shared, number: u64) -> Result<(), Error> {
    let path = segment::path(&shared.segments, number);
    let bytes = std::fs::metadata(&path).map_or(0, |metadata| recovery::bytes_on_disk(&metadata));
    shared.disk.remove(&path)?;
    shared.disk.sync_directory(&shared.segments)?;
    {
        let mut pool = lock(&shared.pool);
        pool.disk_bytes = pool.disk_bytes.saturating_sub(bytes);
        pool.files = pool.files.saturating_sub(1);
    }
    shared.index.ask_blocking(false, move |changes| changes.forget_segment(number))
}

/// How long no instance must have been committed before spares are written at leisure: 1 s. Writing them
/// competes for disk and processor with a study that is arriving, and with its delivery, which gives most of
/// its segments back as spares anyway.
const CALM: Duration = Duration::from_secs(1);

/// Whether a spare is to be written now: in a calm moment, or when they run out.
fn wants_spare(shared: &Shared) -> bool {
    let (spares, wanted) = (lock(&shared.pool).spares.len(), shared.config.spare_segments);
    let urgent = spares <= wanted / 4;
    spares < wanted && !shared.is_refused() && (urgent || shared.counters.calm_for() >= CALM)
}

fn fill_spares(shared: &Shared) {
    while wants_spare(shared) {
        match shared.create_segment(PREWRITTEN, shared.config.segment_bytes) {
            Ok(spare) => lock(&shared.pool).spares.push(spare),
            Err(error) => {
                tracing::debug!(%error, "no spare segment could be written");
                return;
            }
        }
        if lock(&shared.upkeep.tasks).stop {
            return;
        }
    }
}

/// Steps of one tick at most: 50, ten thousand records.
const PURGE_STEPS: usize = 50;

fn purge(shared: &Shared) {
    let before = SystemTime::now().checked_sub(shared.config.record_retention).map_or(0, fields::millis);
    let records_max = shared.config.records_max;
    for _ in 0..PURGE_STEPS {
        match shared.index.ask_blocking(false, move |changes| changes.purge(before, records_max)) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}
