//! SIGKILL while two archives are served: what was acknowledged arrives in both.

use tests::campaign::{self, Variable};
use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::embedded_origin::EmbeddedOrigin;

use crate::kills::rounds;

const KILLS: u32 = 10;
const SEED: u64 = 20_260_104;

#[test]
fn both_archives_get_what_was_acknowledged() {
    let kills = Variable::Kills.count_or(KILLS);
    let folder = tempfile::tempdir().unwrap();
    let origins = ["first", "second"].map(|name| EmbeddedOrigin::start(&folder.path().join(name)));
    let configuration = Configuration::new()
        .origin("first", origins[0].url())
        .origin("second", origins[1].url())
        .set("log", "level = \"info\"")
        .with("[[route]]\nstore = [\"first\", \"second\"]");
    let home = Home::new(&configuration);
    let sent = rounds(&home, kills, campaign::seed(SEED));
    assert!(
        sent.acknowledged.len() > 2 * kills as usize,
        "only {} were acknowledged",
        sent.acknowledged.len()
    );
    let daemon = home.start();
    daemon.settle();
    for origin in &origins {
        for instance in &sent.acknowledged {
            let found = origin.data_set(instance);
            assert!(
                found.as_ref() == Some(&instance.data_set),
                "{} is lost or corrupted",
                instance.sop_instance
            );
        }
        for instance in &sent.open {
            let found = origin.data_set(instance);
            assert!(
                found.is_none_or(|found| found == instance.data_set),
                "half of {}",
                instance.sop_instance
            );
        }
    }
    assert_eq!(origins[0].count(), origins[1].count(), "the same instances in both");
    for state in ["held", "quarantined"] {
        assert_eq!(daemon.queue(&format!("state={state}")), Vec::<serde_json::Value>::new());
    }
    let figure =
        format!("{} acknowledged, all of them delivered whole; {kills} kills", sent.acknowledged.len());
    campaign::figure("SIGKILL, two destinations", &figure);
}
