use dataset::identifier::Identifier;

use super::*;

const ENCODINGS: [Encoding; 4] = [
    Encoding::ImplicitVrLittleEndian,
    Encoding::ExplicitVrLittleEndian,
    Encoding::ExplicitVrBigEndian,
    Encoding::DeflatedExplicitVrLittleEndian,
];

fn uid(number: usize) -> Uid {
    format!("1.2.840.99999.{number:040}").parse().unwrap()
}

fn listed(counts: &Counts, encoding: Encoding) -> Vec<Uid> {
    let bytes = counts.identifier(encoding).unwrap();
    let item = Identifier::read(&bytes, encoding, None).unwrap().item;
    assert_eq!(item.len(), 1);
    let values = item.values(FAILED_SOP_INSTANCE_UID_LIST).iter();
    values.map(|value| value.text().unwrap().parse().unwrap()).collect()
}

#[test]
fn the_list_names_what_failed_and_is_absent_where_nothing_did() {
    let mut counts = Counts::default();
    counts.add(&uid(1), Outcome::Completed);
    counts.add(&uid(2), Outcome::Warning);
    for encoding in ENCODINGS {
        assert_eq!(counts.identifier(encoding), None);
    }
    counts.add(&uid(3), Outcome::Failed);
    counts.add(&uid(1), Outcome::Failed);
    for encoding in ENCODINGS {
        assert_eq!(listed(&counts, encoding), [uid(3), uid(1)], "{encoding:?}");
    }
}

#[test]
fn a_list_that_is_too_long_is_cut_between_two_uids() {
    let mut counts = Counts::default();
    (0..3000).for_each(|number| counts.add(&uid(number), Outcome::Failed));
    let all: Vec<Uid> = (0..3000).map(uid).collect();
    assert_eq!(listed(&counts, Encoding::ImplicitVrLittleEndian), all);
    let cut = listed(&counts, Encoding::ExplicitVrLittleEndian);
    assert_eq!(cut, all[..0xFFFE / 55]);
}

#[test]
fn numbers_beyond_the_field_are_the_largest_it_has() {
    let counts = Counts { completed: 70_000, ..Counts::default() };
    let numbers = counts.sub_operations(Some(1_000_000));
    assert_eq!((numbers.completed, numbers.remaining, numbers.failed), (u16::MAX, Some(u16::MAX), 0));
}

#[test]
fn statuses_count_by_their_category() {
    let cases = [
        (0x0000, Outcome::Completed),
        (0xB000, Outcome::Warning),
        (0xB007, Outcome::Warning),
        (0x0107, Outcome::Warning),
        (0xA700, Outcome::Failed),
        (0xC123, Outcome::Failed),
        (0x0122, Outcome::Failed),
        (0xFE00, Outcome::Failed),
        (0xFF00, Outcome::Failed),
    ];
    for (status, outcome) in cases {
        assert_eq!(Outcome::of_status(Status(status)), outcome, "{status:04X}");
    }
}
