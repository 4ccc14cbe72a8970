//! What a modality reports of scheduled and of unscheduled steps, to the end of each story.

use tests::account::Account;
use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::wait::eventually;
use tests::worklist::{Order, equipment, equipment_tables};

use super::{create, discontinued, ended, get, in_progress, in_progress_of, report, set, wait_until_shown};
use crate::worklist::{of_all_days, wait_for};

/// Orders that the account has.
const SCHEDULED: usize = 6;

/// A daemon whose worklist and whose reports are an account's.
struct Site {
    daemon: Daemon,
    account: Account,
    _home: Home,
    _folder: tempfile::TempDir,
}

/// The account as source of the worklist and as sink of reports, with waits that suit a test.
pub(super) fn of_account(configuration: Configuration) -> Configuration {
    configuration
        .set("worklist_source.cloud", "type = \"postdicom\"")
        .set("worklist_source.cloud", "origin = \"cloud\"")
        .set("mpps", "lease = \"3s\"")
        .set("mpps.back_off", "min = \"50ms\"")
        .set("mpps.back_off", "max = \"500ms\"")
        .set("mpps_sink.cloud", "type = \"postdicom\"")
        .set("mpps_sink.cloud", "origin = \"cloud\"")
        .set("mpps_sink.cloud", "look_up_after = \"1s\"")
        .with(&equipment_tables())
}

impl Site {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let account = Account::start_with(&folder.path().join("account"), |options| {
            options.account.equipment = equipment();
        });
        for number in 0..SCHEDULED {
            account.add_order(None, Order::new(number).of_account());
        }
        let home = Home::new(&of_account(account.configured(of_all_days(), folder.path())));
        let daemon = home.start();
        wait_for(&daemon, SCHEDULED);
        Self { daemon, account, _home: home, _folder: folder }
    }

    /// Waits until so many reports were delivered to the account.
    fn wait_for_delivered(&self, reports: f64) {
        eventually("reports are delivered", || {
            let made = [("to", "cloud"), ("outcome", "made")];
            (self.daemon.metrics().sum("dimseway_calls_total", &made) >= reports).then_some(())
        });
    }
}

#[test]
fn scheduled_steps_are_begun_and_done_and_given_back() {
    let site = Site::start();
    let [done, broken_off, mistaken] = [Order::new(0), Order::new(1), Order::new(2)];
    let uids = ["2.25.101", "2.25.102", "2.25.103"];
    wait_until_shown(&site.daemon, &done, Some("SCHEDULED"));
    let begun = [
        create(uids[0], in_progress_of(&site.daemon, &done)),
        create(uids[1], in_progress_of(&site.daemon, &broken_off)),
        create(uids[2], in_progress_of(&site.daemon, &mistaken)),
    ];
    let Some(answers) = report(site.daemon.dimse(), &begun) else { return };
    assert!(answers.iter().all(|answer| answer.status() == 0), "{answers:?}");
    for order in [&done, &broken_off, &mistaken] {
        wait_until_shown(&site.daemon, order, Some("STARTED"));
    }
    let ends = [
        set(uids[0], ended("COMPLETED")),
        set(uids[1], discontinued("110513", "Discontinued for unspecified reason")),
        set(uids[2], discontinued("110514", "Incorrect worklist entry selected")),
        get(uids[0], &["00400252", "00400253", "00104000"]),
    ];
    let answers = report(site.daemon.dimse(), &ends).unwrap();
    assert!(answers[..3].iter().all(|answer| answer.status() == 0), "{answers:?}");
    // PS3.4 §F.8.2.1.3: that an optional attribute is not there is a warning.
    let got = &answers[3];
    assert_eq!((got.status(), got.text("00400252")), (0x0001, Some("COMPLETED")), "{got:?}");
    assert_eq!(got.text("00400253"), Some("PPS1"));
    wait_until_shown(&site.daemon, &done, None);
    wait_until_shown(&site.daemon, &broken_off, Some("SCHEDULED"));
    wait_until_shown(&site.daemon, &mistaken, Some("SCHEDULED"));
    site.wait_for_delivered(6.0);
    assert_eq!(site.account.orders().len(), SCHEDULED, "what was scheduled makes no further order");
}

#[test]
fn an_unscheduled_step_becomes_an_order() {
    let site = Site::start();
    let patient = [
        ("00100010", "PN", "NEMO^NOBODY"),
        ("00100020", "LO", "EMERGENCY-1"),
        ("00100030", "DA", "19800102"),
        ("00100040", "CS", "F"),
    ];
    let with_number = in_progress(&patient, &[("00080050", "SH", "E-1"), ("00401001", "SH", "RPE1")]);
    let without =
        in_progress(&[&patient[..1], &[("00100020", "LO", "EMERGENCY-2"), patient[2]]].concat(), &[]);
    let requests = [
        create("2.25.201", with_number.clone()),
        set("2.25.201", ended("COMPLETED")),
        create("2.25.202", without),
        // The same procedure in a second step of it.
        create("2.25.203", with_number),
    ];
    let Some(answers) = report(site.daemon.dimse(), &requests) else { return };
    assert!(answers.iter().all(|answer| answer.status() == 0), "{answers:?}");
    site.wait_for_delivered(4.0);
    let orders: Vec<_> =
        site.account.orders().into_iter().skip(SCHEDULED).map(|order| order.ordered).collect();
    assert_eq!(orders.len(), 2, "{orders:?}");
    let numbered = orders.iter().find(|order| order.patient_id == "EMERGENCY-1").unwrap();
    let is =
        (numbered.patient_name.as_str(), numbered.patient_birthdate.as_str(), numbered.modality.as_str());
    assert_eq!(is, ("NEMO^NOBODY", "1980-01-02", "CT"));
    assert_eq!((numbered.accession_number.as_str(), numbered.patient_sex.as_str()), ("E-1", "F"));
    assert_eq!(numbered.order_scheduled_datetime, "2026-03-02 09:30");
    assert_eq!(numbered.scheduled_equipment_uuid, "eq-1");
    assert_eq!(numbered.requested_procedure_id, "RPE1");
    assert_eq!(numbered.study_description, "CT of the head");
    let bare = orders.iter().find(|order| order.patient_id == "EMERGENCY-2").unwrap();
    assert_eq!((bare.accession_number.as_str(), bare.patient_sex.as_str()), ("", ""));
}

#[test]
fn two_steps_of_one_order_are_done_when_the_last_one_is() {
    let site = Site::start();
    let order = Order::new(3);
    let requests = [
        create("2.25.301", in_progress_of(&site.daemon, &order)),
        create("2.25.302", in_progress_of(&site.daemon, &order)),
        set("2.25.301", ended("COMPLETED")),
    ];
    let Some(answers) = report(site.daemon.dimse(), &requests) else { return };
    assert!(answers.iter().all(|answer| answer.status() == 0), "{answers:?}");
    site.wait_for_delivered(3.0);
    wait_until_shown(&site.daemon, &order, Some("STARTED"));
    report(site.daemon.dimse(), &[set("2.25.302", ended("COMPLETED"))]).unwrap();
    wait_until_shown(&site.daemon, &order, None);
    assert_eq!(site.account.orders().len(), SCHEDULED);
}
