//! Orders, folders and links as they are kept.

use std::fmt;

/// What is ordered, with the names that the vendor's DICOMweb guide has for it. Empty is unknown.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct NewOrder {
    /// Institution that it belongs to.
    pub institution_uuid: String,
    /// (0010,0010) Patient's Name.
    pub patient_name: String,
    /// (0010,0020) Patient ID.
    pub patient_id: String,
    /// (0010,1000) Other Patient IDs.
    pub other_patient_id: String,
    /// (0010,0040) Patient's Sex: `M`, `F` or `O`.
    pub patient_sex: String,
    /// (0010,0030) Patient's Birth Date, `YYYY-MM-DD`.
    pub patient_birthdate: String,
    /// (0008,0060) Modality, one code.
    pub modality: String,
    /// (0008,1030) Study Description.
    pub study_description: String,
    /// (0008,0050) Accession Number.
    pub accession_number: String,
    /// What the patient complains of.
    pub patient_complaints: String,
    /// When it is scheduled, `YYYY-MM-DD HH:MM`.
    pub order_scheduled_datetime: String,
    /// (0040,1001) Requested Procedure ID.
    pub requested_procedure_id: String,
    /// (0032,1060) Requested Procedure Description.
    pub requested_procedure_description: String,
    /// (0032,1032) Requesting Physician.
    pub requesting_physician: String,
    /// (0008,0090) Referring Physician's Name.
    pub referring_physicians_name: String,
    /// Device that it is scheduled for.
    pub scheduled_equipment_uuid: String,
}

/// An order, with what became of it. `Debug` shows nothing of a patient.
#[derive(Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Order {
    /// How requests name it.
    pub uuid: String,
    /// What is ordered.
    pub ordered: NewOrder,
    /// Studies that were stored for it: Study Instance UIDs.
    pub studies: Vec<String>,
    /// Instances of those.
    pub instances: u64,
    /// Bytes of those.
    pub bytes: u64,
    /// (0008,0020) Study Date of the first of those, `YYYY-MM-DD`.
    pub study_date: String,
    /// Users that it is assigned to.
    pub users: Vec<String>,
    /// Groups that it is assigned to.
    pub user_groups: Vec<String>,
    /// Folders that it stands in.
    pub folders: Vec<String>,
}

/// A folder that is to be made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewFolder {
    /// Its name for people.
    pub name: String,
    /// A remark.
    pub description: String,
    /// Folder that it stands in; empty at the top.
    pub parent_uuid: String,
}

/// A folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Folder {
    /// How requests name it.
    pub uuid: String,
    /// What it was made as.
    pub made: NewFolder,
    /// Orders in it.
    pub order_count: u64,
    /// Orders in it and in all below it.
    pub all_sub_order_count: u64,
    /// Folders right below it.
    pub sub_folder_count: u64,
    /// All folders below it.
    pub all_sub_folder_count: u64,
    /// Whether there is a link to it.
    pub is_shared: bool,
}

/// What a link leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shared {
    /// Orders, by `CreateShareLink`.
    Link(Vec<String>),
    /// Orders, by `SharePatientOrderWithUrl`.
    Orders(Vec<String>),
    /// A folder.
    Folder(String),
}

/// A link. `Debug` keeps its password back.
#[derive(Clone, PartialEq, Eq)]
pub struct Share {
    /// How its URL names it.
    pub uuid: String,
    /// What it leads to.
    pub shared: Shared,
    /// Last day on which it leads there, `YYYY-MM-DD`; empty for ever.
    pub expire_date: String,
    /// What one has to know; empty: it is public.
    pub password: String,
    /// Whether studies can be downloaded.
    pub downloadable: bool,
    /// Title of a shared folder.
    pub title: String,
    /// A remark about a shared folder.
    pub description: String,
}

impl fmt::Debug for NewOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewOrder").field("institution_uuid", &self.institution_uuid).finish_non_exhaustive()
    }
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order").field("uuid", &self.uuid).finish_non_exhaustive()
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { uuid, shared, expire_date, downloadable, .. } = self;
        f.debug_struct("Share")
            .field("uuid", uuid)
            .field("shared", shared)
            .field("expire_date", expire_date)
            .field("downloadable", downloadable)
            .finish_non_exhaustive()
    }
}
