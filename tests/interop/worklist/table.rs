//! The queries that the bridge and DCMTK's `wlmscpfs` are asked alike.

use instance::Tag;
use tests::find::Identifier;
use tests::worklist::{
    ACCESSION_NUMBER, MODALITY, ORDERS, PATIENT_ID, PATIENT_NAME, START_DATE, START_TIME, STATION,
};

use super::query;

/// Why the two find different orders.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Difference {
    /// The clause that the bridge follows.
    pub(crate) clause: &'static str,
    /// What it says about this query.
    pub(crate) why: &'static str,
    /// How many orders the bridge finds.
    pub(crate) bridge: usize,
    /// How many orders `wlmscpfs` finds.
    pub(crate) oracle: usize,
}

/// Wild card matching, of every VR but those that exclude it.
const WILD_CARD: &str = "PS3.4 §C.2.2.2.4";
/// Of names, case, position, accent and other variants of the encoding may be passed over.
const NAMES: &str = "PS3.4 §C.2.2.2.1.1";
/// An optional matching key that is not supported is passed over, so that everything matches it.
const OPTIONAL: &str = "PS3.4 §K.2.2.1.1.2";

/// A query.
pub(crate) struct Query {
    pub(crate) name: &'static str,
    pub(crate) identifier: Identifier,
    pub(crate) difference: Option<Difference>,
}

impl Query {
    /// Both find other orders, for this reason.
    fn differs(self, clause: &'static str, why: &'static str, bridge: usize, oracle: usize) -> Self {
        Self { difference: Some(Difference { clause, why, bridge, oracle }), ..self }
    }
}

/// A query with keys beside the step.
fn beside(name: &'static str, keys: &[(Tag, &str, &str)]) -> Query {
    both(name, keys, &[])
}

/// A query with keys of the step.
fn step(name: &'static str, keys: &[(Tag, &str, &str)]) -> Query {
    both(name, &[], keys)
}

fn both(name: &'static str, beside: &[(Tag, &str, &str)], of_step: &[(Tag, &str, &str)]) -> Query {
    let item = |keys: &[(Tag, &str, &str)]| {
        keys.iter().fold(Identifier::default(), |item, (tag, vr, value)| item.with(*tag, vr, value))
    };
    Query { name, identifier: query(item(beside), item(of_step)), difference: None }
}

/// A query for a name in a character set.
fn name(name: &'static str, character_set: &str, value: &[u8]) -> Query {
    let beside = Identifier::default().with(PATIENT_NAME, "PN", value);
    let beside = match character_set {
        "" => beside,
        _ => beside.with(Tag(0x0008, 0x0005), "CS", character_set),
    };
    Query { name, identifier: query(beside, Identifier::default()), difference: None }
}

/// All queries.
pub(crate) fn queries() -> Vec<Query> {
    let mut queries = stations();
    queries.extend(times());
    queries.extend(patients());
    queries.extend(names());
    queries.extend(requests());
    queries
}

fn stations() -> Vec<Query> {
    vec![
        step("everything", &[]),
        step("one station", &[(STATION, "AE", "CT1")]),
        step("a station with spaces around it", &[(STATION, "AE", " CT1 ")]),
        step("a station nobody knows", &[(STATION, "AE", "NOBODY")]),
        step("a station whose name begins alike", &[(STATION, "AE", "CT")]),
        step("one modality", &[(MODALITY, "CS", "MR")]),
        step("a modality nobody has", &[(MODALITY, "CS", "NM")]),
        step("station and modality", &[(STATION, "AE", "CT2"), (MODALITY, "CS", "CT")]),
        step("station and another modality", &[(STATION, "AE", "CT2"), (MODALITY, "CS", "MR")]),
        step("a modality on a day", &[(MODALITY, "CS", "US"), (START_DATE, "DA", "20260304")]),
    ]
}

fn times() -> Vec<Query> {
    let date = |name, value| step(name, &[(START_DATE, "DA", value)]);
    let time = |name, value| step(name, &[(START_TIME, "TM", value)]);
    let period = |name, date, time| step(name, &[(START_DATE, "DA", date), (START_TIME, "TM", time)]);
    vec![
        date("one day", "20260302"),
        date("a range of days", "20260302-20260304"),
        date("a range of one day", "20260305-20260305"),
        date("days from", "20260304-"),
        date("days until", "-20260302"),
        date("no such day", "20260401"),
        date("a range without orders", "20270101-20271231"),
        time("one time", "073000"),
        time("a time without seconds", "0730"),
        time("a range of times", "080000-120000"),
        time("times from", "150000-"),
        time("times until", "-0900"),
        period("a day and a range of times", "20260302", "080000-120000"),
        period("one period of two days", "20260302-20260303", "120000-090000"),
        period("a period that begins and ends at the same time", "20260301-20260306", "120000-120000"),
        period("a period from", "20260305-", "100000-"),
        period("a period until", "-20260302", "-1000"),
        step(
            "a station in a period",
            &[
                (STATION, "AE", "MR1"),
                (START_DATE, "DA", "20260301-20260303"),
                (START_TIME, "TM", "0800-1500"),
            ],
        ),
    ]
}

