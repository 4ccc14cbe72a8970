//! Lists that are refreshed, kept, too old, and looked up, with sources that do what they are told.

use std::{collections::HashSet, time::Duration};

use dataset::{element::VR, json::Element};
use jiff::tz::TimeZone;

use super::{
    setup::Feed,
    testing::{Answer, Scripted, config, order, today},
    *,
};
use crate::{config::Worklist as Config, tests::site::spool_in};

struct Place {
    worklist: Worklist,
    documents: Arc<dyn Documents>,
    _directory: tempfile::TempDir,
}

fn feed(name: &str, source: &Arc<Scripted>) -> Feed {
    let source = Arc::clone(source);
    Feed { name: name.into(), source, refresh: Duration::from_secs(30), time_zone: TimeZone::UTC }
}

fn made(documents: &Arc<dyn Documents>, config: Config, feeds: Vec<Feed>) -> Worklist {
    let metrics = Arc::new(Metrics::new().unwrap());
    Worklist::new(Arc::clone(documents), metrics, Setup { config, feeds, ..Setup::default() })
}

async fn place(config: Config, sources: &[(&str, &Arc<Scripted>)]) -> Place {
    let directory = tempfile::tempdir().unwrap();
    let documents: Arc<dyn Documents> = Arc::new(spool_in(directory.path()).await);
    let feeds = sources.iter().map(|(name, source)| feed(name, source)).collect();
    let worklist = made(&documents, config, feeds);
    Place { worklist, documents, _directory: directory }
}

impl Place {
    /// Asks every source once.
    async fn refresh(&self) {
        let feeds = self.worklist.inner.setup.load().feeds.clone();
        for feed in &feeds {
            self.worklist.inner.refresh(feed).await;
        }
    }

    fn found(&self) -> usize {
        self.worklist.index().candidates(&Narrowing::default()).len()
    }

    fn metric(&self, line: &str) -> bool {
        self.worklist.inner.metrics.to_text().unwrap().lines().any(|shown| shown == line)
    }
}

fn orders(numbers: std::ops::Range<usize>) -> Answer {
    Answer::Orders(numbers.map(|number| order(number, "CT1", 0, "0930")).collect())
}

#[tokio::test]
async fn the_last_list_is_served_while_the_source_is_away() {
    let source = Scripted::new([orders(0..3), Answer::Fails, Answer::Same, orders(0..1), Answer::Fails]);
    let place = place(config(), &[("ris", &source)]).await;
    assert_eq!(place.worklist.index().missing, ["ris".into()], "there is nothing yet");
    for expected in [3, 3, 3, 1, 1] {
        place.refresh().await;
        assert_eq!(place.found(), expected);
        assert_eq!(place.worklist.index().missing, [] as [Arc<str>; 0]);
    }
    assert!(place.metric("dimseway_worklist_refreshes_total{outcome=\"answered\",source=\"ris\"} 3"));
    assert!(place.metric("dimseway_worklist_refreshes_total{outcome=\"failed\",source=\"ris\"} 2"));
    assert!(place.metric("dimseway_worklist_entries{source=\"ris\"} 1"));
    let wanted = source.asked.lock().unwrap()[0].clone();
    let (yesterday, tomorrow) = (today().yesterday().unwrap(), today().tomorrow().unwrap());
    assert_eq!(wanted, Wanted::between(yesterday, tomorrow, 20_000));
}

#[tokio::test]
async fn a_restart_while_the_source_is_away_begins_with_the_last_list() {
    let source = Scripted::new([orders(0..5)]);
    let place = place(config(), &[("ris", &source)]).await;
    place.refresh().await;
    let key = EntryKey::new("ris", "order-1");
    place.worklist.state().set_status(&key, StepStatus::Completed).await.unwrap();
    let away = Scripted::new([Answer::Fails]);
    let again = made(&place.documents, config(), vec![feed("ris", &away)]);
    assert_eq!(again.index().missing.len(), 1);
    again.load().await;
    let index = again.index_within(None, Duration::from_secs(3600)).await;
    assert_eq!(index.candidates(&Narrowing::default()).len(), 5);
    assert_eq!(again.state().status(&key), Some(StepStatus::Completed));
    let index_of = |index: &Index| -> Vec<_> {
        let places = index.candidates(&Narrowing::default());
        places.into_iter().map(|place| Entry::clone(index.get(place).unwrap())).collect()
    };
    assert_eq!(index_of(&index), index_of(&place.worklist.index()), "to the last value");
}

