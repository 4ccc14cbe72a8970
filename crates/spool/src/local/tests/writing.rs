//! The end of an entry, whether the block before it is still on its way or was written.

use std::sync::{atomic::Ordering::SeqCst, mpsc};

use bytes::Bytes;
use tokio::task::spawn_blocking;

use super::*;
use crate::local::format::BLOCK_PAYLOAD;

/// Stores two blocks and a bit on one blocking thread, which does all in order. The second block is
/// written before the commit, or only after it; writes may fail from that block on.
fn store_in_turn(stage: &Stage, before: bool, fails: bool) -> Result<(), Error> {
    let turn = async {
        let (spool, data) = (stage.open(), bytes_of(3, 2 * BLOCK_PAYLOAD + 1000));
        let mut writer = spool.begin(header("1.2.3")).await.unwrap();
        writer.append(Bytes::copy_from_slice(&data[..BLOCK_PAYLOAD])).await.unwrap();
        spawn_blocking(|| ()).await.unwrap();
        let (release, released) = mpsc::channel::<()>();
        let busy = spawn_blocking(move || {
            // Ends with the other side.
            let _ = released.recv();
        });
        writer.append(Bytes::copy_from_slice(&data[BLOCK_PAYLOAD..])).await.unwrap();
        stage.disk.faults.writes_fail.store(fails, SeqCst);
        let committing = if before {
            drop(release);
            busy.await.unwrap();
            spawn_blocking(|| ()).await.unwrap();
            writer.commit(trailer("1.2.3", &["archive"]))
        } else {
            let committing = writer.commit(trailer("1.2.3", &["archive"]));
            drop(release);
            committing
        };
        let committed = committing.await?;
        assert_eq!(committed.length, data.len() as u64);
        assert_eq!(read(&spool, committed.entry_id).await.unwrap(), data);
        Ok(())
    };
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).enable_all().build();
    runtime.unwrap().block_on(turn)
}

#[test]
fn the_end_follows_the_block_before_it() {
    for before in [true, false] {
        store_in_turn(&Stage::new(), before, false).unwrap();
    }
}

#[test]
fn a_block_that_could_not_be_written_fails_the_end() {
    for before in [true, false] {
        let failed = store_in_turn(&Stage::new(), before, true);
        assert!(matches!(failed, Err(Error::Full { .. })), "{before}: {failed:?}");
    }
}
