//! Orders of an invented department, as the files, orders and data sets in which sources have them.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};

use instance::Tag;
use origin::postdicom::{Entity, NewOrder};
use serde_json::{Value, json};

use crate::dcmtk;
use crate::find::Identifier;
use crate::wait::eventually;

/// Modality Worklist Information Model - FIND (PS3.4 §K.6.1.4).
pub const MODALITY_WORKLIST: &str = "1.2.840.10008.5.1.4.31";
/// (0040,0100) Scheduled Procedure Step Sequence.
pub const STEPS: Tag = Tag(0x0040, 0x0100);
/// (0008,0050) Accession Number.
pub const ACCESSION_NUMBER: Tag = Tag(0x0008, 0x0050);
/// (0010,0010) Patient's Name.
pub const PATIENT_NAME: Tag = Tag(0x0010, 0x0010);
/// (0010,0020) Patient ID.
pub const PATIENT_ID: Tag = Tag(0x0010, 0x0020);
/// (0040,0001) Scheduled Station AE Title.
pub const STATION: Tag = Tag(0x0040, 0x0001);
/// (0040,0002) Scheduled Procedure Step Start Date.
pub const START_DATE: Tag = Tag(0x0040, 0x0002);
/// (0040,0003) Scheduled Procedure Step Start Time.
pub const START_TIME: Tag = Tag(0x0040, 0x0003);
/// (0008,0060) Modality.
pub const MODALITY: Tag = Tag(0x0008, 0x0060);
/// (0040,0020) Scheduled Procedure Step Status.
pub const STATUS: Tag = Tag(0x0040, 0x0020);

/// Stations with their modalities; a PostDICOM account calls them by [`equipment`].
pub const STATIONS: [(&str, &str); 4] = [("CT1", "CT"), ("CT2", "CT"), ("MR1", "MR"), ("US_ROOM1", "US")];

/// Names with the character set in which a file has them.
const NAMES: [(&str, &str); 12] = [
    ("SMITH^JOHN", ""),
    ("SMITHSON^ANNA", ""),
    ("SMITH^JANE^MARY", ""),
    ("MÜLLER^JÜRGEN", "ISO_IR 100"),
    ("O'BRIEN^PAT", ""),
    ("DOE^JANE", ""),
    ("YAMADA^TAROU=山田^太郎=やまだ^たろう", "ISO_IR 192"),
    ("ИВАНОВ^ПЁТР", "ISO_IR 192"),
    ("VAN DER BERG^PIET", ""),
    ("LEE^ANN", ""),
    ("MEYER^ZOË", "ISO_IR 192"),
    ("LEE^BO", ""),
];
const PHYSICIANS: [&str; 3] = ["HOUSE^GREGORY", "WATSON^JOHN", "WATSON^JANE"];
const PRIORITIES: [&str; 3] = ["ROUTINE", "STAT", "HIGH"];

/// How many orders the department has.
pub const ORDERS: usize = 48;

/// One order; two with the same number are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    number: usize,
    /// (0040,0002) as `YYYYMMDD`.
    pub date: String,
    /// (0040,0003) as `HHMM`.
    pub time: String,
}

/// The orders of six days in March 2026.
#[must_use]
pub fn orders() -> Vec<Order> {
    (0..ORDERS).map(Order::new).collect()
}

impl Order {
    /// The order of a number, on a day of its own.
    #[must_use]
    pub fn new(number: usize) -> Self {
        let date = format!("202603{:02}", 1 + number % 6);
        Self { number, date, time: format!("{:02}{:02}", 7 + number * 5 % 11, 15 * (number * 7 % 4)) }
    }

    /// The same on another day, `YYYYMMDD`.
    #[must_use]
    pub fn on(self, date: &str) -> Self {
        Self { date: date.to_owned(), ..self }
    }

    /// (0008,0050).
    #[must_use]
    pub fn accession_number(&self) -> String {
        format!("A{}", 1000 + self.number)
    }