/// Two bridges over the documents of one spool, each with its own associations.
#[tokio::test]
async fn what_a_modality_told_another_replica_is_seen_at_the_next_refresh() {
    let source = Scripted::new([orders(0..2), Answer::Same, Answer::Fails]);
    let place = place(config(), &[("ris", &source)]).await;
    place.refresh().await;
    let away = Scripted::new([orders(0..2), Answer::Fails]);
    let other = made(&place.documents, config(), vec![feed("ris", &away)]);
    other.load().await;
    let keys: Vec<_> = (0..2).map(|at| other.index().get(at).unwrap().key.clone()).collect();
    let seen = |worklist: &Worklist| [0, 1].map(|at: usize| worklist.state().status(&keys[at]));
    let refreshed = async |worklist: &Worklist| {
        let feeds = worklist.inner.setup.load().feeds.clone();
        worklist.inner.refresh(&feeds[0]).await;
        seen(worklist)
    };
    place.worklist.state().set_status(&keys[0], StepStatus::Started).await.unwrap();
    assert_eq!(seen(&other), [None, None], "nobody looks at each query");
    assert_eq!(refreshed(&other).await, [Some(StepStatus::Started), None]);
    other.state().set_status(&keys[0], StepStatus::Completed).await.unwrap();
    other.state().set_status(&keys[1], StepStatus::Started).await.unwrap();
    let both = [Some(StepStatus::Completed), Some(StepStatus::Started)];
    assert_eq!(refreshed(&place.worklist).await, both);
    assert_eq!(refreshed(&other).await, both, "while the source is away too");
    // What one of them forgets, since the step is long gone, the other forgets as well.
    let gone = HashSet::from([&keys[1]]);
    place.worklist.state().prune("ris", &gone, Duration::ZERO).await.unwrap();
    assert_eq!(refreshed(&other).await, [None, Some(StepStatus::Started)]);
}

#[tokio::test]
async fn a_list_that_is_too_old_is_not_served() {
    let (ris, other) = (Scripted::new([orders(0..3)]), Scripted::new([orders(3..4)]));
    let brief = Config { max_age: Duration::from_nanos(1), ..config() };
    let place = place(config(), &[("ris", &ris), ("other", &other)]).await;
    place.refresh().await;
    assert_eq!((place.found(), place.worklist.sources()[0].is_served), (4, true));
    place.worklist.configure(Setup {
        config: brief,
        feeds: vec![feed("ris", &ris), feed("other", &other)],
        ..Setup::default()
    });
    assert_eq!((place.found(), place.worklist.sources()[0].is_served), (0, false));
    assert_eq!(place.worklist.index().missing, ["ris".into(), "other".into()]);
    place.worklist.configure(Setup {
        config: config(),
        feeds: vec![feed("other", &other)],
        ..Setup::default()
    });
    assert_eq!(place.found(), 1, "and a source that was taken out of the configuration neither");
    // One that expires between two refreshes.
    let mut index = Index::default();
    index.expires_at = Some(SystemTime::UNIX_EPOCH);
    place.worklist.inner.index.store(Arc::new(index));
    assert_eq!(place.found(), 1, "the index is made anew");
}

