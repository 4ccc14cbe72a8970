use dataset::{
    element::VR,
    json::{Element, Item},
    matching::Options,
};
use proptest::prelude::*;

use super::*;

const STUDY_TIME: Tag = Tag(0x0008, 0x0030);
const MODALITIES_IN_STUDY: Tag = Tag(0x0008, 0x0061);
const REFERRING_PHYSICIAN_NAME: Tag = Tag(0x0008, 0x0090);
const PATIENT_BIRTH_DATE: Tag = Tag(0x0010, 0x0030);
const PATIENT_SEX: Tag = Tag(0x0010, 0x0040);
const SERIES_NUMBER: Tag = Tag(0x0020, 0x0011);
const STEP_START_DATE: Tag = Tag(0x0040, 0x0244);
const REQUEST_ATTRIBUTES: Tag = Tag(0x0040, 0x0275);

fn keys(elements: &[(Tag, VR, &str)]) -> Keys {
    keys_with(elements, Options::default())
}

fn keys_with(elements: &[(Tag, VR, &str)], options: Options) -> Keys {
    let item: Item =
        elements.iter().map(|(tag, vr, text)| (*tag, Element::texts(*vr, text.split('\\')))).collect();
    Keys::read(&item, options).unwrap()
}

/// The searches of a plan, each as its resource and parameters would be written.
fn written(plan: Plan) -> Vec<String> {
    let finds = plan.finds;
    let search = |search: Search| {
        let path = match (&search.study, &search.series) {
            (None, _) => String::new(),
            (Some(study), None) => format!("{study}/"),
            (Some(study), Some(series)) => format!("{study}/{series}/"),
        };
        let values = search.matching.iter().map(|(path, value)| {
            let path: Vec<_> = path.iter().map(|tag| format!("{:08X}", tag.to_u32())).collect();
            let value = match value {
                MatchValue::Text(text) => text.clone(),
                MatchValue::ListOfUid(uids) => uids.iter().map(Uid::as_str).collect::<Vec<_>>().join(","),
            };
            format!("{}={value}", path.join("."))
        });
        let fuzzy = search.fuzzy.then(|| "fuzzy".to_owned());
        let parameters: Vec<_> = values.chain(fuzzy).collect();
        let above = if finds == Finds::Wanted { "" } else { "above " };
        format!("{above}{path}{:?}?{}", search.level, parameters.join("&"))
    };
    plan.searches().map(search).collect()
}

/// A server without the resources for everything there is.
fn narrow() -> SearchCapabilities {
    SearchCapabilities {
        series: Searchable::Absent,
        instances: Searchable::Absent,
        ..SearchCapabilities::azure()
    }
}

type Elements = &'static [(Tag, VR, &'static str)];
type Searches = &'static [&'static str];

