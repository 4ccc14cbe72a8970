//! The archive from its seed.

use dataset::element::VR;
use instance::{
    Tag,
    transfer_syntax::{EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN},
};

use super::{
    Archive, Attributes, Instance, Options, Series, Study, Value,
    encode::SIDE,
    people::{SCRIPTS, Script},
};
use crate::synthetic::{derived_uid, phantom::next_random};

/// Modality and the SOP Class of its images (PS3.4 §B.5).
pub(super) const MODALITIES: &[(&str, &str)] = &[
    ("CT", "1.2.840.10008.5.1.4.1.1.2"),
    ("MR", "1.2.840.10008.5.1.4.1.1.4"),
    ("US", "1.2.840.10008.5.1.4.1.1.6.1"),
    ("CR", "1.2.840.10008.5.1.4.1.1.1"),
    ("DX", "1.2.840.10008.5.1.4.1.1.1.1"),
    ("MG", "1.2.840.10008.5.1.4.1.1.1.2"),
    ("NM", "1.2.840.10008.5.1.4.1.1.20"),
    ("PT", "1.2.840.10008.5.1.4.1.1.128"),
    ("XA", "1.2.840.10008.5.1.4.1.1.12.1"),
    ("OT", "1.2.840.10008.5.1.4.1.1.7"),
];

/// Every so many patients, one has the Patient ID of the one before.
const SHARED_ID_EVERY: usize = 25;

/// Studies of the first patient, who comes back again and again: one of so many.
const REGULAR_EVERY: usize = 60;

/// A patient, and how devices write about this patient.
struct Patient {
    script: &'static Script,
    character_set: &'static str,
    attributes: Attributes,
}

/// Random choices that are the same everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, count: usize) -> usize {
        let count = count.max(1) as u64;
        usize::try_from(next_random(&mut self.0) % count).unwrap_or(0)
    }

    /// True in so many of 100 cases.
    fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// A value that is there in most cases, sometimes empty, sometimes absent.
    fn gap<'a>(&mut self, empty: usize, absent: usize, value: &'a str) -> Option<&'a str> {
        match self.below(100) {
            roll if roll < empty => Some(""),
            roll if roll < empty + absent => None,
            _ => Some(value),
        }
    }

    /// A date; days 1 to 28 exist in every month.
    fn date(&mut self, from_year: usize, years: usize) -> String {
        let (year, month, day) = (from_year + self.below(years), self.below(12) + 1, self.below(28) + 1);
        format!("{year:04}{month:02}{day:02}")
    }

    /// A time, as precise as the device is.
    fn time(&mut self) -> String {
        let (hour, minute, second) = (self.below(24), self.below(60), self.below(60));
        match self.below(10) {
            0 => format!("{hour:02}{minute:02}"),
            1..=6 => format!("{hour:02}{minute:02}{second:02}"),
            _ => format!("{hour:02}{minute:02}{second:02}.{:06}", self.below(1_000_000)),
        }
    }
}

pub(super) fn archive(options: Options) -> Archive {
    let mut random = Random(options.seed);
    let count = (options.studies * 2 / 5).max(1);
    let mut patients: Vec<Patient> = Vec::new();
    for number in 0..count {
        let twin = patients.last().filter(|_| options.shared_patient_ids).map(|last| &last.attributes);
        let twin = twin.filter(|_| number % SHARED_ID_EVERY == SHARED_ID_EVERY - 1);
        let patient = patient(&mut random, number, twin, options.native_character_sets);
        patients.push(patient);
    }
    let mut studies: Vec<Study> = Vec::new();
    for number in 0..options.studies {
        let patient = match number {
            _ if number % REGULAR_EVERY == 0 => 0,
            _ if number < count => number,
            _ => random.below(count),
        };
        let before = studies.last().and_then(|study| study.attributes.text(Tag::ACCESSION_NUMBER));
        let before = before.filter(|accession| !accession.is_empty()).map(str::to_owned);
        let study = study(&mut random, options.seed, number, &patients[patient], before.as_deref());
        studies.push(study);
    }
    Archive { studies }
}

