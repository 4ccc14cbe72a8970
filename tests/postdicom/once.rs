//! Orders are made once, also where the answer is lost.

use std::thread;

use origin::postdicom::CreationAnswer;
use tests::configuration::Configuration;

use crate::Site;
use crate::command::create;

const UNAVAILABLE: i32 = 69;

fn losing(answer: CreationAnswer) -> Site {
    Site::with(|options| options.creation_answer = answer, Configuration::new())
}

/// Requests of this function so far.
fn count(site: &Site, path: &str) -> usize {
    let line = format!("GET /dicom-web/{path} HTTP/1.1");
    site.account.recorder().requests().iter().filter(|request| request.line == line).count()
}

#[test]
fn an_order_whose_answer_was_lost_is_found_and_not_made_again() {
    let site = losing(CreationAnswer::Lost);
    let command = create("DOE^JOHN", &["--accession-number", "A-1"]);
    let made = site.json(&command);
    let kept = site.account.orders();
    assert_eq!((&made["outcome"], made["order"].as_str()), (&"created".into(), Some(kept[0].uuid.as_str())));
    let again = site.json(&command);
    assert_eq!((&again["outcome"], &again["order"]), (&"existed".into(), &made["order"]));
    assert_eq!((site.account.orders().len(), count(&site, "createpatientorder")), (1, 1));
}

#[test]
fn an_order_that_was_never_made_is_asked_for_once_and_can_be_asked_for_again() {
    let site = losing(CreationAnswer::NeverMade);
    let command = create("DOE^JOHN", &["--accession-number", "A-1"]);
    for times in 1..=2 {
        let ran = site.run(&command);
        assert_eq!(ran.code, UNAVAILABLE, "{ran:?}");
        assert!(ran.error.contains("shows no effect") && ran.error.contains("run again"), "{ran:?}");
        assert_eq!((site.account.orders().len(), count(&site, "createpatientorder")), (0, times));
    }
}

/// Without an accession number no search tells whether the order was made.
#[test]
fn an_outcome_that_no_search_shows_is_called_unknown() {
    for (answer, orders) in [(CreationAnswer::Lost, 1), (CreationAnswer::NeverMade, 0)] {
        let site = losing(answer);
        let ran = site.run(&create("DOE^JOHN", &[]));
        assert_eq!(ran.code, UNAVAILABLE, "{answer}: {ran:?}");
        assert!(ran.error.contains("outcome unknown"), "{answer}: {ran:?}");
        assert!(!ran.error.contains("DOE"), "{answer}: {ran:?}");
        assert_eq!(
            (site.account.orders().len(), count(&site, "createpatientorder")),
            (orders, 1),
            "{answer}"
        );
    }
}

#[test]
fn links_and_folders_whose_answer_was_lost() {
    let site = losing(CreationAnswer::Lost);
    let order = site.account.add_order(None, crate::order("DOE^JOHN", "PID1"));
    for function in ["share", "link"] {
        let ran = site.run(&["orders", function, &order, "--expires", "30d"]);
        assert_eq!(ran.code, UNAVAILABLE, "{ran:?}");
        assert!(ran.error.contains("outcome unknown"), "{ran:?}");
    }
    assert_eq!(site.account.shares().len(), 2, "each was asked for once");
    let made = site.run(&["folders", "create", "Trial"]);
    assert_eq!((made.code, site.account.folders().len()), (UNAVAILABLE, 1), "{made:?}");
    assert!(made.error.contains("run the same command again"), "{made:?}");
    assert_eq!(site.json(&["folders", "create", "Trial"])["outcome"], "existed");
    assert_eq!(site.account.folders().len(), 1);
}

/// Two commands at the same time may both find nothing. Whatever they make, they say so, and from then on
/// it is found.
#[test]
fn two_at_once_leave_orders_that_are_found() {
    let site = Site::new();
    let command = create("DOE^JOHN", &["--accession-number", "A-1"]);
    let outcomes: Vec<_> = thread::scope(|scope| {
        let running: Vec<_> = (0..2).map(|_| scope.spawn(|| site.json(&command))).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let kept = site.account.orders();
    let created = outcomes.iter().filter(|outcome| outcome["outcome"] == "created").count();
    assert_eq!(created, kept.len(), "{outcomes:?}");
    assert_eq!(site.json(&command)["outcome"], "existed");
    assert_eq!(site.account.orders().len(), kept.len());
}
