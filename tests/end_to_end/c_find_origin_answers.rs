//! Everything an archive may answer to a search: what was found before is given, the status and the
//! comment say what went wrong (PS3.4 §C.4.1.1.4), and nothing hangs.

use std::collections::BTreeMap;
use std::sync::Mutex;

use instance::Tag;
use serde_json::{Value, json};
use tests::configuration::Configuration;
use tests::daemon::Home;
use tests::dcmtk::free_port;
use tests::find::{Finder, Found, Identifier, STUDY_ROOT_FIND};
use tests::scripted_origin::{Reply, ScriptedOrigin};

const STUDY: Tag = Tag(0x0020, 0x000D);
const JSON: &str = "application/dicom+json";

/// A result for a study of this number.
fn result(number: usize) -> Value {
    json!({
        "00080052": {"vr": "CS", "Value": ["STUDY"]},
        "0020000D": {"vr": "UI", "Value": [format!("2.25.{number}")]},
        "00100020": {"vr": "LO", "Value": ["A"]},
    })
}

fn results(from: usize, count: usize) -> Vec<Value> {
    (from..from + count).map(result).collect()
}

fn every_study() -> Identifier {
    Identifier::of_level("STUDY").with(STUDY, "UI", "").with(Tag(0x0010, 0x0020), "LO", "")
}

/// An answer to a search: what comes first, what comes to every further request; then how many results,
/// the status and words of the comment.
struct Row {
    name: &'static str,
    first: Reply,
    then: Reply,
    results: usize,
    status: u16,
    comment: &'static str,
}

fn row(name: &'static str, first: Reply, results: usize, status: u16, comment: &'static str) -> Row {
    Row { name, then: first.clone(), first, results, status, comment }
}

fn body(media_type: &'static str, body: impl Into<Vec<u8>>) -> Reply {
    Reply::Whole(200, Vec::new(), media_type, body.into())
}

/// Two good results and something behind them.
fn two_and(rest: &str) -> Vec<u8> {
    format!("[{},{}{rest}", result(1), result(2)).into_bytes()
}

fn statuses() -> Vec<Row> {
    let later = || vec![("retry-after", "3600".to_owned())];
    let put_off = |status| Reply::Whole(status, later(), "", Vec::new());
    vec![
        row("no content", Reply::status(204), 0, 0x0000, ""),
        row("an empty list", Reply::page(&[]), 0, 0x0000, ""),
        row("two results", Reply::page(&results(1, 2)), 2, 0x0000, ""),
        row("the same result twice", Reply::page(&[result(1), result(1)]), 1, 0x0000, ""),
        row("bad request", Reply::status(400), 0, 0xC001, "the archive refused the search"),
        row("unauthorized", Reply::status(401), 0, 0x0124, "the archive refuses our credentials"),
        row("forbidden", Reply::status(403), 0, 0x0124, "the archive refuses our credentials"),
        row("not found", Reply::status(404), 0, 0xC002, "the archive has no such search"),
        row("not allowed", Reply::status(405), 0, 0xC002, "the archive has no such search"),
        row("too many results", Reply::status(413), 0, 0xA700, "narrow the query"),
        row("too many requests", put_off(429), 0, 0xA700, "the archive is not available"),
        row("internal error", Reply::status(500), 0, 0xA700, "the archive is not available"),
        row("bad gateway", Reply::status(502), 0, 0xA700, "the archive is not available"),
        row("unavailable for an hour", put_off(503), 0, 0xA700, "the archive is not available"),
        row(
            "moved",
            Reply::Whole(302, vec![("location", "/login".to_owned())], "", Vec::new()),
            0,
            0xC000,
            "archive",
        ),
        row("a teapot", Reply::status(418), 0, 0xC000, "the archive did not answer the search"),
    ]
}