/// What is searched for, by which keys, and what standard, orthanc and azure are asked.
const STUDIES: &[(Elements, Searches, Searches, Searches)] = &[
    (&[], &["Study?"], &["Study?"], &["Study?"]),
    (
        &[(Tag::PATIENT_ID, VR::LO, "4711"), (PATIENT_SEX, VR::CS, "F")],
        // What must not be searchable by the standard is matched here.
        &["Study?00100020=4711"],
        &["Study?00100020=4711&00100040=F"],
        &["Study?00100020=4711"],
    ),
    (&[(Tag::PATIENT_ID, VR::LO, "47*")], &["Study?00100020=47*"], &["Study?00100020=47*"], &["Study?"]),
    (
        &[(Tag::STUDY_INSTANCE_UID, VR::UI, "1.1\\1.2")],
        &["Study?0020000D=1.1,1.2"],
        &["Study?0020000D=1.1,1.2"],
        &["Study?0020000D=1.1", "Study?0020000D=1.2"],
    ),
    (
        &[(MODALITIES_IN_STUDY, VR::CS, "CT\\MR")],
        &["Study?00080061=CT", "Study?00080061=MR"],
        &["Study?00080061=CT", "Study?00080061=MR"],
        &["Study?00080061=CT", "Study?00080061=MR"],
    ),
    (
        &[(Tag::STUDY_DATE, VR::DA, "20240101-"), (STUDY_TIME, VR::TM, "1000-1130")],
        &["Study?00080020=20240101-&00080030=10-113059.999999"],
        &["Study?00080020=20240101-&00080030=10-113059.999999"],
        &["Study?00080020=20240101-"],
    ),
    (
        &[(Tag::STUDY_DATE, VR::DA, "1993.10.22"), (STUDY_TIME, VR::TM, "10:15")],
        &["Study?00080020=19931022&00080030=1015-101559.999999"],
        &["Study?00080020=19931022&00080030=1015-101559.999999"],
        &["Study?00080020=19931022"],
    ),
    (
        &[(Tag::PATIENT_NAME, VR::PN, "Doe^J*")],
        &[
            "Study?00100010=D??*^*?*",
            "Study?00100010=d??*^*?*",
            "Study?00100010=*=D??*^*?*",
            "Study?00100010=*=d??*^*?*",
        ],
        &["Study?00100010=*Doe*^*J*"],
        &["Study?00100010=Doe&fuzzy"],
    ),
    (
        // A name that has no case, in the second group.
        &[(Tag::PATIENT_NAME, VR::PN, "=山田^*")],
        &["Study?00100010=山田*", "Study?00100010=*=山田*"],
        &["Study?00100010=*山田*"],
        &["Study?"],
    ),
    (
        &[(Tag::PATIENT_NAME, VR::PN, "*son")],
        &["Study?00100010=*???*", "Study?00100010=*=*???*"],
        &["Study?00100010=*son*"],
        &["Study?"],
    ),
    (
        // Whether there is more of it or not, and a name without a family name.
        &[(Tag::PATIENT_NAME, VR::PN, "^jo^*")],
        &["Study?00100010=^*??*", "Study?00100010=*=^*??*"],
        &["Study?00100010=*^*jo*"],
        &["Study?00100010=jo&fuzzy"],
    ),
    (&[(Tag::PATIENT_NAME, VR::PN, "*")], &["Study?"], &["Study?"], &["Study?"]),
    (
        // A comma parts values there.
        &[(Tag::ACCESSION_NUMBER, VR::SH, "A,1"), (Tag::PATIENT_NAME, VR::PN, "Doe, J")],
        &[
            "Study?00080050=A,1&00100010=D??, ?*",
            "Study?00080050=A,1&00100010=d??, ?*",
            "Study?00080050=A,1&00100010=*=D??, ?*",
            "Study?00080050=A,1&00100010=*=d??, ?*",
        ],
        &["Study?00080050=A?1"],
        &["Study?00080050=A,1&00100010=Doe&fuzzy"],
    ),
];

#[test]
fn studies_are_searched_as_the_origin_can() {
    let profiles =
        [SearchCapabilities::standard(), SearchCapabilities::orthanc(), SearchCapabilities::azure()];
    for (elements, standard, orthanc, azure) in STUDIES {
        for (capabilities, expected) in profiles.iter().zip([standard, orthanc, azure]) {
            let plan = Plan::new(Level::Study, &keys(elements), &[], capabilities);
            assert_eq!(plan.len(), expected.len());
            assert_eq!(written(plan), *expected, "{elements:?}");
        }
    }
}

#[test]
fn paths_are_taken_where_they_are_known() {
    let cases: &[(Level, Elements, &[&str], &[&str])] = &[
        (
            Level::Series,
            &[(Tag::STUDY_INSTANCE_UID, VR::UI, "1.1"), (Tag::MODALITY, VR::CS, "CT")],
            &["1.1/Series?00080060=CT"],
            &["1.1/Series?00080060=CT"],
        ),
        (
            Level::Series,
            &[(Tag::STUDY_INSTANCE_UID, VR::UI, "1.1\\1.2"), (Tag::PATIENT_ID, VR::LO, "4711")],
            &["1.1/Series?", "1.2/Series?"],
            &["1.1/Series?", "1.2/Series?"],
        ),
        (
            Level::Instance,
            &[
                (Tag::STUDY_INSTANCE_UID, VR::UI, "1.1"),
                (Tag::SERIES_INSTANCE_UID, VR::UI, "1.1.1\\1.1.2"),
                (Tag::SOP_INSTANCE_UID, VR::UI, "1.1.1.1\\1.1.1.2"),
            ],
            &["1.1/1.1.1/Instance?00080018=1.1.1.1,1.1.1.2", "1.1/1.1.2/Instance?00080018=1.1.1.1,1.1.1.2"],
            &[
                "1.1/1.1.1/Instance?00080018=1.1.1.1",
                "1.1/1.1.2/Instance?00080018=1.1.1.1",
                "1.1/1.1.1/Instance?00080018=1.1.1.2",
                "1.1/1.1.2/Instance?00080018=1.1.1.2",
            ],
        ),
        (
            // Relational: a key of the study alone.
            Level::Series,
            &[(Tag::PATIENT_ID, VR::LO, "4711"), (SERIES_NUMBER, VR::IS, "1")],
            &["Series?00100020=4711"],
            &["above Study?00100020=4711"],
        ),
        (
            Level::Instance,
            &[(Tag::SERIES_INSTANCE_UID, VR::UI, "1.1.1")],
            &["Instance?0020000E=1.1.1"],
            &["above above Study?"],
        ),
        (Level::Instance, &[], &["Instance?"], &["above Study?"]),
    ];
    for (level, elements, standard, limited) in cases {
        for (capabilities, expected) in [(SearchCapabilities::standard(), standard), (narrow(), limited)] {
            let plan = Plan::new(*level, &keys(elements), &[], &capabilities);
            let expected: Vec<String> =
                expected.iter().map(|text| text.replace("above above", "above")).collect();
            assert_eq!(written(plan), expected, "{elements:?}");
        }
    }
}

