//! The end of the process between the answer to a modality and the delivery.

use tests::account::Account;
use tests::daemon::Home;
use tests::fault_proxy::{Fault, FaultProxy};
use tests::wait::eventually;
use tests::worklist::Order;

use super::story::of_account;
use super::{create, ended, get, in_progress, report, set, wait_until_shown};
use crate::worklist::{of_all_days, wait_for};

/// Steps that are reported while nothing can be delivered.
const STEPS: usize = 5;

#[test]
fn what_was_answered_is_delivered_once_after_sigkill() {
    let folder = tempfile::tempdir().unwrap();
    let account = Account::start_with(&folder.path().join("account"), |options| {
        options.account.equipment = tests::worklist::equipment();
    });
    account.add_order(None, Order::new(0).of_account());
    let proxy = FaultProxy::to(account.address());
    let configuration = of_account(account.configured(of_all_days(), folder.path()));
    let home = Home::new(&configuration.origin("cloud", &origin::base_url(proxy.address())));
    let daemon = home.start();
    wait_for(&daemon, 1);
    proxy.set(Fault::Refuse);
    proxy.cut();
    let step = |number: usize| {
        let patient = [
            ("00100010", "PN", "NEMO^NOBODY".to_owned()),
            ("00100020", "LO", format!("EMERGENCY-{number}")),
            ("00100030", "DA", "19800102".to_owned()),
        ];
        let scheduled = [("00080050", "SH", format!("E-{number}"))];
        let patient = patient.each_ref().map(|(tag, vr, value)| (*tag, *vr, value.as_str()));
        in_progress(&patient, &scheduled.each_ref().map(|(tag, vr, value)| (*tag, *vr, value.as_str())))
    };
    let uid = |number: usize| format!("2.25.40{number}");
    let mut requests: Vec<_> = (0..STEPS).map(|number| create(&uid(number), step(number))).collect();
    requests.push(create("2.25.499", super::in_progress_of(&daemon, &Order::new(0))));
    let Some(answers) = report(daemon.dimse(), &requests) else { return };
    assert!(answers.iter().all(|answer| answer.status() == 0), "{answers:?}");
    daemon.kill();
    assert_eq!(account.orders().len(), 1, "nothing has come through");

    let daemon = home.start();
    wait_until_shown(&daemon, &Order::new(0), Some("STARTED"));
    let more = [set(&uid(0), ended("COMPLETED")), get(&uid(1), &["00400252"])];
    let answers = report(daemon.dimse(), &more).unwrap();
    assert_eq!((answers[0].status(), answers[1].status()), (0, 0), "{answers:?}");
    assert_eq!(answers[1].text("00400252"), Some("IN PROGRESS"));
    daemon.kill();

    let daemon = home.start();
    proxy.set(Fault::None);
    eventually("every order is made", || (account.orders().len() == 1 + STEPS).then_some(()));
    // With the end of the first step; that of the scheduled one needed no request, and so no line.
    eventually("all reports are delivered", || {
        let made = [("to", "cloud"), ("outcome", "made")];
        (daemon.metrics().sum("dimseway_calls_total", &made) >= (STEPS + 1) as f64).then_some(())
    });
    let mut patients: Vec<_> = account.orders().into_iter().map(|order| order.ordered.patient_id).collect();
    patients.sort_unstable();
    let expected: Vec<_> = (0..STEPS).map(|number| format!("EMERGENCY-{number}")).collect();
    assert_eq!(patients, [expected, vec![Order::new(0).patient_id()]].concat(), "each once");
}
