//! Queries and orders that make no sense, and more of them than anybody wanted: each has its status, nothing is
//! lost and nothing is invented.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};

use instance::Tag;
use serde_json::{Value, json};
use tests::find::{Finder, Found, Identifier};
use tests::metrics::Metrics;
use tests::wait::eventually;
use tests::worklist::{
    ACCESSION_NUMBER, MODALITY, MODALITY_WORKLIST, ORDERS, Order, PATIENT_ID, PATIENT_NAME, START_DATE,
    START_TIME, STATION, STEPS, orders,
};

use super::{Site, accession_numbers, find, query, wait_for, wait_for_all};

const BIRTH_DATE: Tag = Tag(0x0010, 0x0030);

fn of_step(tag: Tag, vr: &str, value: &str) -> Identifier {
    query(Identifier::default(), Identifier::default().with(tag, vr, value))
}

fn everything() -> Identifier {
    query(Identifier::default(), Identifier::default())
}

#[test]
fn every_odd_query_has_its_status_on_an_association_that_goes_on() {
    let site = Site::new(&orders());
    let daemon = site.home.start();
    wait_for_all(&daemon);
    let unknown = || everything().with(Tag(0x0018, 0x9004), "CS", "");
    let two_items =
        [Identifier::default(), Identifier::default()].map(|item| item.with(MODALITY, "CS", "CT"));
    let whole = everything().bytes();
    // Name, identifier, final status, pending ones with and without a warning, offending element.
    type Row = (&'static str, Vec<u8>, u16, usize, usize, Option<Tag>);
    let none =
        |name, identifier: Identifier, status, tag| -> Row { (name, identifier.bytes(), status, 0, 0, tag) };
    let table: Vec<Row> = vec![
        none("no key", Identifier::default(), 0xA900, Some(STEPS)),
        none(
            "a character set and no key",
            Identifier::default().with(Tag(0x0008, 0x0005), "CS", "ISO_IR 192"),
            0xA900,
            Some(STEPS),
        ),
        ("an unknown key", unknown().bytes(), 0, ORDERS, 0, None),
        (
            "a private key",
            everything().with(Tag(0x0009, 0x0010), "LO", "ACME").with(Tag(0x0009, 0x1001), "LO", "1").bytes(),
            0,
            ORDERS,
            0,
            None,
        ),
        none("a date in words", of_step(START_DATE, "DA", "TODAY"), 0xA900, Some(START_DATE)),
        none("no such date", of_step(START_DATE, "DA", "20260230"), 0xA900, Some(START_DATE)),
        none("half a range", of_step(START_DATE, "DA", "20260301-2026"), 0xA900, Some(START_DATE)),
        ("a range without ends", of_step(START_DATE, "DA", "-").bytes(), 0, 0, ORDERS, None),
        none("no such time", of_step(START_TIME, "TM", "2561"), 0xA900, Some(START_TIME)),
        none("a range backwards", of_step(START_DATE, "DA", "20260306-20260301"), 0, None),
        none("a station nobody knows", of_step(STATION, "AE", "NOBODY"), 0, None),
        none("two items", Identifier::default().with_items(STEPS, &two_items), 0xA900, Some(STEPS)),
        ("a sequence without items", everything().with_items(STEPS, &[]).bytes(), 0, 0, ORDERS, None),
        ("no sequence", Identifier::default().with(ACCESSION_NUMBER, "SH", "").bytes(), 0, 0, ORDERS, None),
        (
            "an item without keys",
            query(Identifier::default(), Identifier::default())
                .with_items(STEPS, &[Identifier::default()])
                .bytes(),
            0,
            0,
            ORDERS,
            None,
        ),
        ("bytes that are no data set", vec![0xA5; 4096], 0xA900, 0, 0, None),
        ("nothing but FF", vec![0xFF; 40], 0xA900, 0, 0, None),
        ("half an identifier", whole[..whole.len() - 3].to_vec(), 0xA900, 0, 0, None),
    ];
    let mut finder = Finder::open(daemon.dimse(), MODALITY_WORKLIST);
    let mut wrong = Vec::new();
    for (name, bytes, status, warned, plain, offending) in table {
        let Found { answers, last } = finder.find_bytes(&bytes);
        let with_warning = answers.iter().filter(|answer| answer.status == 0xFF01).count();
        let is = (last.status, with_warning, answers.len() - with_warning);
        let elements = last.offending_elements.iter().map(|(group, number)| Tag(*group, *number));
        let tag_is_told = offending.is_none_or(|tag| elements.clone().any(|told| told == tag));
        if is != (status, warned, plain) || !tag_is_told {
            wrong.push(format!("{name}: {is:04X?} {last:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(accession_numbers(&finder.find(&everything())).len(), ORDERS, "the association goes on");
}

/// An order in DICOM JSON (PS3.18 §F.2).
fn in_json(number: usize, station: &str) -> Value {
    let text = |vr: &str, value: &str| json!({"vr": vr, "Value": [value]});
    json!({
        "00080050": text("SH", &format!("J{number}")),
        "00100010": json!({"vr": "PN", "Value": [{"Alphabetic": format!("MANY^{number}")}]}),
        "00100020": text("LO", &format!("MANY{number}")),
        "00100030": text("DA", "19700101"),
        "00400100": json!({"vr": "SQ", "Value": [{
            "00080060": text("CS", "CT"),
            "00400001": text("AE", station),
            "00400002": text("DA", "20260302"),
            "00400003": text("TM", "1000"),
        }]}),
    })
}

fn write(site: &Site, name: &str, orders: &[Value]) {
    std::fs::write(site.file(name), Value::from(orders).to_string()).unwrap();
}

#[test]
fn ten_thousand_orders_are_answered_and_more_than_allowed_end_in_a_refusal() {
    const MANY: usize = 10_000;
    for (results_max, status, results) in [(MANY, 0, MANY), (100, 0xA700, 100)] {
        let limit = format!("results_max = {results_max}");
        let site = Site::with(&[], |configuration| configuration.set("worklist", &limit));
        for file in 0..10 {
            let orders: Vec<_> =
                (0..MANY / 10).map(|number| in_json(file * MANY / 10 + number, "CT1")).collect();
            write(&site, &format!("{file}.json"), &orders);
        }
        let daemon = site.home.start();
        wait_for(&daemon, MANY);
        let found = find(&daemon, &everything());
        assert_eq!(
            (found.last.status, found.answers.len()),
            (status, results),
            "{}",
            found.last.error_comment
        );
        let one = query(Identifier::default().with(ACCESSION_NUMBER, "SH", "J7777"), Identifier::default());
        assert_eq!(find(&daemon, &one).answers.len(), 1);
    }
}

fn left_out(metrics: &Metrics, source: &str, reason: &str) -> f64 {
    metrics.sum("dimseway_worklist_left_out", &[("source", source), ("reason", reason)])
}

#[test]
fn orders_that_lack_something_are_completed_as_configured_or_counted() {
    let lacking = |number: usize, beside: &[&str], of_step: &[&str]| {
        let mut order = in_json(number, "CT1");
        for tag in beside {
            order.as_object_mut().unwrap().remove(*tag);
        }
        for tag in of_step {
            order["00400100"]["Value"][0].as_object_mut().unwrap().remove(*tag);
        }
        order
    };
    let orders = [
        in_json(0, "CT1"),
        lacking(1, &["00100030"], &[]),
        lacking(2, &[], &["00080060"]),
        lacking(3, &[], &["00400001"]),
        lacking(4, &[], &["00400002"]),
        lacking(5, &["00100010"], &[]),
        lacking(6, &["00100020"], &[]),
        lacking(7, &[], &["00400003"]),
        lacking(8, &["00400100"], &[]),
        lacking(9, &["00080050"], &[]),
        in_json(10, "NOBODYKNOWS"),
    ];
    // What is configured, accession numbers on the list, and counts by reason.
    let nine = ["", "J0", "J1", "J2", "J7", "J10"];
    type Row<'a> = (&'a [&'a str], &'a [&'a str], &'a [(&'a str, f64)]);
    let table: [Row<'_>; 3] = [
        (
            &[],
            &nine,
            &[("unassigned", 2.0), ("no_start", 1.0), ("no_patient_name", 1.0), ("no_patient_id", 1.0)],
        ),
        (
            &["modality = \"\""],
            &["", "J0", "J1", "J7", "J10"],
            &[("unassigned", 2.0), ("no_modality", 1.0), ("no_start", 1.0)],
        ),
        (
            &["modality = \"CR\"", "start_date = \"today\"", "patient_name = \"UNKNOWN\""],
            &["", "J0", "J1", "J2", "J4", "J5", "J7", "J10"],
            &[("unassigned", 2.0), ("no_start", 0.0), ("no_patient_name", 0.0), ("no_patient_id", 1.0)],
        ),
    ];
    for (fallbacks, on_the_list, counts) in table {
        let site = Site::with(&[], |configuration| {
            fallbacks.iter().fold(configuration, |all, line| all.set("worklist.fallback", line))
        });
        write(&site, "orders.json", &orders);
        let daemon = site.home.start();
        wait_for(&daemon, on_the_list.len());
        let shown = everything().with(BIRTH_DATE, "DA", "").with(PATIENT_ID, "LO", "");
        let found = find(&daemon, &shown);
        let expected = on_the_list.iter().map(|number| (*number).to_owned()).collect();
        assert_eq!(accession_numbers(&found), expected, "{fallbacks:?}");
        for (reason, count) in counts {
            assert_eq!(left_out(&daemon.metrics(), "ris", reason), *count, "{fallbacks:?}: {reason}");
        }
        let of = |number: &str| {
            let answer =
                found.answers.iter().find(|answer| answer.elements.text(ACCESSION_NUMBER) == Some(number));
            answer.map(|answer| &answer.elements)
        };
        assert_eq!(of("J1").unwrap().text(BIRTH_DATE), Some(""), "nothing is invented");
        if let Some(order) = of("J2") {
            let modality = if fallbacks.is_empty() { "OT" } else { "CR" };
            assert_eq!(order.items(STEPS)[0].text(MODALITY), Some(modality));
        }
        assert_eq!(of("J7").unwrap().items(STEPS)[0].text(START_TIME), Some("000000"));
        if let Some(order) = of("J5") {
            assert_eq!(order.text(PATIENT_NAME), Some("UNKNOWN"));
        }
    }
}

#[test]
fn one_accession_number_in_two_sources_is_one_order_and_two_steps_in_one_are_two() {
    let other = tempfile::tempdir().unwrap();
    let site = Site::with(&[Order::new(0), Order::new(1)], |configuration| {
        configuration
            .set("worklist_source.old", "type = \"folder\"")
            .set("worklist_source.old", &format!("directory = \"{}\"", other.path().display()))
            .set("worklist", "sources = [\"ris\", \"old\"]")
    });
    // The same order in both, one of another patient with a number that is in use, and two steps of one order.
    Order::new(0).write(other.path());
    let mut of_another = in_json(50, "CT1");
    of_another["00080050"]["Value"][0] = json!(Order::new(1).accession_number());
    let mut steps = in_json(51, "CT1");
    let second = json!({"00400009": {"vr": "SH", "Value": ["SECOND"]}});
    let mut next = steps["00400100"]["Value"][0].clone();
    next.as_object_mut().unwrap().extend(second.as_object().unwrap().clone());
    steps["00400100"]["Value"].as_array_mut().unwrap().push(next);
    std::fs::write(other.path().join("more.json"), json!([of_another, steps]).to_string()).unwrap();
    let daemon = site.home.start();
    wait_for(&daemon, 6);
    let found = find(&daemon, &everything());
    let mut numbers: Vec<_> =
        found.answers.iter().map(|answer| answer.elements.text(ACCESSION_NUMBER).unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, ["A1000", "A1001", "A1001", "J51", "J51"]);
    assert_eq!(left_out(&daemon.metrics(), "old", "duplicate"), 1.0);
}

/// Somebody who answers everything with the same bytes.
fn nonsense(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 16 * 1024];
            let _ = stream.read(&mut buffer);
            let _ = stream.write_all(bytes);
        }
    });
    address
}

#[test]
fn a_source_that_answers_rubbish_takes_nothing_from_the_others() {
    let page = nonsense(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 9\r\n\r\n<html>:-(");
    let json =
        nonsense(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 8\r\n\r\n[{\"a\":1,");
    let noise = nonsense(&[0x07; 64]);
    // What the rubbish is, and the tables of its source.
    let cloud = |address: SocketAddr| {
        format!(
            "[origin.cloud]\nurl = \"http://{address}/\"\nprofile = \"postdicom\"\n\
            auth = {{ type = \"basic\", username = \"u\", password_file = \"password\" }}\n\
            [origin.cloud.postdicom]\ninstitutions = [\"inst-1\"]\n\
            [worklist_source.bad]\ntype = \"postdicom\"\norigin = \"cloud\"\n"
        )
    };
    let peer = format!(
        "[[peer]]\nae_title = \"BAD\"\naddress = \"{noise}\"\n\
        [worklist_source.bad]\ntype = \"dimse\"\npeer = \"BAD\"\n"
    );
    for (name, tables) in [("a page", cloud(page)), ("half of a list", cloud(json)), ("no PDU", peer)] {
        let site = Site::with(&orders(), |configuration| {
            let all = configuration.set("worklist", "sources = [\"ris\", \"bad\"]").with(&tables);
            all.set("query", "origin = \"archive\"").with("[[route]]\nstore = [\"archive\"]")
        });
        std::fs::write(site.home.path().join("password"), "p").unwrap();
        // Files that are no orders, too.
        std::fs::write(site.file("page.json"), "<html>").unwrap();
        std::fs::write(site.file("noise.wl"), [0xFF; 64]).unwrap();
        std::fs::write(site.file("empty.dcm"), "").unwrap();
        let daemon = site.home.start();
        wait_for_all(&daemon);
        eventually("the rubbish is refused", || {
            let failed = [("source", "bad"), ("outcome", "failed")];
            (daemon.metrics().sum("dimseway_worklist_refreshes_total", &failed) >= 2.0).then_some(())
        });
        // What is known is told; that it is not all of it is told as well.
        let found = find(&daemon, &everything());
        assert_eq!(accession_numbers(&found).len(), ORDERS, "{name}");
        assert_eq!(found.last.status, 0xA700, "{name}");
        assert_eq!(found.last.error_comment, "the worklist is not available", "{name}");
        assert_eq!(left_out(&daemon.metrics(), "ris", "unreadable"), 3.0, "{name}");
        assert_eq!(daemon.get("/readyz").status, 200, "{name}");
    }
}

#[test]
fn a_station_sees_its_own_orders_and_those_of_nobody_only_where_told_so() {
    for (unassigned, seen) in [("hide", 1), ("all", 2)] {
        let line = format!("unassigned = \"{unassigned}\"");
        let site = Site::with(&[], |configuration| configuration.set("worklist", &line));
        let mut of_nobody = in_json(1, "");
        of_nobody["00400100"]["Value"][0]["00400001"] = json!({"vr": "AE"});
        write(&site, "orders.json", &[in_json(0, "MODALITY"), of_nobody, in_json(2, "OTHER")]);
        let daemon = site.home.start();
        wait_for(&daemon, 1 + seen);
        // The tests call themselves MODALITY.
        let found = find(&daemon, &of_step(STATION, "AE", "MODALITY"));
        assert_eq!((found.last.status, found.answers.len()), (0, seen), "{unassigned}");
        for answer in &found.answers {
            assert_eq!(answer.elements.items(STEPS)[0].text(STATION), Some("MODALITY"), "{unassigned}");
        }
    }
}

#[test]
fn a_modality_that_has_no_list_yet_is_refused_and_not_told_that_there_is_nothing() {
    let site = Site::with(&[], |configuration| {
        configuration.set("worklist_source.ris", "directory = \"not-there\"")
    });
    let daemon = site.home.start();
    let found = find(&daemon, &everything());
    assert_eq!((found.last.status, found.answers.len()), (0xA700, 0), "{}", found.last.error_comment);
    std::fs::create_dir(site.home.path().join("not-there")).unwrap();
    eventually("an empty list is an answer", || {
        (find(&daemon, &everything()).last.status == 0).then_some(())
    });
}
