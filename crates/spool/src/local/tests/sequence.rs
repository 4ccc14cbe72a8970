//! Random operations against a model: crash and reopen at any point, with and without the index.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::stage::*;

#[derive(Debug, Clone)]
enum Operation {
    Store { sop: u8, length: usize },
    Abandon { length: usize },
    Deliver,
    Defer,
    Hold,
    Discard,
    Close,
    Crash,
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        6 => (0..4_u8, prop_oneof![Just(0), 1..5000_usize, 200_000..700_000_usize, 1_000_000..1_500_000_usize])
            .prop_map(|(sop, length)| Operation::Store { sop, length }),
        1 => (0..600_000_usize).prop_map(|length| Operation::Abandon { length }),
        4 => Just(Operation::Deliver),
        1 => Just(Operation::Defer),
        1 => Just(Operation::Hold),
        1 => Just(Operation::Discard),
        1 => Just(Operation::Close),
        2 => Just(Operation::Crash),
    ]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Pending,
    Delivered,
    Held,
    Discarded,
}

struct Model {
    entries: BTreeMap<EntryId, (u8, u64, usize, Expected)>,
    seed: u64,
}

impl Model {
    /// The oldest pending entry of each SOP Instance, which are the ones that may be leased.
    fn leasable(&self) -> Vec<EntryId> {
        let mut seen = Vec::new();
        let pending = self.entries.iter().filter(|(_, entry)| entry.3 == Expected::Pending);
        pending
            .filter(|(_, entry)| {
                !seen.contains(&entry.0) && {
                    seen.push(entry.0);
                    true
                }
            })
            .map(|(id, _)| *id)
            .collect()
    }

    fn set(&mut self, entry_id: EntryId, expected: Expected) {
        self.entries.get_mut(&entry_id).unwrap().3 = expected;
    }
}

async fn step(stage: &Stage, spool: &mut LocalSpool, model: &mut Model, operation: Operation) {
    match operation {
        Operation::Store { sop, length } => {
            model.seed += 1;
            let data = bytes_of(model.seed, length);
            let committed = store(spool, &format!("1.2.{sop}"), &data, &["archive"]).await.unwrap();
            model.entries.insert(committed.entry_id, (sop, model.seed, length, Expected::Pending));
        }
        Operation::Abandon { length } => {
            let mut writer = spool.begin(header("1.3")).await.unwrap();
            writer.append(bytes_of(0, length).into()).await.unwrap();
        }
        Operation::Deliver | Operation::Defer | Operation::Hold => {
            let leases = lease(spool, "archive", 100).await;
            let mut leased: Vec<_> = leases.iter().map(|lease| lease.entry.entry_id).collect();
            leased.sort();
            assert_eq!(leased, model.leasable());
            for lease in leases {
                let entry_id = lease.entry.entry_id;
                let (_, seed, length, _) = model.entries[&entry_id];
                assert!(read(spool, entry_id).await.unwrap() == bytes_of(seed, length));
                let not_before = std::time::SystemTime::UNIX_EPOCH;
                let (outcome, expected) = match operation {
                    Operation::Deliver => (Outcome::Delivered { answer: String::new() }, Expected::Delivered),
                    Operation::Hold => (Outcome::Held { reason: HeldReason::OutcomeUnknown }, Expected::Held),
                    _ => (Outcome::Deferred { not_before, reason: String::new() }, Expected::Pending),
                };
                spool.record(&lease.token, outcome).await.unwrap();
                model.set(entry_id, expected);
            }
        }
        Operation::Discard => {
            let held = model.entries.iter().find(|(_, entry)| entry.3 == Expected::Held).map(|(id, _)| *id);
            if let Some(entry_id) = held {
                assert_eq!(spool.discard(entry_id, None).await.unwrap(), 1);
                model.set(entry_id, Expected::Discarded);
            }
        }
        Operation::Close => {
            spool.clone().close().unwrap();
            reopen(stage, spool).await;
        }
        Operation::Crash => reopen(stage, spool).await,
    }
}

async fn reopen(stage: &Stage, spool: &mut LocalSpool) {
    drop(std::mem::replace(spool, stand_in()));
    *spool = stage.open();
}

/// Something to stand in the place of a spool while it is opened again.
fn stand_in() -> LocalSpool {
    let mut stage = Stage::new();
    stage.spares = 0;
    stage.open()
}

async fn compare(spool: &LocalSpool, model: &Model) {
    for (entry_id, (_, seed, length, expected)) in &model.entries {
        let states = states(spool, *entry_id).await;
        let agrees = match expected {
            Expected::Pending => states.len() == 1 && states[0].is_pending(),
            Expected::Delivered => states == [State::Delivered],
            Expected::Held => states == [State::Held],
            Expected::Discarded => states.is_empty(),
        };
        assert!(agrees, "{entry_id}: {states:?}, expected {expected:?}");
        if matches!(expected, Expected::Pending | Expected::Held) {
            assert!(read(spool, *entry_id).await.unwrap() == bytes_of(*seed, *length));
        }
    }
    let gauges = spool.statistics().await.unwrap().gauges;
    let pending: u64 =
        gauges.iter().filter(|gauge| gauge.state.is_pending()).map(|gauge| gauge.entries).sum();
    let expected = model.entries.values().filter(|entry| entry.3 == Expected::Pending).count();
    assert_eq!(pending, expected as u64);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_a_model(operations in proptest::collection::vec(operation(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        runtime.block_on(async {
            let stage = Stage::new();
            let mut spool = stage.open();
            let mut model = Model { entries: BTreeMap::new(), seed: 0 };
            for operation in operations {
                step(&stage, &mut spool, &mut model, operation).await;
            }
            compare(&spool, &model).await;
            reopen(&stage, &mut spool).await;
            compare(&spool, &model).await;
            // Without the index: everything that was not recycled is due again, and nothing pending is lost.
            drop(std::mem::replace(&mut spool, stand_in()));
            stage.lose_index();
            let spool = stage.open();
            for (entry_id, (_, seed, length, expected)) in &model.entries {
                if matches!(expected, Expected::Pending | Expected::Held) {
                    assert!(read(&spool, *entry_id).await.unwrap() == bytes_of(*seed, *length));
                }
            }
        });
    }
}
