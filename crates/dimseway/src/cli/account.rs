//! What commands for a PostDICOM account take on the command line.

use clap::{Args, Subcommand};
use postdicom::{
    AccessionNumber, Date, DateTime, EquipmentUuid, FolderPath, FolderUuid, InstitutionUuid, Modality,
    ModalityList, OrderUuid, PatientId, PatientName, SeriesUuid, Sex, Text, UserGroupUuid, UserUuid,
};
use std::{path::PathBuf, str::FromStr};

/// Which account, and in which form the answer is printed.
#[derive(Debug, Clone, Args)]
pub(crate) struct Account {
    /// Origin of the configuration. Default: the only one with profile postdicom.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) origin: Option<String>,
    /// Print JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Orders {
    #[command(flatten)]
    pub(crate) account: Account,
    #[command(subcommand)]
    pub(crate) action: OrdersAction,
}

/// What to do with orders.
#[derive(Debug, Subcommand)]
pub(crate) enum OrdersAction {
    /// Find orders: one line each.
    #[command(after_help = "\
Examples:
  dimseway orders search --patient-id 4711
  dimseway orders search --patient-name 'YAMADA^TARO'
  dimseway orders search --modality CT,MR --from 2026-11-01 --to 2026-11-30
  dimseway orders search --accession-number A100 --json")]
    Search(Box<Search>),
    /// Everything about one order.
    #[command(after_help = "\
Example:
  dimseway orders show c232ab00-9414-41ec-b3c8-9f6bdeced846")]
    Show(One),
    /// Make an order, unless there is one with its accession number and patient ID.
    ///
    /// What an order needs is the patient's name, ID and date of birth, and the modality. The options
    /// can stand in a JSON file too, under the vendor's names; an option goes before the file.
    ///
    /// Run twice, it makes one order: orders of the same accession number and patient ID are looked for
    /// first. Without an accession number, an order of the same patient, modality, time and description is
    /// taken to be the same, and --again makes another one.
    #[command(after_help = "\
Examples:
  dimseway orders create --patient-name DOE^JOHN --patient-id 4711 --birthdate 1980-01-02 --modality CT
  dimseway orders create --patient-name DOE^JOHN --patient-id 4711 --birthdate 1980-01-02 --modality CT \\
      --sex M --accession-number A100 --scheduled '2026-11-23 10:30' --study-description 'CT HEAD'
  dimseway orders create --parameters order.json
  echo '{\"PatientName\":\"DOE^JOHN\",\"PatientId\":\"4711\"}' | \\
      dimseway orders create --parameters - --birthdate 1980-01-02 --modality CT")]
    Create(Box<Create>),
    /// Remove an order with its images for good.
    #[command(after_help = "\
Example:
  dimseway orders delete c232ab00-9414-41ec-b3c8-9f6bdeced846

The vendor deletes permanently: there is no trash to bring it back from.")]
    Delete {
        #[command(flatten)]
        order: One,
        /// Do not ask: delete for good.
        #[arg(long)]
        yes: bool,
    },
    /// Give an order to a user or a group of users.
    #[command(after_help = "\
Examples:
  dimseway orders assign ORDER --user 7b0e6a52-58d1-4c3c-9f0a-1d2c3b4a5968
  dimseway orders assign ORDER --group 0c4d9f10-2a3b-4c5d-8e6f-7a8b9c0d1e2f")]
    Assign(Assign),
    /// Make a link to orders (SharePatientOrderWithUrl).
    #[command(after_help = LINK_EXAMPLES)]
    Share(Link),
    /// Make a link to orders (CreateShareLink). What it does beside `share` is not documented; both are
    /// there because the vendor has both.
    #[command(after_help = LINK_EXAMPLES)]
    Link(Link),
}

const LINK_EXAMPLES: &str = "\
Examples:
  dimseway orders share ORDER --expires 2026-12-31 --password-file ./password
  dimseway orders share ORDER1 ORDER2 --expires 30d --downloadable

Whoever knows the link sees the images. A password is never an option, since other users of a machine \
see options: it is read from a file or from an environment variable.";

/// One order.
#[derive(Debug, Args)]
pub(crate) struct One {
    /// The order, as `orders search` prints it.
    #[arg(value_name = "ORDER")]
    pub(crate) order: OrderUuid,
    /// Institution of the order. Default: the first of the configuration.
    #[arg(long, value_name = "UUID")]
    pub(crate) institution: Option<InstitutionUuid>,
}

