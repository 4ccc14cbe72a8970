//! Bytes that changed, files that were cut, an index that is gone.

use std::{fs::OpenOptions, os::unix::fs::FileExt, path::Path};

use super::stage::*;
use crate::{Listed, local::ReadOnlySpool, local::format::BLOCK};

/// Inverts one byte of a file.
fn flip(path: &Path, at: u64) {
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[!byte[0]], at).unwrap();
}

/// The segment that holds entries: the one with an entry's header at its first place.
fn used_segment(stage: &Stage) -> std::path::PathBuf {
    let used = |path: &std::path::PathBuf| {
        let mut magic = [0; 8];
        let file = std::fs::File::open(path).unwrap();
        file.read_exact_at(&mut magic, 4096).unwrap();
        &magic == b"DWENTRY1"
    };
    stage.segments().into_iter().find(used).unwrap()
}

async fn all(spool: &LocalSpool) -> Vec<Listed> {
    indexed(spool).await;
    spool.list(&Filter::default(), None, 1000).await.unwrap().lines
}

/// Offsets that cover every kind of byte of the first entry: all of the headers, some of the payload.
fn offsets(length: usize) -> Vec<u64> {
    let header = 4096..4096 + 400;
    let payload = (8192..8192 + length as u64).step_by(37_777);
    let footer = 8192 + BLOCK as u64 - 32..8192 + BLOCK as u64;
    let tail = 8192 + BLOCK as u64..8192 + BLOCK as u64 + 500;
    header.step_by(7).chain(payload).chain(footer).chain(tail.step_by(5)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_byte_is_never_delivered() {
    let data = bytes_of(1, BLOCK + 3000);
    let neighbour = bytes_of(2, 5000);
    for with_index in [false, true] {
        let stage = Stage::new();
        let spool = stage.open();
        let first = store(&spool, "1.2.3", &data, &["archive"]).await.unwrap();
        let second = store(&spool, "1.2.4", &neighbour, &["archive"]).await.unwrap();
        indexed(&spool).await;
        spool.close().unwrap();
        let segment = used_segment(&stage);
        for at in offsets(data.len()) {
            flip(&segment, at);
            if !with_index {
                stage.lose_index();
            }
            let spool = stage.open();
            let lines = all(&spool).await;
            for line in lines.iter().filter(|line| line.state != State::Quarantined) {
                let expected = if line.entry_id == first.entry_id { &data } else { &neighbour };
                match read(&spool, line.entry_id).await {
                    Ok(bytes) => assert!(bytes == *expected, "byte {at}"),
                    Err(Error::Corrupt { .. }) => assert_eq!(line.entry_id, first.entry_id, "byte {at}"),
                    Err(other) => panic!("byte {at}: {other}"),
                }
            }
            let kept = lines.iter().find(|line| line.entry_id == second.entry_id).map(|line| line.state);
            assert_eq!(kept, Some(State::Due), "byte {at}: the neighbour is whole");
            spool.close().unwrap();
            flip(&segment, at);
        }
        if !with_index {
            stage.lose_index();
        }
        let spool = stage.open();
        assert_eq!(read(&spool, first.entry_id).await.unwrap(), data);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_its_checksum_before_the_index_knew_it_is_quarantined() {
    let stage = Stage::new();
    let spool = stage.open();
    let first = store(&spool, "1.2.3", &bytes_of(1, BLOCK + 3000), &["archive"]).await.unwrap();
    indexed(&spool).await;
    drop(spool);
    let segment = used_segment(&stage);
    // The index forgets the entry, as if it had never come so far, but it is no lost index.
    let connection = rusqlite::Connection::open(stage.path().join("index.sqlite")).unwrap();
    connection
        .execute_batch("DELETE FROM entry; DELETE FROM delivery; DELETE FROM segment; DELETE FROM gauge")
        .unwrap();
    drop(connection);
    flip(&segment, 8192 + 1000);
    let (spool, report) = stage.open_reported();
    assert_eq!((report.entries_quarantined, report.index_rebuilt), (1, false), "{report:?}");
    assert_eq!(states(&spool, first.entry_id).await, [State::Quarantined]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_cut_anywhere_gives_back_what_is_whole() {
    let stage = Stage::new();
    let spool = stage.open();
    let mut kept = Vec::new();
    for number in 0..6_u64 {
        let data = bytes_of(number, 3 * BLOCK / 5 * (number as usize % 3));
        kept.push((store(&spool, &format!("1.2.{number}"), &data, &["archive"]).await.unwrap(), data));
    }
    indexed(&spool).await;
    spool.close().unwrap();
    let segments: Vec<_> =
        stage.segments().into_iter().map(|path| (std::fs::read(&path).unwrap(), path)).collect();
    let length = segments[0].0.len();
    let mut found_before = kept.len();
    for cut in (0..=length).rev().step_by(BLOCK / 4) {
        for (bytes, path) in &segments {
            std::fs::write(path, &bytes[..cut]).unwrap();
        }
        stage.lose_index();
        let spool = stage.open();
        let lines = all(&spool).await;
        for line in &lines {
            let (_, data) = kept.iter().find(|(one, _)| one.entry_id == line.entry_id).unwrap();
            assert!(read(&spool, line.entry_id).await.unwrap() == *data, "cut at {cut}");
        }
        assert!(lines.len() <= found_before, "cut at {cut}");
        found_before = lines.len();
        drop(spool);
    }
    assert_eq!(found_before, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn states_are_read_from_an_index_that_lags_and_from_none() {
    let stage = Stage::new();
    let spool = stage.open();
    let done = store(&spool, "1.2.3", b"done", &["archive", "second"]).await.unwrap().entry_id;
    let lease = lease_one(&spool, "archive").await;
    delivered(&spool, &lease).await;
    let mut unrouted = trailer("1.2.4", &[]);
    unrouted.held = Some(HeldReason::Unrouted);
    let mut writer = spool.begin(header("1.2.4")).await.unwrap();
    writer.append(bytes::Bytes::from_static(b"held")).await.unwrap();
    let held = writer.commit(unrouted).await.unwrap().entry_id;
    drop(spool);
    let spool = stage.open();
    assert_eq!(states(&spool, done).await, [State::Delivered, State::Due]);
    assert_eq!(all(&spool).await.last().unwrap().state, State::Held);
    drop(spool);
    stage.lose_index();
    let (spool, report) = stage.open_reported();
    assert!(report.index_rebuilt);
    assert_eq!(states(&spool, done).await, [State::Due, State::Due], "delivered again, as documented");
    let line = all(&spool).await.into_iter().find(|line| line.entry_id == held).unwrap();
    assert_eq!((line.state, line.reason.as_deref()), (State::Held, Some("no route matches")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_no_database_is_put_aside() {
    let stage = Stage::new();
    let spool = stage.open();
    let entry_id = store(&spool, "1.2.3", b"data", &["archive"]).await.unwrap().entry_id;
    indexed(&spool).await;
    spool.close().unwrap();
    std::fs::write(stage.path().join("index.sqlite"), vec![7; 8192]).unwrap();
    let read_only = ReadOnlySpool::open(stage.path()).unwrap();
    assert!(read_only.is_from_segments());
    assert_eq!(read_only.show(entry_id).await.unwrap().entry.entry_id, entry_id);
    let (spool, report) = stage.open_reported();
    assert!(report.index_rebuilt);
    assert_eq!(read(&spool, entry_id).await.unwrap(), b"data");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_damaged_inside_is_put_aside() {
    let stage = Stage::new();
    let spool = stage.open();
    let entry_id = store(&spool, "1.2.3", b"data", &["archive"]).await.unwrap().entry_id;
    indexed(&spool).await;
    spool.close().unwrap();
    // Everything but the header and the schema, which opening and a look at each table may pass.
    let path = stage.path().join("index.sqlite");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[8192..].fill(0xA5);
    std::fs::write(&path, bytes).unwrap();
    let (spool, report) = stage.open_reported();
    assert!(report.index_rebuilt);
    assert_eq!(read(&spool, entry_id).await.unwrap(), b"data");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_only_busy_is_not_put_aside() {
    let stage = Stage::new();
    let spool = stage.open();
    store(&spool, "1.2.3", b"data", &["archive"]).await.unwrap();
    indexed(&spool).await;
    spool.close().unwrap();
    let other = rusqlite::Connection::open(stage.path().join("index.sqlite")).unwrap();
    other.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
    let refused = LocalSpool::open(stage.config());
    assert!(matches!(refused, Err(Error::Index(_))), "{refused:?}");
    other.execute_batch("ROLLBACK").unwrap();
    drop(other);
    let (_spool, report) = stage.open_reported();
    assert!(!report.index_rebuilt);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_thread_of_the_index_nothing_is_accepted() {
    let stage = Stage::new();
    let spool = stage.open();
    let defect = spool.shared.index.ask::<()>(false, |_| panic!("a defect")).await;
    assert!(matches!(defect, Err(Error::Closed)), "{defect:?}");
    let refused = loop {
        // The refusal follows the end of the thread by a moment.
        match store(&spool, "1.2.3", b"data", &["archive"]).await {
            Err(refused) => break refused,
            Ok(_) => tokio::task::yield_now().await,
        }
    };
    assert!(matches!(refused, Error::Refused(_)), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spool_is_opened_once_and_may_be_looked_at() {
    use futures::StreamExt;
    let stage = Stage::new();
    let spool = stage.open();
    let data = bytes_of(3, 600_000);
    let entry_id = store(&spool, "1.2.3", &data, &["archive"]).await.unwrap().entry_id;
    indexed(&spool).await;
    let second = LocalSpool::open(stage.config());
    assert!(matches!(second, Err(Error::Locked { pid }) if pid == std::process::id()), "{second:?}");
    let read_only = ReadOnlySpool::open(stage.path()).unwrap();
    assert!(!read_only.is_from_segments());
    let page = read_only.list(&Filter::default(), None, 10).await.unwrap();
    assert_eq!(page.lines.len(), 1);
    let chunks: Vec<_> = read_only.read(entry_id, 10..600_000).collect().await;
    let bytes: Vec<u8> = chunks.into_iter().flat_map(|chunk| chunk.unwrap().to_vec()).collect();
    assert!(bytes == data[10..]);
}

/// Whoever reads of a damaged index would delete that, to no avail and at the price of holds and reroutes.
#[test]
fn damaged_documents_are_not_called_the_index() {
    let stage = Stage::new();
    stage.open().close().unwrap();
    let documents = stage.path().join("documents.sqlite");
    std::fs::write(&documents, [0x5A; 9000]).unwrap();
    let Err(error) = LocalSpool::open(stage.config()) else { panic!("it was opened") };
    assert!(matches!(error, Error::DocumentsDamaged(_)), "{error:?}");
    assert!(error.to_string().contains("documents.sqlite"), "{error}");
    assert_eq!(std::fs::read(&documents).unwrap(), [0x5A; 9000], "it is left as it was");
}