fn patient(random: &mut Random, number: usize, twin: Option<&Attributes>, native: bool) -> Patient {
    let mut roll = random.below(100) as u64;
    let script = SCRIPTS.iter().find(|script| {
        let chosen = roll < script.share;
        roll = roll.saturating_sub(script.share);
        chosen
    });
    let script = script.unwrap_or(&SCRIPTS[0]);
    let character_set = random.one_of(script.character_sets);
    let character_set = if native { character_set } else { "ISO_IR 192" };
    let name = script.names.name(random.below(1 << 16));
    let name = random.gap(2, 1, &name);
    let (id, issuer) = identifier(random, number, twin);
    let birth_date = random.date(1920, 95);
    let birth_date = random.gap(8, 8, &birth_date);
    let birth_time = random.time();
    let birth_time = Some(birth_time.as_str()).filter(|_| random.percent(6));
    let sex = random.one_of(&["M", "F", "M", "F", "M", "F", "O"]);
    let sex = random.gap(8, 4, sex);
    let others = format!("ALT{number:05}\\{number:05}-B");
    let others = Some(others.as_str()).filter(|_| random.percent(6));
    let attributes = Attributes::new()
        .with_some(Tag::PATIENT_NAME, VR::PN, name)
        .with(Tag::PATIENT_ID, VR::LO, &id)
        .with_some(Tag::ISSUER_OF_PATIENT_ID, VR::LO, issuer)
        .with_some(Tag(0x0010, 0x0030), VR::DA, birth_date)
        .with_some(Tag(0x0010, 0x0032), VR::TM, birth_time)
        .with_some(Tag(0x0010, 0x0040), VR::CS, sex)
        .with_some(Tag(0x0010, 0x1000), VR::LO, others);
    Patient { script, character_set, attributes }
}

/// Patient ID and its issuer: in several forms, two of which differ by case alone.
fn identifier(
    random: &mut Random,
    number: usize,
    twin: Option<&Attributes>,
) -> (String, Option<&'static str>) {
    if let Some(id) = twin.and_then(|twin| twin.text(Tag::PATIENT_ID)) {
        return (id.to_owned(), Some("HOSPITAL_B"));
    }
    let id = match number % 10 {
        0..=4 => format!("MRN{number:06}"),
        5 | 6 => format!("{number:07}"),
        7 => format!("AB-{number:05}"),
        8 => format!("ab-{:05}", number - 1),
        _ => format!("ID {number:05}/X"),
    };
    // The patient before a twin needs an issuer for the twin to differ from.
    let before_twin = number % SHARED_ID_EVERY == SHARED_ID_EVERY - 2;
    let issuer = Some("HOSPITAL_A").filter(|_| random.percent(40) || before_twin);
    (id, issuer)
}

fn study(random: &mut Random, seed: u64, number: usize, patient: &Patient, before: Option<&str>) -> Study {
    let script = patient.script;
    let uid = derived_uid(seed, "archive study", number as u64);
    let date = random.date(2015, 10);
    let time = random.time();
    let accession = match (random.below(100), before) {
        (0..8, _) => String::new(),
        (8..11, Some(before)) => before.to_owned(),
        _ => format!("A{number:07}"),
    };
    let study_id = (number % 50).to_string();
    let physician = random.one_of(script.physicians);
    let description = random.one_of(script.studies);
    let age = format!("{:03}Y", random.below(100));
    let readers = format!("{}\\{}", script.physicians[0], random.one_of(SCRIPTS[0].physicians));
    let study = Attributes::new()
        .with_some(Tag::STUDY_DATE, VR::DA, random.gap(2, 0, &date))
        .with_some(Tag(0x0008, 0x0030), VR::TM, random.gap(4, 3, &time))
        .with(Tag::ACCESSION_NUMBER, VR::SH, &accession)
        .with_some(Tag(0x0008, 0x0090), VR::PN, random.gap(18, 4, physician))
        .with_some(Tag(0x0008, 0x1030), VR::LO, random.gap(6, 10, description))
        .with_some(Tag(0x0008, 0x1060), VR::PN, Some(readers.as_str()).filter(|_| random.percent(12)))
        .with_some(Tag(0x0010, 0x1010), VR::AS, Some(age.as_str()).filter(|_| random.percent(50)))
        .with(Tag::STUDY_INSTANCE_UID, VR::UI, uid.as_str())
        .with_some(Tag(0x0020, 0x0010), VR::SH, random.gap(8, 2, &study_id));
    let attributes = patient.attributes.iter().chain(study.iter()).map(|(tag, value)| (tag, value.clone()));
    let attributes: Attributes = attributes.collect();
    let main = random.one_of(MODALITIES);
    let count = [1, 1, 2, 2, 3][random.below(5)];
    let series = (0..count).map(|index| {
        // Most series are of one modality; ModalitiesInStudy needs the others.
        let modality = if index == 0 || random.percent(60) { main } else { random.one_of(MODALITIES) };
        series(random, seed, number * 4 + index, (index, modality), (&date, script))
    });
    let series = series.collect();
    Study { character_set: patient.character_set, attributes, series }
}

