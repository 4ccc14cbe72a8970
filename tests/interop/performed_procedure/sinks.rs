//! Every sink at once: an account's orders, an origin with performed procedure steps (PS3.18 §15) and
//! pynetdicom as the system that orders. Each hears the whole story, also over the end of the process.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tests::account::Account;
use tests::daemon::{Daemon, Home};
use tests::fault_proxy::{Fault, FaultProxy};
use tests::step_origin::StepOrigin;
use tests::wait::eventually;
use tests::worklist::Order;
use tests::{dcmtk, skip};

use super::story::of_account;
use super::{
    Request, create, discontinued, ended, get, in_progress, in_progress_of, report, set, wait_until_shown,
};
use crate::worklist::{of_all_days, wait_for};

/// Orders that the account has.
const SCHEDULED: usize = 3;

/// (0040,0252) Performed Procedure Step Status.
const STATUS: &str = "00400252";
/// (0010,0010) Patient's Name.
const NAME: &str = "00100010";

/// pynetdicom as the system that orders; killed when dropped. What came stays in its file.
struct Ris(Child);

impl Ris {
    /// Starts one; nothing where it is not installed.
    fn start(port: u16, file: &Path) -> Option<Self> {
        let child = Command::new(skip::python()?)
            .args(["-c", include_str!("ris.py"), &port.to_string()])
            .arg(file)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Python starts");
        let ris = Self(child);
        eventually("the system that orders listens", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok());
        Some(ris)
    }
}

impl Drop for Ris {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A daemon whose worklist is an account's and whose reports go to all three sinks.
struct Site {
    home: Home,
    account: Account,
    steps: StepOrigin,
    /// In front of the account and of the origin.
    proxies: [FaultProxy; 2],
    ris_port: u16,
    ris_file: PathBuf,
    _folder: tempfile::TempDir,
}

impl Site {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let account = Account::start_with(&folder.path().join("account"), |options| {
            options.account.equipment = tests::worklist::equipment();
        });
        for number in 0..SCHEDULED {
            account.add_order(None, Order::new(number).of_account());
        }
        let steps = StepOrigin::start(&folder.path().join("steps"));
        let proxies = [FaultProxy::to(account.address()), FaultProxy::to(steps.address())];
        let (ris_port, ris_file) = (dcmtk::free_port(), folder.path().join("ris"));
        fs::write(&ris_file, "").unwrap();
        let configuration = of_account(account.configured(of_all_days(), folder.path()))
            .origin("cloud", &origin::base_url(proxies[0].address()))
            .origin("steps", &origin::base_url(proxies[1].address()))
            .set("mpps_sink.steps", "type = \"mpps-rs\"")
            .set("mpps_sink.steps", "origin = \"steps\"")
            .set("mpps_sink.ris", "type = \"dimse\"")
            .set("mpps_sink.ris", "peer = \"RIS\"")
            .with("[[route]]\nstore = [\"cloud\"]")
            .with(&format!("[[peer]]\nae_title = \"RIS\"\naddress = \"127.0.0.1:{ris_port}\""));
        let home = Home::new(&configuration);
        Self { home, account, steps, proxies, ris_port, ris_file, _folder: folder }
    }

    fn ris(&self) -> Option<Ris> {
        Ris::start(self.ris_port, &self.ris_file)
    }

    fn set_fault(&self, fault: Fault) {
        for proxy in &self.proxies {
            proxy.set(fault);
            if fault != Fault::None {
                proxy.cut();
            }
        }
    }

    /// What the system that orders was told: what, of which step, and the status that it has then.
    fn told(&self) -> Vec<(String, String, String)> {
        let lines = fs::read_to_string(&self.ris_file).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let told = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        told.map(|line| {
            (text(&line["kind"]), text(&line["uid"]), text(&line["data_set"][STATUS]["Value"][0]))
        })
        .collect()
    }

    /// Steps of the origin: UID and status.
    fn performed(&self) -> Vec<(String, String)> {
        let text = |step: &Value, tag: &str| step[tag]["Value"][0].as_str().unwrap_or_default().to_owned();
        let mut steps: Vec<_> = self
            .steps
            .performed_steps()
            .iter()
            .map(|step| (text(step, "00080018"), text(step, STATUS)))
            .collect();
        steps.sort_unstable();
        steps
    }
}

/// Waits until nothing is left to be delivered.
fn wait_until_delivered(daemon: &Daemon) {
    eventually("all reports are delivered", || {
        let metrics = daemon.metrics();
        let held = metrics.sum("dimseway_calls", &[("state", "held")]);
        assert!(held == 0.0, "held: {}", daemon.log());
        (metrics.sum("dimseway_calls", &[]) == 0.0).then_some(())
    });
}

/// A step that nobody has scheduled.
fn unscheduled(uid: &str, number: usize) -> Request {
    let (id, accession_number) = (format!("EMERGENCY-{number}"), format!("E-{number}"));
    let patient = [(NAME, "PN", "NEMO^NOBODY"), ("00100020", "LO", &*id), ("00100030", "DA", "19800102")];
    create(uid, in_progress(&patient, &[("00080050", "SH", &*accession_number)]))
}

