//! Destinations that refuse, stall, abort or complain: the counts, the list of failed instances and the
//! status say what became of each instance (PS3.4 §C.4.2.1.5 to §C.4.2.1.9).

use tests::destination::{Behaviour, Entry, Store};
use tests::instances::{EXPLICIT_VR_LITTLE_ENDIAN, Instance};
use tests::retrieve::{Retrieved, studies};
use tests::wait::eventually;

use crate::retrieve_site::{Site, uids};

const COUNT: u16 = 6;

/// What a destination does with the request of a number.
type Answer = fn(usize) -> Store;

/// A study that a destination does not take as it should.
struct Trial {
    site: Site,
    instances: Vec<Instance>,
    retrieved: Retrieved,
}

fn trial(behaviour: Behaviour) -> Trial {
    let instances = Instance::study(1, u32::from(COUNT), 100_000);
    let site = Site::start_with(&instances, behaviour, |configuration| {
        configuration.set("retrieve", "response = \"1s\"").set("dimse", "message_timeout = \"2s\"")
    });
    let retrieved = site.move_study(&instances[0].study);
    Trial { site, instances, retrieved }
}

impl Trial {
    /// The status, the counts and whose UIDs are in the list, which has to be whole.
    fn ends_with(&self, name: &str, status: u16, counts: (u16, u16, u16), failed: &[Instance]) {
        let last = &self.retrieved.last;
        assert_eq!((last.status(), last.counts()), (status, counts), "{name}: {last:?}");
        assert_eq!(last.failed_list(), uids(failed), "{name}");
        assert_eq!(last.failed_instances.is_some(), !failed.is_empty(), "{name}: no list of nothing");
        assert_eq!(last.remaining, None, "{name}: nothing remains behind the last");
        let comment = &last.response.error_comment;
        assert_eq!(comment.is_empty(), status == 0x0000 || status == 0xB000, "{name}: {comment}");
        // Whatever came whole is whole.
        for received in self.site.destination.received() {
            let sent = self.instances.iter().find(|sent| sent.sop_instance == received.sop_instance).unwrap();
            assert!(received.data_set == sent.data_set, "{name}: {}", sent.sop_instance);
        }
        assert_eq!(self.site.daemon.metrics().sum("dimseway_panics_total", &[]), 0.0, "{name}");
    }
}

/// What is answered to the instances of two numbers, and success to the others.
fn to_some(status: u16) -> Behaviour {
    Behaviour::default().storing(move |_, uid| {
        let is_it = uid.ends_with(".2") || uid.ends_with(".5");
        Store::Answered(if is_it { status } else { 0x0000 })
    })
}

#[test]
fn each_answer_counts_as_the_standard_says() {
    let failures = [0xA700, 0xA900, 0xC000, 0x0110, 0x0122, 0x0124];
    for status in failures {
        let trial = trial(to_some(status));
        let failed = [trial.instances[1].clone(), trial.instances[4].clone()];
        trial.ends_with(&format!("{status:04X} for two"), 0xB000, (4, 2, 0), &failed);
        assert_eq!(trial.site.destination.count(), 6, "each is sent once");
    }
    for status in [0xB000, 0xB006, 0xB007] {
        trial(to_some(status)).ends_with(&format!("{status:04X} for two"), 0xB000, (4, 0, 2), &[]);
    }
}

#[test]
fn where_nothing_succeeds_the_retrieve_has_failed() {
    let all_refused = trial(Behaviour::default().storing(|_, _| Store::Answered(0xA700)));
    all_refused.ends_with("A700 for all", 0xA702, (0, COUNT, 0), &all_refused.instances);
    let all_warned = trial(Behaviour::default().storing(|_, _| Store::Answered(0xB000)));
    all_warned.ends_with("B000 for all", 0xB000, (0, 0, COUNT), &[]);
}