fn series(
    random: &mut Random,
    seed: u64,
    place: usize,
    (index, (modality, sop_class)): (usize, (&str, &str)),
    (date, script): (&str, &Script),
) -> Series {
    let uid = derived_uid(seed, "archive series", place as u64);
    let time = random.time();
    let description = random.one_of(script.series);
    let institution = random.one_of(script.institutions);
    let station = format!("{modality}{}", random.below(4) + 1);
    let body_part = random.one_of(&["CHEST", "HEAD", "KNEE", "ABDOMEN", "BREAST"]);
    let model = random.one_of(&["Magna 3T", "Scan-O-Matic", "X 100", "Magna 1.5T"]);
    let started = random.percent(60);
    let mut attributes = Attributes::new()
        .with_some(Tag(0x0008, 0x0021), VR::DA, random.gap(5, 10, date))
        .with_some(Tag(0x0008, 0x0031), VR::TM, random.gap(5, 10, &time))
        .with(Tag::MODALITY, VR::CS, modality)
        .with_some(Tag(0x0008, 0x0080), VR::LO, random.gap(10, 15, institution))
        .with_some(Tag(0x0008, 0x1010), VR::SH, random.gap(10, 20, &station))
        .with_some(Tag(0x0008, 0x103E), VR::LO, random.gap(10, 15, description))
        .with_some(Tag(0x0008, 0x1090), VR::LO, random.gap(5, 30, model))
        .with_some(Tag(0x0018, 0x0015), VR::CS, random.gap(5, 30, body_part))
        .with(Tag::SERIES_INSTANCE_UID, VR::UI, uid.as_str())
        .with_some(Tag(0x0020, 0x0011), VR::IS, random.gap(3, 0, &(index + 1).to_string()))
        .with_some(Tag(0x0040, 0x0244), VR::DA, Some(date).filter(|_| started))
        .with_some(Tag(0x0040, 0x0245), VR::TM, Some(time.as_str()).filter(|_| started));
    if random.percent(35) {
        let items = (0..=random.below(2)).map(|item| requested(place, item)).collect();
        attributes.set(Tag(0x0040, 0x0275), Value::Items(items));
    }
    let syntax = if random.percent(12) { IMPLICIT_VR_LITTLE_ENDIAN } else { EXPLICIT_VR_LITTLE_ENDIAN };
    let count = [1, 1, 2, 3][random.below(4)];
    let instances = (0..count).map(|index| {
        let uid = derived_uid(seed, "archive instance", (place * 4 + index) as u64);
        let attributes = instance(sop_class, uid.as_str(), index + 1)
            .with_some(Tag(0x0008, 0x0023), VR::DA, random.gap(10, 20, date))
            .with_some(Tag(0x0028, 0x0008), VR::IS, Some("1").filter(|_| random.percent(10)));
        Instance { transfer_syntax: syntax, attributes }
    });
    let instances = instances.collect();
    Series { attributes, instances }
}

/// An item of Request Attributes Sequence.
fn requested(place: usize, item: usize) -> Attributes {
    Attributes::new()
        .with(Tag(0x0040, 0x0007), VR::LO, "Routine")
        .with(Tag(0x0040, 0x0009), VR::SH, &format!("SPS{place:05}.{item}"))
        .with(Tag(0x0040, 0x1001), VR::SH, &format!("RP{:05}", place / 4))
}

/// The attributes of an instance and of its tiny image.
pub(super) fn instance(sop_class: &str, uid: &str, number: usize) -> Attributes {
    let side = SIDE.to_string();
    Attributes::new()
        .with(Tag::SOP_CLASS_UID, VR::UI, sop_class)
        .with(Tag::SOP_INSTANCE_UID, VR::UI, uid)
        .with(Tag(0x0020, 0x0013), VR::IS, &number.to_string())
        .with(Tag(0x0028, 0x0002), VR::US, "1")
        .with(Tag(0x0028, 0x0004), VR::CS, "MONOCHROME2")
        .with(Tag(0x0028, 0x0010), VR::US, &side)
        .with(Tag(0x0028, 0x0011), VR::US, &side)
        .with(Tag(0x0028, 0x0100), VR::US, "8")
        .with(Tag(0x0028, 0x0101), VR::US, "8")
        .with(Tag(0x0028, 0x0102), VR::US, "7")
        .with(Tag(0x0028, 0x0103), VR::US, "0")
}
