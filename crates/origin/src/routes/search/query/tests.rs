use proptest::prelude::*;

use super::*;
use crate::{
    index::{
        Index,
        search::{Cursor, Search},
    },
    personality::search::{LIMITED, STANDARD},
};

fn read(query: &str, rules: &SearchRules, parameters_max: usize) -> Result<Query, Refused> {
    Query::read(query, SearchResource::Studies, rules, parameters_max)
}

#[test]
fn values_are_counted_and_measured() {
    let uids = |count: usize| format!("StudyInstanceUID={}", vec!["1.2.3"; count].join(","));
    let cases = [
        (uids(4), true),
        (uids(5), false),
        (format!("{}&{}", uids(2), uids(2)), true),
        (format!("{}&{}", uids(2), uids(3)), false),
        (format!("PatientID={}", "x".repeat(1024)), true),
        (format!("PatientID={}", "x".repeat(1025)), false),
        ("a=&b=&c=&d=".to_owned(), true),
        ("a=&b=&c=&d=&e=".to_owned(), false),
    ];
    for (query, taken) in cases {
        assert_eq!(read(&query, &STANDARD, 4).is_ok(), taken, "{query}");
    }
}

#[test]
fn a_limited_server_refuses_what_it_does_not_do() {
    let cases = [
        ("", true),
        ("PatientID=x", true),
        ("00100020=x&PatientName=y", true),
        ("PatientID=x&00100020=x", false),
        ("PatientID=", false),
        ("PatientID=x*", false),
        ("PatientName=x?", false),
        ("PatientSex=M", false),
        ("StudyTime=10", false),
        ("Nonsense=1", false),
        ("StudyInstanceUID=1.2", true),
        ("StudyInstanceUID=1.2,1.3", false),
        ("StudyDate=20200101", true),
        ("StudyDate=20200101-", true),
        ("StudyDate=-20200101", true),
        ("StudyDate=-", false),
        ("StudyDate=2020", false),
        ("PatientBirthDate=19000101-19500101", true),
        ("limit=0", false),
        ("limit=1", true),
        ("limit=200&offset=1000000", true),
        ("limit=201", false),
        ("includefield=all", true),
        ("includefield=all&includefield=StudyTime", false),
        ("includefield=all,StudyTime", false),
        ("includefield=StudyTime,00201206", true),
        ("includefield=Nonsense", false),
        ("includefield=00089999", true),
    ];
    for (query, taken) in cases {
        assert_eq!(read(query, &LIMITED, 100).is_ok(), taken, "{query}");
    }
    assert_eq!(read("", &LIMITED, 100).ok().and_then(|query| query.limit), Some(100));
    let range = "PerformedProcedureStepStartDate=20200101-";
    assert!(Query::read(range, SearchResource::AllSeries, &LIMITED, 100).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever stands in a query, it is refused or the index takes it.
    #[test]
    fn no_query_is_a_fault_of_the_origin(
        values in proptest::collection::vec(("[ -~]{0,12}", 0..ATTRIBUTES.len()), 0..6),
        noise in "[ -~]{0,40}",
    ) {
        let folder = tempfile::tempdir().unwrap();
        let index = Index::open(&folder.path().join("index.sqlite"), false).unwrap();
        let keys = values.iter().map(|(value, at)| format!("{}={value}", ATTRIBUTES[*at].keyword));
        let text = keys.chain([noise]).collect::<Vec<_>>().join("&");
        for resource in [SearchResource::Studies, SearchResource::AllSeries, SearchResource::AllInstances] {
            for rules in [&STANDARD, &LIMITED] {
                let Ok(query) = Query::read(&text, resource, rules, 100) else { continue };
                let Query { matching, include, offset, .. } = query;
                let search = Search {
                    level: resource.level(),
                    study: None,
                    series: None,
                    matching,
                    columns: include,
                    order: rules.order,
                };
                prop_assert!(index.match_count(&search).is_ok(), "{text}");
                prop_assert!(index.match_at(&search, offset).is_ok(), "{text}");
                prop_assert!(index.matches(&search, Cursor::Begin, 10, &mut |_| Ok(())).is_ok(), "{text}");
            }
        }
    }
}
