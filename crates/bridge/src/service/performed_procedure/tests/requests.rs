//! Every request in every state, and every attribute.

use proptest::prelude::*;

use super::*;
use crate::{
    config::MppsRequirements,
    service::performed_procedure::{
        requirement::{is_date, is_time},
        step::{Status, Step},
    },
};

/// PS3.4 §F.1.5, §F.7.2.1.3, §F.7.2.2.3, §F.8.1: what each request leads to in each state.
#[tokio::test]
async fn every_request_in_every_state_has_the_answer_of_the_standard() {
    const MAY_NO_LONGER: Answer =
        Answer { status: 0x0110, error_id: Some(0xA710), tags: Vec::new(), list: None };
    let failure = |status| Answer { status, ..Answer::SUCCESS };
    let not_in_progress =
        || Answer { list: Some(item([(STATUS, text(VR::CS, "COMPLETED"))])), ..failure(0x0106) };
    let mut completed_at_once = begun();
    completed_at_once.insert(STATUS, text(VR::CS, "COMPLETED"));
    let states = [None, Some("IN PROGRESS"), Some("COMPLETED"), Some("DISCONTINUED")];
    for state in states {
        let in_state = |none: Answer, in_progress: Answer, last: Answer| match state {
            None => none,
            Some("IN PROGRESS") => in_progress,
            Some(_) => last,
        };
        let duplicate = || failure(0x0111);
        let unknown = || failure(0x0112);
        let requests: [(&str, Item, Answer, Option<&str>); 6] = [
            ("create", begun(), in_state(Answer::SUCCESS, duplicate(), duplicate()), Some("IN PROGRESS")),
            (
                "create",
                completed_at_once.clone(),
                in_state(not_in_progress(), duplicate(), duplicate()),
                None,
            ),
            ("set", described("x"), in_state(unknown(), Answer::SUCCESS, MAY_NO_LONGER), None),
            (
                "set",
                ended("COMPLETED"),
                in_state(unknown(), Answer::SUCCESS, MAY_NO_LONGER),
                Some("COMPLETED"),
            ),
            (
                "set",
                ended("DISCONTINUED"),
                in_state(unknown(), Answer::SUCCESS, MAY_NO_LONGER),
                Some("DISCONTINUED"),
            ),
            ("get", Item::new(), in_state(unknown(), Answer::SUCCESS, Answer::SUCCESS), None),
        ];
        for (request, list, expected, becomes) in requests {
            let scp = Scp::new().await;
            if let Some(state) = state {
                assert_eq!(scp.create(&begun()).await, Answer::SUCCESS);
                if state != "IN PROGRESS" {
                    assert_eq!(scp.set(&ended(state)).await, Answer::SUCCESS);
                }
            }
            let answer = match request {
                "create" => scp.create(&list).await,
                "set" => scp.set(&list).await,
                _ => Answer::of(scp.provider.get(&uid(), &[]).await),
            };
            let succeeded = answer == Answer::SUCCESS;
            assert_eq!(answer, expected, "{request} of a step {state:?}");
            let after = if succeeded { becomes.or(state) } else { state };
            let step = scp.provider.get(&uid(), &[STATUS]).await.ok();
            let is = step.and_then(|step| step.attributes.text(STATUS).map(|text| text.into_owned()));
            assert_eq!(is.as_deref(), after, "behind {request} of a step {state:?}");
        }
    }
}

/// Table F.7.2-1, column N-CREATE: 0120 where an attribute of type 1 is absent, 0121 where it is empty
/// (PS3.7 §C.5.13, §C.5.14); of type 2 only where that is asked for.
#[tokio::test]
async fn what_a_step_needs_is_demanded_by_its_type() {
    let mut scp = Scp::new().await;
    for requirements in [MppsRequirements::TypeOne, MppsRequirements::All] {
        scp.mpps.requirements = requirements;
        for row in ROWS.iter().filter(|row| row.create != Type::Three) {
            let missing = Answer { status: 0x0120, tags: vec![row.tag], ..Answer::SUCCESS };
            let mut attributes = begun();
            let vr = attributes.remove(row.tag).unwrap().vr;
            let empty = Element::empty(vr);
            let no_value =
                Answer { status: 0x0121, list: Some(item([(row.tag, empty.clone())])), ..Answer::SUCCESS };
            if row.create == Type::One || requirements == MppsRequirements::All {
                assert_eq!(scp.create(&attributes).await, missing, "without {}", row.tag);
            }
            attributes.insert(row.tag, empty);
            if row.create == Type::One {
                assert_eq!(scp.create(&attributes).await, no_value, "with an empty {}", row.tag);
            }
        }
    }
    // What many modalities leave out is taken to be empty.
    scp.mpps.requirements = MppsRequirements::TypeOne;
    let mut attributes = begun();
    for row in ROWS.iter().filter(|row| row.create == Type::Two) {
        attributes.remove(row.tag);
    }
    assert_eq!(scp.create(&attributes).await, Answer::SUCCESS);
    let kept = scp.get(&[]).await.attributes;
    for row in ROWS.iter().filter(|row| row.create == Type::Two) {
        assert!(kept.get(row.tag).is_some(), "{}", row.tag);
    }
}

