//! SIGKILL while instances pass through: what was acknowledged is in the archive, and what was cut is
//! there whole or not at all.

use tests::campaign::{self, Variable};
use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::embedded_origin::EmbeddedOrigin;

use crate::kills::rounds;

const KILLS: u32 = 10;
const SEED: u64 = 20_260_103;

#[test]
fn the_archive_has_what_was_acknowledged_and_no_halves() {
    let kills = Variable::Kills.count_or(KILLS);
    let folder = tempfile::tempdir().unwrap();
    let origin = EmbeddedOrigin::start(&folder.path().join("archive"));
    let configuration = Configuration::new()
        .origin("archive", origin.url())
        .set("log", "level = \"info\"")
        .with("[[route]]\nstore = [\"archive\"]\nacknowledge = \"stored\"");
    let home = Home::new(&configuration);
    let sent = rounds(&home, kills, campaign::seed(SEED));
    assert!(
        sent.acknowledged.len() > 2 * kills as usize,
        "only {} were acknowledged",
        sent.acknowledged.len()
    );
    for instance in &sent.acknowledged {
        let found = origin.data_set(instance);
        assert!(found.as_ref() == Some(&instance.data_set), "{} is lost or corrupted", instance.sop_instance);
    }
    let mut whole = 0;
    for instance in &sent.open {
        if let Some(found) = origin.data_set(instance) {
            assert!(found == instance.data_set, "half of {} is stored as a whole", instance.sop_instance);
            whole += 1;
        }
    }
    assert_eq!(origin.count(), sent.acknowledged.len() + whole, "and nothing else");
    let daemon = home.start();
    assert_eq!(daemon.queue(""), Vec::<serde_json::Value>::new(), "nothing passes through the spool");
    let figure =
        format!("{} acknowledged, all of them delivered whole; {kills} kills", sent.acknowledged.len());
    campaign::figure("SIGKILL, passing through", &figure);
}
