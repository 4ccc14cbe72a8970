//! Everything an archive may answer to a delivery: nothing is lost, only what fails is held, and the
//! queue says why.

use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::instances::Instance;
use tests::scripted_origin::{Answer, ScriptedOrigin};
use tests::sender::store_all;
use tests::wait::eventually;

const COUNT: usize = 6;

struct Trial {
    origin: ScriptedOrigin,
    daemon: Daemon,
    instances: Vec<Instance>,
    _home: Home,
}

/// Stores a study while the archive follows a script.
fn trial(script: Vec<Answer>) -> Trial {
    let origin = ScriptedOrigin::start(script);
    let configuration = Configuration::new()
        .origin("archive", &origin.url())
        .set("origin.archive", "answer_timeout = \"2s\"")
        .set("origin.archive", "send_timeout = \"2s\"");
    let home = Home::new(&configuration);
    let daemon = home.start();
    let instances = Instance::study(1, 6, 50_000);
    store_all(daemon.dimse(), &instances);
    Trial { origin, daemon, instances, _home: home }
}

impl Trial {
    fn all_arrive(&self, name: &str) {
        eventually(&format!("{name}: all are in the archive"), || {
            (self.origin.count() == COUNT).then_some(())
        });
        eventually(&format!("{name}: the queue knows"), || {
            (self.daemon.queue("state=delivered").len() == COUNT).then_some(())
        });
        for instance in &self.instances {
            let file = &self.origin.stored()[&instance.sop_instance];
            assert!(file.ends_with(&instance.data_set), "{name}: {}", instance.sop_instance);
        }
        assert_eq!(self.daemon.metrics().sum("dimseway_panics_total", &[]), 0.0, "{name}");
    }
}

fn refused(status: u16) -> Answer {
    Answer::Refused(status, Vec::new(), "not now")
}

#[test]
fn what_passes_is_tried_again_until_all_arrive() {
    let later = Answer::Refused(429, vec![("retry-after", "1".to_owned())], "slow down");
    let table = [
        ("500", vec![refused(500), refused(500)]),
        ("503", vec![refused(503), refused(503), refused(503), refused(503)]),
        ("429 with Retry-After", vec![later]),
        ("401 until the password is right", vec![refused(401), refused(401)]),
        ("403 until it is allowed", vec![refused(403), refused(403)]),
        ("a login page", vec![Answer::LoginPage, Answer::LoginPage]),
        ("an empty body, nothing stored", vec![Answer::EmptyBody { stored: false }]),
        ("an empty body, all stored", vec![Answer::EmptyBody { stored: true }]),
        ("cut in mid-body", vec![Answer::CutRequest(20_000), Answer::CutRequest(20_000)]),
        ("cut in mid-answer", vec![Answer::CutAnswer]),
    ];
    for (name, script) in table {
        trial(script).all_arrive(name);
    }
}

#[test]
fn a_stalled_request_is_given_up_and_tried_again() {
    let trial = trial(vec![Answer::Stall]);
    eventually("a request stalls", || {
        (trial.origin.stalled() > 0 || trial.origin.answers_left() == 0).then_some(())
    });
    trial.all_arrive("a stall");
}

#[test]
fn an_answer_that_was_lost_does_not_deliver_twice() {
    let trial = trial(vec![Answer::CutAnswer]);
    trial.all_arrive("cut in mid-answer");
    for instance in &trial.instances {
        assert_eq!(
            trial.origin.times_stored(&instance.sop_instance),
            1,
            "found there before it was sent again"
        );
    }
}

#[test]
fn only_the_instance_that_fails_is_held() {
    let culprit = "2.25.90001.1.3".to_owned();
    for (name, answer) in [
        ("202 that names it", Answer::AllBut(culprit.clone(), 0xA900)),
        ("409 for every batch with it", Answer::RefusedWith(culprit.clone())),
    ] {
        let trial = trial(vec![answer]);
        eventually(&format!("{name}: the others are in the archive"), || {
            (trial.origin.count() == COUNT - 1).then_some(())
        });
        let held = trial.daemon.wait_for("held", 1);
        assert_eq!(held.len(), 1, "{name}: {held:?}");
        assert_eq!(held[0]["instance"], culprit.as_str(), "{name}");
        let entry = held[0]["entry"].as_str().unwrap();
        let shown = trial._home.run(&["queue", "show", entry]);
        let text = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert!(
            shown.status.success() && text.contains(held[0]["reason"].as_str().unwrap()),
            "{name}: {text}"
        );
    }
}

#[test]
fn a_body_too_large_for_the_archive_is_held_alone() {
    let trial = trial(vec![refused(413); 40]);
    eventually("all stand alone and are held", || {
        (trial.daemon.queue("state=held").len() == COUNT).then_some(())
    });
    for line in trial.daemon.queue("state=held") {
        assert!(line["reason"].as_str().unwrap_or_default().contains("413"), "{line}");
    }
}