/// The same inside sequences: the sequence is named, since a list of tags has no place for what is inside.
#[tokio::test]
async fn what_items_need_is_demanded_of_their_sequence() {
    let scp = Scp::new().await;
    let with = |change: &dyn Fn(&mut Item)| {
        let mut step = scheduled("A1", "S1");
        change(&mut step);
        let mut attributes = begun();
        attributes
            .insert(SCHEDULED_STEP_ATTRIBUTES_SEQUENCE, Element::sequence([scheduled("A0", "S0"), step]));
        attributes
    };
    let sequence = SCHEDULED_STEP_ATTRIBUTES_SEQUENCE;
    let study = Tag::STUDY_INSTANCE_UID;
    let missing = scp.create(&with(&|step| _ = step.remove(study))).await;
    assert_eq!(missing, Answer { status: 0x0120, tags: vec![sequence], ..Answer::SUCCESS });
    let faulty =
        |element: &Element| item([(sequence, Element::sequence([item([(study, element.clone())])]))]);
    let empty = Element::empty(VR::UI);
    let answer = scp.create(&with(&|step| _ = step.insert(study, empty.clone()))).await;
    assert_eq!(answer, Answer { status: 0x0121, list: Some(faulty(&empty)), ..Answer::SUCCESS });
    let no_uid = text(VR::UI, "1.2.x");
    let answer = scp.create(&with(&|step| _ = step.insert(study, no_uid.clone()))).await;
    assert_eq!(answer, Answer { status: 0x0106, list: Some(faulty(&no_uid)), ..Answer::SUCCESS });
    let mut attributes = begun();
    let mut without_uid = series(1);
    without_uid.remove(Tag::SERIES_INSTANCE_UID);
    attributes.insert(PERFORMED_SERIES_SEQUENCE, Element::sequence([without_uid]));
    let answer = scp.create(&attributes).await;
    assert_eq!(answer, Answer { status: 0x0120, tags: vec![PERFORMED_SERIES_SEQUENCE], ..Answer::SUCCESS });
}

/// Table F.7.2-1, column N-SET: what is not allowed there is answered 0105 (PS3.7 §C.5.17); to repeat what is
/// said already changes nothing.
#[tokio::test]
async fn what_may_not_be_set_is_refused_unless_it_changes_nothing() {
    let scp = Scp::new().await;
    assert_eq!(scp.create(&begun()).await, Answer::SUCCESS);
    for row in ROWS.iter().filter(|row| row.set == Set::NotAllowed) {
        let (vr, _) = dataset::element::vr_of(row.tag).unwrap();
        let other = match vr {
            VR::SQ => Element::sequence([scheduled("A2", "S2")]),
            VR::DA => text(vr, "20200202"),
            VR::TM => text(vr, "1212"),
            vr => text(vr, "X"),
        };
        let answer = scp.set(&item([(row.tag, other)])).await;
        assert_eq!(answer, Answer { status: 0x0105, tags: vec![row.tag], ..Answer::SUCCESS }, "{}", row.tag);
        if let Some(same) = begun().get(row.tag) {
            assert_eq!(scp.set(&item([(row.tag, same.clone())])).await, Answer::SUCCESS, "{}", row.tag);
        }
    }
    // PS3.4 §F.7.2.2.2: only what was created may be set.
    let reason = item([(DISCONTINUATION_REASON_CODE_SEQUENCE, Element::empty(VR::SQ))]);
    let strict = Mpps { requirements: MppsRequirements::All, ..Mpps::default() };
    let answer = Answer::of(scp.provider.set(&strict, &uid(), data_set(&reason)).await);
    let tags = vec![DISCONTINUATION_REASON_CODE_SEQUENCE];
    assert_eq!(answer, Answer { status: 0x0105, tags, ..Answer::SUCCESS });
    assert_eq!(scp.set(&reason).await, Answer::SUCCESS);
}