fn patients() -> Vec<Query> {
    let id = |name, value| beside(name, &[(PATIENT_ID, "LO", value)]);
    let number = |name, value| beside(name, &[(ACCESSION_NUMBER, "SH", value)]);
    vec![
        id("a patient", "PID003"),
        id("an ID with a blank and a slash", "pid 4/X"),
        id("an ID in capitals", "PID 4/X"),
        id("IDs by wildcard", "PID00*").differs(
            WILD_CARD,
            "`*` and `?` in a value of LO; wlmscpfs keeps to single values",
            36,
            0,
        ),
        id("IDs with one letter open", "PID01?").differs(
            WILD_CARD,
            "`*` and `?` in a value of LO; wlmscpfs keeps to single values",
            8,
            0,
        ),
        id("no such ID", "PID999"),
        number("an accession number", "A1007"),
        number("accession numbers by wildcard", "A10*0"),
        number("accession numbers with a letter open", "A100?"),
        number("no such accession number", "B1"),
        beside("number and patient", &[(ACCESSION_NUMBER, "SH", "A1003"), (PATIENT_ID, "LO", "PID003")]),
        beside(
            "number of another patient",
            &[(ACCESSION_NUMBER, "SH", "A1003"), (PATIENT_ID, "LO", "PID005")],
        ),
        both("a patient at a station", &[(PATIENT_ID, "LO", "PID*")], &[(STATION, "AE", "US_ROOM1")])
            .differs(WILD_CARD, "`*` and `?` in a value of LO; wlmscpfs keeps to single values", 12, 0),
    ]
}

fn names() -> Vec<Query> {
    vec![
        name("a whole name", "", b"SMITH^JOHN"),
        name("a family name", "", b"SMITH^*"),
        name("the beginning of a name", "", b"SMITH*"),
        name("an end of a name", "", b"*^ANN"),
        name("letters open in a name", "", b"LEE^??"),
        name("an asterisk", "", b"*"),
        name("a name with an apostrophe", "", b"O'BRIEN*"),
        name("a name with blanks", "", b"VAN DER BERG^*"),
        name("nobody of that name", "", b"ZEBRA*"),
        name("a name in Latin-1", "ISO_IR 100", b"M\xDCLLER^J\xDCRGEN"),
        name("a name in Latin-1 by wildcard", "ISO_IR 100", b"M\xDCLL*"),
        name("a letter of Latin-1 open", "ISO_IR 100", b"M?LLER*"),
        name("a Cyrillic name in UTF-8", "ISO_IR 192", "ИВАНОВ^ПЁТР".as_bytes()),
        name("a Cyrillic name by wildcard", "ISO_IR 192", "ИВАНОВ*".as_bytes()),
        name(
            "a Japanese name by all groups",
            "ISO_IR 192",
            "YAMADA^TAROU=山田^太郎=やまだ^たろう".as_bytes(),
        ),
        name("a Japanese name in Latin letters", "ISO_IR 192", b"YAMADA^*"),
        name("a Japanese name by ideographs", "ISO_IR 192", "=山田^*".as_bytes()).differs(
            NAMES,
            "names match whatever the position of the component group",
            4,
            0,
        ),
        name("a name of another character set", "ISO_IR 192", "MÜLLER^*".as_bytes()).differs(
            NAMES,
            "names match whatever their encoding; wlmscpfs compares bytes",
            4,
            0,
        ),
        name("a letter of UTF-8 open", "ISO_IR 192", b"MEYER^ZO?").differs(
            WILD_CARD,
            "`?` stands for a letter; wlmscpfs takes it for a byte",
            4,
            0,
        ),
        name("a name in small letters", "", b"smith^john").differs(
            NAMES,
            "names match whatever their case",
            4,
            0,
        ),
    ]
}

fn requests() -> Vec<Query> {
    let study = Tag(0x0020, 0x000D);
    vec![
        beside("a study", &[(study, "UI", "2.25.701012")]).differs(
            OPTIONAL,
            "wlmscpfs does not match by this key",
            1,
            ORDERS,
        ),
        beside("two studies by UID", &[(study, "UI", "2.25.701012\\2.25.701013")]).differs(
            OPTIONAL,
            "wlmscpfs does not match by this key",
            2,
            ORDERS,
        ),
        beside("a requested procedure", &[(Tag(0x0040, 0x1001), "SH", "RP11")]),
        beside("requested procedures by wildcard", &[(Tag(0x0040, 0x1001), "SH", "RP1*")]),
        beside("a priority", &[(Tag(0x0040, 0x1003), "SH", "STAT")]),
        beside("an admission", &[(Tag(0x0038, 0x0010), "LO", "ADM3")]),
        beside("a referring physician", &[(Tag(0x0008, 0x0090), "PN", "WATSON*")]),
        beside("a requesting physician", &[(Tag(0x0032, 0x1032), "PN", "HOUSE^GREGORY")]),
        beside("patients by sex", &[(Tag(0x0010, 0x0040), "CS", "F")]),
        beside("patients by birth date", &[(Tag(0x0010, 0x0030), "DA", "19500101-19651231")]),
        beside("a description", &[(Tag(0x0032, 0x1060), "LO", "CT OF*")]).differs(
            OPTIONAL,
            "wlmscpfs does not match by this key",
            24,
            ORDERS,
        ),
        step("a performing physician", &[(Tag(0x0040, 0x0006), "PN", "WATSON^JOHN")]),
        step("performing physicians by wildcard", &[(Tag(0x0040, 0x0006), "PN", "WATSON^*")]),
        step("a step by ID", &[(Tag(0x0040, 0x0009), "SH", "S17")]).differs(
            OPTIONAL,
            "wlmscpfs does not match by this key",
            1,
            ORDERS,
        ),
        step("a location", &[(Tag(0x0040, 0x0011), "SH", "ROOM 2")]).differs(
            OPTIONAL,
            "wlmscpfs does not match by this key",
            12,
            ORDERS,
        ),
        step("scheduled steps", &[(Tag(0x0040, 0x0020), "CS", "SCHEDULED")]),
        step("steps that have begun", &[(Tag(0x0040, 0x0020), "CS", "STARTED")]).differs(
            OPTIONAL,
            "wlmscpfs does not match by this key",
            0,
            ORDERS,
        ),
    ]
}
