//! The power is cut: what no sync had covered is there, or not, or in part.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use proptest::prelude::*;

use super::stage::*;

/// What a writer was answered: number of the entry, seed and length of its bytes.
type Acknowledged = Arc<Mutex<Vec<(EntryId, u64, usize)>>>;

async fn store_until_the_cut(
    spool: LocalSpool,
    writer: u64,
    acknowledged: Acknowledged,
    count: Arc<AtomicUsize>,
) {
    for turn in 0..1000_u64 {
        let seed = writer * 1000 + turn;
        let length = [3000, 270_000, 20_000, 600_000, 1_200_000][(seed % 5) as usize];
        match store(&spool, &format!("1.{writer}.{turn}"), &bytes_of(seed, length), &["archive"]).await {
            Ok(committed) => {
                acknowledged.lock().unwrap().push((committed.entry_id, seed, length));
                count.fetch_add(1, SeqCst);
            }
            Err(_) => return,
        }
    }
}

async fn cut(after: usize, chances: Vec<u64>, lose_index: bool) {
    let mut stage = Stage::new();
    stage.disk.faults.watch_power();
    let spool = stage.open();
    let acknowledged = Acknowledged::default();
    let count = Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            tokio::spawn(store_until_the_cut(spool.clone(), writer, acknowledged.clone(), count.clone()))
        })
        .collect();
    while count.load(SeqCst) < after {
        for lease in lease(&spool, "archive", 3).await {
            delivered(&spool, &lease).await;
        }
        tokio::task::yield_now().await;
    }
    stage.disk.faults.cut_power();
    for writer in writers {
        writer.await.unwrap();
    }
    drop(spool);
    let faults = Arc::clone(&stage.disk.faults);
    stage.disk = Disk::default();
    // The lock is free once the last write of the old spool has ended.
    let unlocked = std::fs::File::open(stage.path().join("lock")).unwrap();
    while !stage.disk.lock(&unlocked).unwrap() {
        tokio::task::yield_now().await;
    }
    let mut chances = chances.into_iter().cycle();
    faults.forget_unsynced(|| chances.next().unwrap_or(0));
    drop(unlocked);
    if lose_index {
        stage.lose_index();
    }
    let spool = stage.open();
    indexed(&spool).await;
    let acknowledged = std::mem::take(&mut *acknowledged.lock().unwrap());
    let mut due = 0;
    for (entry_id, seed, length) in &acknowledged {
        let details = match spool.show(*entry_id).await {
            Ok(details) => details,
            // Delivered and recycled, and with the index its record is gone.
            Err(Error::NotFound(_)) if lose_index => continue,
            Err(other) => panic!("{entry_id} was acknowledged: {other}"),
        };
        let state = details.deliveries[0].state;
        assert!(state.is_pending() || state == State::Delivered, "{entry_id} is {state}");
        if state.is_pending() {
            due += 1;
            assert!(read(&spool, *entry_id).await.unwrap() == bytes_of(*seed, *length), "{entry_id}");
        }
    }
    let lines = spool.list(&Filter::default(), None, 1000).await.unwrap().lines;
    for line in lines.iter().filter(|line| line.state.is_pending()) {
        let uid = line.sop_instance_uid.as_str();
        let mut numbers = uid.split('.').skip(1).map(|number| number.parse::<u64>().unwrap());
        let seed = numbers.next().unwrap() * 1000 + numbers.next().unwrap();
        match read(&spool, line.entry_id).await {
            Ok(bytes) => assert!(bytes == bytes_of(seed, bytes.len()), "{uid}"),
            // Never acknowledged, and with a lost index not verified before it is read.
            Err(Error::Corrupt { .. }) => {
                assert!(acknowledged.iter().all(|(known, ..)| *known != line.entry_id), "{uid}");
            }
            Err(other) => panic!("{uid}: {other}"),
        }
    }
    assert!(due <= lines.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_acknowledged_is_lost(
        after in 1..60_usize,
        chances in proptest::collection::vec(any::<u64>(), 1..50),
        lose_index in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        runtime.block_on(cut(after, chances, lose_index));
    }
}