/// Table F.7.2-1, column Final State.
#[tokio::test]
async fn the_final_state_needs_an_end_and_a_series() {
    let without = |status: &str, tag: Tag| {
        let mut list = ended(status);
        list.remove(tag);
        list
    };
    let empty = |tag: Tag, vr| Answer {
        status: 0x0121,
        list: Some(item([(tag, Element::empty(vr))])),
        ..Answer::SUCCESS
    };
    let types = [(END_DATE, VR::DA), (END_TIME, VR::TM), (PERFORMED_SERIES_SEQUENCE, VR::SQ)];
    for status in ["COMPLETED", "DISCONTINUED"] {
        for (tag, vr) in types {
            let mut scp = Scp::new().await;
            assert_eq!(scp.create(&begun()).await, Answer::SUCCESS);
            scp.mpps.requirements = MppsRequirements::All;
            assert_eq!(scp.set(&without(status, tag)).await, empty(tag, vr), "{status} without {tag}");
            scp.mpps.requirements = MppsRequirements::TypeOne;
            // A step that ends before its first image has no series, and must end all the same.
            let needless = status == "DISCONTINUED" && tag == PERFORMED_SERIES_SEQUENCE;
            let expected = if needless { Answer::SUCCESS } else { empty(tag, vr) };
            assert_eq!(scp.set(&without(status, tag)).await, expected, "{status} without {tag}");
        }
    }
}

#[tokio::test]
async fn values_that_are_not_possible_are_given_back() {
    let scp = Scp::new().await;
    let cases = [
        (START_DATE, VR::DA, "20261322"),
        (START_DATE, VR::DA, "tomorrow"),
        (START_TIME, VR::TM, "2500"),
        (STATUS, VR::CS, "STARTED"),
    ];
    for (tag, vr, value) in cases {
        let mut attributes = begun();
        attributes.insert(tag, text(vr, value));
        let list = Some(item([(tag, text(vr, value))]));
        let expected = Answer { status: 0x0106, list, ..Answer::SUCCESS };
        assert_eq!(scp.create(&attributes).await, expected, "{tag} {value}");
    }
    assert_eq!(scp.create(&begun()).await, Answer::SUCCESS);
    let answer = scp.set(&item([(STATUS, text(VR::CS, "FINISHED"))])).await;
    assert_eq!(answer.status, 0x0106);
}

#[tokio::test]
async fn a_step_without_a_name_is_given_one() {
    let scp = Scp::new().await;
    let create = async || scp.provider.create(&scp.mpps, None, data_set(&begun())).await.unwrap();
    let (one, other) = (create().await.sop_instance_uid, create().await.sop_instance_uid);
    assert_ne!(one, other);
    assert!(one.as_str().starts_with("2.25."), "{one}");
    assert!(scp.provider.get(&one, &[]).await.is_ok());
}

/// PS3.4 §F.8.2: what was asked for and is there; of the rest it is said that it is not.
#[tokio::test]
async fn a_get_gives_what_was_asked_for() {
    let scp = Scp::new().await;
    assert_eq!(scp.create(&begun()).await, Answer::SUCCESS);
    let comments = Tag(0x0040, 0x0280);
    let got = scp.get(&[STATUS, Tag::PATIENT_ID, comments, STATUS, Tag::SPECIFIC_CHARACTER_SET]).await;
    let expected = item([(STATUS, text(VR::CS, "IN PROGRESS")), (Tag::PATIENT_ID, text(VR::LO, "4711"))]);
    assert_eq!((got.attributes, got.unknown), (expected, vec![comments]));
    let all = scp.get(&[]).await;
    assert_eq!((all.attributes, all.unknown), (begun(), vec![]));
}

/// PS3.4 §F.7.2.2.1: an N-SET is in the character set of the N-CREATE, named or not.
#[tokio::test]
async fn text_is_read_in_the_character_set_of_the_step() {
    let scp = Scp::new().await;
    let latin: CharacterSet = "ISO_IR 100".parse().unwrap();
    let mut attributes = begun();
    attributes.insert(Tag::PATIENT_NAME, text(VR::PN, "Müller^Jürgen"));
    let created = scp.provider.create(&scp.mpps, Some(uid()), data_set_in(&attributes, &latin)).await;
    created.unwrap();
    // (0040,0254) of "Schädel" in Latin-1, without Specific Character Set.
    let mut bytes = b"\x40\0\x54\x02LO\x08\0Sch\xE4del ".to_vec();
    let encoding = Encoding::ExplicitVrLittleEndian;
    let set = DataSet { bytes: std::mem::take(&mut bytes).into(), encoding, assumed: None };
    scp.provider.set(&scp.mpps, &uid(), set).await.unwrap();
    let got = scp.get(&[DESCRIPTION, Tag::PATIENT_NAME]).await;
    assert_eq!(got.attributes.text(DESCRIPTION).unwrap(), "Schädel");
    assert_eq!(got.attributes.text(Tag::PATIENT_NAME).unwrap(), "Müller^Jürgen");
    assert_eq!(got.character_set, latin);
    // Another one that names its own is read by that.
    scp.provider
        .set(&scp.mpps, &uid(), data_set_in(&described("頭部"), &CharacterSet::utf_8()))
        .await
        .unwrap();
    assert_eq!(scp.get(&[DESCRIPTION]).await.attributes.text(DESCRIPTION).unwrap(), "頭部");
}

