//! A PostDICOM account behind the bridge: what DCMTK stores, finds and retrieves, and what is on the wire.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test says what it expects")]

mod captures;
mod check;
mod command;
mod documentation;
mod find;
mod names;
mod once;
mod retrieve;
mod shapes;
mod store;

use std::path::Path;
use std::process::Output;

use instance::Tag;
use origin::postdicom::{NewOrder, Options};
use tempfile::TempDir;
use tests::account::Account;
use tests::configuration::Configuration;
use tests::daemon::{Daemon, Home};
use tests::instances::{CT_IMAGE_STORAGE, EXPLICIT_VR_LITTLE_ENDIAN, Instance, element};
use tests::sender;

pub(crate) const ACCESSION_NUMBER: Tag = Tag(0x0008, 0x0050);
pub(crate) const MODALITY: Tag = Tag(0x0008, 0x0060);
pub(crate) const PATIENT_NAME: Tag = Tag(0x0010, 0x0010);
pub(crate) const PATIENT_ID: Tag = Tag(0x0010, 0x0020);
pub(crate) const STUDY_DATE: Tag = Tag(0x0008, 0x0020);

/// A daemon in front of an account.
pub(crate) struct Site {
    pub(crate) account: Account,
    pub(crate) home: Home,
    folder: TempDir,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with(|_| {}, Configuration::new())
    }

    /// With an account that behaves otherwise, and more in the configuration.
    pub(crate) fn with(change: impl FnOnce(&mut Options), configuration: Configuration) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let account = Account::start_with(&folder.path().join("archive"), change);
        let home = Home::new(&account.configured(configuration, folder.path()));
        Self { account, home, folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Stores instances through the bridge, and holds what the account keeps against them.
    pub(crate) fn fill(&self, daemon: &Daemon, instances: &[Instance]) {
        sender::store_all(daemon.dimse(), instances);
        self.expect(daemon, instances);
    }

    /// Waits until everything is delivered; the account has these instances byte for byte.
    pub(crate) fn expect(&self, daemon: &Daemon, instances: &[Instance]) {
        daemon.settle();
        for one in instances {
            let uid = &one.sop_instance;
            let file =
                self.account.file(one).unwrap_or_else(|| panic!("{uid} is not there:\n{}", daemon.log()));
            let (meta, start) = instance::part10::read(&file).unwrap();
            assert_eq!(meta.transfer_syntax.uid().as_str(), one.transfer_syntax, "{uid}");
            assert!(file[start..] == one.data_set, "{uid} has other bytes");
        }
    }
}

/// An order with the values that the vendor demands.
pub(crate) fn order(patient_name: &str, patient_id: &str) -> NewOrder {
    NewOrder {
        institution_uuid: "inst-1".to_owned(),
        patient_name: patient_name.to_owned(),
        patient_id: patient_id.to_owned(),
        patient_birthdate: "1980-01-02".to_owned(),
        modality: "CT".to_owned(),
        ..NewOrder::default()
    }
}

/// A slice of a series with some elements, among them Pixel Data that are its own.
pub(crate) fn slice(study: &str, series: &str, number: u32, values: &[(Tag, &str, &str)]) -> Instance {
    let sop_instance = format!("{series}.{number}");
    let number = number.to_string();
    let pixels = sop_instance.repeat(300);
    let mut elements = vec![
        (Tag(0x0008, 0x0005), "CS", "ISO_IR 192"),
        (Tag::SOP_CLASS_UID, "UI", CT_IMAGE_STORAGE),
        (Tag::SOP_INSTANCE_UID, "UI", &sop_instance),
        (Tag::STUDY_INSTANCE_UID, "UI", study),
        (Tag::SERIES_INSTANCE_UID, "UI", series),
        (Tag(0x0020, 0x0013), "IS", &number),
        (Tag(0x7FE0, 0x0010), "OW", &pixels),
    ];
    elements.extend_from_slice(values);
    elements.sort_by_key(|(tag, ..)| *tag);
    let bytes = elements
        .iter()
        .flat_map(|(tag, vr, value)| element(tag.group(), tag.element(), vr, value.as_bytes()));
    Instance {
        sop_class: CT_IMAGE_STORAGE.to_owned(),
        study: study.to_owned(),
        series: series.to_owned(),
        transfer_syntax: EXPLICIT_VR_LITTLE_ENDIAN.to_owned(),
        data_set: bytes.collect(),
        sop_instance,
    }
}

/// Everything a program printed.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