#[test]
fn a_destination_that_takes_no_association_fails_all() {
    let table: [(&str, Behaviour); 3] = [
        ("rejects for good", Behaviour::default().entering(|_| Entry::Rejected(1, 1, 7))),
        ("rejects for now", Behaviour::default().entering(|_| Entry::Rejected(2, 3, 2))),
        ("resets", Behaviour::default().entering(|_| Entry::Reset)),
    ];
    // Each waits between its attempts, so they go on side by side.
    std::thread::scope(|scope| {
        for (name, behaviour) in table {
            scope.spawn(move || {
                let trial = trial(behaviour);
                trial.ends_with(name, 0xA702, (0, COUNT, 0), &trial.instances);
            });
        }
    });
}

#[test]
fn a_destination_that_nobody_listens_for_fails_all() {
    let instances = Instance::study(1, 3, 1000);
    let nobody = tests::dcmtk::free_port();
    let site = Site::start_with(&instances, Behaviour::default(), |configuration| {
        configuration.with(&format!("[[peer]]\nae_title = \"GONE\"\naddress = \"127.0.0.1:{nobody}\"\n"))
    });
    let last = site.mover().move_to("GONE", &studies(&[&instances[0].study])).last;
    assert_eq!((last.status(), last.counts()), (0xA702, (0, 3, 0)), "{last:?}");
    assert_eq!(last.failed_list(), uids(&instances));
}

#[test]
fn a_destination_that_is_busy_for_a_moment_gets_everything() {
    let busy = |number: usize| if number == 0 { Entry::Rejected(2, 3, 2) } else { Entry::Accepted };
    let trial = trial(Behaviour::default().entering(busy));
    trial.ends_with("busy at first", 0x0000, (COUNT, 0, 0), &[]);
    trial.site.expect_received(&trial.instances);
}

#[test]
fn an_association_that_ends_in_the_middle_is_made_anew_and_nothing_is_missing() {
    let table: [(&str, Answer); 4] =
        [
            ("aborted in a data set", |number| {
                if number == 2 { Store::Aborted(50_000) } else { Store::Answered(0x0000) }
            }),
            (
                "reset in a data set",
                |number| {
                    if number == 2 { Store::Reset(50_000) } else { Store::Answered(0x0000) }
                },
            ),
            (
                "aborted at a beginning",
                |number| {
                    if number == 0 { Store::Aborted(0) } else { Store::Answered(0x0000) }
                },
            ),
            ("aborted now and then", |number| {
                if number % 3 == 2 { Store::Aborted(99_000) } else { Store::Answered(0x0000) }
            }),
        ];
    for (name, answer) in table {
        let trial = trial(Behaviour::default().storing(move |number, _| answer(number)));
        trial.ends_with(name, 0x0000, (COUNT, 0, 0), &[]);
        trial.site.expect_received(&trial.instances);
        assert!(trial.site.destination.cut() > 0, "{name}: nothing was cut");
    }
}

#[test]
fn a_destination_that_always_aborts_fails_all_and_is_given_up() {
    let trial = trial(Behaviour::default().storing(|_, _| Store::Aborted(10_000)));
    trial.ends_with("always aborts", 0xA702, (0, COUNT, 0), &trial.instances);
    let associations = trial.site.destination.associations().len();
    assert!(associations <= 8, "{associations} associations for what is hopeless");
}

#[test]
fn one_instance_that_the_destination_cannot_bear_does_not_fail_the_others() {
    let culprit = |_: usize, uid: &str| {
        if uid.ends_with(".3") { Store::Aborted(60_000) } else { Store::Answered(0x0000) }
    };
    let trial = trial(Behaviour::default().storing(culprit));
    trial.ends_with("one aborts", 0xB000, (5, 1, 0), &trial.instances[2..3]);
}