#[tokio::test]
async fn what_is_not_on_the_worklist_is_counted() {
    let mut no_name = order(7, "CT1", 0, "0930");
    no_name.item.remove(instance::Tag::PATIENT_NAME);
    let listed = vec![
        order(1, "CT1", 0, "0930"),
        order(1, "CT1", 0, "0930"),
        order(2, "", 0, "0930"),
        order(3, "CT1", 9, "0930"),
        order(4, "CT1", -1, "0930"),
        order(5, "CT1", 1, "2300"),
        no_name,
    ];
    let (ris, other) = (Scripted::new([Answer::Orders(listed)]), Scripted::new([orders(1..2)]));
    let place = place(Config { orders_max: 2, ..config() }, &[("ris", &ris), ("other", &other)]).await;
    place.refresh().await;
    assert_eq!(place.found(), 2);
    let sources = place.worklist.sources();
    let left_out = [
        (LeftOut::Unassigned, 1),
        (LeftOut::NoPatientName, 1),
        (LeftOut::Duplicate, 1),
        (LeftOut::TooMany, 1),
    ];
    assert_eq!(sources[0].left_out, left_out, "the order of another day is just not wanted");
    assert!(place.metric("dimseway_worklist_left_out{reason=\"unassigned\",source=\"ris\"} 1"));
    let shown = place.worklist.show(None, None);
    assert!(shown.entries.iter().all(|entry| entry.key.source.as_ref() == "ris"));
}

#[tokio::test]
async fn an_order_in_two_systems_is_one() {
    let (first, second) = (Scripted::new([orders(0..3)]), Scripted::new([orders(2..6)]));
    let place = place(config(), &[("first", &first), ("second", &second)]).await;
    place.refresh().await;
    assert_eq!(place.found(), 6);
    let sources = place.worklist.sources();
    assert_eq!(sources[1].left_out, [(LeftOut::Duplicate, 1)]);
    assert_eq!((sources[0].entries, sources[1].entries), (3, 4));
}

/// What an earlier source has too is left out of the whole, but not where the earlier one is not shown.
#[tokio::test]
async fn under_a_title_with_sources_of_its_own_those_are_shown() {
    let (first, second) = (Scripted::new([orders(0..3)]), Scripted::new([orders(2..6), orders(9..10)]));
    let place = place(config(), &[("first", &first), ("second", &second)]).await;
    let (called, other): (AeTitle, AeTitle) = ("ULTRASOUND".parse().unwrap(), "CT".parse().unwrap());
    let feeds = vec![feed("first", &first), feed("second", &second)];
    let views = HashMap::from([(called.clone(), Arc::from(["second".into()]))]);
    place.worklist.configure(Setup { config: config(), feeds, views });
    assert_eq!(place.worklist.index_of(Some(&called)).missing, ["second".into()]);
    place.refresh().await;
    let found = |title| place.worklist.index_of(Some(title)).candidates(&Narrowing::default()).len();
    assert_eq!((found(&called), found(&other), place.found()), (4, 6, 6));
    let wanted = Wanted { patient_id: Some("P9".into()), is_look_up: true, ..Wanted::default() };
    let (entries, failure) = place.worklist.look_up(Some(&called), &wanted).await;
    assert!(failure.is_none() && entries.len() == 1);
    assert_eq!((first.asked.lock().unwrap().len(), second.asked.lock().unwrap().len()), (1, 2));
}

#[tokio::test]
async fn a_look_up_asks_every_source_and_waits_for_none() {
    let (first, second) = (Scripted::new([orders(1..2)]), Scripted::new([Answer::Hangs]));
    let impatient = Config { look_up_timeout: Duration::from_millis(50), ..config() };
    let place = place(impatient, &[("first", &first), ("second", &second)]).await;
    let wanted = Wanted { patient_id: Some("P1".into()), is_look_up: true, ..Wanted::default() };
    let (entries, failure) = place.worklist.look_up(None, &wanted).await;
    assert_eq!(entries.len(), 1);
    let Some(LookUpError::Source { feed, error: SourceError::Timeout }) = failure else {
        panic!("{failure:?}")
    };
    assert_eq!(&*feed, "second");
    assert_eq!(first.asked.lock().unwrap().as_slice(), std::slice::from_ref(&wanted));
    assert_eq!(place.found(), 0, "it is no list");
    let uid = entries[0].item.text(instance::Tag::STUDY_INSTANCE_UID).unwrap().into_owned();
    let reference = StepReference { study_instance_uid: Some(uid), ..StepReference::default() };
    assert_eq!(place.worklist.steps(&reference).len(), 1, "but an MPPS about it finds it");
    let none = place.worklist.inner.look_ups.try_acquire_many(8).unwrap();
    let (_, failure) = place.worklist.look_up(None, &wanted).await;
    assert!(matches!(failure, Some(LookUpError::TooMany)));
    drop(none);
    for (from, to, kept) in [(0, 0, true), (-1, 1, true), (-2, 0, false), (0, 2, false)] {
        let day = |days: i32| today().checked_add(jiff::Span::new().days(days)).unwrap();
        assert_eq!(place.worklist.keeps(&Wanted::between(day(from), day(to), 1)), kept, "{from} {to}");
    }
    assert!(!place.worklist.keeps(&wanted), "without days nobody knows");
}