#[derive(Debug, Args)]
pub(crate) struct Search {
    /// Patient's name or its beginning: LAST^FIRST^MIDDLE. How the vendor compares is not documented.
    #[arg(long, value_name = "NAME")]
    pub(crate) patient_name: Option<PatientName>,
    /// Patient ID.
    #[arg(long, value_name = "ID")]
    pub(crate) patient_id: Option<PatientId>,
    /// Another ID of the patient.
    #[arg(long, value_name = "ID")]
    pub(crate) other_patient_id: Option<PatientId>,
    /// Accession number.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) accession_number: Option<AccessionNumber>,
    /// Modalities, with commas between them.
    #[arg(long, value_name = "CODES", default_value = "", hide_default_value = true)]
    pub(crate) modality: ModalityList,
    /// First study date: YYYY-MM-DD.
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<Date>,
    /// Last study date: YYYY-MM-DD.
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<Date>,
    /// Date of birth: YYYY-MM-DD.
    #[arg(long, value_name = "DATE", conflicts_with_all = ["birthdate_from", "birthdate_to"])]
    pub(crate) birthdate: Option<Date>,
    /// First date of birth.
    #[arg(long, value_name = "DATE")]
    pub(crate) birthdate_from: Option<Date>,
    /// Last date of birth.
    #[arg(long, value_name = "DATE")]
    pub(crate) birthdate_to: Option<Date>,
    /// Institutions; can be given several times. Default: those of the configuration.
    #[arg(long, value_name = "UUID")]
    pub(crate) institution: Vec<InstitutionUuid>,
}

#[derive(Debug, Args)]
pub(crate) struct Create {
    #[command(flatten)]
    pub(crate) fields: OrderFields,
    /// JSON object with parameters under the vendor's names, such as PatientName; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) parameters: Option<PathBuf>,
    /// Make it even if there is one like it.
    #[arg(long)]
    pub(crate) again: bool,
}

/// What an order says, as far as it is given.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct OrderFields {
    /// Institution of the order. Default: the first of the configuration.
    #[arg(long, value_name = "UUID")]
    pub(crate) institution: Option<InstitutionUuid>,
    /// Patient's name: LAST^FIRST^MIDDLE.
    #[arg(long, value_name = "NAME")]
    pub(crate) patient_name: Option<PatientName>,
    /// Patient ID.
    #[arg(long, value_name = "ID")]
    pub(crate) patient_id: Option<PatientId>,
    /// Another ID of the patient.
    #[arg(long, value_name = "ID")]
    pub(crate) other_patient_id: Option<PatientId>,
    /// Sex: M, F or O.
    #[arg(long)]
    pub(crate) sex: Option<Sex>,
    /// Date of birth: YYYY-MM-DD.
    #[arg(long, value_name = "DATE")]
    pub(crate) birthdate: Option<Date>,
    /// Modality, one code: CT.
    #[arg(long, value_name = "CODE")]
    pub(crate) modality: Option<Modality>,
    /// Study description.
    #[arg(long, value_name = "TEXT")]
    pub(crate) study_description: Option<Text>,
    /// Accession number, 1 to 16 characters.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) accession_number: Option<AccessionNumber>,
    /// What the patient complains of.
    #[arg(long, value_name = "TEXT")]
    pub(crate) complaints: Option<Text>,
    /// When it is to be done: "YYYY-MM-DD HH:MM".
    #[arg(long, value_name = "DATE TIME")]
    pub(crate) scheduled: Option<DateTime>,
    /// ID of the requested procedure.
    #[arg(long, value_name = "ID")]
    pub(crate) procedure_id: Option<Text>,
    /// Description of the requested procedure.
    #[arg(long, value_name = "TEXT")]
    pub(crate) procedure_description: Option<Text>,
    /// Requesting physician.
    #[arg(long, value_name = "NAME")]
    pub(crate) requesting_physician: Option<PatientName>,
    /// Referring physician.
    #[arg(long, value_name = "NAME")]
    pub(crate) referring_physician: Option<PatientName>,
    /// The device it is scheduled for.
    #[arg(long, value_name = "UUID")]
    pub(crate) equipment: Option<EquipmentUuid>,
}

#[derive(Debug, Args)]
pub(crate) struct Assign {
    /// The order.
    #[arg(value_name = "ORDER")]
    pub(crate) order: OrderUuid,
    /// To this user.
    #[arg(long, value_name = "UUID", required_unless_present = "group", conflicts_with = "group")]
    pub(crate) user: Option<UserUuid>,
    /// To this group of users.
    #[arg(long, value_name = "UUID")]
    pub(crate) group: Option<UserGroupUuid>,
}

#[derive(Debug, Args)]
pub(crate) struct Link {
    /// The orders.
    #[arg(required = true, value_name = "ORDER")]
    pub(crate) orders: Vec<OrderUuid>,
    /// Last day of the link: YYYY-MM-DD, or in how many days: 30d.
    #[arg(long, value_name = "DATE")]
    pub(crate) expires: Expiry,
    #[command(flatten)]
    pub(crate) password: Password,
    /// Let the reader download the images.
    #[arg(long)]
    pub(crate) downloadable: bool,
}

