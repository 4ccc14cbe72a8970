//! A source that is away for the whole test but its first list: the modalities are told what it said.

use tests::find::Identifier;
use tests::wait::eventually;
use tests::worklist::{MODALITY, ORDERS, PATIENT_ID, STATUS};

use super::sources::{Department, Kind};
use super::{accession_numbers, find, query, wait_for_all};

/// Refreshes that fail before the test goes on.
const FAILURES: f64 = 3.0;

#[test]
fn queries_go_on_without_any_source_and_after_a_restart() {
    for kind in Kind::ALL {
        let Some(Department { daemon, home, source, _folder }) = Department::start(kind) else { return };
        let all = || query(Identifier::default(), Identifier::default().with(STATUS, "CS", ""));
        let narrow = || query(Identifier::default(), Identifier::default().with(MODALITY, "CS", "MR"));
        let before = [all(), narrow()].map(|identifier| accession_numbers(&find(&daemon, &identifier)));
        assert_eq!((before[0].len(), before[1].len()), (ORDERS, ORDERS / 4), "{kind:?}");
        drop(source);
        let has_failed = |daemon: &tests::daemon::Daemon| {
            eventually("refreshes fail", || {
                let failed =
                    daemon.metrics().sum("dimseway_worklist_refreshes_total", &[("outcome", "failed")]);
                (failed >= FAILURES).then_some(())
            });
        };
        has_failed(&daemon);
        let now = [all(), narrow()].map(|identifier| accession_numbers(&find(&daemon, &identifier)));
        assert_eq!(now, before, "{kind:?}, the source is away");
        let told = |daemon: &tests::daemon::Daemon, times: usize| {
            eventually("the log tells of it", || {
                let lines = daemon.log().matches("the last one is served").count();
                assert!(lines <= times, "{kind:?}: once for each transition");
                (lines == times).then_some(())
            });
        };
        told(&daemon, 1);
        assert!(daemon.metrics().sum("dimseway_worklist_age_seconds", &[]) > 0.0, "{kind:?}");
        // A patient who is not on the list is asked for at the source, which says nothing; nor is that a fault.
        let unknown = query(Identifier::default().with(PATIENT_ID, "LO", "NOBODY"), Identifier::default());
        let found = find(&daemon, &unknown);
        assert_eq!((found.last.status, found.answers.len()), (0, 0), "{kind:?}");

        daemon.kill();
        let daemon = home.start();
        wait_for_all(&daemon);
        has_failed(&daemon);
        let now = [all(), narrow()].map(|identifier| accession_numbers(&find(&daemon, &identifier)));
        assert_eq!(now, before, "{kind:?}, after a restart without the source");
        // Once more for the new process.
        told(&daemon, 2);
    }
}