#[test]
fn keys_in_sequences_are_sent_where_the_origin_knows_them() {
    let step = (Tag(0x0040, 0x0009), Element::text(VR::SH, "S1"));
    let item: Item = [
        (Tag::STUDY_INSTANCE_UID, Element::text(VR::UI, "1.1")),
        (REQUEST_ATTRIBUTES, Element::sequence([[step].into_iter().collect()])),
    ]
    .into_iter()
    .collect();
    let keys = Keys::read(&item, Options::default()).unwrap();
    let plan = |capabilities| written(Plan::new(Level::Series, &keys, &[], &capabilities));
    assert_eq!(plan(SearchCapabilities::standard()), ["1.1/Series?00400275.00400009=S1"]);
    assert_eq!(plan(SearchCapabilities::azure()), ["1.1/Series?"]);
}

#[test]
fn a_combined_range_is_searched_by_its_dates_and_fuzzy_names_by_a_word() {
    let elements = [
        (Tag::STUDY_DATE, VR::DA, "20240101-20240102"),
        (STUDY_TIME, VR::TM, "2200-0600"),
        (Tag::PATIENT_NAME, VR::PN, "Jo Müller"),
    ];
    let options = Options { combined_date_time: true, fuzzy: true, ..Options::default() };
    let keys = keys_with(&elements, options);
    let plan = |capabilities| written(Plan::new(Level::Study, &keys, &[], &capabilities));
    assert_eq!(plan(SearchCapabilities::standard()), ["Study?00080020=20240101-20240102"]);
    assert_eq!(plan(SearchCapabilities::azure()), ["Study?00080020=20240101-20240102&00100010=Müller&fuzzy"]);
}

#[test]
fn long_lists_of_uid_become_several_searches() {
    let uids: Vec<String> = (0..120).map(|number| format!("1.2.{number}")).collect();
    let uids = uids.join("\\");
    let listed = keys(&[(Tag::STUDY_INSTANCE_UID, VR::UI, &uids)]);
    assert_eq!(Plan::new(Level::Study, &listed, &[], &SearchCapabilities::standard()).len(), 3);
    let plan = Plan::new(Level::Study, &listed, &[], &SearchCapabilities::azure());
    assert_eq!(plan.len(), 120);
    assert!(!plan.may_repeat(), "each has UIDs of its own");
    let several = keys(&[(MODALITIES_IN_STUDY, VR::CS, "CT\\MR")]);
    assert!(Plan::new(Level::Study, &several, &[], &SearchCapabilities::azure()).may_repeat());
}