    /// (0010,0010), in UTF-8.
    #[must_use]
    pub const fn patient_name(&self) -> &'static str {
        NAMES[self.number % NAMES.len()].0
    }

    /// (0010,0020).
    #[must_use]
    pub fn patient_id(&self) -> String {
        match self.number % NAMES.len() {
            4 => "pid 4/X".to_owned(),
            number => format!("PID{number:03}"),
        }
    }

    /// (0020,000D).
    #[must_use]
    pub fn study(&self) -> String {
        format!("2.25.70{}", 1000 + self.number)
    }

    /// (0040,0009).
    #[must_use]
    pub fn step_id(&self) -> String {
        format!("S{}", self.number)
    }

    /// (0040,0001) and the modality there.
    #[must_use]
    pub const fn station(&self) -> (&'static str, &'static str) {
        STATIONS[self.number % STATIONS.len()]
    }

    const fn sex(&self) -> &'static str {
        ["M", "F", "O"][self.number % NAMES.len() % 3]
    }

    fn birth_date(&self) -> String {
        format!("19{:02}0{}15", 40 + 4 * (self.number % NAMES.len()), 1 + self.number % 3)
    }

    /// The data set (PS3.4 §K.6.1.2.2) in Explicit VR Little Endian.
    #[must_use]
    pub fn data_set(&self) -> Vec<u8> {
        let number = self.number;
        let (name, character_set) = NAMES[number % NAMES.len()];
        let encoded = encode(name, character_set);
        let (station, modality) = self.station();
        let step = Identifier::default()
            .with(MODALITY, "CS", modality)
            .with(STATION, "AE", station)
            .with(START_DATE, "DA", &self.date)
            .with(START_TIME, "TM", format!("{}00", self.time))
            .with(Tag(0x0040, 0x0006), "PN", PHYSICIANS[number % 3])
            .with(Tag(0x0040, 0x0007), "LO", format!("{modality} EXAM"))
            .with(Tag(0x0040, 0x0009), "SH", self.step_id())
            .with(Tag(0x0040, 0x0010), "SH", format!("{station} NAME"))
            .with(Tag(0x0040, 0x0011), "SH", format!("ROOM {}", number % 4))
            .with(STATUS, "CS", "SCHEDULED");
        let order = Identifier::default()
            .with(ACCESSION_NUMBER, "SH", self.accession_number())
            .with(Tag(0x0008, 0x0090), "PN", PHYSICIANS[(number + 1) % 3])
            .with(PATIENT_NAME, "PN", encoded)
            .with(PATIENT_ID, "LO", self.patient_id())
            .with(Tag(0x0010, 0x0030), "DA", self.birth_date())
            .with(Tag(0x0010, 0x0040), "CS", self.sex())
            .with(Tag(0x0020, 0x000D), "UI", self.study())
            .with(Tag(0x0032, 0x1032), "PN", PHYSICIANS[(number + 2) % 3])
            .with(Tag(0x0032, 0x1060), "LO", format!("{modality} OF REGION {}", number % 5))
            .with(Tag(0x0038, 0x0010), "LO", format!("ADM{}", number % 5))
            .with(Tag(0x0040, 0x1001), "SH", format!("RP{number}"))
            .with(Tag(0x0040, 0x1003), "SH", PRIORITIES[number % 3])
            .with_items(STEPS, &[step]);
        match character_set {
            "" => order.bytes(),
            _ => order.with(Tag(0x0008, 0x0005), "CS", character_set).bytes(),
        }
    }

    /// Writes it as a file of a worklist directory.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn write(&self, directory: &Path) {
        let path = directory.join(format!("{}.wl", self.accession_number()));
        fs::write(path, self.data_set()).expect("a file");
    }

    /// The order as a scheduled procedure step in DICOM JSON (PS3.4 §K.6.1.2.2, PS3.18 §F.2).
    #[must_use]
    pub fn scheduled_step(&self) -> Value {
        let number = self.number;
        let (station, modality) = self.station();
        let step = json!({
            "00080060": text("CS", modality),
            "00400001": text("AE", station),
            "00400002": text("DA", &self.date),
            "00400003": text("TM", &format!("{}00", self.time)),
            "00400006": { "vr": "PN", "Value": [name(PHYSICIANS[number % 3])] },
            "00400007": text("LO", &format!("{modality} EXAM")),
            "00400009": text("SH", &self.step_id()),
            "00400010": text("SH", &format!("{station} NAME")),
            "00400011": text("SH", &format!("ROOM {}", number % 4)),
            "00400020": text("CS", "SCHEDULED"),
        });
        let mut order = self.request();
        self.patient(&mut order);
        order["00400100"] = json!({ "vr": "SQ", "Value": [step] });
        order
    }

    /// The order as a workitem in DICOM JSON (PS3.3 §B.26), SCHEDULED.
    #[must_use]
    pub fn workitem(&self) -> Value {
        let number = self.number;
        let (station, modality) = self.station();
        let code = |value: &str, scheme: &str, meaning: &str| {
            let item = json!({
                "00080100": text("SH", value),
                "00080102": text("SH", scheme),
                "00080104": text("LO", meaning),
            });
            json!({ "vr": "SQ", "Value": [item] })
        };
        let performer = json!({ "00404037": { "vr": "PN", "Value": [name(PHYSICIANS[number % 3])] } });
        let mut workitem = json!({
            "00080018": text("UI", &format!("2.25.80{}", 1000 + number)),
            "00404005": text("DT", &format!("{}{}00", self.date, self.time)),
            "00404025": code(station, "99SITE", &format!("{station} NAME")),
            "00404026": code(modality, "DCM", "what it is"),
            "00404027": code(&format!("ROOM {}", number % 4), "99SITE", &format!("ROOM {}", number % 4)),
            "00404034": { "vr": "SQ", "Value": [performer] },
            "00404041": text("CS", "READY"),
            "0040A370": { "vr": "SQ", "Value": [self.request()] },
            "00741000": text("CS", "SCHEDULED"),
            "00741200": text("CS", "MEDIUM"),
            "00741204": text("LO", &format!("{modality} EXAM")),
        });
        self.patient(&mut workitem);
        workitem
    }

    /// What both have of the request.
    fn request(&self) -> Value {
        let number = self.number;
        json!({
            "00080050": text("SH", &self.accession_number()),
            "00080090": { "vr": "PN", "Value": [name(PHYSICIANS[(number + 1) % 3])] },
            "0020000D": text("UI", &self.study()),
            "00321032": { "vr": "PN", "Value": [name(PHYSICIANS[(number + 2) % 3])] },
            "00321060": text("LO", &format!("{} OF REGION {}", self.station().1, number % 5)),
            "00380010": text("LO", &format!("ADM{}", number % 5)),
            "00401001": text("SH", &format!("RP{number}")),
        })
    }

    fn patient(&self, item: &mut Value) {
        item["00100010"] = json!({ "vr": "PN", "Value": [name(self.patient_name())] });
        item["00100020"] = text("LO", &self.patient_id());
        item["00100030"] = text("DA", &self.birth_date());
        item["00100040"] = text("CS", self.sex());
    }

    /// The order as a PostDICOM account has it.
    #[must_use]
    pub fn of_account(&self) -> NewOrder {
        let day = |text: &str| format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..]);
        NewOrder {
            institution_uuid: "inst-1".to_owned(),
            patient_name: self.patient_name().to_owned(),
            patient_id: self.patient_id(),
            patient_sex: self.sex().to_owned(),
            patient_birthdate: day(&self.birth_date()),
            modality: self.station().1.to_owned(),
            study_description: format!("{} EXAM", self.station().1),
            accession_number: self.accession_number(),
            order_scheduled_datetime: format!("{} {}:{}", day(&self.date), &self.time[..2], &self.time[2..]),
            requested_procedure_id: format!("RP{}", self.number),
            requested_procedure_description: format!("{} OF REGION", self.station().1),
            scheduled_equipment_uuid: format!("eq-{}", 1 + self.number % STATIONS.len()),
            ..NewOrder::default()
        }
    }
}

