//! Steps and requests about them, row by row of PS3.4 §F.7.2, and their way to sinks.

mod delivering;
mod requests;

use std::sync::Arc;

use bytes::Bytes;
use dataset::{
    character_set::CharacterSet,
    element::VR,
    identifier::write,
    json::{Element, Item},
};
use dimse::command::{Operation, Response};
use instance::{Encoding, Tag, Uid};
use spool::local::LocalSpool;
use tempfile::TempDir;

use super::{attribute::*, provider::Got, *};
use crate::{config::Mpps, mapping::status::performed_procedure_failed, tests::site::spool_in};

const UID: &str = "1.2.3.4.5";

fn uid() -> Uid {
    UID.parse().unwrap()
}

/// A provider on a spool of its own.
struct Scp {
    provider: Provider,
    mpps: Mpps,
    _directory: Option<TempDir>,
}

/// The answer to a request: its status in words of PS3.7, Error ID, tags and attribute list.
#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    error_id: Option<u16>,
    tags: Vec<Tag>,
    list: Option<Item>,
}

impl Answer {
    const SUCCESS: Self = Self { status: 0, error_id: None, tags: Vec::new(), list: None };

    fn of<T>(done: Result<T, Fault>) -> Self {
        let Err(fault) = done else { return Self::SUCCESS };
        let response = Response::new(Operation::NSet, 1, dimse::Status::SUCCESS);
        let (response, list) = performed_procedure_failed(response, fault);
        Self {
            status: response.status.0,
            error_id: response.error_id,
            tags: response.attribute_identifier_list,
            list,
        }
    }
}

impl Scp {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let scp = Self::on(&spool_in(directory.path()).await, Mpps::default());
        Self { _directory: Some(directory), ..scp }
    }

    fn on(spool: &LocalSpool, mpps: Mpps) -> Self {
        let provider = Provider::new(Arc::new(spool.clone()), Arc::new(spool.clone()));
        Self { provider, mpps, _directory: None }
    }

    async fn create(&self, attributes: &Item) -> Answer {
        let created = self.provider.create(&self.mpps, Some(uid()), data_set(attributes)).await;
        Answer::of(created)
    }

    async fn set(&self, modifications: &Item) -> Answer {
        Answer::of(self.provider.set(&self.mpps, &uid(), data_set(modifications)).await)
    }

    async fn get(&self, tags: &[Tag]) -> Got {
        self.provider.get(&uid(), tags).await.unwrap()
    }
}

fn data_set(item: &Item) -> DataSet<'static> {
    data_set_in(item, &CharacterSet::utf_8())
}

fn data_set_in(item: &Item, character_set: &CharacterSet) -> DataSet<'static> {
    let encoding = Encoding::ExplicitVrLittleEndian;
    let bytes = Bytes::from(write(item, encoding, character_set).bytes);
    DataSet { bytes, encoding, assumed: None }
}

fn item<const N: usize>(elements: [(Tag, Element); N]) -> Item {
    elements.into_iter().collect()
}

fn text(vr: VR, text: &str) -> Element {
    Element::text(vr, text)
}

/// An item of Scheduled Step Attributes Sequence.
fn scheduled(accession_number: &str, step_id: &str) -> Item {
    item([
        (Tag::ACCESSION_NUMBER, text(VR::SH, accession_number)),
        (Tag(0x0008, 0x1110), Element::empty(VR::SQ)),
        (Tag::STUDY_INSTANCE_UID, text(VR::UI, "1.2.3.1")),
        (REQUESTED_PROCEDURE_DESCRIPTION, text(VR::LO, "CT head")),
        (Tag(0x0040, 0x0007), text(VR::LO, "")),
        (Tag(0x0040, 0x0008), Element::empty(VR::SQ)),
        (SCHEDULED_PROCEDURE_STEP_ID, text(VR::SH, step_id)),
        (REQUESTED_PROCEDURE_ID, text(VR::SH, "")),
    ])
}

/// The attribute list of an N-CREATE with all that PS3.4 §F.7.2.1 wants.
pub(crate) fn begun() -> Item {
    let mut item = item([
        (Tag::MODALITY, text(VR::CS, "CT")),
        (Tag::PATIENT_NAME, text(VR::PN, "Doe^Jane")),
        (Tag::PATIENT_ID, text(VR::LO, "4711")),
        (PATIENT_BIRTH_DATE, text(VR::DA, "19700101")),
        (PATIENT_SEX, text(VR::CS, "F")),
        (PERFORMED_STATION_AE_TITLE, text(VR::AE, "CT1")),
        (START_DATE, text(VR::DA, "20261122")),
        (START_TIME, text(VR::TM, "080910")),
        (STATUS, text(VR::CS, "IN PROGRESS")),
        (Tag(0x0040, 0x0253), text(VR::SH, "PPS1")),
        (SCHEDULED_STEP_ATTRIBUTES_SEQUENCE, Element::sequence([scheduled("A1", "S1")])),
    ]);
    for row in
        ROWS.iter().filter(|row| row.create == Type::Two && item.get(row.tag).is_none()).collect::<Vec<_>>()
    {
        let (vr, _) = dataset::element::vr_of(row.tag).unwrap();
        item.insert(row.tag, Element::empty(vr));
    }
    item
}

/// An item of Performed Series Sequence that refers to so many images.
fn series(images: usize) -> Item {
    let reference = |number| {
        item([
            (Tag(0x0008, 0x1150), text(VR::UI, "1.2.840.10008.5.1.4.1.1.2")),
            (Tag(0x0008, 0x1155), text(VR::UI, &format!("1.2.3.9.{number}"))),
        ])
    };
    item([
        (Tag(0x0008, 0x0054), text(VR::AE, "")),
        (Tag(0x0008, 0x103E), text(VR::LO, "")),
        (Tag(0x0008, 0x1050), text(VR::PN, "")),
        (Tag(0x0008, 0x1070), text(VR::PN, "")),
        (Tag(0x0008, 0x1140), Element::sequence((0..images).map(reference))),
        (Tag(0x0018, 0x1030), text(VR::LO, "HEAD")),
        (Tag::SERIES_INSTANCE_UID, text(VR::UI, "1.2.3.2")),
        (Tag(0x0040, 0x0220), Element::empty(VR::SQ)),
    ])
}

/// The modification list of an N-SET that ends a step.
pub(crate) fn ended(status: &str) -> Item {
    item([
        (END_DATE, text(VR::DA, "20261122")),
        (END_TIME, text(VR::TM, "0815")),
        (STATUS, text(VR::CS, status)),
        (PERFORMED_SERIES_SEQUENCE, Element::sequence([series(3)])),
    ])
}

/// The modification list of an N-SET in between.
fn described(description: &str) -> Item {
    item([(DESCRIPTION, text(VR::LO, description))])
}