/// The story as each sink is to know it in the end: steps with their final status.
const UIDS: [&str; 4] = ["2.25.601", "2.25.602", "2.25.603", "2.25.604"];
const ENDS: [&str; 4] = ["COMPLETED", "DISCONTINUED", "DISCONTINUED", "COMPLETED"];

fn begun(daemon: &Daemon) -> Vec<Request> {
    let scheduled = |number: usize| create(UIDS[number], in_progress_of(daemon, &Order::new(number)));
    vec![scheduled(0), scheduled(1), scheduled(2), unscheduled(UIDS[3], 1)]
}

fn over() -> Vec<Request> {
    vec![
        set(UIDS[0], ended(ENDS[0])),
        set(UIDS[1], discontinued("110513", "Discontinued for unspecified reason")),
        set(UIDS[2], discontinued("110514", "Incorrect worklist entry selected")),
        set(UIDS[3], ended(ENDS[3])),
    ]
}

/// What all sinks know in the end, each report once and those of one step in their order.
fn assert_all_is_known(site: &Site) {
    let expected: Vec<_> = UIDS.into_iter().zip(ENDS).map(|(uid, end)| (uid.into(), end.into())).collect();
    assert_eq!(site.performed(), expected, "the origin");
    let told = site.told();
    assert_eq!(told.len(), 2 * UIDS.len(), "{told:?}");
    for (uid, end) in UIDS.into_iter().zip(ENDS) {
        let of_step: Vec<_> = told.iter().filter(|(_, told, _)| told == uid).collect();
        let is = of_step.iter().map(|(kind, _, status)| (kind.as_str(), status.as_str())).collect::<Vec<_>>();
        assert_eq!(is, [("create", "IN PROGRESS"), ("set", end)], "{uid}");
    }
    let orders = site.account.orders();
    assert_eq!(orders.len(), SCHEDULED + 1, "one more, of the step that nobody had scheduled");
    assert_eq!(orders[SCHEDULED].ordered.accession_number, "E-1");
    assert_eq!(orders[SCHEDULED].ordered.patient_id, "EMERGENCY-1");
    let named = site.steps.performed_steps();
    assert!(named.iter().all(|step| step[NAME]["Value"][0]["Alphabetic"].is_string()), "{named:?}");
}

#[test]
fn the_whole_story_ends_in_orders_in_an_mpps_rs_origin_and_at_a_dimse_peer() {
    let site = Site::new();
    let Some(_ris) = site.ris() else { return };
    let daemon = site.home.start();
    wait_for(&daemon, SCHEDULED);
    let answers = report(daemon.dimse(), &begun(&daemon)).unwrap();
    assert!(answers.iter().all(|answer| answer.status() == 0), "{answers:?}");
    for number in 0..SCHEDULED {
        wait_until_shown(&daemon, &Order::new(number), Some("STARTED"));
    }
    let answers = report(daemon.dimse(), &over()).unwrap();
    assert!(answers.iter().all(|answer| answer.status() == 0), "{answers:?}");
    wait_until_shown(&daemon, &Order::new(0), None);
    wait_until_shown(&daemon, &Order::new(1), Some("SCHEDULED"));
    wait_until_shown(&daemon, &Order::new(2), Some("SCHEDULED"));
    wait_until_delivered(&daemon);
    assert_all_is_known(&site);
}

#[test]
fn sigkill_between_the_answers_and_their_delivery_loses_nothing_at_any_sink() {
    let site = Site::new();
    // The system that orders is not there, and the others cannot be reached.
    let Some(ris) = site.ris() else { return };
    drop(ris);
    let daemon = site.home.start();
    wait_for(&daemon, SCHEDULED);
    site.set_fault(Fault::Refuse);
    let requests = begun(&daemon);
    let answers = report(daemon.dimse(), &requests).unwrap();
    assert!(answers.iter().all(|answer| answer.status() == 0), "{answers:?}");
    daemon.kill();
    let nowhere = |site: &Site| {
        assert_eq!((site.performed(), site.told(), site.account.orders().len()), (vec![], vec![], SCHEDULED));
    };
    nowhere(&site);

    let daemon = site.home.start();
    let requests = [over(), vec![get(UIDS[0], &[STATUS])]].concat();
    let answers = report(daemon.dimse(), &requests).unwrap();
    assert!(answers.iter().all(|answer| answer.status() == 0), "{answers:?}");
    assert_eq!(answers[4].text(STATUS), Some("COMPLETED"));
    daemon.kill();
    nowhere(&site);

    let daemon = site.home.start();
    let _ris = site.ris();
    site.set_fault(Fault::None);
    wait_until_delivered(&daemon);
    assert_all_is_known(&site);
    wait_until_shown(&daemon, &Order::new(0), None);
    wait_until_shown(&daemon, &Order::new(2), Some("SCHEDULED"));
}