/// Where the password of a link is.
#[derive(Debug, Args)]
pub(crate) struct Password {
    /// File with the password of the link; a newline at its end does not count.
    #[arg(long, value_name = "FILE", conflicts_with = "password_env")]
    pub(crate) password_file: Option<PathBuf>,
    /// Environment variable with the password of the link.
    #[arg(long, value_name = "NAME")]
    pub(crate) password_env: Option<String>,
}

/// The last day of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// This day.
    On(Date),
    /// So many days from today (UTC).
    InDays(u16),
}

impl FromStr for Expiry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(days) = text.strip_suffix('d').and_then(|days| days.parse().ok()) {
            return Ok(Self::InDays(days));
        }
        text.parse().map(Self::On).map_err(|_| "write a date, YYYY-MM-DD, or days from today: 30d".to_owned())
    }
}

#[derive(Debug, Args)]
pub(crate) struct Folders {
    #[command(flatten)]
    pub(crate) account: Account,
    #[command(subcommand)]
    pub(crate) action: FoldersAction,
}

/// What to do with folders.
#[derive(Debug, Subcommand)]
pub(crate) enum FoldersAction {
    /// Make a folder, and those of its path that are missing. A folder that is there is left as it is.
    #[command(after_help = "\
Examples:
  dimseway folders create 'Tumour board/2026/November'
  dimseway folders create Teaching --description 'Cases for students'")]
    Create {
        /// Names with slashes between them.
        #[arg(value_name = "PATH")]
        path: FolderPath,
        /// A remark on the last folder, if it is made.
        #[arg(long, value_name = "TEXT")]
        description: Option<Text>,
        /// Make it below this folder. Default: at the top.
        #[arg(long, value_name = "UUID")]
        parent: Option<FolderUuid>,
    },
    /// Find folders by name or by the folder they are in: one line each.
    #[command(after_help = "\
Examples:
  dimseway folders search                    those at the top
  dimseway folders search 2026               by name, or a part of it
  dimseway folders search --parent UUID --orders")]
    Search {
        /// The name, or a part of it.
        #[arg(value_name = "NAME")]
        name: Option<Text>,
        /// Only those right below this folder.
        #[arg(long, value_name = "UUID")]
        parent: Option<FolderUuid>,
        /// The orders in the folder, too.
        #[arg(long)]
        orders: bool,
    },
    /// Show orders in folders. Nothing is copied or moved.
    #[command(after_help = "\
Examples:
  dimseway folders add ORDER --folder 'Tumour board/2026'
  dimseway folders add ORDER1 ORDER2 --folder Teaching --folder-uuid UUID")]
    Add {
        /// The orders.
        #[arg(required = true, value_name = "ORDER")]
        orders: Vec<OrderUuid>,
        /// A folder by its path; can be given several times.
        #[arg(long, value_name = "PATH", required_unless_present = "folder_uuid")]
        folder: Vec<FolderPath>,
        /// A folder by its UUID; can be given several times.
        #[arg(long, value_name = "UUID")]
        folder_uuid: Vec<FolderUuid>,
    },
    /// Make a link to a folder.
    #[command(after_help = "\
Example:
  dimseway folders share --folder 'Tumour board/2026' --expires 30d --password-env LINK_PASSWORD")]
    Share(ShareFolder),
}

#[derive(Debug, Args)]
pub(crate) struct ShareFolder {
    /// The folder by its path.
    #[arg(
        long,
        value_name = "PATH",
        required_unless_present = "folder_uuid",
        conflicts_with = "folder_uuid"
    )]
    pub(crate) folder: Option<FolderPath>,
    /// The folder by its UUID.
    #[arg(long, value_name = "UUID")]
    pub(crate) folder_uuid: Option<FolderUuid>,
    /// Last day of the link: YYYY-MM-DD, or in how many days: 30d. Without it the vendor decides.
    #[arg(long, value_name = "DATE")]
    pub(crate) expires: Option<Expiry>,
    #[command(flatten)]
    pub(crate) password: Password,
    /// Title above the folder.
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<Text>,
    /// A text below the title.
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<Text>,
    /// Let the reader download the images.
    #[arg(long)]
    pub(crate) downloadable: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Tags {
    #[command(flatten)]
    pub(crate) account: Account,
    #[command(subcommand)]
    pub(crate) action: TagsAction,
}

/// What to do with tags.
#[derive(Debug, Subcommand)]
pub(crate) enum TagsAction {
    /// Values of elements of an order's instances, for accounts that the vendor has authorised.
    #[command(after_help = "\
Examples:
  dimseway tags get ORDER PatientName StudyDate
  dimseway tags get ORDER 0018,0050 --series SERIES")]
    Get {
        #[command(flatten)]
        order: One,
        /// Keywords of PS3.6 or tags: StudyDate, 00080020, 0008,0020.
        #[arg(required = true, value_name = "TAG")]
        tags: Vec<String>,
        /// Of this series only.
        #[arg(long, value_name = "UUID")]
        series: Option<SeriesUuid>,
    },
}
