use dataset::{
    json::{Element, Item},
    matching::Options,
};
use postdicom::{BaseUrl, ClientConfig};

use super::*;
use crate::config::Narrowing;

fn config() -> PostDicom {
    let url: BaseUrl = "https://dicom.example.org".parse().unwrap();
    let mut config = PostDicom::new(ClientConfig::new(url, None));
    config.narrowing.modality = true;
    config
}

fn keys(elements: &[(Tag, VR, &str)], options: Options) -> Keys {
    let element = |(tag, vr, text): &(Tag, VR, &str)| (*tag, Element::texts(*vr, text.split('\\')));
    let item: Item = elements.iter().map(element).collect();
    Keys::read(&item, options).unwrap()
}

/// What is asked for, by the names of the parameters.
fn shown(list: &GetPatientOrderList) -> String {
    let date = |date: &Option<Date>| date.map(Date::to_text);
    let text = |name: &str, value: Option<String>| value.map(|value| format!("{name}={value}"));
    let modalities: Vec<_> = list.modalities.as_slice().iter().map(Modality::as_str).collect();
    let parts = [
        text("name", list.patient_name.as_ref().map(|name| name.expose().to_owned())),
        text("id", list.patient_id.as_ref().map(|id| id.expose().to_owned())),
        text("other", list.other_patient_id.as_ref().map(|id| id.expose().to_owned())),
        text("accession", list.accession_number.as_ref().map(|number| number.expose().to_owned())),
        text("modalities", Some(modalities.join("+")).filter(|text| !text.is_empty())),
        text("from", date(&list.study_date_from)),
        text("to", date(&list.study_date_to)),
        text("born from", date(&list.patient_birthdate_from)),
        text("born to", date(&list.patient_birthdate_to)),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

#[test]
fn what_the_list_can_match_is_asked_of_it_and_nothing_else() {
    type Row = (&'static [(Tag, VR, &'static str)], &'static str);
    let rows: &[Row] = &[
        (&[], ""),
        (&[(Tag::PATIENT_NAME, VR::PN, "")], ""),
        (&[(Tag::PATIENT_NAME, VR::PN, "*")], ""),
        (&[(Tag::PATIENT_NAME, VR::PN, "DOE^JOHN")], "name=DOE^JOHN"),
        (&[(Tag::PATIENT_NAME, VR::PN, "DOE^J*")], "name=DOE^J"),
        (&[(Tag::PATIENT_NAME, VR::PN, "DOE ^^*")], "name=DOE"),
        (&[(Tag::PATIENT_NAME, VR::PN, "D?E*")], "name=D"),
        (&[(Tag::PATIENT_NAME, VR::PN, "*OE")], ""),
        (&[(Tag::PATIENT_NAME, VR::PN, "Yama*=山*")], "name=Yama"),
        (&[(Tag::PATIENT_NAME, VR::PN, "=山田*")], "name=山田"),
        (&[(Tag::PATIENT_NAME, VR::PN, "Müller*")], "name=Müller"),
        (&[(Tag::PATIENT_ID, VR::LO, "A*")], ""),
        (&[(Tag::PATIENT_ID, VR::LO, "A 1")], "id=A 1"),
        (&[(OTHER_PATIENT_IDS, VR::LO, "B1")], "other=B1"),
        (&[(Tag::ACCESSION_NUMBER, VR::SH, "A1")], "accession=A1"),
        (&[(Tag::ACCESSION_NUMBER, VR::SH, "A?")], ""),
        (&[(Tag::ACCESSION_NUMBER, VR::SH, "A1234567890123456")], ""),
        (&[(MODALITIES_IN_STUDY, VR::CS, "CT\\MR")], "modalities=CT+MR"),
        (&[(MODALITIES_IN_STUDY, VR::CS, "US")], "modalities=US"),
        (&[(MODALITIES_IN_STUDY, VR::CS, "CT\\M*")], ""),
        (&[(Tag::STUDY_DATE, VR::DA, "20240301")], "from=2024-02-29 to=2024-03-02"),
        (&[(Tag::STUDY_DATE, VR::DA, "20240101-")], "from=2023-12-31"),
        (&[(Tag::STUDY_DATE, VR::DA, "-20241231")], "to=2025-01-01"),
        (&[(PATIENT_BIRTH_DATE, VR::DA, "19800102")], "born from=1980-01-02 born to=1980-01-02"),
        (&[(Tag(0x0008, 0x1030), VR::LO, "head"), (Tag(0x0010, 0x0040), VR::CS, "F")], ""),
    ];
    for (elements, expected) in rows {
        assert_eq!(
            shown(&order_list(&keys(elements, Options::default()), &config())),
            *expected,
            "{elements:?}"
        );
    }
}

#[test]
fn moments_are_days_and_fuzzy_names_are_open() {
    let options = Options { combined_date_time: true, fuzzy: true, ..Options::default() };
    let elements = [
        (Tag::PATIENT_NAME, VR::PN, "muller"),
        (Tag::STUDY_DATE, VR::DA, "20240601-20240603"),
        (Tag(0x0008, 0x0030), VR::TM, "1800-0600"),
    ];
    let list = order_list(&keys(&elements, options), &config());
    assert_eq!(shown(&list), "from=2024-05-31 to=2024-06-04");
}

#[test]
fn each_parameter_can_be_left_out() {
    let elements = [
        (Tag::STUDY_DATE, VR::DA, "20240601"),
        (Tag::ACCESSION_NUMBER, VR::SH, "A1"),
        (MODALITIES_IN_STUDY, VR::CS, "CT"),
        (Tag::PATIENT_NAME, VR::PN, "DOE"),
        (Tag::PATIENT_ID, VR::LO, "1"),
        (PATIENT_BIRTH_DATE, VR::DA, "19800102"),
    ];
    let keys = keys(&elements, Options::default());
    type Change = fn(&mut Narrowing);
    let changes: [(Change, &str); 6] = [
        (|it| it.patient_name = false, "name"),
        (|it| it.patient_id = false, "id"),
        (|it| it.accession_number = false, "accession"),
        (|it| it.modality = false, "modalities"),
        (|it| it.study_date = false, "from=2024"),
        (|it| it.patient_birth_date = false, "born"),
    ];
    for (change, left_out) in changes {
        let mut config = config();
        assert!(shown(&order_list(&keys, &config)).contains(left_out));
        change(&mut config.narrowing);
        assert!(!shown(&order_list(&keys, &config)).contains(left_out), "{left_out}");
    }
    let mut config = config();
    config.date_slack_days = 0;
    config.institutions = vec!["inst-1".parse().unwrap()];
    let list = order_list(&keys, &config);
    assert_eq!(list.study_date_from, list.study_date_to);
    assert_eq!(list.institutions, config.institutions);
}
