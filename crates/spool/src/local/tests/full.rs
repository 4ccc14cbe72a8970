//! A disk that is full, or fails.

use std::{sync::atomic::Ordering::SeqCst, time::Duration};

use bytes::Bytes;

use super::stage::*;

const MEBIBYTE: i64 = 1024 * 1024;

/// Stores until the spool is full; what was committed before.
async fn fill(spool: &LocalSpool) -> Vec<(EntryId, Vec<u8>)> {
    let mut kept = Vec::new();
    for number in 0..200_u64 {
        let data = bytes_of(number, 300_000);
        match store(spool, &format!("1.2.{number}"), &data, &["archive"]).await {
            Ok(committed) => kept.push((committed.entry_id, data)),
            Err(Error::Full { .. }) => return kept,
            Err(other) => panic!("{other}"),
        }
    }
    panic!("the disk never was full");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_and_still_drains() {
    let stage = Stage::new();
    stage.disk.faults.limit(6 * MEBIBYTE);
    let spool = stage.open();
    let kept = fill(&spool).await;
    assert!(kept.len() >= 6, "{} were taken", kept.len());
    assert!(spool.statistics().await.unwrap().intake_refused.is_some());
    for (entry_id, data) in &kept {
        assert!(read(&spool, *entry_id).await.unwrap() == *data);
    }
    let mut drained = 0;
    while drained < kept.len() {
        for lease in lease(&spool, "archive", 100).await {
            delivered(&spool, &lease).await;
            drained += 1;
        }
    }
    // Recycling and the probe run in the background; commits succeed as soon as they are through.
    loop {
        match store(&spool, "1.9", b"again", &["archive"]).await {
            Ok(_) => break,
            Err(Error::Full { .. }) => tokio::task::yield_now().await,
            Err(other) => panic!("{other}"),
        }
    }
}

/// What is written to a file without a name is gone with the process: it must not be acknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn a_segment_that_was_removed_takes_nothing() {
    let stage = Stage::new();
    let spool = stage.open();
    store(&spool, "1.2.1", b"before", &["archive"]).await.unwrap();
    for segment in stage.segments() {
        std::fs::remove_file(segment).unwrap();
    }
    let failed = store(&spool, "1.2.2", b"after", &["archive"]).await;
    assert!(matches!(failed, Err(Error::Io(_))), "{failed:?}");
    assert!(spool.statistics().await.unwrap().intake_refused.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_fails_its_entries_and_its_segment() {
    let stage = Stage::new();
    let spool = stage.open();
    let before = store(&spool, "1.2.1", b"before", &["archive"]).await.unwrap().entry_id;
    stage.disk.faults.syncs_fail.store(true, SeqCst);
    let failed = store(&spool, "1.2.2", b"failed", &["archive"]).await;
    assert!(matches!(failed, Err(Error::Io(_))), "{failed:?}");
    let Err(refused) = spool.begin(header("1.2.3")).await else { panic!("no probe has succeeded") };
    assert!(matches!(refused, Error::Refused(_)), "there is room: {refused}");
    stage.disk.faults.syncs_fail.store(false, SeqCst);
    let after = loop {
        match store(&spool, "1.2.4", b"after", &["archive"]).await {
            Ok(committed) => break committed.entry_id,
            Err(Error::Refused(_)) => tokio::task::yield_now().await,
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(read(&spool, before).await.unwrap(), b"before");
    let place = |entry_id| {
        spool
            .shared
            .query(|connection| crate::local::index::query::location(connection, entry_id))
            .unwrap()
            .segment
    };
    indexed(&spool).await;
    assert_ne!(place(before), place(after), "a segment that failed is not written again");
    drop(spool);
    stage.lose_index();
    let spool = stage.open();
    indexed(&spool).await;
    let lines = spool.list(&Filter::default(), None, 10).await.unwrap().lines;
    assert_eq!(lines.iter().map(|line| line.entry_id).collect::<Vec<_>>(), [before, after]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_write_is_full_and_parallel_objects_all_get_an_answer() {
    let stage = Stage::new();
    stage.disk.faults.limit(8 * MEBIBYTE);
    let spool = stage.open();
    let mut tasks = Vec::new();
    for number in 0..20_u64 {
        let spool = spool.clone();
        tasks.push(tokio::spawn(async move {
            let data = bytes_of(number, 900_000);
            let mut taken = Vec::new();
            for turn in 0..5 {
                match store(&spool, &format!("1.{number}.{turn}"), &data, &["archive"]).await {
                    Ok(committed) => taken.push(committed),
                    Err(Error::Full { .. }) => return (taken, data, true),
                    Err(other) => panic!("{other}"),
                }
            }
            (taken, data, false)
        }));
    }
    let mut refused = 0;
    for task in tasks {
        let (taken, data, full) = task.await.unwrap();
        refused += usize::from(full);
        for committed in taken {
            assert!(read(&spool, committed.entry_id).await.unwrap() == data);
        }
    }
    assert!(refused > 0, "the disk never was full");
    stage.disk.faults.limit(-1);
    stage.disk.faults.writes_fail.store(true, SeqCst);
    let mut writer = loop {
        match spool.begin(header("1.2.3")).await {
            Ok(writer) => break writer,
            Err(_) => {
                // The probe fails as well while writes do; it is let through once.
                stage.disk.faults.writes_fail.store(false, SeqCst);
                tokio::task::yield_now().await;
            }
        }
    };
    stage.disk.faults.writes_fail.store(true, SeqCst);
    writer.append(Bytes::from_static(b"data")).await.unwrap();
    let failed = writer.commit(trailer("1.2.3", &["archive"])).await;
    assert!(matches!(failed, Err(Error::Full { .. })), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_minimum_of_free_bytes_is_left() {
    let mut stage = Stage::new();
    stage.minimum_free = 3 * MEBIBYTE as u64;
    stage.disk.faults.limit(8 * MEBIBYTE);
    let spool = stage.open();
    fill(&spool).await;
    let large = {
        let mut writer = spool.begin(header("1.2.3")).await;
        match &mut writer {
            Ok(writer) => writer.append(Bytes::from(vec![0; 3 << 20])).await,
            Err(_) => Ok(()),
        }
    };
    assert!(matches!(large, Ok(()) | Err(Error::Full { .. })), "{large:?}");
    assert!(spool.statistics().await.unwrap().free_bytes >= 2 * MEBIBYTE as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_that_could_not_be_sealed_is_sealed_once_the_index_works() {
    let stage = Stage::new();
    let spool = stage.open();
    let entry_id = store(&spool, "1.2.1", b"data", &["archive"]).await.unwrap().entry_id;
    let lease = lease_one(&spool, "archive").await;
    delivered(&spool, &lease).await;
    let index = rusqlite::Connection::open(stage.path().join("index.sqlite")).unwrap();
    index.busy_timeout(Duration::from_secs(30)).unwrap();
    index
        .execute_batch(
            "CREATE TRIGGER fails BEFORE UPDATE ON segment WHEN NEW.state = 1 \
             BEGIN SELECT RAISE(ABORT, 'no room'); END",
        )
        .unwrap();
    spool.shared.seal_idle_segments();
    while spool.statistics().await.unwrap().intake_refused.is_none() {
        tokio::task::yield_now().await;
    }
    index.execute_batch("DROP TRIGGER fails").unwrap();
    let recycled = async {
        while spool.show(entry_id).await.unwrap().payload_kept {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), recycled).await.expect("its room is given back");
}
