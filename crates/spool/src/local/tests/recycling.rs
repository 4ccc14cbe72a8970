//! Segments are used again, and nothing of their former lives comes back.

use bytes::Bytes;
use futures::StreamExt;

use super::stage::*;
use crate::local::format::BLOCK;

async fn deliver_all(spool: &LocalSpool) -> usize {
    let mut count = 0;
    loop {
        let leases = lease(spool, "archive", 100).await;
        if leases.is_empty() {
            return count;
        }
        for lease in leases {
            delivered(spool, &lease).await;
            count += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_are_recycled_and_stale_entries_stay_dead() {
    let stage = Stage::new();
    let spool = stage.open();
    let mut last = None;
    for round in 0..12_u64 {
        for number in 0..5 {
            let data = bytes_of(round * 100 + number, 400_000);
            let uid = format!("1.{round}.{number}");
            last = Some(store(&spool, &uid, &data, &["archive"]).await.unwrap().entry_id);
        }
        assert_eq!(deliver_all(&spool).await, 5);
    }
    // 24 MB went through; what is kept is what is open and spare.
    let last = last.unwrap();
    spool.clone().close().unwrap();
    let bytes: u64 = stage
        .segments()
        .iter()
        .map(|path| std::os::unix::fs::MetadataExt::blocks(&path.metadata().unwrap()) * 512)
        .sum();
    let counted = spool.statistics().await.unwrap().disk_bytes;
    assert!(counted.abs_diff(bytes) <= 1 << 20, "{counted} counted, {bytes} there");
    assert!(stage.segments().len() <= 8, "{:?}", stage.segments());
    drop(spool);
    let (spool, report) = stage.open_reported();
    assert_eq!(report.entries_recovered, 0, "{report:?}");
    assert_eq!(states(&spool, last).await, [State::Delivered], "records outlive the bytes");
    assert_eq!(lease(&spool, "archive", 10).await.len(), 0);
    let fresh = store(&spool, "1.99", b"fresh", &["archive"]).await.unwrap().entry_id;
    drop(spool);
    stage.lose_index();
    let (spool, _) = stage.open_reported();
    indexed(&spool).await;
    let lines = spool.list(&Filter::default(), None, 100).await.unwrap().lines;
    assert!(lines.len() < 10, "only what was not recycled is found: {}", lines.len());
    assert!(lines.iter().any(|line| line.entry_id == fresh));
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_larger_than_a_segment_get_one_of_their_own() {
    let stage = Stage::new();
    let spool = stage.open();
    let mut kept = Vec::new();
    // Before it, a small one, so that the large one has to move; and sizes around all bounds.
    for (number, length) in
        [300_000, 900_000, 3 << 20, (1 << 20) - 4096, 5 * BLOCK, 10_000_000].iter().enumerate()
    {
        let data = bytes_of(number as u64, *length);
        let uid = format!("1.2.{number}");
        kept.push((store(&spool, &uid, &data, &["archive"]).await.unwrap().entry_id, data));
    }
    for (entry_id, data) in &kept {
        assert!(read(&spool, *entry_id).await.unwrap() == *data);
    }
    drop(spool);
    stage.lose_index();
    let (spool, report) = stage.open_reported();
    assert_eq!(report.entries_recovered, kept.len() as u64, "{report:?}");
    for (entry_id, data) in &kept {
        assert!(read(&spool, *entry_id).await.unwrap() == *data);
    }
    assert_eq!(deliver_all(&spool).await, kept.len());
    let abandoned = spool.begin(header("1.3")).await;
    abandoned.unwrap().append(Bytes::from(vec![1; 4 << 20])).await.unwrap();
    // The abandoned one may still be written when the spool ends; it is cleared at the next start.
    drop(spool);
    stage.open().close().unwrap();
    let largest = stage.segments().iter().map(|path| path.metadata().unwrap().len()).max();
    assert_eq!(largest, Some(1 << 20), "large segments are deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_keeps_its_bytes() {
    let mut stage = Stage::new();
    stage.spares = 1;
    let spool = stage.open();
    let data = bytes_of(1, 900_000);
    let entry_id = store(&spool, "1.2.3", &data, &["archive"]).await.unwrap().entry_id;
    indexed(&spool).await;
    let mut reading = spool.read(entry_id, 0..900_000);
    let mut got = reading.next().await.unwrap().unwrap().to_vec();
    assert_eq!(deliver_all(&spool).await, 1);
    for number in 0..20 {
        store(&spool, &format!("1.3.{number}"), &bytes_of(number, 700_000), &["archive"]).await.unwrap();
        deliver_all(&spool).await;
    }
    while let Some(chunk) = reading.next().await {
        got.extend_from_slice(&chunk.unwrap());
    }
    assert!(got == data);
}

#[tokio::test(flavor = "multi_thread")]
async fn records_end_with_their_retention() {
    let stage = Stage::new();
    let config = Config { records_max: 10, ..stage.config() };
    let (spool, _) = LocalSpool::open(config).unwrap();
    for number in 0..60 {
        store(&spool, &format!("1.2.{number}"), &bytes_of(number, 200_000), &["archive"]).await.unwrap();
    }
    assert_eq!(deliver_all(&spool).await, 60);
    spool.shared.seal_idle_segments();
    let mut records = 60;
    while records > 10 {
        spool.shared.upkeep.wake();
        tokio::task::yield_now().await;
        records = spool.list(&Filter::default(), None, 100).await.unwrap().lines.len();
    }
    let gauges = spool.statistics().await.unwrap().gauges;
    let kept = gauges.iter().find(|gauge| gauge.state == State::Delivered).unwrap();
    assert_eq!(kept.entries, records as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_commits_share_a_sync_and_none_syncs_twice() {
    let mut stage = Stage::new();
    stage.spares = 4;
    let spool = stage.open();
    let before = spool.statistics().await.unwrap();
    for number in 0..5 {
        store(&spool, &format!("1.2.{number}"), b"data", &["archive"]).await.unwrap();
    }
    let between = spool.statistics().await.unwrap();
    assert_eq!(between.syncs - before.syncs, 5);
    assert_eq!(between.segments_created_late, 0);
    let commits = (0..40).map(|number| {
        let spool = spool.clone();
        tokio::spawn(async move { store(&spool, &format!("1.3.{number}"), b"data", &["archive"]).await })
    });
    for commit in futures::future::join_all(commits).await {
        commit.unwrap().unwrap();
    }
    let after = spool.statistics().await.unwrap();
    // More writers at once than spares may make segments late; what counts is one sync at most for each.
    assert!(after.syncs - between.syncs <= 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_that_end_and_the_upkeep_never_wait_for_each_other() {
    let stage = Stage::new();
    let spool = stage.open();
    let readers: Vec<_> = (0..4)
        .map(|number| {
            let shared = std::sync::Arc::clone(&spool.shared);
            std::thread::spawn(move || {
                // Pauses of all lengths, so that the upkeep falls asleep in between.
                (0..20_000_u32).all(|round| {
                    (0..round % 1000).for_each(|_| std::hint::spin_loop());
                    shared.pin(1000 + number).is_some()
                })
            })
        })
        .collect();
    for reader in readers {
        // Two locks taken in two orders would keep both sides for ever, and the run ends the test.
        assert!(tokio::task::spawn_blocking(|| reader.join().unwrap()).await.unwrap());
    }
    store(&spool, "1.2.3", b"still works", &["archive"]).await.unwrap();
}