#[test]
fn one_key_at_a_time_goes_where_there_must_be_one() {
    const STUDY: Tag = Tag::STUDY_INSTANCE_UID;
    const SERIES: Tag = Tag::SERIES_INSTANCE_UID;
    type Row = (Level, Elements, Finds, Searches);
    let rows: &[Row] = &[
        (Level::Study, &[], Finds::Patients, &[]),
        (Level::Study, &[(Tag::PATIENT_NAME, VR::PN, "Doe*")], Finds::Patients, &[]),
        (Level::Study, &[(Tag::PATIENT_ID, VR::LO, "47*")], Finds::Patients, &[]),
        (Level::Study, &[(Tag::PATIENT_ID, VR::LO, "47")], Finds::Wanted, &["Study?00100020=47"]),
        (
            Level::Study,
            &[(Tag::PATIENT_ID, VR::LO, "47"), (STUDY, VR::UI, "1.1")],
            Finds::Wanted,
            &["Study?0020000D=1.1"],
        ),
        (
            Level::Study,
            &[(Tag::PATIENT_ID, VR::LO, "47"), (STUDY, VR::UI, "1.1\\1.2")],
            Finds::Wanted,
            &["Study?0020000D=1.1", "Study?0020000D=1.2"],
        ),
        (Level::Series, &[(STUDY, VR::UI, "1.1")], Finds::Wanted, &["1.1/Series?"]),
        (Level::Series, &[(STUDY, VR::UI, "1.1"), (SERIES, VR::UI, "1.2")], Finds::Wanted, &["1.1/Series?"]),
        (Level::Series, &[(Tag::PATIENT_ID, VR::LO, "47")], Finds::Above(Level::Study), &[]),
        (Level::Series, &[(SERIES, VR::UI, "1.2")], Finds::Above(Level::Study), &[]),
        (
            Level::Instance,
            &[(STUDY, VR::UI, "1.1"), (SERIES, VR::UI, "1.2"), (Tag::SOP_INSTANCE_UID, VR::UI, "1.3")],
            Finds::Wanted,
            &["1.1/1.2/Instance?"],
        ),
        (Level::Instance, &[(SERIES, VR::UI, "1.2")], Finds::Wanted, &["Instance?0020000E=1.2"]),
        (Level::Instance, &[(STUDY, VR::UI, "1.1")], Finds::Above(Level::Series), &[]),
        (Level::Instance, &[], Finds::Above(Level::Series), &[]),
    ];
    let flat = SearchCapabilities::postdicom();
    for (level, elements, finds, searches) in rows {
        let plan = Plan::new(*level, &keys(elements), &[], &flat);
        assert_eq!(plan.finds, *finds, "{elements:?}");
        if *finds == Finds::Wanted {
            assert_eq!(written(plan), *searches, "{elements:?}");
        } else {
            // Whoever asks for patients may be given the same study twice.
            let by_patients = !elements.iter().any(|(tag, _, value)| match *tag {
                STUDY => true,
                tag => tag == Tag::PATIENT_ID && !value.contains('*'),
            });
            assert_eq!(plan.may_repeat(), by_patients, "{elements:?}");
        }
    }
}

/// What Google and dcm4chee are asked.
#[test]
fn other_servers_are_asked_in_their_way() {
    type Row = (Elements, Searches, Searches);
    let rows: &[Row] = &[
        (
            &[(Tag::PATIENT_NAME, VR::PN, "Doe^J*"), (REFERRING_PHYSICIAN_NAME, VR::PN, "Roe")],
            // The other name would be matched as it stands.
            &["Study?00100010=Doe&fuzzy"],
            &[
                "Study?00080090=R??*&00100010=D??*^*?*",
                "Study?00080090=r??*&00100010=D??*^*?*",
                "Study?00080090=*=R??*&00100010=D??*^*?*",
                "Study?00080090=*=r??*&00100010=D??*^*?*",
                "Study?00080090=R??*&00100010=d??*^*?*",
            ],
        ),
        (
            &[(Tag::STUDY_DATE, VR::DA, "20240101-"), (STUDY_TIME, VR::TM, "1000-1130")],
            &["Study?00080020=20240101-"],
            &["Study?00080020=20240101-&00080030=10-113059.999999"],
        ),
        (
            &[(Tag::STUDY_INSTANCE_UID, VR::UI, "1.1\\1.2"), (MODALITIES_IN_STUDY, VR::CS, "CT")],
            &["Study?0020000D=1.1", "Study?0020000D=1.2"],
            &["Study?00080061=CT&0020000D=1.1", "Study?00080061=CT&0020000D=1.2"],
        ),
    ];
    for (elements, google, dcm4chee) in rows {
        let plan = |capabilities| written(Plan::new(Level::Study, &keys(elements), &[], &capabilities));
        assert_eq!(plan(SearchCapabilities::google()), *google, "{elements:?}");
        let searches = plan(SearchCapabilities::dcm4chee());
        assert!(searches.len() >= dcm4chee.len(), "{elements:?}: {searches:?}");
        assert!(
            searches.iter().zip(*dcm4chee).all(|(got, expected)| got == expected),
            "{elements:?}: {searches:?}"
        );
    }
}

