use std::time::Duration;

use dataset::{
    element::VR,
    identifier::write,
    json::{Element, write_array},
};
use instance::TransferSyntax;

use super::*;
use crate::worklist::testing::{data_set, order, today};

fn json(numbers: &[usize]) -> Vec<u8> {
    let items: Vec<Item> = numbers.iter().map(|number| order(*number, "CT1", 0, "0930").item).collect();
    let mut json = Vec::new();
    write_array(&items, &mut json).unwrap();
    json
}

fn bare(number: usize, encoding: Encoding) -> Vec<u8> {
    let mut item = order(number, "CT1", 0, "0930").item;
    item.insert(Tag::PATIENT_NAME, Element::text(VR::PN, "Müller^Jörg"));
    write(&item, encoding, &"ISO_IR 100".parse().unwrap()).bytes
}

fn part_10(number: usize, syntax: &str) -> Vec<u8> {
    let transfer_syntax = TransferSyntax::new(syntax.parse().unwrap());
    let meta = part10::FileMeta {
        sop_class_uid: "1.2.276.0.7230010.3.1.0.1".parse().unwrap(),
        sop_instance_uid: "1.2.3".parse().unwrap(),
        transfer_syntax: transfer_syntax.clone(),
    };
    let mut file = part10::write(&meta, None);
    file.extend(bare(number, transfer_syntax.encoding()));
    file
}

fn window() -> Wanted {
    Wanted::between(today(), today(), 100)
}

async fn patients(folder: &Folder, wanted: &Wanted) -> Vec<String> {
    let fetched = folder.fetch(wanted).await.unwrap().expect("something has changed");
    let id = |order: &Order| order.item.text(Tag::PATIENT_ID).unwrap().into_owned();
    let mut ids: Vec<_> = fetched.orders.iter().map(id).collect();
    ids.sort();
    ids
}

fn at(directory: &tempfile::TempDir) -> Folder {
    Folder::new(directory.path().to_owned(), None)
}

#[tokio::test]
async fn every_form_of_file_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: Vec<u8>| fs::write(directory.path().join(name), bytes).unwrap();
    put("one.json", json(&[1])[1..].strip_suffix(b"]").unwrap().to_vec());
    put("several.JSON", json(&[2, 3]));
    put("explicit.wl", part_10(4, "1.2.840.10008.1.2.1"));
    put("implicit.dcm", part_10(5, "1.2.840.10008.1.2"));
    put("bare.wl", bare(6, Encoding::ExplicitVrLittleEndian));
    put("bare_implicit.wl", bare(7, Encoding::ImplicitVrLittleEndian));
    put(".hidden.json", json(&[8]));
    put("notes.txt", json(&[9]));
    put("lockfile", Vec::new());
    fs::create_dir(directory.path().join("folder.json")).unwrap();
    let folder = at(&directory);
    let fetched = folder.fetch(&window()).await.unwrap().unwrap();
    assert_eq!((fetched.orders.len(), fetched.unreadable), (7, 0));
    let names: Vec<_> =
        fetched.orders.iter().filter_map(|order| order.item.text(Tag::PATIENT_NAME)).collect();
    assert_eq!(names.iter().filter(|name| **name == "Müller^Jörg").count(), 4);
    let again = at(&directory).fetch(&window()).await.unwrap().unwrap();
    assert_eq!(again, fetched, "with the same names, for every replica");
}

#[tokio::test]
async fn changes_are_seen_and_nothing_else_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    // A file system with coarse times would hide two writes of the same length.
    let touch = |name: &str, bytes: &[u8], seconds: u64| {
        fs::write(path(name), bytes).unwrap();
        let file = fs::File::options().append(true).open(path(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)).unwrap();
    };
    touch("a.json", &json(&[1]), 0);
    let folder = at(&directory);
    assert_eq!(patients(&folder, &window()).await, ["P1"]);
    assert_eq!(folder.fetch(&window()).await.unwrap(), None);
    touch("b.json", &json(&[2]), 0);
    assert_eq!(patients(&folder, &window()).await, ["P1", "P2"]);
    touch("a.json", &json(&[3]), 1);
    assert_eq!(patients(&folder, &window()).await, ["P2", "P3"]);
    // Half written: what it held before counts until it can be read again.
    touch("a.json", &json(&[4])[..40], 2);
    let fetched = folder.fetch(&window()).await.unwrap().unwrap();
    assert_eq!((fetched.orders.len(), fetched.unreadable), (2, 1));
    touch("a.json", &json(&[4]), 3);
    assert_eq!(patients(&folder, &window()).await, ["P2", "P4"]);
    fs::remove_file(path("b.json")).unwrap();
    assert_eq!(patients(&folder, &window()).await, ["P4"]);
    assert_eq!(folder.fetch(&window()).await.unwrap(), None);
    // A look-up takes nothing away from the next refresh.
    touch("c.json", &json(&[5]), 0);
    let look_up = Wanted { patient_id: Some("P5".into()), is_look_up: true, ..Wanted::default() };
    assert_eq!(patients(&folder, &look_up).await, ["P5"]);
    assert_eq!(patients(&folder, &window()).await, ["P4", "P5"]);
    fs::remove_dir_all(directory.path()).unwrap();
    assert!(matches!(folder.fetch(&window()).await, Err(SourceError::Directory(_))));
}

#[tokio::test]
async fn rubbish_is_counted_and_harms_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| fs::write(directory.path().join(name), bytes).unwrap();
    put("good.json", &json(&[1]));
    put("empty.json", b"");
    put("page.json", b"<html>");
    put("cut.wl", &part_10(2, "1.2.840.10008.1.2.1")[..200]);
    put("bytes.dcm", &[0xFF; 300]);
    let large = fs::File::create(directory.path().join("large.json")).unwrap();
    large.set_len(FILE_MAX + 1).unwrap();
    let fetched = at(&directory).fetch(&window()).await.unwrap().unwrap();
    assert_eq!(fetched.orders.len(), 1);
    assert_eq!(fetched.unreadable, 5);
}

#[test]
fn what_is_certainly_not_wanted_is_not_given() {
    let of_day = |days| order(1, "CT1", days, "0930");
    let cases = [(0, true), (1, true), (-1, true), (2, false), (-2, false)];
    for (days, expected) in cases {
        assert_eq!(may_match(&of_day(days), &window()), expected, "{days}");
    }
    let wanted = |patient: &str, number: &str| Wanted {
        patient_id: Some(patient.into()),
        accession_number: Some(number.into()),
        ..Wanted::default()
    };
    assert!(may_match(&of_day(90), &wanted("P1", "A1")));
    assert!(!may_match(&of_day(0), &wanted("P2", "A1")));
    assert!(!may_match(&of_day(0), &wanted("P1", "A2")));
    let no_day = Order { item: data_set(&[(Tag::PATIENT_ID, VR::LO, "P1")]), ..Order::default() };
    assert!(may_match(&no_day, &window()), "a fallback may give it one");
}