fn text(vr: &str, value: &str) -> Value {
    json!({ "vr": vr, "Value": [value] })
}

/// A name by its component groups.
fn name(text: &str) -> Value {
    let groups = ["Alphabetic", "Ideographic", "Phonetic"].into_iter().zip(text.split('='));
    groups
        .map(|(group, text)| (group.to_owned(), Value::from(text)))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// What a PostDICOM account calls the stations.
#[must_use]
pub fn equipment() -> Vec<Entity> {
    (1..).zip(STATIONS).map(|(number, (station, _))| Entity::new(format!("eq-{number}"), station)).collect()
}

/// The same for the configuration of the bridge: `[[equipment]]` of each station.
#[must_use]
pub fn equipment_tables() -> String {
    let table = |(number, (station, modality)): (u32, (&str, &str))| {
        format!(
            "[[equipment]]\nuuid = \"eq-{number}\"\nae_title = \"{station}\"\n\
            station_name = \"{station} NAME\"\nmodality = \"{modality}\"\n"
        )
    };
    (1..).zip(STATIONS).map(table).collect()
}

/// Text in a character set that has one byte for each of its letters, or in UTF-8.
///
/// # Panics
/// Where a letter is not in Latin-1.
#[must_use]
pub fn encode(text: &str, character_set: &str) -> Vec<u8> {
    match character_set {
        "ISO_IR 100" => {
            text.chars().map(|letter| u8::try_from(u32::from(letter)).expect("a letter of Latin-1")).collect()
        }
        _ => text.as_bytes().to_vec(),
    }
}

/// DCMTK's `wlmscpfs`, which answers from files; killed when dropped.
pub struct Wlmscpfs {
    child: Child,
    address: SocketAddr,
}

impl Wlmscpfs {
    /// Starts one for the called AE title `DIMSEWAY` with these orders, in a new directory.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    pub fn start(directory: &Path, orders: &[Order]) -> Option<Self> {
        Self::start_as("DIMSEWAY", directory, orders)
    }

    /// Starts one for another AE title.
    ///
    /// # Panics
    /// Where it does not start.
    #[must_use]
    pub fn start_as(title: &str, directory: &Path, orders: &[Order]) -> Option<Self> {
        let mut command = dcmtk::program("wlmscpfs")?;
        let folder = directory.join(title);
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("lockfile"), "").expect("a file");
        orders.iter().for_each(|order| order.write(&folder));
        let port = dcmtk::free_port();
        let child = command
            .args(["--keep-char-set", "--prefer-little", "--data-files-path"])
            .arg(directory)
            .arg(port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("wlmscpfs starts");
        let peer = Self { child, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)) };
        eventually("wlmscpfs listens", || TcpStream::connect(peer.address).ok());
        Some(peer)
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Wlmscpfs {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
