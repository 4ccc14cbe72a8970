//! The test files of pydicom, multi-frame, compressed, odd and private ones, come out as they went in.

use tests::destination::{Behaviour, Destination};
use tests::instances::Instance;
use tests::pydicom;
use tests::retrieve::{Retriever, STUDY_ROOT_GET, STUDY_ROOT_MOVE, pairs, studies};

use super::{Archive, KINDS, Kind, Site};

/// Transfer syntax and data set.
type Bytes = (String, Vec<u8>);

/// What came, and what it should have been.
struct Comparison {
    identical: usize,
    wrong: Vec<String>,
}

impl Comparison {
    fn add(&mut self, name: &str, expected: &Bytes, came: Option<&Bytes>) {
        match came {
            Some(came) if *came == padded(expected) => self.identical += 1,
            Some((syntax, data_set)) => {
                let (expected_syntax, expected) = expected;
                let (length, expected) = (data_set.len(), expected.len());
                let told = format!("{length} bytes in {syntax} instead of {expected} in {expected_syntax}");
                self.wrong.push(format!("{name}: {told}"));
            }
            None => self.wrong.push(format!("{name} did not come")),
        }
    }
}

/// A deflated data set is sent with an even length, by a NUL behind its end (PS3.5 §A.5).
fn padded((transfer_syntax, data_set): &Bytes) -> Bytes {
    let mut data_set = data_set.clone();
    if transfer_syntax == "1.2.840.10008.1.2.1.99" && data_set.len() % 2 == 1 {
        data_set.push(0);
    }
    (transfer_syntax.clone(), data_set)
}

fn of(instances: &[Instance]) -> Vec<&str> {
    let mut uids: Vec<_> = instances.iter().map(|instance| instance.study.as_str()).collect();
    uids.sort_unstable();
    uids.dedup();
    uids
}

/// Files that end inside an element: they are listed, and never delivered.
const CUT: [&str; 2] = ["MR_truncated.dcm", "rtplan_truncated.dcm"];

/// Moves and gets all files, and holds them against what the archive gives directly.
fn retrieve(kind: &Kind) -> Option<usize> {
    let rounds = pydicom::rounds()?;
    let mut comparison = Comparison { identical: 0, wrong: Vec::new() };
    for round in rounds {
        let destination = Destination::start(Behaviour::default());
        let site = Site::start(kind, &destination.peer("STORAGE"))?;
        let mut names = Vec::new();
        let (mut kept, mut cut) = (Vec::new(), Vec::new());
        for file in &round {
            if site.archive.stow(&std::fs::read(&file.path).unwrap()) != 200 {
                continue;
            }
            if CUT.iter().any(|cut| file.path.ends_with(cut)) {
                cut.push(file.instance.clone());
            } else if let Some(bytes) = site.archive.kept(&file.instance) {
                names.push(format!("{} from {}", file.name(), kind.name));
                let (transfer_syntax, data_set) = bytes;
                kept.push(Instance { transfer_syntax, data_set, ..file.instance.clone() });
            }
        }
        if let Archive::Embedded(_) = site.archive {
            assert_eq!(kept.len() + cut.len(), round.len(), "the archive keeps every file");
        }
        let all = [&kept[..], &cut].concat();
        if all.is_empty() {
            continue;
        }
        let mut failing: Vec<_> = cut.iter().map(|instance| instance.sop_instance.clone()).collect();
        failing.sort();
        let mut mover = Retriever::open(site.daemon.dimse(), STUDY_ROOT_MOVE);
        let last = mover.move_to("STORAGE", &studies(&of(&all))).last;
        assert_eq!(last.failed_list(), failing, "{}: {last:?}", kind.name);
        let mut got = Vec::new();
        let mut getter = Retriever::open_to_get(site.daemon.dimse(), STUDY_ROOT_GET, &pairs(&all));
        let retrieved = getter.get(&studies(&of(&all)), |stored| {
            got.push(stored.clone());
            0x0000
        });
        let last = retrieved.last;
        assert_eq!(last.failed_list(), failing, "{}: {last:?}", kind.name);
        let moved = destination.received();
        for (name, instance) in names.iter().zip(&kept) {
            let expected = (instance.transfer_syntax.clone(), instance.data_set.clone());
            let moved = moved.iter().find(|one| one.sop_instance == instance.sop_instance);
            let moved = moved.map(|one| (one.transfer_syntax.clone(), one.data_set.clone()));
            comparison.add(&format!("{name} by C-MOVE"), &expected, moved.as_ref());
            let got = got.iter().find(|one| one.sop_instance == instance.sop_instance);
            let got = got.map(|one| (one.transfer_syntax.clone(), one.data_set.clone()));
            comparison.add(&format!("{name} by C-GET"), &expected, got.as_ref());
        }
    }
    let Comparison { identical, wrong } = comparison;
    println!("{}: {identical} identical", kind.name);
    assert!(wrong.is_empty(), "{wrong:#?}");
    Some(identical)
}

#[test]
fn from_a_full_archive() {
    if let Some(identical) = retrieve(&KINDS[0]) {
        assert_eq!(identical, 2 * 158);
    }
}

#[test]
fn from_a_limited_archive() {
    if let Some(identical) = retrieve(&KINDS[1]) {
        assert_eq!(identical, 2 * 158);
    }
}

/// Orthanc does not take every file.
#[test]
fn from_orthanc() {
    if let Some(identical) = retrieve(&KINDS[2]) {
        assert!(identical >= 2 * 140, "{identical}");
    }
}