#[tokio::test]
async fn an_mpps_finds_its_step() {
    let two = vec![order(1, "CT1", 0, "0930"), order(2, "CT1", 0, "1030")];
    let source = Scripted::new([Answer::Orders(two)]);
    let place = place(config(), &[("ris", &source)]).await;
    place.refresh().await;
    let index = place.worklist.index();
    let uid = index.get(0).unwrap().item.text(instance::Tag::STUDY_INSTANCE_UID).unwrap().into_owned();
    let some = |text: &str| Some(text.to_owned());
    let cases = [
        (StepReference { study_instance_uid: some(&uid), ..StepReference::default() }, 1),
        (StepReference { accession_number: some("A2"), ..StepReference::default() }, 1),
        (
            StepReference { study_instance_uid: some(&uid), step_id: some("A1"), ..StepReference::default() },
            1,
        ),
        (
            StepReference { study_instance_uid: some(&uid), step_id: some("A2"), ..StepReference::default() },
            0,
        ),
        (
            StepReference {
                study_instance_uid: some(&uid),
                accession_number: some("A2"),
                ..Default::default()
            },
            0,
        ),
        (StepReference { step_id: some("A1"), ..StepReference::default() }, 0),
        (StepReference::default(), 0),
    ];
    for (reference, found) in cases {
        assert_eq!(place.worklist.steps(&reference).len(), found, "{reference:?}");
        assert_eq!(place.worklist.is_ordered(&reference), found > 0, "{reference:?}");
    }
}

/// A modality that was told the accession number by a person makes the Study Instance UID itself.
#[tokio::test]
async fn an_mpps_of_another_study_is_of_the_order_whose_number_it_states() {
    let of_number = |number: usize, accession_number: &str| {
        let mut order = order(number, "CT1", 0, "0930");
        order.item.insert(instance::Tag::ACCESSION_NUMBER, Element::text(VR::SH, accession_number));
        order
    };
    // A2 is the number of two requests, hence of two studies.
    let listed = vec![of_number(1, "A1"), of_number(2, "A2"), of_number(3, "A2")];
    let source = Scripted::new([Answer::Orders(listed)]);
    let place = place(config(), &[("ris", &source)]).await;
    place.refresh().await;
    let entry = |number| Entry::clone(place.worklist.index().get(number).unwrap());
    let of_patient = |patient: &str| {
        let is_theirs =
            |entry: &Entry| entry.item.text(instance::Tag::PATIENT_ID).as_deref() == Some(patient);
        (0..3).map(entry).find(is_theirs).unwrap()
    };
    let second = step(&of_patient("P2")).unwrap().text(attribute::STEP_ID).unwrap().into_owned();
    let other = |accession_number: &str, patient_id: &str| StepReference {
        study_instance_uid: Some("1.2.3.99".to_owned()),
        accession_number: Some(accession_number.to_owned()),
        patient_id: (!patient_id.is_empty()).then(|| patient_id.to_owned()),
        ..StepReference::default()
    };
    // A reference, the entries that it means, and whether there is an order of it.
    let cases = [
        (other("A1", "P1"), 1, true),
        (other("A1", ""), 1, true),
        (other("A1", "SOMEBODY"), 0, false),
        (other("A9", "P1"), 0, false),
        (StepReference { step_id: Some("OTHER".into()), ..other("A1", "P1") }, 0, false),
        (StepReference { requested_procedure_id: Some("OTHER".into()), ..other("A1", "P1") }, 0, false),
        (other("A2", ""), 0, true),
        (other("A2", "P2"), 1, true),
        (StepReference { step_id: Some(second), ..other("A2", "P2") }, 1, true),
    ];
    for (reference, means, is_ordered) in cases {
        let named = format!("{:?} {:?}", reference.accession_number, reference.patient_id);
        assert_eq!(place.worklist.steps(&reference).len(), means, "{named}");
        assert_eq!(place.worklist.is_ordered(&reference), is_ordered, "{named}");
    }
}