fn bodies() -> Vec<Row> {
    const UNREADABLE: &str = "the archive's answer cannot be read";
    let nameless = json!({"00100020": {"vr": "LO", "Value": ["A"]}});
    let null =
        json!({"0020000D": {"vr": "UI", "Value": ["2.25.1"]}, "00100020": {"vr": "LO", "Value": [null]}});
    vec![
        row("a page for people", body("text/html", "<html>Please sign in</html>"), 0, 0xC000, UNREADABLE),
        row("a page for people that calls itself JSON", body(JSON, "<html></html>"), 0, 0xC000, UNREADABLE),
        row("nothing at all", body(JSON, ""), 0, 0xC000, UNREADABLE),
        row("no list", body(JSON, "{\"error\": \"none\"}"), 0, 0xC000, UNREADABLE),
        row("a list without an end", body(JSON, two_and("")), 2, 0xC000, UNREADABLE),
        row("a result cut in two", body(JSON, two_and(",{\"0020000D\": {\"vr\"")), 2, 0xC000, UNREADABLE),
        row("malformed behind two", body(JSON, two_and(", !!! ]")), 2, 0xC000, UNREADABLE),
        row(
            "cut in the middle",
            Reply::Cut(JSON, two_and(",{\"0020")),
            2,
            0xA700,
            "the archive is not available",
        ),
        row("results without a UID", Reply::page(std::slice::from_ref(&nameless)), 0, 0xC000, UNREADABLE),
        row("one result without a UID", Reply::page(&[result(1), nameless]), 1, 0xC000, UNREADABLE),
        row("a null among values", Reply::page(&[null]), 1, 0x0000, ""),
        row(
            "unknown keys",
            Reply::page(&[json!({"0020000D": {"vr": "UI", "Value": ["2.25.1"], "x": 1}, "y": {}})]),
            1,
            0,
            "",
        ),
    ]
}

fn pages() -> Vec<Row> {
    const PART: &str = "the archive does not give all results";
    let then = |row: Row, then| Row { then, ..row };
    let announced = |count| {
        let warning =
            vec![("warning", "299 origin: There are 7 additional results that can be requested".to_owned())];
        Reply::Whole(200, warning, JSON, Value::from(results(1, count)).to_string().into_bytes())
    };
    vec![
        then(row("two pages", Reply::page(&results(1, 60)), 61, 0, ""), Reply::page(&[result(61)])),
        then(
            row("pages that overlap", Reply::page(&results(1, 60)), 62, 0, ""),
            Reply::page(&results(58, 5)),
        ),
        then(
            row("a full page and nothing behind it", Reply::page(&results(1, 60)), 60, 0, ""),
            Reply::status(204),
        ),
        row("a page that repeats, announcing more", announced(60), 60, 0xA700, PART),
        row("a page that repeats, announcing nothing", Reply::page(&results(1, 60)), 60, 0, ""),
        then(
            row("a second page refused", Reply::page(&results(1, 60)), 60, 0xA700, "not available"),
            Reply::status(500),
        ),
        then(
            row("a second page forbidden", Reply::page(&results(1, 60)), 60, 0x0124, "credentials"),
            Reply::status(401),
        ),
        then(
            row("a second page cut in the middle", Reply::page(&results(1, 60)), 62, 0xA700, "not available"),
            Reply::Cut(JSON, format!("[{},{},", result(61), result(62)).into_bytes()),
        ),
        then(
            row("more announced and none there after all", announced(3), 3, 0xA700, PART),
            Reply::status(204),
        ),
        then(
            row("more announced and nothing new behind it", announced(60), 60, 0xA700, PART),
            Reply::page(&results(59, 2)),
        ),
    ]
}

fn configuration(url: &str) -> Configuration {
    Configuration::new()
        .origin("archive", url)
        .set("origin.archive", "answer_timeout = \"2s\"")
        .set("origin.archive", "read_timeout = \"2s\"")
}