#[tokio::test]
async fn what_is_too_long_or_no_data_set_is_refused() {
    let mut scp = Scp::new().await;
    assert_eq!(scp.create(&begun()).await, Answer::SUCCESS);
    let mut large = ended("COMPLETED");
    large.insert(PERFORMED_SERIES_SEQUENCE, Element::sequence([series(10_000)]));
    scp.mpps.data_set_max = 64 * 1024;
    assert_eq!(scp.set(&large).await.status, 0x0213);
    scp.mpps.data_set_max = Mpps::default().data_set_max;
    let cut = DataSet { bytes: data_set(&large).bytes.slice(0..1000), ..data_set(&large) };
    assert_eq!(Answer::of(scp.provider.set(&scp.mpps, &uid(), cut).await).status, 0x0110);
    assert_eq!(scp.get(&[STATUS]).await.attributes.text(STATUS).unwrap(), "IN PROGRESS");
    assert_eq!(scp.set(&large).await, Answer::SUCCESS, "10,000 images have their place");
}

#[tokio::test]
async fn many_sets_at_once_lose_nothing() {
    let scp = Scp::new().await;
    assert_eq!(scp.create(&begun()).await, Answer::SUCCESS);
    let tags = [DESCRIPTION, Tag(0x0040, 0x0255), Tag(0x0040, 0x0280), Tag(0x0008, 0x1030)];
    let sets = tags.map(|tag| item([(tag, text(VR::LO, "set"))]));
    let answers = futures::future::join_all(sets.iter().map(|list| scp.set(list))).await;
    assert!(answers.iter().all(|answer| *answer == Answer::SUCCESS), "{answers:?}");
    let got = scp.get(&tags).await.attributes;
    assert!(tags.iter().all(|tag| got.text(*tag).as_deref() == Some("set")));
}

#[test]
fn dates_and_times_are_those_of_the_standard() {
    for date in ["20260228", "20240229", "19000101"] {
        assert!(is_date(date), "{date}");
    }
    for date in ["20260229", "2026-02-28", "202602", "20261301", "", "2026022８"] {
        assert!(!is_date(date), "{date}");
    }
    for time in ["08", "0815", "081559", "081560", "081559.1", "235959.999999"] {
        assert!(is_time(time), "{time}");
    }
    for time in ["", "8", "24", "0860", "08:15", "0815.1", "081559.", "081559.1234567", "08 1"] {
        assert!(!is_time(time), "{time}");
    }
}

#[test]
fn steps_read_as_they_were_written() {
    let step = Step { reports: 7, character_set: "ISO_IR 100".parse().unwrap(), attributes: begun() };
    assert_eq!(Step::read(&step.write()).unwrap(), step);
    assert_eq!(step.status().unwrap(), Status::InProgress);
    for damaged in
        [&b""[..], b"{}\n{}", b"{\"version\":1}", b"{\"version\":2,\"reports\":1,\"character_set\":\"\"}\n{}"]
    {
        assert!(matches!(Step::read(damaged), Err(Fault::Damaged)));
    }
}

proptest! {
    /// Whatever arrives in place of an attribute list: an answer, never a panic.
    #[test]
    fn damaged_lists_are_answered(at in 0_usize..2000, with in any::<u8>(), cut in any::<bool>()) {
        let good = data_set(&begun()).bytes;
        let mut bytes = good.to_vec();
        let at = at % bytes.len();
        if cut { bytes.truncate(at) } else { bytes[at] = with }
        let mut read = dataset::identifier::Identifier::read(&bytes, Encoding::ExplicitVrLittleEndian, None);
        if let Ok(read) = &mut read {
            let _ = requirement::of_create(&mut read.item, MppsRequirements::All);
        }
    }
}