#[test]
fn a_destination_that_never_answers_is_given_up_in_time() {
    let table: [(&str, Behaviour); 3] = [
        ("an association", Behaviour::default().entering(|_| Entry::Stalled)),
        ("a C-STORE", Behaviour::default().storing(|_, _| Store::NotAnswered)),
        ("the middle of a data set", Behaviour::default().storing(|_, _| Store::Held(50_000))),
    ];
    std::thread::scope(|scope| {
        for (name, behaviour) in table {
            scope.spawn(move || {
                let instances = Instance::study(1, 3, 4 << 20);
                let site = Site::start_with(&instances, behaviour, |configuration| {
                    configuration
                        .set("retrieve", "response = \"500ms\"")
                        .set("dimse", "message_timeout = \"500ms\"")
                        .set("dimse", "artim_timeout = \"500ms\"")
                });
                let last = site.move_study(&instances[0].study).last;
                assert_eq!((last.status(), last.counts()), (0xA702, (0, 3, 0)), "{name}: {last:?}");
                assert_eq!(last.failed_list(), uids(&instances), "{name}");
                eventually("no association is left open on our side", || {
                    let metrics = site.daemon.metrics();
                    (metrics.sum("dimseway_associations_open", &[]) == 0.0).then_some(())
                });
            });
        }
    });
}

#[test]
fn contexts_that_are_rejected_fail_their_instances_alone() {
    const MR_IMAGE_STORAGE: &str = "1.2.840.10008.5.1.4.1.1.4";
    let mut instances = Instance::study(1, 6, 20_000);
    for instance in instances.iter_mut().step_by(2) {
        *instance = instance.of_class(MR_IMAGE_STORAGE);
    }
    let behaviour = Behaviour::default().accepting(|class, _| class != MR_IMAGE_STORAGE);
    let site = Site::start_with(&instances, behaviour, |configuration| configuration);
    let last = site.move_study(&instances[0].study).last;
    assert_eq!((last.status(), last.counts()), (0xB000, (3, 3, 0)), "{last:?}");
    let refused: Vec<_> = instances.iter().step_by(2).cloned().collect();
    assert_eq!(last.failed_list(), uids(&refused));
    let taken: Vec<_> = instances.iter().skip(1).step_by(2).cloned().collect();
    site.expect_received(&taken);
    site.daemon.wait_for_line(&refused[0].sop_instance);

    let nothing = Behaviour::default().accepting(|_, _| false);
    let site = Site::start_with(&instances, nothing, |configuration| configuration);
    let last = site.move_study(&instances[0].study).last;
    assert_eq!((last.status(), last.counts()), (0xA702, (0, 6, 0)), "{last:?}");
    assert!(last.response.error_comment.contains("presentation context"), "{last:?}");
}

#[test]
fn a_transfer_syntax_that_only_the_part_tells_gets_a_context_of_its_own() {
    const PRIVATE: &str = "1.2.826.0.1.3680043.9.9999.77";
    let mut instances = Instance::study(1, 4, 20_000);
    PRIVATE.clone_into(&mut instances[2].transfer_syntax);
    let site = Site::start(&instances);
    let last = site.move_study(&instances[0].study).last;
    assert_eq!((last.status(), last.counts()), (0x0000, (4, 0, 0)), "{last:?}");
    site.expect_received(&instances);
    let proposed = site.destination.associations();
    let offers = |syntax: &str| {
        let of = |association: &tests::destination::Association| {
            association.contexts.iter().any(|(_, syntaxes)| syntaxes == &[syntax.to_owned()])
        };
        proposed.iter().filter(|association| of(association)).count()
    };
    assert!(offers(PRIVATE) == 1 && offers(EXPLICIT_VR_LITTLE_ENDIAN) >= 1, "{proposed:?}");
}

#[test]
fn a_killed_destination_ends_the_retrieve_of_what_is_left() {
    let instances = Instance::study(1, 6, 100_000);
    let behaviour = Behaviour::default()
        .entering(|number| if number == 0 { Entry::Accepted } else { Entry::Reset })
        .storing(|number, _| if number == 3 { Store::Reset(1) } else { Store::Answered(0x0000) });
    let site = Site::start_with(&instances, behaviour, |configuration| configuration);
    let last = site.move_study(&instances[0].study).last;
    assert_eq!((last.status(), last.counts()), (0xB000, (3, 3, 0)), "{last:?}");
    assert_eq!(last.failed_list(), uids(&instances[3..]));
}