#[test]
fn each_answer_has_its_status_and_comment() {
    let rows: Vec<_> = [statuses(), bodies(), pages()].into_iter().flatten().collect();
    let origin = ScriptedOrigin::start([]);
    let home = Home::new(&configuration(&origin.url()));
    let daemon = home.start();
    let mut finder = Finder::open(daemon.dimse(), STUDY_ROOT_FIND);
    let mut wrong = Vec::new();
    for row in &rows {
        let (first, then) = (row.first.clone(), row.then.clone());
        origin.ask(move |request| {
            let is_first = request.target.contains("offset=0") || !request.target.contains("offset=");
            Some(if is_first { first.clone() } else { then.clone() })
        });
        let Found { answers, last } = finder.find(&every_study());
        let comment_right = if row.comment.is_empty() {
            last.error_comment.is_empty()
        } else {
            last.error_comment.contains(row.comment)
        };
        if last.status != row.status || answers.len() != row.results || !comment_right {
            wrong.push(format!(
                "{}: {:04X} {:?}, {} results",
                row.name,
                last.status,
                last.error_comment,
                answers.len()
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    finder.release();
}

#[test]
fn an_archive_that_is_silent_or_down_is_not_waited_for() {
    let origin = ScriptedOrigin::start([]);
    origin.ask(|_| Some(Reply::Stall));
    let nobody = format!("http://127.0.0.1:{}/dicom-web", free_port());
    for url in [origin.url(), nobody] {
        let home = Home::new(&configuration(&url));
        let daemon = home.start();
        let found = Finder::open(daemon.dimse(), STUDY_ROOT_FIND).find(&every_study());
        assert_eq!((found.last.status, found.answers.len()), (0xA700, 0), "{url}: {:?}", found.last);
        assert_eq!(found.last.error_comment, "the archive is not available");
    }
    origin.release();
}

#[test]
fn a_server_that_puts_off_shortly_is_asked_again() {
    let origin = ScriptedOrigin::start([]);
    let left = Mutex::new(2);
    origin.ask(move |_| {
        let mut left = left.lock().unwrap();
        if *left > 0 {
            *left -= 1;
            return Some(Reply::Whole(503, vec![("retry-after", "0".to_owned())], "", Vec::new()));
        }
        Some(Reply::page(&results(1, 3)))
    });
    let home = Home::new(&configuration(&origin.url()));
    let daemon = home.start();
    let found = Finder::open(daemon.dimse(), STUDY_ROOT_FIND).find(&every_study());
    assert_eq!((found.last.status, found.answers.len()), (0, 3), "{:?}", found.last);
    assert_eq!(origin.requests().len(), 3);
}

#[test]
fn of_two_archives_one_that_fails_does_not_hide_the_other() {
    let (good, bad) = (ScriptedOrigin::start([]), ScriptedOrigin::start([]));
    good.ask(|_| Some(Reply::page(&results(1, 3))));
    bad.ask(|_| Some(Reply::status(500)));
    let both = Configuration::new()
        .origin("bad", &bad.url())
        .origin("good", &good.url())
        .set("query", "origin = [\"bad\", \"good\"]")
        .with("[[route]]\nstore = [\"good\"]");
    let home = Home::new(&both);
    let daemon = home.start();
    let mut finder = Finder::open(daemon.dimse(), STUDY_ROOT_FIND);
    let found = finder.find(&every_study());
    assert_eq!((found.last.status, found.answers.len()), (0xA700, 3), "{:?}", found.last);
    // And where both answer, the earlier one's attributes win and nothing comes twice.
    bad.ask(|_| {
        let mut other = result(2);
        other["00100020"]["Value"] = json!(["B"]);
        Some(Reply::page(&[other, result(9)]))
    });
    let found = finder.find(&every_study());
    assert_eq!(found.last.status, 0, "{:?}", found.last);
    let merged: BTreeMap<_, _> = found
        .answers
        .iter()
        .map(|answer| {
            (answer.elements.text(STUDY).unwrap(), answer.elements.text(Tag(0x0010, 0x0020)).unwrap())
        })
        .collect();
    assert_eq!(found.answers.len(), merged.len());
    assert_eq!(merged, BTreeMap::from([("2.25.1", "A"), ("2.25.2", "B"), ("2.25.3", "A"), ("2.25.9", "A")]));
}

#[test]
fn limits_end_a_query_with_a_comment_that_says_so() {
    let origin = ScriptedOrigin::start([]);
    origin.ask(|_| Some(Reply::page(&results(1, 40))));
    let table = [
        ("results_max = 10", 10, "more than 10 results"),
        ("rows_max = 25", 25, "more than 25 rows"),
        ("requests_max = 2", 0, "more than 2 searches"),
    ];
    for (limit, results, comment) in table {
        let home =
            Home::new(&configuration(&origin.url()).set("query", limit).set("query", "origin = \"archive\""));
        let daemon = home.start();
        let uids: Vec<_> = (100..300).map(|number| format!("2.25.{number}")).collect();
        let identifier = if limit.starts_with("requests") {
            every_study().with(STUDY, "UI", uids.join("\\"))
        } else {
            every_study()
        };
        let found = Finder::open(daemon.dimse(), STUDY_ROOT_FIND).find(&identifier);
        assert_eq!((found.last.status, found.answers.len()), (0xA700, results), "{limit}: {:?}", found.last);
        assert!(found.last.error_comment.contains(comment), "{:?}", found.last);
    }
}