/// What a server without wildcards and lists would answer with 400, or take for something else.
fn refused(search: &Search, capabilities: &SearchCapabilities) -> Option<&'static str> {
    let searchable = capabilities.searchable(search.resource());
    if !searchable.is_present() {
        return Some("no such resource");
    }
    for (number, (path, value)) in search.matching.iter().enumerate() {
        let [tag] = path.as_slice() else { return Some("a sequence") };
        let is_date = [Tag::STUDY_DATE, PATIENT_BIRTH_DATE, STEP_START_DATE].contains(tag);
        let is_name = [Tag::PATIENT_NAME, REFERRING_PHYSICIAN_NAME].contains(tag);
        let wrong = match value {
            MatchValue::ListOfUid(uids) => (uids.len() != 1).then_some("a list"),
            MatchValue::Text(text) if text.is_empty() || is_date && text == "-" => Some("nothing"),
            MatchValue::Text(text) if text.contains(['*', '?']) => Some("a wildcard"),
            MatchValue::Text(text) if is_date && text.contains('-') && !capabilities.ranges.has(*tag) => {
                Some("a range")
            }
            MatchValue::Text(_) => None,
        };
        let twice = search.matching[..number].iter().any(|(before, _)| before == path);
        let literal = is_name && !(search.fuzzy && capabilities.fuzzy.has(*tag));
        let checks = [(!searchable.has(*tag), "an attribute"), (twice, "a key twice"), (literal, "a name")];
        if let Some(wrong) = wrong.or_else(|| checks.iter().find(|(it_is, _)| *it_is).map(|(_, what)| *what))
        {
            return Some(wrong);
        }
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn strict_servers_are_asked_for_nothing_that_they_refuse(
        level in prop::sample::select(vec![Level::Study, Level::Series, Level::Instance]),
        elements in prop::collection::vec(any_key(), 0..6),
        fuzzy in any::<bool>(),
        combined_date_time in any::<bool>(),
    ) {
        let options = Options { fuzzy, combined_date_time, ..Options::default() };
        let keys = keys_with(&elements, options);
        let include = [Tag::PATIENT_NAME, Tag::MODALITY];
        for capabilities in [SearchCapabilities::azure(), narrow(), SearchCapabilities::google()] {
            for search in Plan::new(level, &keys, &include, &capabilities).searches().take(16) {
                prop_assert_eq!(refused(&search, &capabilities), None, "{:?}", search);
            }
        }
    }
}

/// A key that a workstation may send, of those that Azure knows and some that it does not.
fn any_key() -> impl Strategy<Value = (Tag, VR, &'static str)> {
    const UIDS: &[&str] = &["1.1", "1.1\\1.2", "1.1\\1.2\\1.3", ""];
    const DATES: &[&str] = &["20240101", "20240101-", "-20240131", "20240101-20240131", "2024.01.01", ""];
    const NAMES: &[&str] = &["Doe", "DOE^J*", "*", "*son", "山田*", "Doe=山田", "O'Neil^?", ""];
    const TEXTS: &[&str] = &["47", "4*7", "A?", "*", "A,B", "CT\\MR", "-", ""];
    let of = |tag, vr, texts: &'static [&'static str]| (tag, vr, texts);
    let keys = vec![
        of(Tag::STUDY_INSTANCE_UID, VR::UI, UIDS),
        of(Tag::SERIES_INSTANCE_UID, VR::UI, UIDS),
        of(Tag::SOP_INSTANCE_UID, VR::UI, UIDS),
        of(Tag::SOP_CLASS_UID, VR::UI, UIDS),
        of(Tag::STUDY_DATE, VR::DA, DATES),
        of(PATIENT_BIRTH_DATE, VR::DA, DATES),
        of(STEP_START_DATE, VR::DA, DATES),
        of(STUDY_TIME, VR::TM, &["10", "1000-1130", ""]),
        of(Tag::PATIENT_NAME, VR::PN, NAMES),
        of(REFERRING_PHYSICIAN_NAME, VR::PN, NAMES),
        of(Tag::PATIENT_ID, VR::LO, TEXTS),
        of(Tag::ACCESSION_NUMBER, VR::SH, TEXTS),
        of(Tag::MODALITY, VR::CS, &["CT", "CT\\MR", "C*", ""]),
        of(MODALITIES_IN_STUDY, VR::CS, &["CT", "CT\\MR", "C*", ""]),
        of(SERIES_NUMBER, VR::IS, &["1", ""]),
    ];
    prop::sample::select(keys)
        .prop_flat_map(|(tag, vr, texts)| prop::sample::select(texts).prop_map(move |text| (tag, vr, text)))
}