#[tokio::test]
async fn a_query_right_after_the_start_waits_for_the_first_list() {
    let source = Scripted::new([orders(0..3)]);
    let place = place(config(), &[("ris", &source)]).await;
    let (worklist, stop) = (place.worklist.clone(), tokio_util::sync::CancellationToken::new());
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { worklist.run(stop).await }
    });
    let index = place.worklist.index_within(None, Duration::from_secs(60)).await;
    assert_eq!(index.candidates(&Narrowing::default()).len(), 3);
    // Another configuration is taken up at once.
    let other = Scripted::new([orders(0..7)]);
    place.worklist.configure(Setup {
        config: config(),
        feeds: vec![feed("other", &other)],
        ..Setup::default()
    });
    let index = place.worklist.index_within(None, Duration::from_secs(60)).await;
    assert_eq!(index.candidates(&Narrowing::default()).len(), 7);
    stop.cancel();
    running.await.unwrap();
}

#[tokio::test]
async fn what_a_modality_would_see_says_where_it_came_from() {
    let listed = vec![order(1, "CT1", 0, "0930"), order(2, "MR1", 0, "0930"), order(3, "", 0, "1000")];
    let source = Scripted::new([Answer::Orders(listed)]);
    let all = Config { unassigned: crate::config::Unassigned::All, ..config() };
    let place = place(all, &[("ris", &source)]).await;
    place.refresh().await;
    let completed = EntryKey::new("ris", "order-1");
    let calling = "CT1".parse().unwrap();
    let shown = place.worklist.show(Some(&calling), Some(today()));
    let value = |entry: usize, tag| {
        let attributes = &shown.entries[entry].attributes;
        let attribute = attributes.iter().find(|attribute| attribute.tag == tag).unwrap();
        (attribute.value.clone(), attribute.provenance)
    };
    assert_eq!(shown.entries.len(), 2);
    assert_eq!(value(0, STATION_AE_TITLE), ("CT1".into(), Provenance::Source));
    assert_eq!(value(1, STATION_AE_TITLE), ("CT1".into(), Provenance::CallingAe));
    assert_eq!(value(1, STEP_STATUS), ("SCHEDULED".into(), Provenance::Derived));
    assert_eq!(value(0, instance::Tag(0x0010, 0x0030)), (String::new(), Provenance::Nothing));
    assert_eq!(shown.hidden, [(EntryKey::new("ris", "order-2"), Hidden::OtherStation)]);
    place.worklist.state().set_status(&completed, StepStatus::Completed).await.unwrap();
    let shown = place.worklist.show(Some(&calling), None);
    assert!(shown.hidden.contains(&(completed, Hidden::Completed)));
    assert_eq!(place.worklist.show(None, None).entries.len(), 2);
    assert!(!format!("{shown:?}").contains("Patient0"), "nothing about a patient");
}

/// 10,000 orders: a query of one station on one day looks at those of the station on that day.
#[tokio::test]
async fn a_query_looks_at_no_more_than_may_match() {
    let stations = |number: usize| format!("CT{}", number % 20);
    let many = (0..10_000).map(|number| order(number, &stations(number), number as i32 % 3 - 1, "0930"));
    let source = Scripted::new([Answer::Orders(many.collect())]);
    let place = place(config(), &[("ris", &source)]).await;
    place.refresh().await;
    assert_eq!(place.found(), 10_000);
    let narrowing = Narrowing {
        station: Some("CT7".into()),
        from: Some(today()),
        to: Some(today()),
        ..Narrowing::default()
    };
    let index = place.worklist.index();
    assert_eq!(index.candidates(&narrowing).len(), 10_000 / 20 / 3 + 1);
    assert!(Arc::ptr_eq(&index, &place.worklist.index()), "nothing is copied for a query");
}
