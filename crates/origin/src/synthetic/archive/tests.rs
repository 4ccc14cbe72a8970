use std::collections::{BTreeMap, BTreeSet};

use dataset::json::{Item, ReadLimits, from_data_set, read_all};
use instance::Tag;

use super::*;

#[test]
fn a_seed_names_an_archive() {
    let options = Options { studies: 40, ..Options::new(1) };
    assert_eq!(Archive::generate(options), Archive::generate(options));
    assert_ne!(Archive::generate(options), Archive::generate(Options { seed: 2, ..options }));
}

#[test]
fn two_thousand_studies_have_what_archives_have() {
    let archive = Archive::generate(Options::new(1));
    assert_eq!(archive.studies.len(), 2_000);
    let mut issuers: BTreeMap<&str, BTreeSet<Option<&str>>> = BTreeMap::new();
    let mut character_sets = BTreeSet::new();
    let mut studies_of: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut empty, mut absent) = (0, 0);
    for study in &archive.studies {
        let id = study.attributes.text(Tag::PATIENT_ID).unwrap();
        issuers.entry(id).or_default().insert(study.attributes.text(Tag::ISSUER_OF_PATIENT_ID));
        character_sets.insert(study.character_set);
        *studies_of.entry(id).or_default() += 1;
        match study.attributes.text(Tag(0x0010, 0x0030)) {
            Some("") => empty += 1,
            None => absent += 1,
            Some(_) => {}
        }
    }
    assert!(issuers.values().filter(|issuers| issuers.len() > 1).count() >= 20);
    let all = people::SCRIPTS.iter().flat_map(|script| script.character_sets);
    assert_eq!(character_sets, all.copied().collect::<BTreeSet<_>>());
    assert!(studies_of.values().max() >= Some(&30));
    assert!(empty > 50 && absent > 50, "{empty} {absent}");
    let uids: BTreeSet<_> = archive.files().map(|file| file.identity.sop_instance_uid).collect();
    assert_eq!(uids.len(), archive.instance_count());
}

#[test]
fn a_patient_id_without_issuers_is_one_patient() {
    let options = Options { shared_patient_ids: false, studies: 500, ..Options::new(3) };
    let archive = Archive::generate(options);
    let mut names: BTreeMap<&str, BTreeSet<Option<&str>>> = BTreeMap::new();
    for study in &archive.studies {
        let id = study.attributes.text(Tag::PATIENT_ID).unwrap();
        names.entry(id).or_default().insert(study.attributes.text(Tag::PATIENT_NAME));
    }
    assert!(names.values().all(|names| names.len() == 1), "{names:?}");
}

/// What is written reads back as the data says, whatever the character set.
#[test]
fn data_sets_hold_their_attributes() {
    let archive = Archive::generate(Options { studies: 200, ..Options::new(7) });
    for file in archive.files() {
        let item = read(&file);
        for (tag, value) in file.attributes.iter() {
            match value {
                Value::Items(items) => assert_eq!(item.items(tag).count(), items.len(), "{tag}"),
                Value::Text(_, text) => {
                    let values = item.values(tag).iter().filter_map(|value| value.text());
                    let values: Vec<_> = values.map(std::borrow::Cow::into_owned).collect();
                    assert_eq!(values.join("\\"), *text, "{tag} in {:?}", file.character_set);
                }
            }
        }
    }
}

fn read(file: &File) -> Item {
    let mut json = Vec::new();
    let data_set = file.data_set();
    from_data_set(
        data_set.as_slice(),
        file.transfer_syntax.encoding(),
        dataset::json::Options::default(),
        &mut json,
    )
    .unwrap();
    let mut items = read_all(&json, ReadLimits::default()).unwrap();
    items.pop().unwrap()
}
