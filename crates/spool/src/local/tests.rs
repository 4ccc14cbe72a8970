//! Tests of the local spool.

mod damage;
mod full;
mod power;
mod recycling;
mod sequence;
mod stage;
mod writing;

use stage::*;

struct Local(Stage);

#[async_trait::async_trait]
impl crate::conformance::Backend for Local {
    async fn open(&mut self) -> Box<dyn crate::Spool> {
        Box::new(self.0.open())
    }

    async fn crash(&mut self, spool: Box<dyn crate::Spool>) {
        drop(spool);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    crate::conformance::run(|| Local(Stage::new())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_is_leased_read_and_recorded() {
    let stage = Stage::new();
    let spool = stage.open();
    let data = bytes_of(1, 700_000);
    let committed = store(&spool, "1.2.3", &data, &["archive"]).await.unwrap();
    assert_eq!(committed.length, 700_000);
    let lease = lease_one(&spool, "archive").await;
    assert_eq!(lease.entry.entry_id, committed.entry_id);
    assert_eq!(lease.entry.header, header("1.2.3"));
    assert_eq!(lease.entry.trailer, trailer("1.2.3", &["archive"]));
    assert_eq!(read(&spool, committed.entry_id).await.unwrap(), data);
    delivered(&spool, &lease).await;
    assert_eq!(states(&spool, committed.entry_id).await, [State::Delivered]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_is_counted_at_once() {
    let stage = Stage::new();
    let spool = stage.open();
    for number in 1..=20_u64 {
        store(&spool, &format!("1.2.{number}"), &bytes_of(number, 100), &["archive"]).await.unwrap();
        let gauges = spool.statistics().await.unwrap().gauges;
        assert_eq!(gauges.iter().map(|gauge| gauge.entries).sum::<u64>(), number);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_index_did_not_know_is_found_after_a_crash() {
    let stage = Stage::new();
    let mut kept = Vec::new();
    let spool = stage.open();
    for number in 0..20_u64 {
        let data = bytes_of(number, 1000 + number as usize * 40_000);
        kept.push((store(&spool, &format!("1.2.{number}"), &data, &["archive"]).await.unwrap(), data));
    }
    drop(spool);
    stage.lose_index();
    let (spool, report) = stage.open_reported();
    assert_eq!(report.entries_recovered, 20, "{report:?}");
    for (committed, data) in kept {
        assert_eq!(read(&spool, committed.entry_id).await.unwrap(), data);
        assert_eq!(states(&spool, committed.entry_id).await, [State::Due]);
    }
}

#[test]
fn a_directory_that_is_made_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("var/spool");
    let (spool, _) = LocalSpool::open(Config::new(&directory)).unwrap();
    assert_eq!(std::fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
    drop(spool);
}
